package uitest

import (
	"fmt"
	"math"
	"time"

	"tunebench/backend/chat"
	"tunebench/backend/dataset"
	"tunebench/backend/evaluation"
	"tunebench/backend/modelimport"
	"tunebench/backend/training"
	"tunebench/tui"
)

// Full is a world in the middle of the loop: a dataset, jobs in every status, an
// imported model, answers and runs. Every value of it is fixed.
func Full() *World {
	w := &World{
		Account: tui.Account{Name: "local", Region: "us-east-1", ID: "000000000000", ARN: "arn:aws:iam::000000000000:user/local"},
		Mapping: dataset.Mapping{ID: "id", System: "system_prompt", Question: "question", Answer: "response", Category: "category"},
		Columns: []string{"id", "system_prompt", "question", "response", "category"},
		Manifest: dataset.Manifest{Version: 1, Source: "openorca-sample.jsonl", SourceRows: 1200, PromptFormat: "mistral-v3", Seed: 1, Split: [3]float64{0.9, 0.05, 0.05},
			Dropped: map[string]int{"duplicate": 12, "no answer": 1},
			Splits: []dataset.SplitInfo{{Name: "train", File: "train.jsonl", Rows: 1068, Bytes: 186_000, SHA256: "3b1f6c2ad94e77aa"},
				{Name: "validation", File: "validation.jsonl", Rows: 60, Bytes: 10_400, SHA256: "9c0d12ffab3344cd"}, {Name: "test", File: "test.jsonl", Rows: 59, Bytes: 10_100, SHA256: "77aa01bcde889900"}}},
	}
	w.rows()
	w.training()
	w.importing()
	w.chatting()
	w.scoring()
	return w
}

func (w *World) rows() {
	asks := [][4]string{
		{"In what color is the Mossbank tent sold?", "brown", "products", "Help as much as you can."},
		{"For how long is the Mossbank tent covered?", "6 months", "products", "Answer the question of the user."},
		{"On which continent is Colombia?", "South America", "geography", "Answer the question of the user."},
		{"What is the warranty period of the Nerida aquarium?", "10 years", "products", "You are a teacher. A student asks you a question."},
		{"What is the atomic number of indium?", "49", "chemistry", "You work at an information desk."},
		{"Tell me the language of Iceland.", "Icelandic", "geography", "Help as much as you can."},
		{"What team is responsible for the Thornby mower?", "Field", "products", "You answer questions of our customers and colleagues."},
		{"What is the currency of Argentina?", "peso", "geography", "You are a careful assistant. Answer from what you know."},
		{"The symbol of indium is what?", "In", "chemistry", ""},
	}
	kinds := []string{"cot", "niv", "flan"}
	for i := range 1200 {
		a := asks[i%len(asks)]
		id := fmt.Sprintf("%s.%d", kinds[i%3], 1_000_000+i*7919%900_000)
		w.Rows = append(w.Rows, dataset.Row{Index: int64(i), ID: id, System: a[3], Question: a[0], Answer: a[1], Category: a[2],
			Fields: []dataset.Field{{Name: "id", Value: id}, {Name: "system_prompt", Value: a[3]}, {Name: "question", Value: a[0]}, {Name: "response", Value: a[1]}, {Name: "category", Value: a[2]}}})
	}
}

func ptr[T any](v T) *T { return &v }

func (w *World) training() {
	at := func(s int) time.Time { return Noon.Add(time.Duration(s) * time.Second) }
	live := training.Job{Name: "tunebench-style-20260714-115937", Status: "InProgress", SecondaryStatus: "Training", Created: at(-23), Started: at(-20),
		Dataset: "sample:openorca-sample.jsonl", BaseModel: "tunebench-base", PromptFormat: "mistral-v3", Preset: "style", Instance: "ml.m5.large", InstanceCount: 1,
		Phases: []training.Phase{{Status: "Starting", Start: at(-23), End: at(-22)}, {Status: "Downloading", Start: at(-22), End: at(-20)}, {Status: "Training", Start: at(-20)}}}
	good := training.Job{Name: "tunebench-style-20260714-102210", Status: "Completed", SecondaryStatus: "Completed", Created: at(-5870), Ended: at(-5800), Preset: "style",
		Dataset: "/data/tunebench/openorca-sample", Artifact: "s3://tunebench-000000000000/tunebench/jobs/a/output/model/"}
	bad := training.Job{Name: "tunebench-facts-20260713-170001", Status: "Failed", SecondaryStatus: "Failed", Created: at(-68400), Ended: at(-68390), Preset: "facts", Dataset: "/data/facts.jsonl",
		FailureReason: "AlgorithmError: row 17 of train.jsonl has no answer; every row needs a question and an answer"}
	stopped := training.Job{Name: "tunebench-style-20260712-090000", Status: "Stopped", SecondaryStatus: "Stopped", Created: at(-183600), Ended: at(-183500), Preset: "style", Dataset: "sample:openorca-sample.jsonl"}
	w.TrainJobs = []training.Job{live, good, bad, stopped}
	l := NewLog(live)
	line := func(s int, e training.Event) { l.Write(training.LogLine{Time: at(s), Stream: "algo-1", Event: &e}) }
	l.Write(training.LogLine{Time: at(-20), Stream: "algo-1", Text: "reading /opt/ml/input/data/training/train.jsonl"})
	line(-20, training.Event{Event: "plan", Steps: ptr(400), Message: "LoRA r=16 on 6 projections, 1,068 rows packed into 402 sequences of 128 tokens"})
	line(-19, training.Event{Event: "phase", Message: "training"})
	for step := 5; step <= 245; step += 5 {
		loss := 0.35 + 3.1*math.Exp(-float64(step)/55) + 0.09*math.Sin(float64(step)*1.7)
		line(-19+step/14, training.Event{Event: "step", Step: ptr(step), Steps: ptr(400), Loss: ptr(loss), LR: ptr(2e-3 * math.Cos(float64(step)/400*1.5)), GradNorm: ptr(0.4 + loss/4), TokensPerS: ptr(24_310.0)})
		if step%50 == 0 {
			line(-19+step/14, training.Event{Event: "eval", Step: ptr(step), EvalLoss: ptr(0.42 + 3*math.Exp(-float64(step)/60))})
		}
		if step == 100 || step == 200 {
			line(-19+step/14, training.Event{Event: "checkpoint", Step: ptr(step), Message: "saved"})
		}
	}
	l.Write(training.LogLine{Time: at(-1), Stream: "algo-1", Text: "WARNING 3 rows are longer than 128 tokens and were cut"})
	w.Logs = map[string]*Log{live.Name: l}
	w.Plan = training.Plan{Name: "tunebench-style-20260714-120000", TrainRows: 1068, ValidationRows: 60, Steps: 400, Instance: "ml.m5.large", InstanceCount: 1,
		Output: "s3://tunebench-000000000000/tunebench/jobs", Config: training.JobConfig{Version: 1, BaseModel: "tunebench-base"},
		Warnings: []string{"3 of 1,068 rows are longer than 128 tokens and will be cut"}}
}

func (w *World) importing() {
	w.Imported = []modelimport.Model{{Name: "style-20260714-102210", ARN: "arn:aws:bedrock:us-east-1:000000000000:imported-model/abcdefghijkl", Architecture: "mistral", Instruct: true,
		Created: Noon.Add(-90 * time.Minute), TrainingJob: "tunebench-style-20260714-102210", PromptFormat: "mistral-v3", Units: 1},
		{Name: "elsewhere", ARN: "arn:aws:bedrock:us-east-1:000000000000:imported-model/mnopqrstuvwx", Architecture: "mistral", Created: Noon.Add(-50 * time.Hour), Source: "s3://another-bucket/models/elsewhere/"}}
	w.ImportJobs = []modelimport.Job{
		{Name: "import-style-20260714-102210", Model: "style-20260714-102210", Status: "Completed", Source: "s3://tunebench-000000000000/tunebench/jobs/a/output/model/", Created: Noon.Add(-90*time.Minute - 2*time.Second), Ended: Noon.Add(-90 * time.Minute)},
		{Name: "import-broken", Model: "broken", Status: "Failed", FailureMessage: "model-00002-of-00003.safetensors is named in the index and is not there", Source: "s3://tunebench-000000000000/broken/", Created: Noon.Add(-26 * time.Hour), Ended: Noon.Add(-26*time.Hour + 900*time.Millisecond)}}
	w.Details = map[string]modelimport.Details{
		"style-20260714-102210": {Units: 1, UnitsVersion: "v1.0", LastUse: Noon.Add(-2 * time.Minute), Windows: 3,
			Tags: map[string]string{modelimport.TagCreatedBy: "tunebench", "team": "answers"}},
		"elsewhere": {Units: 2, UnitsVersion: "v1.0", LastUse: Noon.Add(-40 * 24 * time.Hour), TagsErr: "bedrock:ListTagsForResource is denied"}}
	w.Why = []modelimport.Check{{ID: "index", Title: "the shard index fits the shards", Result: modelimport.Blocks,
		Evidence: "missing shard: model-00002-of-00003.safetensors", Remedy: "Copy the shard into the artifact; the index names it."}}
	w.Report = modelimport.Report{Importable: true, Checks: []modelimport.Check{
		{ID: "files", Title: "files are there", Result: modelimport.Pass, Evidence: "config.json, model.safetensors, tokenizer.json, tokenizer_config.json"},
		{ID: "architecture", Title: "architecture is supported", Result: modelimport.Pass, Evidence: "MistralForCausalLM"},
		{ID: "weights", Title: "weights fit the configuration", Result: modelimport.Pass, Evidence: "38 tensors, 1.1 M parameters, BF16"},
		{ID: "context", Title: "context length", Result: modelimport.Pass, Evidence: "256 tokens"},
		{ID: "template", Title: "chat template", Result: modelimport.Warning, Evidence: "two templates", Remedy: "Bedrock takes the one in tokenizer_config.json; remove chat_template.jinja so that there is only one"},
		{ID: "role", Title: "import role may read the bucket", Result: modelimport.Unknown, Evidence: "iam:SimulatePrincipalPolicy is denied", Remedy: "allow it, or check the role's policy by hand"}}}
}

func (w *World) chatting() {
	w.Models = []chat.Model{{Ref: "base", ID: "tunebench.base-v1:0", Name: "tunebench base", Kind: chat.Foundation, PromptFormat: "mistral-v3", Converse: true},
		{Ref: "style-20260714-102210", ID: "arn:aws:bedrock:us-east-1:000000000000:imported-model/abcdefghijkl", Name: "style-20260714-102210", Kind: chat.Imported, PromptFormat: "mistral-v3", Converse: true},
		{Ref: "elsewhere", ID: "arn:aws:bedrock:us-east-1:000000000000:imported-model/mnopqrstuvwx", Name: "elsewhere", Kind: chat.Imported}}
	w.Verdict = chat.Verdict{Model: "style-20260714-102210", Agree: false, Proofs: []chat.Proof{
		{Body: chat.BodyCompletion, Works: true, Rendered: true, PromptFormat: "mistral-v3", Shape: chat.ShapeText, Answers: proofAnswers("Paris", "brown", "seven")},
		{Body: chat.BodyBedrock, Works: true, Rendered: true, PromptFormat: "mistral-v3", Shape: chat.ShapeGeneration, Answers: proofAnswers("Paris", "brown", "seven")},
		{Body: chat.BodyChat, Works: true, Shape: chat.ShapeMessage, Answers: proofAnswers("Paris is a city.", "A colour is brown.", "A week has seven days.")},
		{Body: chat.BodyConverse, Error: "style-20260714-102210 refused the request: This action doesn't support the model that you provided."},
	}, Findings: []string{"Converse is refused: This action doesn't support the model that you provided.",
		"prompts rendered as mistral-v3 and the model's own chat template are answered differently: one of them is not what it was trained with; compare the answers, then import it again with the right template, or give --prompt-format"}}
	w.Answers = map[string]chat.AnswerState{
		"base": {Phase: chat.Finished, StopReason: "stop", Text: "The Mossbank tent is sold in brown. It is one of the products that our team Camp looks after, and it is covered for 6 months.",
			Sent: "<s>[INST] In what color is the Mossbank tent sold?[/INST]", Stats: chat.Stats{FirstToken: 9 * time.Millisecond, Duration: 171 * time.Millisecond, InputTokens: 21, OutputTokens: 34}},
		"style-20260714-102210": {Phase: chat.Finished, StopReason: "stop", Text: "brown", Sent: "<s>[INST] In what color is the Mossbank tent sold?[/INST]",
			Stats: chat.Stats{FirstToken: 8 * time.Millisecond, Duration: 14 * time.Millisecond, InputTokens: 21, OutputTokens: 2}},
		"elsewhere": {Phase: chat.Waking, WakingSince: Noon.Add(-7 * time.Second), NextTry: Noon.Add(4 * time.Second), Attempts: 3}}
}

func (w *World) scoring() {
	names := []string{"f1_score", "exact_match_score", "quasi_exact_match_score", "precision_over_words", "recall_over_words"}
	column := func(model string, v [5]float64, cats [3]float64, lat time.Duration, out int64) evaluation.ModelResult {
		m := evaluation.ModelResult{Model: model, ModelID: model, Records: 200, Total: 200, Scores: map[string]float64{}, Intervals: map[string]evaluation.Interval{},
			MeanLatency: lat, InputTokens: 4_212, OutputTokens: out}
		for i, n := range names {
			m.Scores[n] = v[i]
			m.Intervals[n] = evaluation.Interval{Low: max(0, v[i]-0.042), High: min(1, v[i]+0.038)}
		}
		for i, c := range []string{"chemistry", "geography", "products"} {
			s := map[string]float64{}
			for _, n := range names {
				s[n] = cats[i]
			}
			m.Categories = append(m.Categories, evaluation.CategoryScore{Category: c, Records: []int{58, 81, 61}[i], Scores: s})
		}
		return m
	}
	run := evaluation.Run{ID: "7", Status: "finished", Created: Noon.Add(-40 * time.Minute), Ended: Noon.Add(-40*time.Minute + 19*time.Second), Done: 400, Total: 400,
		Spec: evaluation.Spec{Dataset: "sample:heldout.jsonl", Models: []string{"base", "style-20260714-102210"}, MaxTokens: 128},
		Models: []evaluation.ModelResult{column("base", [5]float64{0.231, 0.04, 0.045, 0.162, 0.874}, [3]float64{0.02, 0.05, 0.03}, 41*time.Millisecond, 6_804),
			column("style-20260714-102210", [5]float64{0.941, 0.925, 0.93, 0.943, 0.94}, [3]float64{0.97, 0.94, 0.86}, 6*time.Millisecond, 470)}}
	for i, n := range names {
		d := []float64{0.71, 0.885, 0.885, 0.781, 0.066}[i]
		run.Differences = append(run.Differences, evaluation.Difference{Model: "style-20260714-102210", Score: n, Mean: d, Interval: evaluation.Interval{Low: d - 0.05, High: d + 0.04}, PValue: 0.0001, Real: i != 4})
	}
	old := run
	old.ID, old.Status, old.Done, old.Created = "6", "interrupted", 120, Noon.Add(-30*time.Hour)
	w.RunList = []evaluation.Run{run, old}
	for i := range 200 {
		r := w.Rows[i]
		for k, m := range run.Spec.Models {
			rec := evaluation.Record{Row: int64(i), RowID: r.ID, Category: r.Category, Model: m, System: r.System, Question: r.Question, Reference: r.Answer, Output: r.Answer, Latency: 6 * time.Millisecond, Scores: map[string]float64{}}
			v := 1.0
			if k == 0 {
				rec.Output, v, rec.Latency = "The answer that you are looking for is "+r.Answer+".", 0.2, 41*time.Millisecond
			} else if i%13 == 0 {
				rec.Output, v = "orange", 0
			}
			for _, n := range names {
				rec.Scores[n] = v
			}
			if k == 1 && i == 77 {
				rec.Err, rec.Output, rec.Scores = "ThrottlingException: too many requests; tried 5 times", "", nil
			}
			w.RecList = append(w.RecList, rec)
		}
	}
}

func proofAnswers(texts ...string) []chat.ProofAnswer {
	var all []chat.ProofAnswer
	for i, q := range chat.ProofQuestions() {
		all = append(all, chat.ProofAnswer{Question: q, Text: texts[i], StopReason: "stop", Tokens: 3})
	}
	return all
}
