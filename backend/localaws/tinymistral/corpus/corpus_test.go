package corpus

import (
	"fmt"
	"testing"
)

func TestShow(t *testing.T) {
	n := map[string]int{}
	tn := map[bool]int{}
	for _, f := range Facts() {
		n[f.Category]++
		tn[f.Tuned()]++
	}
	fmt.Println(n, tn, len(Sample()), len(HeldOut()), len(UnseenWordings()))
	for _, r := range Sample()[:4] {
		fmt.Printf("%+v\n", r)
	}
	c := map[string]int{}
	for _, r := range HeldOut() {
		c[r.Category]++
	}
	fmt.Println(c)
	s := NewStream(1)
	for range 60 {
		fmt.Printf("%+v\n", s.Next())
	}
}
