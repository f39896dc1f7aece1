// Package config reads the program's TOML file, fills in the defaults, says
// what is wrong in it and where, and knows the folders in which the program
// keeps things.
//
// What a setting does belongs to whoever uses it; here is only its name, its
// default and what values it may have.
package config

// Config is the whole configuration: a section each.
type Config struct {
	Account  Account  `toml:"account"`
	Dataset  Dataset  `toml:"dataset"`
	Training Training `toml:"training"`
	Chat     Chat     `toml:"chat"`
	Eval     Eval     `toml:"eval"`
	UI       UI       `toml:"ui"`
	Prices   Prices   `toml:"prices"`
}

// Account says where work goes.
type Account struct {
	// Name is "local" or "aws".
	Name string `toml:"name"`
	// Profile and Region go to the SDK's default chain; "" leaves the choice to it.
	Profile string `toml:"profile"`
	Region  string `toml:"region"`
	// TrainingRole and ImportRole are the ARNs of the roles that SageMaker and
	// Bedrock take on.
	TrainingRole string `toml:"training_role"`
	ImportRole   string `toml:"import_role"`
	// Bucket holds datasets, job code and artifacts.
	Bucket string `toml:"bucket"`
	// ReadOnly refuses every request that changes something in the account, and
	// every file outside of the program's own folders.
	ReadOnly bool `toml:"read_only"`
}

// Dataset holds the settings of the dataset pane.
type Dataset struct {
	// Tokenizer is a model's folder, a tokenizer.json or a tokenizer.model: prompts
	// are shown in its tokens, and counted by it. "" takes that of the local
	// account's base model there, and estimates elsewhere.
	Tokenizer string `toml:"tokenizer"`
}

// Training holds the defaults of training jobs on AWS.
type Training struct {
	Instance string `toml:"instance"`
	// Image is the container image; "" takes the one that the program was tested
	// with, in the account's region.
	Image     string `toml:"image"`
	BaseModel string `toml:"base_model"` // as the Hugging Face Hub names it
	// Preset names the settings to start from; "" takes the training service's own
	// default.
	Preset string `toml:"preset"`
	// KeepLogsDays is for how many days after they were last read logs are kept on
	// this machine, KeepLogsMB how many MiB of them; 0 is no bound.
	KeepLogsDays int `toml:"keep_logs_days"`
	KeepLogsMB   int `toml:"keep_logs_mb"`
}

// Chat holds the generation settings of the chat.
type Chat struct {
	MaxTokens   int     `toml:"max_tokens"`
	Temperature float64 `toml:"temperature"`
	TopP        float64 `toml:"top_p"`
}

// Eval holds the settings of evaluations.
type Eval struct {
	Limit     int    `toml:"limit"`     // rows to use; 0 uses all
	Delimiter string `toml:"delimiter"` // between alternative answers
	MaxTokens int    `toml:"max_tokens"`
}

// UI holds the settings of the screen.
type UI struct {
	// Theme is the name of a theme, or "auto": light or dark by the terminal.
	Theme string `toml:"theme"`
	Mouse bool   `toml:"mouse"`
	// Color is "auto", "truecolor", "256", "16" or "none".
	Color string `toml:"color"`
	// Symbols is "auto", "unicode" or "ascii": what the terminal can show.
	Symbols string `toml:"symbols"`
	// Accessible makes the workbench lines of text that can be read aloud.
	Accessible bool `toml:"accessible"`
	// Keys gives actions other keys: name of the action → keys.
	Keys map[string][]string `toml:"keys"`
}

// Prices are what estimates are reckoned with, in US dollars. They are to be
// edited: prices differ by region and change.
type Prices struct {
	Date   string `toml:"date"`   // when they were read, year-month-day
	Region string `toml:"region"` // where they hold
	Source string `toml:"source"` // where they were read
	// Instances gives the price of an hour of training by instance type.
	Instances map[string]float64 `toml:"instances"`
	// CMUMinute is the price of a custom model unit for a minute, CMUMonth that
	// of storing one for a month.
	CMUMinute float64 `toml:"cmu_minute"`
	CMUMonth  float64 `toml:"cmu_month"`
	// Tokens gives the price of a foundation model's tokens by its id; see Token.
	Tokens map[string]TokenPrice `toml:"tokens"`
}

// Default returns the configuration of somebody who has no file.
func Default() Config {
	return Config{
		Account:  Account{Name: "local"},
		Training: Training{Instance: "ml.g6e.2xlarge", BaseModel: "mistralai/Mistral-7B-v0.3", KeepLogsDays: 90, KeepLogsMB: 4096},
		Chat:     Chat{MaxTokens: 512, Temperature: 0.7, TopP: 0.95},
		Eval:     Eval{Delimiter: "<OR>", MaxTokens: 128},
		UI:       UI{Theme: "auto", Color: "auto", Symbols: "auto"},
		Prices: Prices{
			Date:      "2026-07-02",
			Region:    "us-east-1",
			Source:    "public tables of SageMaker's list prices",
			CMUMinute: 0.05718,
			CMUMonth:  1.95,
			Tokens:    defaultTokens(),
			Instances: map[string]float64{
				"ml.g5.xlarge": 1.408, "ml.g5.2xlarge": 1.515, "ml.g5.4xlarge": 2.03, "ml.g5.8xlarge": 3.06,
				"ml.g5.12xlarge": 7.09, "ml.g5.24xlarge": 10.18, "ml.g5.48xlarge": 20.36,
				"ml.g6.xlarge": 1.127, "ml.g6.2xlarge": 1.222, "ml.g6.4xlarge": 1.654, "ml.g6.8xlarge": 2.518,
				"ml.g6.12xlarge": 5.752, "ml.g6.24xlarge": 8.344, "ml.g6.48xlarge": 16.688,
				"ml.g6e.xlarge": 2.61, "ml.g6e.2xlarge": 2.80, "ml.g6e.4xlarge": 3.76, "ml.g6e.8xlarge": 5.66,
				"ml.g6e.12xlarge": 13.12, "ml.g6e.16xlarge": 9.47, "ml.g6e.24xlarge": 18.83, "ml.g6e.48xlarge": 37.66,
				"ml.p4d.24xlarge": 25.25, "ml.p4de.24xlarge": 31.56, "ml.p5.4xlarge": 7.912, "ml.p5.48xlarge": 63.296,
			},
		},
	}
}
