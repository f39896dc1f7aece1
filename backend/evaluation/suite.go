package evaluation

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"tunebench/backend/safetext"
	"tunebench/metrics"
	"tunebench/metrics/perturb"
)

// suite is what the records of a run are scored by: one or more metrics, whose
// scores stand side by side. A score that two metrics have is the first one's.
type suite struct {
	metrics []metrics.Metric
	params  []map[string]string // of each metric
	take    [][]int             // which of a metric's scores are taken
	scores  []metrics.Score
	// perturb is set when a metric compares the answers to disturbed prompts.
	perturb *perturb.Options
}

// DisturbOptions are FMEval's options of disturbed prompts. Every metric that compares
// the answers to them takes them.
var DisturbOptions = []metrics.Param{
	{Name: "perturbation_type", Default: string(perturb.Default().Kind), Values: []string{string(perturb.ButterFinger), string(perturb.RandomUpperCase), string(perturb.WhitespaceAddRemove)}, What: "how questions are disturbed: butter_finger, random_upper_case or whitespace_add_remove"},
	{Name: "num_perturbations", Default: "5", What: "how many disturbed copies of a question are asked"},
	{Name: "butter_finger_perturbation_prob", Default: "0.1", What: "share of the letters that become a neighbouring key's"},
	{Name: "random_uppercase_corrupt_proportion", Default: "0.1", What: "share of the letters that become capitals"},
	{Name: "whitespace_add_prob", Default: "0.05", What: "share of the letters after which a space comes"},
	{Name: "whitespace_remove_prob", Default: "0.1", What: "share of the spaces that go"},
}

// newSuite makes the suite of a run. An option goes to every metric that has it.
func newSuite(reg metrics.Registry, spec Spec) (*suite, error) {
	s := &suite{}
	if spec.Voting {
		return s, nil // nothing is scored
	}
	names := spec.Metrics
	if len(names) == 0 {
		names = []string{metrics.QAAccuracy.Name}
	}
	unused := maps.Clone(spec.Params)
	seen := map[string]bool{}
	for _, name := range names {
		m, err := reg.Lookup(name)
		if err != nil {
			return nil, err
		}
		params := map[string]string{}
		for _, p := range m.Params {
			if v, ok := spec.Params[p.Name]; ok {
				params[p.Name] = v
				delete(unused, p.Name)
			} else if p.Name == "target_output_delimiter" && spec.Delimiter != "" {
				params[p.Name] = spec.Delimiter
			}
		}
		if hasColumn(m, "perturbed_outputs") {
			if s.perturb, err = perturbOptions(spec.Params); err != nil {
				return nil, err
			}
			for _, p := range DisturbOptions {
				delete(unused, p.Name)
			}
		}
		var take []int
		for i, sc := range m.Scores {
			if !seen[sc.Name] {
				seen[sc.Name] = true
				take = append(take, i)
				s.scores = append(s.scores, sc)
			}
		}
		s.metrics, s.params, s.take = append(s.metrics, m), append(s.params, params), append(s.take, take)
	}
	for _, name := range slices.Sorted(maps.Keys(unused)) {
		return nil, fmt.Errorf("no metric of this run has an option %q; tunebench eval score --help lists them", safetext.Line(name))
	}
	// Labels that are not given are those of the dataset, which is read later.
	for i, m := range s.metrics {
		params := s.params[i]
		if wantsLabels(m) && params[labelsParam] == "" {
			params = maps.Clone(params)
			params[labelsParam] = metrics.FormatLabels([]string{"0", "1"})
		}
		if _, err := m.NewScorer(params); err != nil {
			return nil, err
		}
	}
	return s, nil
}

const labelsParam = "valid_labels"

func wantsLabels(m metrics.Metric) bool {
	return slices.ContainsFunc(m.Params, func(p metrics.Param) bool { return p.Name == labelsParam })
}

// needsLabels reports whether the targets of the dataset must be known.
func (s *suite) needsLabels() bool {
	for i, m := range s.metrics {
		if wantsLabels(m) && s.params[i][labelsParam] == "" {
			return true
		}
	}
	return false
}

func (s *suite) setLabels(labels []string) {
	for i, m := range s.metrics {
		if wantsLabels(m) && s.params[i][labelsParam] == "" {
			s.params[i][labelsParam] = metrics.FormatLabels(labels)
		}
	}
}

func perturbOptions(params map[string]string) (*perturb.Options, error) {
	o := perturb.Default()
	if v := params["perturbation_type"]; v != "" {
		o.Kind = perturb.Kind(v)
	}
	if v := params["num_perturbations"]; v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > 100 {
			return nil, fmt.Errorf("num_perturbations cannot be %q; write a number from 1 to 100", safetext.Line(v))
		}
		o.N = n
	}
	for name, at := range map[string]*float64{
		"butter_finger_perturbation_prob": &o.ButterFinger, "random_uppercase_corrupt_proportion": &o.UpperCase,
		"whitespace_add_prob": &o.Add, "whitespace_remove_prob": &o.Remove,
	} {
		if v := params[name]; v != "" {
			f, err := strconv.ParseFloat(v, 64)
			if err != nil {
				return nil, fmt.Errorf("%s cannot be %q; write a fraction such as 0.1", name, safetext.Line(v))
			}
			*at = f
		}
	}
	if _, err := perturb.New(o); err != nil {
		return nil, err
	}
	return &o, nil
}

// scorer is a Scorer of all metrics of a suite.
type scorer struct {
	suite *suite
	each  []metrics.Scorer
	dst   []float64
}

func (s *suite) scorer() (*scorer, error) {
	sc := &scorer{suite: s}
	for i, m := range s.metrics {
		one, err := m.NewScorer(s.params[i])
		if err != nil {
			return nil, err
		}
		sc.each = append(sc.each, one)
	}
	return sc, nil
}

// Score appends the values of a row to dst.
func (s *scorer) Score(dst []float64, row metrics.Row) ([]float64, error) {
	for i, one := range s.each {
		var err error
		if s.dst, _, err = one.Score(s.dst[:0], row); err != nil {
			return nil, err
		}
		for _, k := range s.suite.take[i] {
			dst = append(dst, s.dst[k])
		}
	}
	return dst, nil
}

// names lists the scores.
func (s *suite) names() []string {
	list := make([]string, len(s.scores))
	for i, sc := range s.scores {
		list[i] = sc.Name
	}
	return list
}

// named is a record's scores as they are stored.
func (s *suite) named(values []float64) (string, error) {
	if len(values) != len(s.scores) {
		return "", errors.New("the scores of a record are not complete")
	}
	m := make(map[string]float64, len(values))
	for i, sc := range s.scores {
		m[sc.Name] = values[i]
	}
	return toJSON(m)
}

// check refuses the name of a score that the suite has not.
func (s *suite) check(name string) error {
	if name == "" || slices.Contains(s.names(), name) {
		return nil
	}
	return fmt.Errorf("there is no score %q; the scores are %s", safetext.Line(name), strings.Join(s.names(), ", "))
}

func hasColumn(m metrics.Metric, column string) bool { return slices.Contains(m.Columns, column) }

// lessIsBetter tells whether the best of a score is its lowest value.
func (s *suite) lessIsBetter(score string) bool {
	for _, sc := range s.scores {
		if sc.Name == score {
			return lessIsBetter(sc)
		}
	}
	return false
}

// wantsMeteor tells whether a metric of the run has METEOR among its scores.
func wantsMeteor(spec Spec) bool {
	return slices.ContainsFunc(spec.Metrics, func(m string) bool { return strings.HasPrefix(m, "summarization_accuracy") })
}

// registry is the list of metrics, with METEOR or without.
func (s *Service) registry(withMeteor bool) metrics.Registry {
	reg := s.cfg.Metrics
	if withMeteor && reg.English == nil && s.cfg.English != nil {
		reg.English, reg.WhyNoMeteor = s.cfg.English()
	}
	if !withMeteor {
		reg.English = nil
	}
	return reg
}

// suite is what a run is scored by.
func (s *Service) suite(spec Spec) (*suite, error) {
	reg := s.registry(spec.Meteor)
	if !spec.Meteor && wantsMeteor(spec) { // for the reason
		reg.WhyNoMeteor = s.registry(true).WhyNoMeteor
	}
	return newSuite(reg, spec)
}

// absent lists what FMEval's metrics of these names have and is not computed here.
func (s *suite) absent() []Absent {
	var list []Absent
	for _, m := range s.metrics {
		for _, a := range m.Absent {
			if !slices.ContainsFunc(list, func(o Absent) bool { return o.Score == a.Name }) {
				list = append(list, Absent{a.Name, a.Why})
			}
		}
	}
	return list
}
