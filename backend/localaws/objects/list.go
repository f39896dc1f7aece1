package objects

import (
	"context"
	"encoding/base64"
	"encoding/xml"
	"net/url"
	"strconv"
	"strings"

	"tunebench/backend/localaws/wire"
)

const maxListed = 1000

// listing is one page of a bucket: objects, and the folders that a delimiter
// makes of the rest.
type listing struct {
	objects   []Object
	prefixes  []string
	last      string // the last key or folder of the page
	truncated bool
}

// page lists what comes after marker. skipFolder says that marker is the last
// entry of an earlier page: when it is a folder, all of the folder was listed.
func (s *Store) page(bucketName, prefix, delimiter, marker string, skipFolder bool, limit int) (listing, error) {
	keys, err := s.sortedKeys(bucketName)
	if err != nil {
		return listing{}, err
	}
	var out listing
	skip := ""
	if skipFolder && delimiter != "" && strings.HasSuffix(marker, delimiter) {
		skip = marker
	}
	count := 0
	for _, k := range keys[lowerBound(keys, max(prefix, marker)):] {
		if !strings.HasPrefix(k, prefix) {
			break
		}
		if marker != "" && k <= marker || skip != "" && strings.HasPrefix(k, skip) {
			continue
		}
		folder := ""
		if i := strings.Index(k[len(prefix):], delimiter); delimiter != "" && i >= 0 {
			folder = k[:len(prefix)+i+len(delimiter)]
		}
		if folder != "" && folder == out.last && len(out.prefixes) > 0 {
			continue // counted already
		}
		if count == limit {
			out.truncated = true
			break
		}
		if folder != "" {
			out.prefixes = append(out.prefixes, folder)
			out.last = folder
			count++
			continue
		}
		o, err := s.object(bucketName, k)
		if err != nil { // deleted since the keys were read
			continue
		}
		out.objects = append(out.objects, o)
		out.last = k
		count++
	}
	return out, nil
}

type content struct {
	Key               string
	LastModified      string
	ETag              string
	ChecksumAlgorithm []string `xml:",omitempty"`
	ChecksumType      string   `xml:",omitempty"`
	Size              int64
	StorageClass      string
	Owner             *owner
}

type commonPrefix struct{ Prefix string }

type listResult struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	Xmlns                 string   `xml:"xmlns,attr"`
	Name                  string
	Prefix                string
	Marker                *string
	NextMarker            string `xml:",omitempty"`
	StartAfter            string `xml:",omitempty"`
	ContinuationToken     string `xml:",omitempty"`
	NextContinuationToken string `xml:",omitempty"`
	KeyCount              *int
	MaxKeys               int
	Delimiter             string `xml:",omitempty"`
	EncodingType          string `xml:",omitempty"`
	IsTruncated           bool
	Contents              []content
	CommonPrefixes        []commonPrefix
}

// listRequest is what both list operations read from the query.
func (s *Store) listRequest(q url.Values, bucketName string) (*listResult, func(string) string, error) {
	limit := maxListed
	if v := q.Get("max-keys"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 {
			return nil, nil, wire.Errorf(400, "InvalidArgument", "max-keys must be a number from 0 to 2147483647")
		}
		limit = min(n, maxListed)
	}
	encode := func(s string) string { return s }
	switch q.Get("encoding-type") {
	case "":
	case "url":
		encode = urlEncode
	default:
		return nil, nil, wire.Errorf(400, "InvalidArgument", "Invalid Encoding Method specified in Request")
	}
	return &listResult{Xmlns: xmlNamespace, Name: bucketName, Prefix: encode(q.Get("prefix")), MaxKeys: limit,
		Delimiter: encode(q.Get("delimiter")), EncodingType: q.Get("encoding-type")}, encode, nil
}

// urlEncode escapes so that decoders with and without "+" for a space agree.
func urlEncode(s string) string {
	s = url.QueryEscape(s)
	return strings.NewReplacer("+", "%20", "%2F", "/").Replace(s)
}

func (out *listResult) fill(l listing, encode func(string) string, withOwner bool) {
	out.IsTruncated = l.truncated
	for _, o := range l.objects {
		c := content{Key: encode(o.Key), LastModified: wire.FormatISO(o.Modified), ETag: o.ETag, Size: o.Size, StorageClass: "STANDARD"}
		for alg := range o.Checksums {
			c.ChecksumAlgorithm = append(c.ChecksumAlgorithm, alg)
			c.ChecksumType = o.checksumType()
		}
		if withOwner {
			c.Owner = &theOwner
		}
		out.Contents = append(out.Contents, c)
	}
	for _, p := range l.prefixes {
		out.CommonPrefixes = append(out.CommonPrefixes, commonPrefix{encode(p)})
	}
}

func (s *Store) listObjectsV2(_ context.Context, r *wire.Request) (any, error) {
	q := r.HTTP.URL.Query()
	out, encode, err := s.listRequest(q, r.Params["Bucket"])
	if err != nil {
		return nil, err
	}
	marker, token := q.Get("start-after"), q.Get("continuation-token")
	if q.Has("continuation-token") {
		raw, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil || len(raw) == 0 {
			return nil, wire.Errorf(400, "InvalidArgument", "The continuation token provided is incorrect")
		}
		marker = string(raw)
	}
	l, err := s.page(out.Name, q.Get("prefix"), q.Get("delimiter"), marker, token != "", out.MaxKeys)
	if err != nil {
		return nil, err
	}
	out.fill(l, encode, q.Get("fetch-owner") == "true")
	count := len(l.objects) + len(l.prefixes)
	out.KeyCount, out.ContinuationToken, out.StartAfter = &count, token, encode(q.Get("start-after"))
	if l.truncated && l.last != "" {
		out.NextContinuationToken = base64.RawURLEncoding.EncodeToString([]byte(l.last))
	}
	out.IsTruncated = out.NextContinuationToken != ""
	return out, nil
}

func (s *Store) listObjectsV1(_ context.Context, r *wire.Request) (any, error) {
	q := r.HTTP.URL.Query()
	out, encode, err := s.listRequest(q, r.Params["Bucket"])
	if err != nil {
		return nil, err
	}
	l, err := s.page(out.Name, q.Get("prefix"), q.Get("delimiter"), q.Get("marker"), true, out.MaxKeys)
	if err != nil {
		return nil, err
	}
	out.fill(l, encode, true)
	marker := encode(q.Get("marker"))
	out.Marker = &marker
	out.IsTruncated = l.truncated && l.last != ""
	if out.IsTruncated && q.Get("delimiter") != "" {
		out.NextMarker = encode(l.last)
	}
	return out, nil
}
