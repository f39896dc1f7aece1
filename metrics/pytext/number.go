package pytext

import (
	"math"
	"strconv"
)

// AppendFloat appends Python's repr of a float: the shortest digits that give
// the number back, "1.0" for a whole one, an exponent of at least two digits
// below 1e-4 and from 1e16 on; "inf", "-inf" and "nan".
func AppendFloat(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "nan"...)
	case math.IsInf(f, 1):
		return append(dst, "inf"...)
	case math.IsInf(f, -1):
		return append(dst, "-inf"...)
	}
	first := len(dst)
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.AppendFloat(dst, f, 'e', -1, 64)
	}
	dst = strconv.AppendFloat(dst, f, 'f', -1, 64)
	for _, c := range dst[first:] {
		if c == '.' {
			return dst
		}
	}
	return append(dst, ".0"...)
}

// AppendJSONFloat is AppendFloat with the spellings of json.dumps for what JSON
// does not have: NaN, Infinity and -Infinity.
func AppendJSONFloat(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "NaN"...)
	case math.IsInf(f, 0):
		if f < 0 {
			dst = append(dst, '-')
		}
		return append(dst, "Infinity"...)
	}
	return AppendFloat(dst, f)
}

// Int is a whole number of any size as Python's str writes it. JSON numbers
// without fraction and exponent are these; they are never rounded.
type Int string

// ParseInt returns the number that a whole JSON literal spells.
func ParseInt(literal string) Int {
	if literal == "-0" {
		return "0"
	}
	return Int(literal)
}

// Float returns the nearest float64.
func (i Int) Float() float64 {
	f, err := strconv.ParseFloat(string(i), 64)
	if err != nil && !math.IsInf(f, 0) {
		return math.NaN()
	}
	return f
}
