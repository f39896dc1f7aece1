package config

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestDefaultsAreValid(t *testing.T) {
	c, d := Default(), Default()
	l := loader{}
	l.check(&c)
	if len(l.problems) > 0 || !reflect.DeepEqual(c, d) {
		t.Error(l.problems)
	}
	got, err := Load(filepath.Join(t.TempDir(), "none.toml"))
	if err != nil || !reflect.DeepEqual(got, d) {
		t.Errorf("%+v %v", got, err)
	}
}

func TestEverySetting(t *testing.T) {
	c, err := parse("config.toml", `
[account]
name = "aws"
profile = "bastion"
region = "eu-central-1"
training_role = "arn:aws:iam::111122223333:role/train"
import_role = "arn:aws:iam::111122223333:role/path/import"
bucket = "my-bucket"
read_only = true
[training]
instance = "ml.g5.12xlarge"
image = "example/image:1"
base_model = "me/model"
preset = "facts"
keep_logs_days = 7
keep_logs_mb = 0
[chat]
max_tokens = 99
temperature = 1 # a whole number where a fraction is meant
top_p = 0.5
[eval]
limit = 7
delimiter = "|\n"
max_tokens = 9
[ui]
theme = "light"
mouse = false
color = "256"
symbols = "ascii"
accessible = true
[ui.keys]
quit = "ctrl+q"
help = ["?", "f1"]
mute = []
[prices]
date = "2026-09-01"
region = "eu-central-1"
source = "a contract"
cmu_minute = 0.07144
cmu_month = 2
[prices.instances]
"ml.g5.12xlarge" = 8
[prices.tokens]
"openai:small" = { input = 0.1, output = 2 }
`)
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		Account: Account{"aws", "bastion", "eu-central-1", "arn:aws:iam::111122223333:role/train",
			"arn:aws:iam::111122223333:role/path/import", "my-bucket", true},
		Training: Training{"ml.g5.12xlarge", "example/image:1", "me/model", "facts", 7, 0},
		Chat:     Chat{99, 1, 0.5},
		Eval:     Eval{7, "|\n", 9},
		UI:       UI{"light", false, "256", "ascii", true, map[string][]string{"quit": {"ctrl+q"}, "help": {"?", "f1"}, "mute": nil}},
		Prices:   Prices{"2026-09-01", "eu-central-1", "a contract", Default().Prices.Instances, 0.07144, 2, Default().Prices.Tokens},
	}
	want.Prices.Instances["ml.g5.12xlarge"] = 8
	want.Prices.Tokens["openai:small"] = TokenPrice{0.1, 2, "2026-09-01", "eu-central-1", "the configuration"}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got  %+v\nwant %+v", c, want)
	}
}

func TestProblems(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{"[chat]\nmax_token = 5\n", "f:2: chat.max_token: is no setting; did you mean max_tokens?"},
		{"[chta]\nmax_tokens = 5\n", "f:1: chta: is no section; did you mean [chat]?"},
		{"theme = \"dark\"\n", "f:1: theme: belongs into the section [ui]"},
		{"[chat]\n\nmouse = true\n", "f:3: chat.mouse: belongs into the section [ui]"},
		{"[chat]\nzzz = 1\n", "f:2: chat.zzz: is no setting; [chat] has max_tokens, temperature, top_p"},
		{"[chat]\nmax_tokens = \"many\"\n", `f:2: chat.max_tokens: must be a whole number of ordinary size, not the text "many"`},
		{"[chat]\nmax_tokens = 1.5\n", "f:2: chat.max_tokens: must be a whole number"},
		{"[chat]\nmax_tokens = 0\n", "f:2: chat.max_tokens: cannot be 0; it goes from 1 to 32768"},
		{"[chat]\ntemperature = nan\n", "f:2: chat.temperature: cannot be NaN"},
		{"[ui]\ncolor = \"truecolour\"\n", "did you mean truecolor?"},
		{"[training]\nkeep_logs_days = -1\n", "f:2: training.keep_logs_days: cannot be -1; it goes from 0 to 36500"},
		{"[ui]\nmouse = 1\n", "f:2: ui.mouse: must be true or false, not 1"},
		{"[ui]\ntheme = \"\\u001b[31m\"\n", "f:2: ui.theme: holds control"},
		{"[ui.keys]\nquit = 5\n", "f:2: ui.keys.quit: must be a key or a list of keys"},
		{"[account]\nname = \"azure\"\n", "f:2: account.name: cannot be \"azure\"; it is one of local, aws"},
		{"[account]\ntraining_role = \"me\"\n", "the ARN of a role"},
		{"[account]\nbucket = \"s3://b/x\"\n", "without s3://"},
		{"[prices]\ndate = \"yesterday\"\n", "f:2: prices.date"},
		{"[prices.instances]\nml.g5.xlarge = 1\n", "has to be in quotes"},
		{"[prices.instances]\n\"ml.g5.xlarge\" = -1\n", "f:2: prices.instances.ml.g5.xlarge: must be a price"},
		{"[prices.tokens]\nx = 1\n", "f:2: prices.tokens.x: must be US dollars"},
		{"[prices.tokens]\n\"a.b\" = { input = 1 }\n", "f:2: prices.tokens.a.b: must be US dollars"},
		{"[prices.tokens.x]\ninput = 1\noutput = -1\n", "prices.tokens.x: must be US dollars"},
		{"chat = 5\n", "f:1: chat: is a section"},
		{"[chat]\nmax_tokens = \n", "f:2: "},
		{"[chat]\na = 1\na = 2\n", "f:3: "},
	} {
		got, err := parse("f", c.src)
		e, ok := errors.AsType[*Error](err)
		if !ok || !strings.Contains(e.Error(), c.want) {
			t.Errorf("%q:\n got %v\nwant %s", c.src, err, c.want)
		}
		if !reflect.DeepEqual(got, Default()) {
			t.Errorf("%q: the rest is not as by default: %+v", c.src, got)
		}
	}
}

func TestGoodSettingsSurviveBadOnes(t *testing.T) {
	c, err := parse("f", "[chat]\nmax_tokens = 0\ntop_p = 0.5\n[ui]\ntheme = \"light\"\nx = 1\n")
	e, ok := errors.AsType[*Error](err)
	if !ok || len(e.Problems) != 2 || e.Problems[0].Line != 2 || e.Problems[1].Line != 6 {
		t.Fatalf("%v", err)
	}
	if c.Chat.TopP != 0.5 || c.UI.Theme != "light" || c.Chat.MaxTokens != Default().Chat.MaxTokens {
		t.Errorf("%+v", c)
	}
}

func TestPaths(t *testing.T) {
	t.Setenv("HOME", "/home/u")
	t.Setenv("XDG_CONFIG_HOME", "/xdg/config")
	t.Setenv("XDG_STATE_HOME", "relative/is/ignored")
	t.Setenv("XDG_CACHE_HOME", "")
	p, err := DefaultPaths("")
	if want := (Paths{"/xdg/config/tunebench", "/home/u/.local/state/tunebench", "/home/u/.cache/tunebench"}); err != nil || p != want {
		t.Errorf("%+v %v", p, err)
	}
	dir := t.TempDir()
	p, err = DefaultPaths(dir)
	if err != nil || p.ConfigFile() != filepath.Join(dir, "config.toml") || p.State != filepath.Join(dir, "state") ||
		p.Cache != filepath.Join(dir, "cache") || p.ThemesDir() != filepath.Join(dir, "themes") {
		t.Errorf("%+v %v", p, err)
	}
	if err := p.Create(); err != nil {
		t.Fatal(err)
	}
	if i, err := os.Stat(p.State); err != nil || i.Mode().Perm() != 0o700 {
		t.Errorf("%v %v", i, err)
	}
	t.Setenv("HOME", "")
	if _, err := DefaultPaths(""); err == nil || !strings.Contains(err.Error(), "--home") {
		t.Error(err)
	}
}

func TestSetTheme(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{"", "[ui]\ntheme = \"x\"\n"},
		{"# mine\n[chat]\nmax_tokens = 5", "# mine\n[chat]\nmax_tokens = 5\n\n[ui]\ntheme = \"x\"\n"},
		{"[ui]\nmouse = false\n", "[ui]\ntheme = \"x\"\nmouse = false\n"},
		{"[ui]", "[ui]\ntheme = \"x\"\n"},
		{"[ui] # screen\ntheme = \"dark\" # best\nmouse = true\n[eval]\nlimit = 3\n", "[ui] # screen\ntheme = \"x\" # best\nmouse = true\n[eval]\nlimit = 3\n"},
		{"ui.theme = \"dark\"\n[chat]\n", "ui.theme = \"x\"\n[chat]\n"},
		{"[ui.keys]\nquit = \"q\"\n", "[ui.keys]\nquit = \"q\"\n\n[ui]\ntheme = \"x\"\n"},
	} {
		got, err := setTheme(c.src, "x")
		if err != nil || got != c.want {
			t.Errorf("%q gave %q, want %q (%v)", c.src, got, c.want, err)
		}
	}
	for _, src := range []string{"ui = {theme = \"dark\"}\n", "[ui\n", "[eval]\ndelimiter = \"\"\"\n[ui]\ntheme = 1\n\"\"\"\n"} {
		if got, err := setTheme(src, "x"); err == nil {
			t.Errorf("%q gave %q", src, got)
		}
	}
}

func TestSaveTheme(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "folder")
	path := filepath.Join(dir, "config.toml")
	if err := SaveTheme(path, "light"); err != nil {
		t.Fatal(err)
	}
	if c, err := Load(path); err != nil || c.UI.Theme != "light" {
		t.Errorf("%+v %v", c.UI, err)
	}
	if i, err := os.Stat(path); err != nil || i.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", i, err)
	}
	link := filepath.Join(t.TempDir(), "config.toml")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if err := SaveTheme(link, "dark"); err != nil {
		t.Fatal(err)
	}
	if i, err := os.Lstat(link); err != nil || i.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v %v", i, err)
	}
	if c, err := Load(path); err != nil || c.UI.Theme != "dark" {
		t.Errorf("%+v %v", c.UI, err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// The page that describes the settings has all of them.
func TestReadme(t *testing.T) {
	page, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for s := range sections() {
		for _, n := range names(s) {
			if !strings.Contains(string(page), "`"+s+"."+n+"`") {
				t.Errorf("README.md lacks %s.%s", s, n)
			}
		}
	}
}

// TestTokenPrices: a model's price is by its own id or that of a profile over
// several regions, and is not known otherwise.
func TestTokenPrices(t *testing.T) {
	p := Default().Prices
	for id, want := range map[string]float64{
		"amazon.nova-micro-v1:0": 0.035 + 2*0.14, "us.amazon.nova-micro-v1:0": 0.035 + 2*0.14, "global.amazon.nova-micro-v1:0": -1,
		"amazon.nova-micro-v2:0": -1, "us.us.amazon.nova-micro-v1:0": -1, "": -1,
	} {
		price, ok := p.Token(id)
		if got := price.Of(1e6, 2e6); ok != (want >= 0) || ok && math.Abs(got-want) > 1e-9 {
			t.Errorf("%q: $%g, %v", id, got, ok)
		}
	}
	for id, price := range p.Tokens {
		if _, err := time.Parse(time.DateOnly, price.Date); err != nil || price.Source == "" || price.Region == "" || price.Input <= 0 || price.Output < price.Input {
			t.Errorf("%s: %+v", id, price)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("[chat]\nmax_tokens = 5\n[ui.keys]\nq = [\"a\"]\n")
	f.Add("ui.theme = 1\n[prices]\ninstances = {a = 1}\n")
	f.Fuzz(func(t *testing.T, src string) {
		c, err := parse("f", src)
		l := loader{}
		if l.check(&c); len(l.problems) > 0 {
			t.Fatalf("%q: a bad value was kept: %v (%v)", src, l.problems, err)
		}
		if out, err := setTheme(src, "x"); err == nil {
			if c, _ := parse("f", out); c.UI.Theme != "x" {
				t.Fatalf("%q → %q", src, out)
			}
		}
	})
}
