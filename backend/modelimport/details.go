package modelimport

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrock"

	"tunebench/backend/account/awserror"
	"tunebench/backend/safetext"
)

// Details are what is known of an imported model beyond the list.
type Details struct {
	// Units is the number of custom model units that a copy of the model takes, 0
	// if Bedrock does not say, UnitsVersion the version of the unit: prices belong
	// to it.
	Units        int    `json:"-"` // Model has it in JSON
	UnitsVersion string `json:"custom_model_units_version,omitempty"`
	// LastUse is when it last answered this workbench; zero if it never did. Others
	// may have used it.
	LastUse time.Time `json:"last_use,omitzero"`
	// Windows is how many five-minute windows this workbench has opened today: what
	// is billed, for each copy and unit.
	Windows int `json:"windows_today"`
	// Tags of the model; TagsErr says why they could not be read.
	Tags    map[string]string `json:"tags,omitempty"`
	TagsErr string            `json:"tags_error,omitempty"`
}

// Window is the time that is billed from the first call on (Bedrock user guide,
// "Calculate the cost of running a custom model").
const Window = 5 * time.Minute

// Unused is how long after its import, or its last use, a model counts as one
// that nobody uses.
const Unused = 14 * 24 * time.Hour

// windows counts the windows that calls at these times, earliest first, open: one
// begins with the first call after the end of the one before.
func windows(times []time.Time) int {
	n := 0
	var end time.Time
	for _, t := range times {
		if n == 0 || !t.Before(end) {
			n++
			end = t.Add(Window)
		}
	}
	return n
}

// Awake says what is known of whether a model is loaded: it is after a call, and
// for a while, which Bedrock gives as about five minutes.
func (d Details) Awake(now time.Time) string {
	switch {
	case d.LastUse.IsZero():
		return "asleep, as far as is known here: it was never asked"
	case now.Sub(d.LastUse) < Window:
		return "awake: it answered less than five minutes ago"
	}
	return "asleep, unless somebody else asks it"
}

// IdleSince returns since when nobody here has used a model that was imported
// long ago; ok is false for one that is in use or new.
func (d Details) IdleSince(m Model, now time.Time) (since time.Time, ok bool) {
	since = m.Created
	if d.LastUse.After(since) {
		since = d.LastUse
	}
	return since, now.Sub(since) > Unused
}

// Details reads what is known of a model.
func (s *Service) Details(ctx context.Context, m Model) (Details, error) {
	var d Details
	out, err := s.c.Bedrock.GetImportedModel(ctx, &bedrock.GetImportedModelInput{ModelIdentifier: &m.ARN})
	if err != nil {
		if awserror.KindOf(err) == awserror.NotFound {
			return d, fmt.Errorf("the imported model %s is not there any more: %w", m.Name, err)
		}
		return d, s.explain(err)
	}
	if u := out.CustomModelUnits; u != nil {
		d.Units, d.UnitsVersion = int(aws.ToInt32(u.CustomModelUnitsPerModelCopy)), safetext.Line(aws.ToString(u.CustomModelUnitsVersion))
	}
	now := s.c.Now()
	midnight := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
	times, last, err := s.c.Store.Uses(ctx, s.c.AccountName, m.Name, midnight)
	if err != nil {
		return d, err
	}
	d.LastUse, d.Windows = last, windows(times)
	tags, err := s.c.Bedrock.ListTagsForResource(ctx, &bedrock.ListTagsForResourceInput{ResourceARN: &m.ARN})
	if err != nil {
		d.TagsErr = s.explain(err).Error()
		return d, nil
	}
	d.Tags = map[string]string{}
	for _, t := range tags.Tags {
		d.Tags[safetext.Line(aws.ToString(t.Key))] = safetext.Line(aws.ToString(t.Value))
	}
	return d, nil
}
