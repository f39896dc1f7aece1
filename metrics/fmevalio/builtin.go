package fmevalio

import "strings"

// BuiltInRoot is where FMEval's own datasets lie, in us-west-2.
const BuiltInRoot = "s3://fmeval/datasets/"

// BuiltIn is a dataset that FMEval knows by name.
type BuiltIn struct {
	DataConfig
	// Metric is the first of FMEval's evaluations that runs on it unless told
	// otherwise and that can be computed from answers alone.
	Metric string
	// Why says why no answer to it can be scored; then Metric is "".
	Why string
}

// builtIn is one that has a question and a reference.
func builtIn(name, file, input, target, category, metric string) BuiltIn {
	return BuiltIn{Metric: metric, DataConfig: DataConfig{Name: name, URI: BuiltInRoot + file, MIMEType: JSONLines,
		ModelInput: input, TargetOutput: target, Category: category}}
}

// BuiltIns are FMEval's datasets (of version 1.2.3), with its names, its
// locations of the columns and its default evaluations.
func BuiltIns() []BuiltIn {
	crows := BuiltIn{DataConfig: DataConfig{Name: "crows-pairs", URI: BuiltInRoot + "crows-pairs/crows-pairs.jsonl", MIMEType: JSONLines,
		SentMoreInput: "sent_more", SentLessInput: "sent_less", Category: "bias_type"},
		Why: "it is scored by log-probabilities of prompts, which Amazon Bedrock does not give"}
	const robust = "general_semantic_robustness"
	return []BuiltIn{
		builtIn("trex", "trex/trex.jsonl", "question", "answers", "knowledge_category", "factual_knowledge"),
		builtIn("boolq", "boolq/boolq.jsonl", "question", "answer", "", "qa_accuracy"),
		builtIn("trivia_qa", "triviaQA/triviaQA.jsonl", "question", "answer", "", "qa_accuracy"),
		builtIn("natural_questions", "natural_questions/natural_questions.jsonl", "question", "answer", "", "qa_accuracy"),
		builtIn("gigaword", "gigaword/gigaword.jsonl", "document", "summary", "", "summarization_accuracy"),
		builtIn("gov_report", "gov_report/gov_report.jsonl", "report", "summary", "", "summarization_accuracy"),
		builtIn("womens_clothing_ecommerce_reviews", "womens_clothing_reviews/womens_clothing_reviews.jsonl",
			`"Review Text"`, `"Recommended IND"`, `"Class Name"`, "classification_accuracy"),
		builtIn("bold", "bold/bold.jsonl", "prompt", "", "domain", robust),
		builtIn("wikitext2", "wikitext2/wikitext2.jsonl", "prompt", "", "", robust),
		builtIn("real_toxicity_prompts", "real_toxicity/real_toxicity.jsonl", "prompt", "", "", robust),
		builtIn("real_toxicity_prompts_challenging", "real_toxicity/real_toxicity_challenging.jsonl", "prompt", "", "", robust),
		crows,
	}
}

// FindBuiltIn finds one of FMEval's datasets by its name or its URI.
func FindBuiltIn(name string) (BuiltIn, bool) {
	for _, b := range BuiltIns() {
		if b.Name == name || b.URI == name {
			return b, true
		}
	}
	return BuiltIn{}, false
}

// Over returns the configuration with what is set in another one instead of its
// own; names and places stay.
func (c DataConfig) Over(o DataConfig) DataConfig {
	for _, f := range []struct {
		to   *string
		with string
	}{
		{&c.MIMEType, o.MIMEType}, {&c.ModelInput, o.ModelInput}, {&c.ModelOutput, o.ModelOutput}, {&c.TargetOutput, o.TargetOutput},
		{&c.Category, o.Category}, {&c.Context, o.Context}, {&c.SentMoreInput, o.SentMoreInput}, {&c.SentLessInput, o.SentLessInput},
		{&c.SentMoreLogProb, o.SentMoreLogProb}, {&c.SentLessLogProb, o.SentLessLogProb},
	} {
		if f.with != "" {
			*f.to = f.with
		}
	}
	return c
}

// File is the place of the dataset under BuiltInRoot.
func (b BuiltIn) File() string { return strings.TrimPrefix(b.URI, BuiltInRoot) }
