package wire

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"
)

// Epoch is a time that JSON carries as seconds since 1970 with milliseconds,
// as SageMaker does. The zero time is written as null.
type Epoch struct{ time.Time }

// ISO is a time that JSON carries as ISO 8601 with milliseconds in UTC, as
// Bedrock does. The zero time is written as null.
type ISO struct{ time.Time }

// MarshalJSON writes seconds with three decimals.
func (e Epoch) MarshalJSON() ([]byte, error) {
	if e.IsZero() {
		return []byte("null"), nil
	}
	return strconv.AppendFloat(nil, float64(e.UnixMilli())/1000, 'f', 3, 64), nil
}

// UnmarshalJSON reads seconds or an ISO 8601 string.
func (e *Epoch) UnmarshalJSON(b []byte) (err error) {
	e.Time, err = readTime(b)
	return err
}

// MarshalJSON writes "2026-01-02T03:04:05.678Z".
func (t ISO) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return json.Marshal(FormatISO(t.Time))
}

// UnmarshalJSON reads seconds or an ISO 8601 string.
func (t *ISO) UnmarshalJSON(b []byte) (err error) {
	t.Time, err = readTime(b)
	return err
}

// FormatISO is the form that Bedrock and S3 use in bodies.
func FormatISO(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func readTime(b []byte) (time.Time, error) {
	if string(b) == "null" {
		return time.Time{}, nil
	}
	var s string
	if json.Unmarshal(b, &s) == nil {
		t, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			return time.Time{}, fmt.Errorf("%q is not an ISO 8601 time", s)
		}
		return t, nil
	}
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil || math.Abs(f) > 1e12 {
		return time.Time{}, fmt.Errorf("%s is not a time", b)
	}
	return time.UnixMilli(int64(math.Round(f * 1000))).UTC(), nil
}

// Page cuts one page out of items, which are in their final order. key gives
// each item a name that is unique and stays; the token of a page is the name
// of its last item, so items that arrive before it do not shift the next page.
// max < 1 means everything. An unknown token is a ValidationException.
func Page[T any](items []T, key func(T) string, token string, max int) (page []T, next string, err error) {
	start := 0
	if token != "" {
		raw, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil {
			return nil, "", Validation("Invalid NextToken: it does not come from this service.")
		}
		last, found := string(raw), false
		for i, it := range items {
			if key(it) == last {
				start, found = i+1, true
				break
			}
		}
		if !found {
			return nil, "", Validation("Invalid NextToken: the item it stands for is gone; list again from the start.")
		}
	}
	page = items[start:]
	if max > 0 && len(page) > max {
		page = page[:max]
		next = base64.RawURLEncoding.EncodeToString([]byte(key(page[max-1])))
	}
	return page, next, nil
}
