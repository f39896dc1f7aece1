package wire

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
)

//go:embed models/service-models.json.gz
var modelData []byte

// protocol is how a service writes requests, answers and errors.
type protocol int

const (
	protoREST  protocol = iota // restJson1
	protoJSON                  // awsJson1.0 and 1.1
	protoQuery                 // awsQuery
	protoXML                   // S3
	protoEC2                   // EC2's dialect of awsQuery
	protoCBOR                  // rpcv2Cbor
)

// catalog is the embedded description of the services, read once.
type catalog struct {
	Botocore string
	Services map[string]*service
}

type service struct {
	Protocol, Signing, Target string
	Operations                map[string]*operation
	Errors                    map[string]int
	Shapes                    map[string]*shape
	routes                    []route
}

type operation struct {
	Method, URI string
	Status      int
	Input       string
}

type shape struct {
	Type              string
	Required          []string
	Members           map[string]*reference
	Member            *reference
	Key, Value        *reference
	Min, Max          *float64
	Pattern           string
	Enum              []string
	Document          bool
	Payload           string
	TimestampFormat   string
	compileOnce       sync.Once
	compiled          *regexp.Regexp
	locatedOutOfBody  bool
	memberNamesSorted []string
}

type reference struct {
	Shape, Location, LocationName string
	Streaming                     bool
}

// route is one method and path of a restJson service.
type route struct {
	operation, method string
	segments          []string
}

var models = sync.OnceValue(func() *catalog {
	z, err := gzip.NewReader(bytes.NewReader(modelData))
	if err != nil {
		panic("wire: embedded service models: " + err.Error())
	}
	c := &catalog{}
	if err := json.NewDecoder(z).Decode(c); err != nil {
		panic("wire: embedded service models: " + err.Error())
	}
	for _, s := range c.Services {
		s.prepare()
	}
	return c
})

func (s *service) prepare() {
	for name, op := range s.Operations {
		if op.Method == "" {
			op.Method, op.URI = "POST", "/"
		}
		if s.Protocol == "rest-json" {
			s.routes = append(s.routes, route{name, op.Method, strings.Split(strings.Trim(op.URI, "/"), "/")})
		}
	}
	// Literal segments win over labels: "{" sorts after every letter.
	slices.SortFunc(s.routes, func(a, b route) int { return slices.Compare(a.segments, b.segments) })
	for _, sh := range s.Shapes {
		for name, m := range sh.Members {
			sh.memberNamesSorted = append(sh.memberNamesSorted, name)
			sh.locatedOutOfBody = sh.locatedOutOfBody || m.Location != ""
		}
		slices.Sort(sh.memberNamesSorted)
	}
}

// input returns the input shape of an operation, or nil when it has none or
// its input is not described.
func (s *service) input(name string) *shape {
	if s == nil {
		return nil
	}
	op := s.Operations[name]
	if op == nil || op.Input == "" {
		return nil
	}
	return s.Shapes[op.Input]
}

// status is the HTTP status of a modeled error, 400 for others.
func (c *catalog) status(service, code string) int {
	if s := c.Services[service]; s != nil {
		if st := s.Errors[code]; st != 0 {
			return st
		}
	}
	return 400
}

// match finds the operation for a method and an escaped path; labels come back
// unescaped, so an ARN whose slashes were escaped is one label.
func (s *service) match(method, escapedPath string) (op string, labels map[string]string) {
	parts := strings.Split(strings.Trim(escapedPath, "/"), "/")
	for _, r := range s.routes {
		if r.method != method || len(r.segments) != len(parts) {
			continue
		}
		labels = map[string]string{}
		ok := true
		for i, seg := range r.segments {
			name, isLabel := strings.CutPrefix(seg, "{")
			if !isLabel {
				ok = seg == parts[i]
			} else {
				v, err := url.PathUnescape(parts[i])
				ok = err == nil && v != ""
				labels[strings.TrimSuffix(name, "}")] = v
			}
			if !ok {
				break
			}
		}
		if ok {
			return r.operation, labels
		}
	}
	return "", nil
}

// rewrites restates the patterns that Go's regexp cannot compile: look-around
// and counts above 1000. The rule meant stays the same: lengths are checked
// apart from patterns.
var rewrites = map[string]string{
	`[a-zA-Z0-9]([a-zA-Z0-9-]){0,62})(?<!-)`: `[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)`,
	`(?!.*\.\.)`:                             ``, // checked by noDotDot
	`{1,2048}`:                               `+`,
	`{0,2048}`:                               `*`,
	`{1,1024}`:                               `+`,
	`{0,1024}`:                               `*`,
	`{1,1023}`:                               `+`,
	`\p{Alnum}`:                              `a-zA-Z0-9`,
}

const noDotDot = `(?!.*\.\.)`

// matches reports whether text as a whole has the shape's pattern.
func (sh *shape) matches(text string) bool {
	sh.compileOnce.Do(func() {
		p := sh.Pattern
		for from, to := range rewrites {
			p = strings.ReplaceAll(p, from, to)
		}
		re, err := regexp.Compile(`\A(?:` + p + `)\z`)
		if err != nil {
			panic(fmt.Sprintf("wire: pattern %q of the service models: %v", sh.Pattern, err))
		}
		sh.compiled = re
	})
	if strings.Contains(sh.Pattern, noDotDot) && strings.Contains(text, "..") {
		return false
	}
	return sh.compiled.MatchString(text)
}
