package objects

import (
	"context"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"tunebench/backend/localaws/wire"
)

const xmlNamespace = "http://s3.amazonaws.com/doc/2006-03-01/"

// keptHeaders are stored with an object and sent with it.
var keptHeaders = []string{"Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Expires"}

const metaPrefix = "X-Amz-Meta-"

// Register adds the operations of S3 that the account has.
func (s *Store) Register(m *wire.Mux) {
	for name, h := range map[string]wire.Handler{
		"ListBuckets":             s.listBuckets,
		"CreateBucket":            s.handleCreateBucket,
		"HeadBucket":              s.headBucket,
		"GetBucketLocation":       s.bucketLocation,
		"DeleteBucket":            s.handleDeleteBucket,
		"PutObject":               s.putObject,
		"GetObject":               s.getObject,
		"HeadObject":              s.getObject,
		"DeleteObject":            s.deleteObject,
		"DeleteObjects":           s.deleteObjects,
		"CopyObject":              s.copyObject,
		"ListObjects":             s.listObjectsV1,
		"ListObjectsV2":           s.listObjectsV2,
		"CreateMultipartUpload":   s.createUpload,
		"UploadPart":              s.uploadPart,
		"UploadPartCopy":          s.uploadPartCopy,
		"CompleteMultipartUpload": s.completeUpload,
		"AbortMultipartUpload":    s.abortUpload,
		"ListParts":               s.listParts,
	} {
		m.Handle(wire.S3, name, h)
	}
}

type owner struct {
	ID          string
	DisplayName string
}

var theOwner = owner{ID: wire.UserID, DisplayName: "local"}

func (s *Store) listBuckets(_ context.Context, r *wire.Request) (any, error) {
	type entry struct {
		Name         string
		CreationDate string
		BucketRegion string `xml:",omitempty"`
	}
	out := struct {
		XMLName xml.Name `xml:"ListAllMyBucketsResult"`
		Xmlns   string   `xml:"xmlns,attr"`
		Owner   owner
		Buckets []entry `xml:"Buckets>Bucket"`
		Prefix  string  `xml:",omitempty"`
	}{Xmlns: xmlNamespace, Owner: theOwner, Prefix: r.HTTP.URL.Query().Get("prefix")}
	for _, b := range s.Buckets() {
		if strings.HasPrefix(b.Name, out.Prefix) {
			out.Buckets = append(out.Buckets, entry{b.Name, wire.FormatISO(b.Created), b.Region})
		}
	}
	return out, nil
}

func (s *Store) handleCreateBucket(_ context.Context, r *wire.Request) (any, error) {
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	var in struct{ LocationConstraint string }
	if len(body) > 0 {
		if err := xml.Unmarshal(body, &in); err != nil {
			return nil, malformedXML()
		}
	}
	region := in.LocationConstraint
	if region == "" {
		region = r.Region
	}
	name := r.Params["Bucket"]
	if region == "us-east-1" && s.BucketExists(name) { // there, creating one's own bucket again is no error
		return located(name), nil
	}
	if err := s.createBucket(name, region); err != nil {
		return nil, err
	}
	return located(name), nil
}

func located(bucket string) *wire.Raw {
	return &wire.Raw{Header: http.Header{"Location": {"/" + bucket}}}
}

func (s *Store) regionOf(r *wire.Request) (string, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b := s.buckets[r.Params["Bucket"]]
	switch {
	case b == nil:
		return "", noBucket(r.Params["Bucket"])
	case b.Region == "":
		return r.Region, nil
	}
	return b.Region, nil
}

func (s *Store) headBucket(_ context.Context, r *wire.Request) (any, error) {
	region, err := s.regionOf(r)
	if err != nil {
		return nil, err
	}
	return &wire.Raw{Header: http.Header{"X-Amz-Bucket-Region": {region}, "Content-Type": {"application/xml"}}}, nil
}

func (s *Store) bucketLocation(_ context.Context, r *wire.Request) (any, error) {
	region, err := s.regionOf(r)
	if err != nil {
		return nil, err
	}
	if region == "us-east-1" { // the oldest region has no name here
		region = ""
	}
	return struct {
		XMLName xml.Name `xml:"LocationConstraint"`
		Xmlns   string   `xml:"xmlns,attr"`
		Region  string   `xml:",chardata"`
	}{Xmlns: xmlNamespace, Region: region}, nil
}

func (s *Store) handleDeleteBucket(_ context.Context, r *wire.Request) (any, error) {
	return nil, s.DeleteBucket(r.Params["Bucket"])
}

// readBody reads a small XML body to its verified end.
func readBody(r *wire.Request) ([]byte, error) {
	const limit = 4 << 20
	b, err := io.ReadAll(io.LimitReader(r.HTTP.Body, limit+1))
	if err != nil {
		return nil, err
	}
	if len(b) > limit {
		return nil, malformedXML()
	}
	return b, nil
}

func malformedXML() error {
	return wire.Errorf(400, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
}

// described takes what headers say of a new object.
func described(h http.Header) PutOptions {
	o := PutOptions{ContentType: h.Get("Content-Type")}
	for _, name := range keptHeaders {
		v := h.Get(name)
		if name == "Content-Encoding" { // aws-chunked is about the transfer
			parts := strings.Split(v, ",")
			parts = slices.DeleteFunc(parts, func(p string) bool {
				p = strings.TrimSpace(p)
				return p == "aws-chunked" || p == ""
			})
			v = strings.TrimSpace(strings.Join(parts, ","))
		}
		if v != "" {
			if o.headers == nil {
				o.headers = map[string]string{}
			}
			o.headers[name] = v
		}
	}
	for name, values := range h {
		if meta, ok := strings.CutPrefix(name, metaPrefix); ok {
			if o.Metadata == nil {
				o.Metadata = map[string]string{}
			}
			o.Metadata[strings.ToLower(meta)] = strings.Join(values, ",")
		}
	}
	return o
}

func (s *Store) putObject(ctx context.Context, r *wire.Request) (any, error) {
	h := r.HTTP.Header
	o := described(h)
	o.checksums = r.Checksums
	o.ifNoneHere = h.Get("If-None-Match") == "*"
	o.ifMatch = h.Get("If-Match")
	obj, err := s.Put(ctx, r.Params["Bucket"], r.Params["Key"], r.HTTP.Body, o)
	if err != nil {
		return nil, err
	}
	out := http.Header{"Etag": {obj.ETag}, "X-Amz-Server-Side-Encryption": {"AES256"}}
	checksumHeaders(out, obj)
	return &wire.Raw{Header: out}, nil
}

func checksumHeaders(h http.Header, o Object) {
	for alg, sum := range o.Checksums {
		h.Set("X-Amz-Checksum-"+alg, sum)
	}
	if len(o.Checksums) > 0 {
		h.Set("X-Amz-Checksum-Type", o.checksumType())
	}
}

func (o Object) checksumType() string {
	if o.Composite {
		return "COMPOSITE"
	}
	return "FULL_OBJECT"
}

var oneRange = regexp.MustCompile(`\Abytes=(\d+-\d*|-\d+)\z`)

// getObject answers GetObject and HeadObject.
func (s *Store) getObject(ctx context.Context, r *wire.Request) (any, error) {
	in, err := s.Get(ctx, r.Params["Bucket"], r.Params["Key"])
	if err != nil {
		return nil, err
	}
	return wire.Direct(func(w http.ResponseWriter, req *http.Request) error {
		defer in.Close()
		o := in.Object
		q := req.URL.Query()
		if match := req.Header.Get("If-Match"); match != "" && match != "*" && match != o.ETag && match != strings.Trim(o.ETag, `"`) {
			return wire.Errorf(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
		}
		h := w.Header()
		if err := rangeFor(req, q, o, h); err != nil {
			return err
		}
		objectHeaders(h, o)
		for _, name := range append([]string{"Content-Type"}, keptHeaders...) {
			if v := q.Get("response-" + strings.ToLower(name)); v != "" {
				h.Set(name, v)
			}
		}
		if req.Header.Get("X-Amz-Checksum-Mode") == "ENABLED" && req.Header.Get("Range") == "" {
			checksumHeaders(h, o)
		}
		if h.Get("Content-Encoding") != "" && req.Header.Get("Range") == "" {
			h.Set("Content-Length", strconv.FormatInt(o.Size, 10)) // ServeContent leaves it out then
		}
		http.ServeContent(bodiless{w}, req, "", o.Modified, in)
		return nil
	}), nil
}

// bodiless takes the checksums of the object off an answer that does not
// carry it; clients would check them against nothing.
type bodiless struct{ http.ResponseWriter }

// WriteHeader sends the headers.
func (w bodiless) WriteHeader(status int) {
	if status >= 300 {
		h := w.Header()
		for _, alg := range wire.Algorithms {
			h.Del("X-Amz-Checksum-" + alg)
		}
		h.Del("X-Amz-Checksum-Type")
	}
	w.ResponseWriter.WriteHeader(status)
}

func objectHeaders(h http.Header, o Object) {
	h.Set("Etag", o.ETag)
	h.Set("Content-Type", o.ContentType)
	h.Set("X-Amz-Server-Side-Encryption", "AES256")
	for name, v := range o.Headers {
		h.Set(name, v)
	}
	for name, v := range o.Metadata {
		h.Set(metaPrefix+name, v)
	}
}

// rangeFor turns a part number into a range and settles ranges that S3 answers
// in its own way: unusable ones are ignored, those past the end are an error.
func rangeFor(req *http.Request, q url.Values, o Object, h http.Header) error {
	if v := q.Get("partNumber"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > max(1, len(o.Parts)) {
			return wire.Errorf(416, "InvalidPartNumber", "The requested partnumber is not satisfiable")
		}
		start, size := int64(0), o.Size
		if len(o.Parts) > 0 {
			h.Set("X-Amz-Mp-Parts-Count", strconv.Itoa(len(o.Parts)))
			for _, p := range o.Parts[:n-1] {
				start += p
			}
			size = o.Parts[n-1]
		}
		if size > 0 {
			req.Header.Set("Range", "bytes="+strconv.FormatInt(start, 10)+"-"+strconv.FormatInt(start+size-1, 10))
		}
		return nil
	}
	v := req.Header.Get("Range")
	if v == "" {
		return nil
	}
	m := oneRange.FindStringSubmatch(v)
	if m == nil {
		req.Header.Del("Range")
		return nil
	}
	first, last, _ := strings.Cut(m[1], "-")
	start, err := strconv.ParseInt(first, 10, 64)
	end, endErr := strconv.ParseInt(last, 10, 64)
	if err == nil && endErr == nil && end < start {
		req.Header.Del("Range")
		return nil
	}
	if first != "" && (err != nil || start >= o.Size) || first == "" && (end == 0 || o.Size == 0) {
		h.Set("Content-Range", "bytes */"+strconv.FormatInt(o.Size, 10))
		e := wire.Errorf(416, "InvalidRange", "The requested range is not satisfiable")
		e.Fields = map[string]any{"RangeRequested": v, "ActualObjectSize": o.Size}
		return e
	}
	return nil
}

func (s *Store) deleteObject(ctx context.Context, r *wire.Request) (any, error) {
	return nil, s.Delete(ctx, r.Params["Bucket"], r.Params["Key"])
}

func (s *Store) deleteObjects(ctx context.Context, r *wire.Request) (any, error) {
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	var in struct {
		Objects []struct{ Key string } `xml:"Object"`
		Quiet   bool
	}
	if err := xml.Unmarshal(body, &in); err != nil || len(in.Objects) == 0 || len(in.Objects) > 1000 {
		return nil, malformedXML()
	}
	type deleted struct{ Key string }
	type failed struct{ Key, Code, Message string }
	out := struct {
		XMLName xml.Name  `xml:"DeleteResult"`
		Xmlns   string    `xml:"xmlns,attr"`
		Deleted []deleted `xml:",omitempty"`
		Error   []failed  `xml:",omitempty"`
	}{Xmlns: xmlNamespace}
	if !s.BucketExists(r.Params["Bucket"]) {
		return nil, noBucket(r.Params["Bucket"])
	}
	for _, o := range in.Objects {
		switch err := s.Delete(ctx, r.Params["Bucket"], o.Key); {
		case err != nil:
			out.Error = append(out.Error, failed{o.Key, "InternalError", err.Error()})
		case !in.Quiet:
			out.Deleted = append(out.Deleted, deleted{o.Key})
		}
	}
	return out, nil
}

// source opens what x-amz-copy-source names and checks its conditions.
func (s *Store) source(ctx context.Context, h http.Header) (*Reader, error) {
	text, _, _ := strings.Cut(h.Get("X-Amz-Copy-Source"), "?")
	text, err := url.PathUnescape(text)
	bucketName, key, ok := strings.Cut(strings.TrimPrefix(text, "/"), "/")
	if err != nil || !ok || key == "" {
		return nil, wire.Errorf(400, "InvalidArgument", "Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
	}
	in, err := s.Get(ctx, bucketName, key)
	if err != nil {
		return nil, err
	}
	o := in.Object
	since := func(name string) (time.Time, bool) {
		t, err := http.ParseTime(h.Get(name))
		return t, err == nil
	}
	modified := o.Modified.Truncate(time.Second)
	ifMatch, ifNone := h.Get("X-Amz-Copy-Source-If-Match"), h.Get("X-Amz-Copy-Source-If-None-Match")
	after, hasAfter := since("X-Amz-Copy-Source-If-Modified-Since")
	before, hasBefore := since("X-Amz-Copy-Source-If-Unmodified-Since")
	if ifMatch != "" && ifMatch != o.ETag || ifNone != "" && ifNone == o.ETag ||
		hasAfter && !modified.After(after) || hasBefore && ifMatch == "" && modified.After(before) {
		in.Close()
		return nil, wire.Errorf(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
	}
	return in, nil
}

func (s *Store) copyObject(ctx context.Context, r *wire.Request) (any, error) {
	h := r.HTTP.Header
	in, err := s.source(ctx, h)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	src := in.Object
	o := PutOptions{ContentType: src.ContentType, Metadata: src.Metadata, headers: src.Headers}
	if h.Get("X-Amz-Metadata-Directive") == "REPLACE" {
		o = described(h)
	} else if src.Bucket == r.Params["Bucket"] && src.Key == r.Params["Key"] {
		return nil, wire.Errorf(400, "InvalidRequest", "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.")
	}
	obj, err := s.Put(ctx, r.Params["Bucket"], r.Params["Key"], in, o)
	if err != nil {
		return nil, err
	}
	return copied("CopyObjectResult", obj.Modified, obj.ETag), nil
}

type copyResult struct {
	XMLName      xml.Name
	Xmlns        string `xml:"xmlns,attr"`
	LastModified string
	ETag         string
}

func copied(name string, at time.Time, etag string) copyResult {
	return copyResult{XMLName: xml.Name{Local: name}, Xmlns: xmlNamespace, LastModified: wire.FormatISO(at), ETag: etag}
}
