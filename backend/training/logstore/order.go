package logstore

import "sort"

// order says in which order the lines stand, of which each has the number of its
// arrival: runs of arrivals, one behind the other. As long as nothing comes
// late there is one run.
type order struct {
	runs []run
	n    int // lines
	// version changes whenever a line is put before another one.
	version int
}

// run is a stretch of arrivals that stand together.
type run struct {
	first  uint32 // arrival
	n      uint32
	before uint32 // lines that stand before it
}

// push puts the arrivals first to first+n behind all others.
func (o *order) push(first, n int) {
	if n <= 0 {
		return
	}
	if l := len(o.runs); l > 0 && int(o.runs[l-1].first+o.runs[l-1].n) == first {
		o.runs[l-1].n += uint32(n)
	} else {
		o.runs = append(o.runs, run{uint32(first), uint32(n), uint32(o.n)})
	}
	o.n += n
}

// find is the run in which place lies.
func (o *order) find(place int) int {
	return sort.Search(len(o.runs), func(i int) bool { return int(o.runs[i].before) > place }) - 1
}

// at is the arrival at a place.
func (o *order) at(place int) int {
	r := o.runs[o.find(place)]
	return int(r.first) + place - int(r.before)
}

// place is where an arrival stands; -1 if it is not there. New lines are near
// the end, so it looks from there.
func (o *order) place(arrival int) int {
	for i := len(o.runs) - 1; i >= 0; i-- {
		if r := o.runs[i]; arrival >= int(r.first) && arrival < int(r.first+r.n) {
			return int(r.before) + arrival - int(r.first)
		}
	}
	return -1
}

// insertion is an arrival and the place before which it is to stand.
type insertion struct{ place, arrival int }

// insert puts lines between others; places are those before the call and do not
// fall.
func (o *order) insert(in []insertion) {
	if len(in) == 0 {
		return
	}
	o.version++
	from := len(o.runs)
	if in[0].place < o.n {
		from = o.find(in[0].place)
	}
	old := append([]run(nil), o.runs[from:]...)
	o.runs = o.runs[:from]
	if o.n = 0; from > 0 {
		o.n = int(o.runs[from-1].before + o.runs[from-1].n)
	}
	base := o.n // places of old runs are still those before the call
	at := base
	for _, r := range old {
		first, n := int(r.first), int(r.n)
		for len(in) > 0 && in[0].place < at+n {
			k := in[0].place - at
			o.push(first, k)
			first, n, at = first+k, n-k, at+k
			o.push(in[0].arrival, 1)
			in = in[1:]
		}
		o.push(first, n)
		at += n
	}
	for _, i := range in {
		o.push(i.arrival, 1)
	}
}
