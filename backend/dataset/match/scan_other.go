//go:build !amd64

package match

var vectors [2]findFunc
