package logs

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"tunebench/backend/localaws/wire"
)

const (
	maxEvents    = 10_000
	maxPageBytes = 1 << 20
	eventExtra   = 26 // what AWS counts beside an event's message
)

// outputEvent is an event of GetLogEvents and FilterLogEvents.
type outputEvent struct {
	LogStreamName string `json:"logStreamName,omitempty"`
	Timestamp     int64  `json:"timestamp"`
	Message       string `json:"message"`
	IngestionTime int64  `json:"ingestionTime"`
	EventID       string `json:"eventId,omitempty"`
}

type getInput struct {
	Group         string `json:"logGroupName"`
	Identifier    string `json:"logGroupIdentifier"`
	Stream        string `json:"logStreamName"`
	Start         *int64 `json:"startTime"`
	End           *int64 `json:"endTime"`
	Limit         int    `json:"limit"`
	Token         string `json:"nextToken"`
	StartFromHead bool   `json:"startFromHead"`
}

type getOutput struct {
	Events   []outputEvent `json:"events"`
	Forward  string        `json:"nextForwardToken"`
	Backward string        `json:"nextBackwardToken"`
}

// token stands between two events: "f/" after a position, "b/" before one.
func token(direction string, p position) string {
	return fmt.Sprintf("%s/%d/%d", direction, p.time, p.seq)
}

func parseToken(s string) (direction string, p position, err error) {
	parts := strings.Split(s, "/")
	if len(parts) == 3 && (parts[0] == "f" || parts[0] == "b") {
		t, err1 := strconv.ParseInt(parts[1], 10, 64)
		n, err2 := strconv.ParseInt(parts[2], 10, 64)
		if err1 == nil && err2 == nil {
			return parts[0], position{t, n}, nil
		}
	}
	return "", position{}, wire.Errorf(400, "InvalidParameterException", "The specified nextToken is invalid.")
}

// getLogEvents returns a page of one stream. At the end of the stream the
// token that was sent comes back.
func (s *Store) getLogEvents(_ context.Context, in getInput) (any, error) {
	st, err := s.stream(in.Group, in.Stream)
	if err != nil {
		return nil, err
	}
	from, to := position{math.MinInt64, 0}, position{math.MaxInt64, 0}
	if in.Start != nil {
		from = position{*in.Start, 0}
	}
	if in.End != nil {
		to = position{*in.End, 0} // exclusive
	}
	forward := in.StartFromHead
	if in.Token != "" {
		direction, p, err := parseToken(in.Token)
		if err != nil {
			return nil, err
		}
		if forward = direction == "f"; forward && p.compare(from) > 0 {
			from = p
		}
		if !forward && p.compare(to) < 0 {
			to = p
		}
	}
	records, err := st.between(from, to)
	if err != nil {
		return nil, err
	}
	if in.Limit == 0 {
		in.Limit = maxEvents
	}
	records = fit(records, in.Limit, forward)
	out := getOutput{Events: make([]outputEvent, 0, len(records))}
	if len(records) == 0 {
		// Where the next event will be: after from, or before to.
		out.Forward, out.Backward = token("f", from), token("b", position{from.time, from.seq + 1})
		if !forward {
			out.Forward, out.Backward = token("f", position{to.time, to.seq - 1}), token("b", to)
		}
		if in.Token != "" && forward {
			out.Forward = in.Token
		} else if in.Token != "" {
			out.Backward = in.Token
		} else if !forward {
			out.Forward = token("f", from) // an empty stream: everything is yet to come
		}
		return out, nil
	}
	m, err := st.open()
	if err != nil {
		return nil, err
	}
	defer m.close()
	for _, r := range records {
		text, err := m.read(r)
		if err != nil {
			return nil, err
		}
		out.Events = append(out.Events, outputEvent{Timestamp: r.time, Message: text, IngestionTime: r.ingested})
	}
	out.Forward = token("f", records[len(records)-1].position)
	out.Backward = token("b", records[0].position)
	return out, nil
}

// fit cuts records to a page's count and bytes, from the start when forward.
func fit(records []record, limit int, forward bool) []record {
	size, n := 0, 0
	for n < len(records) && n < limit {
		r := records[n]
		if !forward {
			r = records[len(records)-1-n]
		}
		size += int(r.length) + eventExtra
		if n > 0 && size > maxPageBytes {
			break
		}
		n++
	}
	if forward {
		return records[:n]
	}
	return records[len(records)-n:]
}

type filterInput struct {
	Group      string   `json:"logGroupName"`
	Identifier string   `json:"logGroupIdentifier"`
	Streams    []string `json:"logStreamNames"`
	Prefix     string   `json:"logStreamNamePrefix"`
	Start      *int64   `json:"startTime"`
	End        *int64   `json:"endTime"`
	Pattern    string   `json:"filterPattern"`
	Limit      int      `json:"limit"`
	Token      string   `json:"nextToken"`
}

type filterOutput struct {
	Events   []outputEvent `json:"events"`
	Searched []struct{}    `json:"searchedLogStreams"` // AWS leaves it empty since 2019
	Next     string        `json:"nextToken,omitempty"`
}

// candidate is an event that may match.
type candidate struct {
	record
	stream int
	tag    uint64
}

// compare orders as event ids do: by timestamp, ingestion, stream, arrival.
func (c candidate) compare(d candidate) int {
	return cmp.Or(cmp.Compare(c.time, d.time), cmp.Compare(c.ingested, d.ingested),
		cmp.Compare(c.tag, d.tag), cmp.Compare(c.seq, d.seq))
}

// filterLogEvents searches the streams of a group in the order of event ids.
// The token is the id of the last event that was looked at.
func (s *Store) filterLogEvents(ctx context.Context, in filterInput) (any, error) {
	if len(in.Streams) > 0 && in.Prefix != "" {
		return nil, wire.Errorf(400, "InvalidParameterException", "logStreamNames and logStreamNamePrefix cannot be used together")
	}
	p, err := parsePattern(in.Pattern)
	if err != nil {
		return nil, err
	}
	streams, err := s.listStreams(in.Group, in.Prefix)
	if err != nil {
		return nil, err
	}
	if len(in.Streams) > 0 {
		streams = streams[:0]
		for _, name := range in.Streams {
			st, err := s.stream(in.Group, name)
			if err != nil {
				return nil, err
			}
			streams = append(streams, st)
		}
	}
	all, err := candidates(ctx, streams, in)
	if err != nil {
		return nil, err
	}
	if in.Limit == 0 {
		in.Limit = maxEvents
	}
	return collect(ctx, streams, all, p, in.Limit)
}

// candidates gathers what lies in the time range and after the token, in order.
func candidates(ctx context.Context, streams []*stream, in filterInput) ([]candidate, error) {
	from, to := position{math.MinInt64, 0}, position{math.MaxInt64, 0}
	if in.Start != nil {
		from = position{*in.Start, 0}
	}
	if in.End != nil {
		to = position{*in.End, math.MaxInt64} // inclusive here, unlike GetLogEvents
	}
	if in.Token != "" {
		t, err := strconv.ParseInt(in.Token[:min(14, len(in.Token))], 10, 64)
		if err != nil || len(in.Token) != 56 {
			return nil, wire.Errorf(400, "InvalidParameterException", "The specified nextToken is invalid.")
		}
		if t > from.time {
			from = position{t, 0}
		}
	}
	var all []candidate
	for i, st := range streams {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		records, err := st.between(from, to)
		if err != nil {
			return nil, err
		}
		tag := st.tag()
		for _, r := range records {
			if in.Token != "" && r.time == from.time && eventID(tag, r) <= in.Token {
				continue
			}
			all = append(all, candidate{r, i, tag})
		}
	}
	slices.SortFunc(all, candidate.compare)
	return all, nil
}

// collect reads candidates until a page is full.
func collect(ctx context.Context, streams []*stream, all []candidate, p *pattern, limit int) (any, error) {
	open := make([]*messages, len(streams))
	defer func() {
		for _, m := range open {
			if m != nil {
				m.close()
			}
		}
	}()
	out := filterOutput{Events: []outputEvent{}, Searched: []struct{}{}}
	size := 0
	for i, c := range all {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		st := streams[c.stream]
		if open[c.stream] == nil {
			m, err := st.open()
			if err != nil {
				return nil, err
			}
			open[c.stream] = m
		}
		text, err := open[c.stream].read(c.record)
		if err != nil {
			return nil, err
		}
		if p.match(text) {
			out.Events = append(out.Events, outputEvent{st.Name, c.time, text, c.ingested, eventID(c.tag, c.record)})
			size += len(text) + eventExtra
		}
		if (len(out.Events) >= limit || size >= maxPageBytes) && i+1 < len(all) {
			out.Next = eventID(c.tag, c.record)
			break
		}
	}
	return out, nil
}
