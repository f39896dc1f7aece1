package wire

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// resolveS3 finds bucket, key and operation, in path style or with the bucket
// in the host name.
func resolveS3(r *http.Request, t *target) {
	path := strings.TrimPrefix(r.URL.EscapedPath(), "/")
	bucket := hostBucket(r.Host)
	key := path
	if bucket == "" {
		bucket, key, _ = strings.Cut(path, "/")
	}
	t.asked = r.Method + " " + r.URL.Path
	var err error
	if bucket, err = url.PathUnescape(bucket); err != nil {
		return
	}
	if key, err = url.PathUnescape(key); err != nil {
		return
	}
	t.labels = map[string]string{"Bucket": bucket, "Key": key}
	q := r.URL.Query()
	switch {
	case bucket == "":
		if r.Method == http.MethodGet {
			t.operation = "ListBuckets"
		}
	case key == "":
		t.operation = bucketOperation(r, q)
	default:
		t.operation = objectOperation(r, q)
	}
}

func bucketOperation(r *http.Request, q url.Values) string {
	if op := subresource(r.Method, "/{Bucket}", q); op != "" {
		return op
	}
	switch r.Method {
	case http.MethodGet:
		if q.Get("list-type") == "2" {
			return "ListObjectsV2"
		}
		return "ListObjects"
	case http.MethodPut:
		return "CreateBucket"
	case http.MethodHead:
		return "HeadBucket"
	case http.MethodDelete:
		return "DeleteBucket"
	}
	return ""
}

func objectOperation(r *http.Request, q url.Values) string {
	upload := q.Has("uploadId")
	switch {
	case r.Method == http.MethodPut && upload && r.Header.Get("X-Amz-Copy-Source") != "":
		return "UploadPartCopy"
	case r.Method == http.MethodPut && upload:
		return "UploadPart"
	case r.Method == http.MethodGet && upload:
		return "ListParts"
	case r.Method == http.MethodPost && upload:
		return "CompleteMultipartUpload"
	case r.Method == http.MethodDelete && upload:
		return "AbortMultipartUpload"
	}
	if op := subresource(r.Method, "/{Bucket}/{Key+}", q); op != "" {
		return op
	}
	switch r.Method {
	case http.MethodPut:
		if r.Header.Get("X-Amz-Copy-Source") != "" {
			return "CopyObject"
		}
		return "PutObject"
	case http.MethodGet:
		return "GetObject"
	case http.MethodHead:
		return "HeadObject"
	case http.MethodDelete:
		return "DeleteObject"
	}
	return ""
}

// subresource finds the operations that the model tells apart by a bare query
// name, such as "?uploads" or "?policy".
func subresource(method, path string, q url.Values) string {
	found := ""
	for name, op := range models().Services[S3].Operations {
		p, query, ok := strings.Cut(op.URI, "?")
		if !ok || op.Method != method || p != path || strings.Contains(query, "=") {
			continue
		}
		// Two names may share a path (an old and a new form): take the first in order.
		if q.Has(query) && (found == "" || slices.Compare([]string{name}, []string{found}) < 0) {
			found = name
		}
	}
	return found
}

// hostBucket returns the bucket of a virtual-hosted request, "" for path style.
func hostBucket(host string) string {
	host = hostName(host)
	for _, base := range []string{".localhost", ".local.invalid"} {
		if bucket, ok := strings.CutSuffix(host, base); ok {
			if bucket == "s3" {
				return ""
			}
			return strings.TrimSuffix(bucket, ".s3")
		}
	}
	if !strings.HasSuffix(host, ".amazonaws.com") {
		return ""
	}
	if i := strings.LastIndex(host, ".s3."); i > 0 {
		return host[:i]
	}
	if i := strings.LastIndex(host, ".s3-"); i > 0 {
		return host[:i]
	}
	return ""
}
