package objects

import (
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"tunebench/backend/localaws/wire"
)

type completedPart struct {
	PartNumber        int
	ETag              string
	ChecksumCRC32     string
	ChecksumCRC32C    string
	ChecksumCRC64NVME string
	ChecksumSHA1      string
	ChecksumSHA256    string
}

func (p completedPart) checksums() map[string]string {
	return map[string]string{"CRC32": p.ChecksumCRC32, "CRC32C": p.ChecksumCRC32C,
		"CRC64NVME": p.ChecksumCRC64NVME, "SHA1": p.ChecksumSHA1, "SHA256": p.ChecksumSHA256}
}

// completeUpload joins the parts that the caller lists into the object.
func (s *Store) completeUpload(ctx context.Context, r *wire.Request) (any, error) {
	u, dir, err := s.upload(r)
	if err != nil {
		return nil, err
	}
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	var in struct {
		Parts []completedPart `xml:"Part"`
	}
	if err := xml.Unmarshal(body, &in); err != nil || len(in.Parts) == 0 {
		return nil, malformedXML()
	}
	chosen, err := choose(dir, in.Parts)
	if err != nil {
		return nil, err
	}
	joined := &partReader{dir: dir, parts: chosen}
	defer joined.close()
	h := r.HTTP.Header
	o := PutOptions{ContentType: u.Type, Metadata: u.Metadata, headers: u.Headers, multipart: u.assemble(chosen),
		ifNoneHere: h.Get("If-None-Match") == "*", ifMatch: h.Get("If-Match")}
	var source io.Reader = joined
	if u.Whole && u.Algorithm != fullChecksum {
		sum := wire.NewChecksum(u.Algorithm)
		source = io.TeeReader(joined, sum)
		o.multipart.whole = func() map[string]string {
			return map[string]string{u.Algorithm: base64.StdEncoding.EncodeToString(sum.Sum(nil))}
		}
	}
	obj, err := s.Put(ctx, r.Params["Bucket"], u.Key, source, o)
	if err != nil {
		return nil, err
	}
	// The object is there; a folder that stays behind is only wasted space.
	s.mu.Lock()
	os.RemoveAll(dir)
	s.mu.Unlock()
	return struct {
		XMLName           xml.Name `xml:"CompleteMultipartUploadResult"`
		Xmlns             string   `xml:"xmlns,attr"`
		Location          string
		Bucket, Key, ETag string
		ChecksumCRC32     string `xml:",omitempty"`
		ChecksumCRC32C    string `xml:",omitempty"`
		ChecksumCRC64NVME string `xml:",omitempty"`
		ChecksumSHA1      string `xml:",omitempty"`
		ChecksumSHA256    string `xml:",omitempty"`
		ChecksumType      string
	}{Xmlns: xmlNamespace, Location: "http://" + r.HTTP.Host + r.HTTP.URL.EscapedPath(), Bucket: obj.Bucket, Key: obj.Key, ETag: obj.ETag,
		ChecksumCRC32: obj.Checksums["CRC32"], ChecksumCRC32C: obj.Checksums["CRC32C"], ChecksumCRC64NVME: obj.Checksums["CRC64NVME"],
		ChecksumSHA1: obj.Checksums["SHA1"], ChecksumSHA256: obj.Checksums["SHA256"], ChecksumType: obj.checksumType()}, nil
}

// choose checks the caller's list against what was uploaded.
func choose(dir string, list []completedPart) ([]part, error) {
	have, err := parts(dir)
	if err != nil {
		return nil, err
	}
	for i, want := range list {
		if i > 0 && want.PartNumber <= list[i-1].PartNumber {
			return nil, wire.Errorf(400, "InvalidPartOrder", "The list of parts was not in ascending order. Parts must be ordered by part number.")
		}
	}
	var out []part
	for i, want := range list {
		p, ok := have[want.PartNumber]
		ok = ok && strings.Trim(p.ETag, `"`) == strings.Trim(want.ETag, `"`)
		for alg, sum := range want.checksums() {
			ok = ok && (sum == "" || p.Checksums[alg] == "" || p.Checksums[alg] == sum)
		}
		if !ok {
			e := wire.Errorf(400, "InvalidPart", "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.")
			e.Fields = map[string]any{"PartNumber": want.PartNumber, "ETag": strings.Trim(want.ETag, `"`)}
			return nil, e
		}
		if p.Size < minPartSize && i < len(list)-1 {
			e := wire.Errorf(400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
			e.Fields = map[string]any{"PartNumber": p.Number, "ProposedSize": p.Size, "MinSizeAllowed": minPartSize}
			return nil, e
		}
		out = append(out, p)
	}
	return out, nil
}

// assemble makes what the parts alone determine: the ETag, the sizes and, for
// a composite checksum, the checksum.
func (u upload) assemble(chosen []part) *assembled {
	a := &assembled{}
	md := md5.New()
	for _, p := range chosen {
		raw, _ := hex.DecodeString(strings.Trim(p.ETag, `"`)) // our own hexadecimal
		md.Write(raw)
		a.parts = append(a.parts, p.Size)
	}
	a.etag = fmt.Sprintf(`"%s-%d"`, hex.EncodeToString(md.Sum(nil)), len(chosen))
	if u.Algorithm == "" || u.Whole {
		return a
	}
	sum := wire.NewChecksum(u.Algorithm)
	for _, p := range chosen {
		raw, _ := base64.StdEncoding.DecodeString(p.Checksums[u.Algorithm]) // verified when it came
		sum.Write(raw)
	}
	a.checksums = map[string]string{u.Algorithm: base64.StdEncoding.EncodeToString(sum.Sum(nil)) + "-" + strconv.Itoa(len(chosen))}
	return a
}

// partReader reads parts one after the other with one open file.
type partReader struct {
	dir   string
	parts []part
	f     *os.File
}

// Read reads on, over the borders of parts.
func (r *partReader) Read(p []byte) (int, error) {
	for {
		if r.f == nil {
			if len(r.parts) == 0 {
				return 0, io.EOF
			}
			f, err := os.Open(filepath.Join(r.dir, r.parts[0].File))
			if err != nil {
				return 0, noUpload() // completed or aborted at the same time
			}
			r.f, r.parts = f, r.parts[1:]
		}
		n, err := r.f.Read(p)
		if err != io.EOF {
			return n, err
		}
		r.close()
		if n > 0 {
			return n, nil
		}
	}
}

func (r *partReader) close() {
	if r.f != nil {
		r.f.Close()
		r.f = nil
	}
}
