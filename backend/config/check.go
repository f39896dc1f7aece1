package config

import (
	"iter"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
)

var (
	regionForm   = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-\d$`)
	roleForm     = regexp.MustCompile(`^arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+$`)
	bucketForm   = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	instanceForm = regexp.MustCompile(`^ml\.[a-z0-9-]+\.[a-z0-9]+$`)
)

// check gives settings whose values are out of range their defaults again.
func (l *loader) check(c *Config) {
	d := Default()
	text := func(key string, v *string, def string, form *regexp.Regexp, want string) {
		if *v != "" && !form.MatchString(*v) {
			l.problem(key, "cannot be %q; it is %s", *v, want)
			*v = def
		}
	}
	oneOf := func(key string, v *string, def string, allowed ...string) {
		if !slices.Contains(allowed, *v) {
			hint := strings.Join(allowed, ", ")
			if near := nearest(*v, allowed); near != "" {
				hint += "; did you mean " + near + "?"
			}
			l.problem(key, "cannot be %q; it is one of %s", *v, hint)
			*v = def
		}
	}
	whole := func(key string, v *int, def, low, high int) {
		if *v < low || *v > high {
			l.problem(key, "cannot be %d; it goes from %d to %d", *v, low, high)
			*v = def
		}
	}
	// The comparison is written so that it also refuses NaN.
	fraction := func(key string, v *float64, def, low, high float64) {
		if !(*v >= low && *v <= high) {
			l.problem(key, "cannot be %v; it goes from %v to %v", *v, low, high)
			*v = def
		}
	}

	oneOf("account.name", &c.Account.Name, d.Account.Name, "local", "aws")
	text("account.region", &c.Account.Region, "", regionForm, "a region such as us-east-1")
	const role = "the ARN of a role, such as arn:aws:iam::111122223333:role/name"
	text("account.training_role", &c.Account.TrainingRole, "", roleForm, role)
	text("account.import_role", &c.Account.ImportRole, "", roleForm, role)
	text("account.bucket", &c.Account.Bucket, "", bucketForm, "the name of a bucket, without s3:// and without a path")
	text("training.instance", &c.Training.Instance, d.Training.Instance, instanceForm, "an instance type such as ml.g5.2xlarge")
	if c.Training.Instance == "" {
		c.Training.Instance = d.Training.Instance
	}
	if c.Training.BaseModel == "" {
		c.Training.BaseModel = d.Training.BaseModel
	}
	whole("training.keep_logs_days", &c.Training.KeepLogsDays, d.Training.KeepLogsDays, 0, 36500)
	whole("training.keep_logs_mb", &c.Training.KeepLogsMB, d.Training.KeepLogsMB, 0, 1<<20)
	whole("chat.max_tokens", &c.Chat.MaxTokens, d.Chat.MaxTokens, 1, 32768)
	fraction("chat.temperature", &c.Chat.Temperature, d.Chat.Temperature, 0, 2)
	fraction("chat.top_p", &c.Chat.TopP, d.Chat.TopP, 0.0001, 1)
	whole("eval.max_tokens", &c.Eval.MaxTokens, d.Eval.MaxTokens, 1, 32768)
	whole("eval.limit", &c.Eval.Limit, d.Eval.Limit, 0, 1<<31-1)
	if c.Eval.Delimiter == "" {
		l.problem("eval.delimiter", "cannot be empty; write null to split at white space")
		c.Eval.Delimiter = d.Eval.Delimiter
	}
	oneOf("ui.color", &c.UI.Color, d.UI.Color, "auto", "truecolor", "256", "16", "none")
	oneOf("ui.symbols", &c.UI.Symbols, d.UI.Symbols, "auto", "unicode", "ascii")
	if c.UI.Theme == "" {
		c.UI.Theme = d.UI.Theme
	}
	if _, err := time.Parse(time.DateOnly, c.Prices.Date); err != nil {
		l.problem("prices.date", "cannot be %q; write the day as in 2026-01-31", c.Prices.Date)
		c.Prices.Date = d.Prices.Date
	}
	text("prices.region", &c.Prices.Region, d.Prices.Region, regionForm, "a region such as us-east-1")
	for id, p := range c.Prices.Tokens {
		if p.Date == "" { // the user's
			p.Date, p.Region = c.Prices.Date, c.Prices.Region
			c.Prices.Tokens[id] = p
		}
	}
	fraction("prices.cmu_minute", &c.Prices.CMUMinute, d.Prices.CMUMinute, 0, 1000)
	fraction("prices.cmu_month", &c.Prices.CMUMonth, d.Prices.CMUMonth, 0, 1000)
}

// sections yields the name and the type of each section.
func sections() iter.Seq2[string, reflect.Type] {
	return func(yield func(string, reflect.Type) bool) {
		t := reflect.TypeFor[Config]()
		for i := range t.NumField() {
			if f := t.Field(i); !yield(f.Tag.Get("toml"), f.Type) {
				return
			}
		}
	}
}

// names lists the settings of a section.
func names(section string) []string {
	for s, t := range sections() {
		if s != section {
			continue
		}
		var all []string
		for i := range t.NumField() {
			all = append(all, t.Field(i).Tag.Get("toml"))
		}
		return all
	}
	return nil
}

// nearest returns the entry of valid that is a likely misspelling away from
// name, or "".
func nearest(name string, valid []string) string {
	best, least := "", max(1, len(name)/3)+1
	for _, v := range valid {
		if d := distance(strings.ToLower(name), v); d < least {
			best, least = v, d
		}
	}
	return best
}

// distance is the number of insertions, deletions, replacements and swaps of
// neighbours that make b of a.
func distance(a, b string) int {
	prev2, prev, cur := []int(nil), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], prev2[j-2]+1)
			}
		}
		prev2, prev, cur = prev, cur, make([]int, len(b)+1)
	}
	return prev[len(b)]
}

// lineOf finds the line, from 1, that sets key ("chat.max_tokens"), or the
// header of the section that it names; 0 if it cannot tell.
func lineOf(src, key string) int {
	table := ""
	outer := 0
	n := 0
	for line := range strings.Lines(src) {
		n++
		line = strings.TrimSpace(line)
		full := ""
		if strings.HasPrefix(line, "[") {
			table = bare(strings.Trim(strings.SplitN(line, "#", 2)[0], "[] \t"))
			full = table
		} else if k, _, ok := strings.Cut(line, "="); ok && !strings.HasPrefix(line, "#") {
			full = bare(k)
			if table != "" {
				full = table + "." + full
			}
		}
		switch {
		case full == "":
		case full == key, strings.HasPrefix(full, key+"."):
			return n
		case strings.HasPrefix(key, full+"."):
			outer = n // the section or inline table that holds it
		}
	}
	return outer
}

// Line returns the line, from 1, of the file at path that sets a setting
// ("ui.keys.app.quit"); 0 if there is none.
func Line(path, setting string) int {
	raw, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	return lineOf(string(raw), setting)
}

// bare takes the quotes and spaces out of a dotted key.
func bare(key string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("\"' \t", r) {
			return -1
		}
		return r
	}, key)
}
