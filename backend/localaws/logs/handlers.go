package logs

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"tunebench/backend/localaws/wire"
)

const (
	defaultDescribe = 50
	maxFuture       = 2 * time.Hour
	maxPast         = 14 * 24 * time.Hour
)

// Register adds the operations of CloudWatch Logs that the account has.
func (s *Store) Register(m *wire.Mux) {
	m.Handle(wire.Logs, "CreateLogGroup", handle(func(_ context.Context, in groupInput) (any, error) {
		return nil, s.createGroup(in.Group)
	}))
	m.Handle(wire.Logs, "DeleteLogGroup", handle(func(_ context.Context, in groupInput) (any, error) {
		return nil, s.deleteGroup(in.Group)
	}))
	m.Handle(wire.Logs, "CreateLogStream", handle(func(_ context.Context, in groupInput) (any, error) {
		return nil, s.createStream(in.Group, in.Stream)
	}))
	m.Handle(wire.Logs, "DeleteLogStream", handle(func(_ context.Context, in groupInput) (any, error) {
		return nil, s.deleteStream(in.Group, in.Stream)
	}))
	m.Handle(wire.Logs, "PutLogEvents", handle(s.putLogEvents))
	m.Handle(wire.Logs, "GetLogEvents", handle(func(ctx context.Context, in getInput) (any, error) {
		var err error
		if in.Group, err = groupOf(in.Group, in.Identifier); err != nil {
			return nil, err
		}
		return s.getLogEvents(ctx, in)
	}))
	m.Handle(wire.Logs, "FilterLogEvents", handle(func(ctx context.Context, in filterInput) (any, error) {
		var err error
		if in.Group, err = groupOf(in.Group, in.Identifier); err != nil {
			return nil, err
		}
		return s.filterLogEvents(ctx, in)
	}))
	m.Handle(wire.Logs, "DescribeLogGroups", s.describeLogGroups)
	m.Handle(wire.Logs, "DescribeLogStreams", s.describeLogStreams)
}

// handle decodes the input of an operation that needs nothing else.
func handle[T any](f func(context.Context, T) (any, error)) wire.Handler {
	return func(ctx context.Context, r *wire.Request) (any, error) {
		var in T
		if err := r.Decode(&in); err != nil {
			return nil, err
		}
		return f(ctx, in)
	}
}

type groupInput struct {
	Group  string `json:"logGroupName"`
	Stream string `json:"logStreamName"`
}

// groupOf takes the group from its name or its identifier (a name or an ARN).
func groupOf(name, identifier string) (string, error) {
	if (name == "") == (identifier == "") {
		return "", wire.Errorf(400, "InvalidParameterException", "Exactly one of logGroupName and logGroupIdentifier must be given")
	}
	if name != "" {
		return name, nil
	}
	if strings.HasPrefix(identifier, "arn:") {
		_, after, ok := strings.Cut(identifier, ":log-group:")
		if !ok {
			return "", wire.Errorf(400, "InvalidParameterException", "%s is not the ARN of a log group", identifier)
		}
		return strings.TrimSuffix(after, ":*"), nil
	}
	return identifier, nil
}

type putInput struct {
	Group  string `json:"logGroupName"`
	Stream string `json:"logStreamName"`
	Events []struct {
		Timestamp int64  `json:"timestamp"`
		Message   string `json:"message"`
	} `json:"logEvents"`
}

type rejected struct {
	TooNew *int `json:"tooNewLogEventStartIndex,omitempty"`
	TooOld *int `json:"tooOldLogEventEndIndex,omitempty"`
}

func (s *Store) putLogEvents(_ context.Context, in putInput) (any, error) {
	st, err := s.stream(in.Group, in.Stream)
	if err != nil {
		return nil, err
	}
	now := s.now()
	var why rejected
	var events []Event
	for i, e := range in.Events {
		if i > 0 && e.Timestamp < in.Events[i-1].Timestamp {
			return nil, wire.Errorf(400, "InvalidParameterException", "Log events in a single PutLogEvents request must be in chronological order.")
		}
		t := time.UnixMilli(e.Timestamp)
		switch {
		case t.After(now.Add(maxFuture)):
			if why.TooNew == nil {
				why.TooNew = &i
			}
		case t.Before(now.Add(-maxPast)):
			end := i + 1
			why.TooOld = &end
		default:
			events = append(events, Event{Time: t, Message: e.Message})
		}
	}
	if err := st.append(events, now.UnixMilli()); err != nil {
		return nil, err
	}
	out := map[string]any{"nextSequenceToken": eventID(st.tag(), record{})}
	if why.TooNew != nil || why.TooOld != nil {
		out["rejectedLogEventsInfo"] = why
	}
	return out, nil
}

type groupEntry struct {
	Name     string `json:"logGroupName"`
	Created  int64  `json:"creationTime"`
	Filters  int    `json:"metricFilterCount"`
	ARN      string `json:"arn"` // ends in ":*"
	GroupARN string `json:"logGroupArn"`
	Stored   int64  `json:"storedBytes"`
	Class    string `json:"logGroupClass"`
}

func (s *Store) describeLogGroups(_ context.Context, r *wire.Request) (any, error) {
	var in struct {
		Prefix  string `json:"logGroupNamePrefix"`
		Pattern string `json:"logGroupNamePattern"`
		Limit   int    `json:"limit"`
		Token   string `json:"nextToken"`
	}
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	if in.Prefix != "" && in.Pattern != "" {
		return nil, wire.Errorf(400, "InvalidParameterException", "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
	}
	var found []*group
	for _, g := range s.listGroups() {
		if strings.HasPrefix(g.Name, in.Prefix) && strings.Contains(strings.ToLower(g.Name), strings.ToLower(in.Pattern)) {
			found = append(found, g)
		}
	}
	found, next, err := page(found, func(g *group) string { return g.Name }, in.Token, in.Limit)
	if err != nil {
		return nil, err
	}
	entries := []groupEntry{}
	for _, g := range found {
		var stored int64
		streams, _ := s.listStreams(g.Name, "") // gone since it was listed: nothing stored
		for _, st := range streams {
			sum, err := st.summary()
			if err != nil {
				return nil, err
			}
			stored += sum.bytes
		}
		arn := r.ARN("log-group:" + g.Name)
		entries = append(entries, groupEntry{g.Name, g.Created, 0, arn + ":*", arn, stored, "STANDARD"})
	}
	return struct {
		Groups []groupEntry `json:"logGroups"`
		Next   string       `json:"nextToken,omitempty"`
	}{entries, next}, nil
}

type streamEntry struct {
	Name     string `json:"logStreamName"`
	Created  int64  `json:"creationTime"`
	First    *int64 `json:"firstEventTimestamp,omitempty"`
	Last     *int64 `json:"lastEventTimestamp,omitempty"`
	Ingested *int64 `json:"lastIngestionTime,omitempty"`
	Upload   string `json:"uploadSequenceToken"`
	ARN      string `json:"arn"`
	Stored   int64  `json:"storedBytes"` // AWS reports 0 for streams since 2019
}

func (s *Store) describeLogStreams(_ context.Context, r *wire.Request) (any, error) {
	var in struct {
		Group      string `json:"logGroupName"`
		Identifier string `json:"logGroupIdentifier"`
		Prefix     string `json:"logStreamNamePrefix"`
		OrderBy    string `json:"orderBy"`
		Descending bool   `json:"descending"`
		Limit      int    `json:"limit"`
		Token      string `json:"nextToken"`
	}
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	groupName, err := groupOf(in.Group, in.Identifier)
	if err != nil {
		return nil, err
	}
	byTime := in.OrderBy == "LastEventTime"
	if byTime && in.Prefix != "" {
		return nil, wire.Errorf(400, "InvalidParameterException", "Cannot order by LastEventTime with a logStreamNamePrefix.")
	}
	streams, err := s.listStreams(groupName, in.Prefix)
	if err != nil {
		return nil, err
	}
	if byTime {
		if err := sortByLast(streams); err != nil {
			return nil, err
		}
	}
	if in.Descending {
		slices.Reverse(streams)
	}
	streams, next, err := page(streams, func(st *stream) string { return st.Name }, in.Token, in.Limit)
	if err != nil {
		return nil, err
	}
	entries := []streamEntry{}
	for _, st := range streams {
		sum, err := st.summary()
		if err != nil {
			return nil, err
		}
		e := streamEntry{Name: st.Name, Created: st.Created, Upload: eventID(st.tag(), record{}),
			ARN: r.ARN("log-group:" + groupName + ":log-stream:" + st.Name)}
		if sum.events > 0 {
			e.First, e.Last, e.Ingested = &sum.first, &sum.last, &sum.arrived
		}
		entries = append(entries, e)
	}
	return struct {
		Streams []streamEntry `json:"logStreams"`
		Next    string        `json:"nextToken,omitempty"`
	}{entries, next}, nil
}

func sortByLast(streams []*stream) error {
	last := map[*stream]int64{}
	for _, st := range streams {
		sum, err := st.summary()
		if err != nil {
			return err
		}
		last[st] = sum.last
	}
	slices.SortStableFunc(streams, func(a, b *stream) int { return cmp.Compare(last[a], last[b]) })
	return nil
}

// page is wire.Page with the error code of this service.
func page[T any](items []T, key func(T) string, token string, limit int) ([]T, string, error) {
	if limit == 0 {
		limit = defaultDescribe
	}
	items, next, err := wire.Page(items, key, token, limit)
	if err != nil {
		return nil, "", wire.Errorf(400, "InvalidParameterException", "The specified nextToken is invalid.")
	}
	return items, next, nil
}
