package command

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"tunebench/backend/chat"
)

// asking is one question to several models, as the command line has it.
type asking struct {
	refs      []string
	system    string
	reference string
	settings  chat.Settings
	seed      int64
	session   int64
	set       string
	prompt    string
	vars      []string
	noKeep    bool
	given     func(flag string) bool // whether a flag stands on the command line
}

// of is what a model is asked with: what the session is held with, but for what
// stands on the command line.
func (a asking) of(held chat.Own) chat.Own {
	if a.session == 0 || held.Settings.MaxTokens == 0 {
		return chat.Own{System: a.system, Settings: a.settings}
	}
	s, mine := &held.Settings, a.settings
	for flag, take := range map[string]func(){
		"max-tokens": func() { s.MaxTokens = mine.MaxTokens }, "temperature": func() { s.Temperature = mine.Temperature }, "top-p": func() { s.TopP = mine.TopP },
		"top-k": func() { s.TopK = mine.TopK }, "stop": func() { s.Stop = mine.Stop }, "seed": func() { s.Seed = mine.Seed },
	} {
		if a.given(flag) {
			take()
		}
	}
	if a.system != "" || a.given("system") {
		held.System = a.system
	}
	return held
}

func newChat(g *globals) *cobra.Command {
	a := asking{settings: chat.DefaultSettings()}
	c := &cobra.Command{
		Use: `chat --model M [--model N] ["question"]`, Short: "Ask one or more models the same question",
		Long: `Ask one or more models the same question at once. Without a question, or with
"-", it is read from standard input. Text is printed as it arrives, model by model
in the order asked for; -o json gives all answers when the last has ended, and
-o jsonl an event a line while they arrive: start, waking, retry, text and end.

What was asked and answered is kept: tunebench sessions lists, shows and exports
it, and --session goes on with it, with its settings unless others are given.

--prompt asks a prompt of the library, with a value for each of its variables:
--var name=value. The question, if there is one, is the variable question.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(a.refs) == 0 && a.session == 0 && a.set == "" {
				return usagef("--model is missing: which model to ask (tunebench models list prints them)")
			}
			if len(a.vars) > 0 && a.prompt == "" {
				return usagef("--var fills a prompt of the library; --prompt is missing (tunebench prompts list prints them)")
			}
			var question string
			var err error
			if a.prompt != "" {
				question, err = g.prompted(&a, args)
			} else {
				question, err = g.question(args)
			}
			if err != nil {
				return err
			}
			if cmd.Flags().Changed("seed") {
				a.settings.Seed = &a.seed
			}
			a.given = cmd.Flags().Changed
			ctx := cmd.Context()
			return g.with(ctx, func(s *session) error { return g.ask(ctx, s, a, question) })
		},
	}
	f := c.Flags()
	f.StringArrayVarP(&a.refs, "model", "m", nil, "model to ask (repeat to compare)")
	f.StringVar(&a.set, "set", "", "set of models that was saved under this name in the workbench")
	f.StringVar(&a.prompt, "prompt", "", "prompt of the library to ask (tunebench prompts list)")
	f.StringArrayVar(&a.vars, "var", nil, "name=value of a variable of the prompt (repeat for several)")
	_ = c.RegisterFlagCompletionFunc("prompt", g.promptNames)
	f.StringVar(&a.system, "system", "", "system prompt")
	f.StringVar(&a.reference, "reference", "", "what the answer should be; kept with the answers")
	f.IntVar(&a.settings.MaxTokens, "max-tokens", a.settings.MaxTokens, "most tokens to answer with")
	f.Float64Var(&a.settings.Temperature, "temperature", a.settings.Temperature, "0 is greedy")
	f.Float64Var(&a.settings.TopP, "top-p", a.settings.TopP, "nucleus of probability to sample from")
	f.IntVar(&a.settings.TopK, "top-k", 0, "how many of the likeliest tokens to sample from; 0 is all")
	f.StringArrayVar(&a.settings.Stop, "stop", nil, "text at which an answer ends (repeat for several)")
	f.Int64Var(&a.seed, "seed", 0, "seed of chance, for models that are asked by InvokeModel")
	f.Int64Var(&a.session, "session", 0, "go on with this session: its turns are sent along")
	f.BoolVar(&a.noKeep, "no-keep", false, "do not keep what is asked and answered")
	return c
}

// longestQuestion is the most bytes that are read as a question.
const longestQuestion = 4 << 20

// question is what stands on the command line, or on standard input.
func (g *globals) question(args []string) (string, error) {
	q := strings.Join(args, " ")
	if len(args) == 0 || q == "-" {
		if f, ok := g.in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
			return "", usagef("the question is missing; write it behind the options, or send it to standard input")
		}
		b, err := io.ReadAll(io.LimitReader(g.in, longestQuestion+1))
		if err != nil {
			return "", fmt.Errorf("read the question from standard input: %w", err)
		}
		if len(b) > longestQuestion {
			return "", usagef("the question on standard input is longer than %d bytes", longestQuestion)
		}
		q = strings.TrimRight(string(b), "\r\n")
	}
	if strings.TrimSpace(q) == "" {
		return "", usagef("the question is empty; write it behind the options, or send it to standard input")
	}
	return q, nil
}

// caution says before a question is sent what speaks against it: a prompt format that
// may be wrong, a prompt that leaves no room for the answer.
func (g *globals) caution(s *session, req chat.Request) {
	if m := req.Model; m.Doubt != "" {
		g.say("%s: %s (tunebench models format %s FORMAT)", m.Ref, m.Doubt, m.Ref)
	}
	if tokens, context, _ := s.chat.Room(req); context > 0 && tokens+req.Settings.MaxTokens > context && tokens > context/2 {
		g.say("%s holds %d tokens: the prompt has about %d and the answer may have %d", req.Model.Ref, context, tokens, req.Settings.MaxTokens)
	}
}

// ask sends to all models at once and prints the answers.
func (g *globals) ask(ctx context.Context, s *session, a asking, question string) error {
	if a.set != "" {
		sets, err := s.chat.Sets(ctx)
		if err != nil {
			return err
		}
		if sets[a.set] == nil {
			return fmt.Errorf("there is no set of models %q; saved are: %s", a.set, strings.Join(append(chat.SetNames(sets), "nothing else")[:max(1, len(sets))], ", "))
		}
		a.refs = append(a.refs, sets[a.set]...)
	}
	conv, turns := chat.Conversation{Set: chat.Manner{Settings: a.settings, System: a.system}}, []chat.Turn(nil)
	if a.session != 0 {
		var err error
		if conv, turns, err = s.chat.Load(ctx, a.session); err != nil {
			return err
		}
		if len(a.refs) == 0 {
			a.refs = conv.Models
		}
	}
	models := make([]chat.Model, 0, len(a.refs))
	for _, r := range a.refs {
		m, err := s.chat.Resolve(ctx, r)
		if err != nil {
			return err
		}
		models = append(models, m)
	}
	answers := make([]*chat.Answer, len(models))
	all := a.of(chat.Own{System: conv.Set.System, Settings: conv.Set.Settings})
	kept := chat.Exchange{System: all.System, Question: question, Reference: a.reference}
	for i, m := range models {
		msgs := chat.History(turns, m.Ref)
		if n := len(msgs); n > 1 && msgs[n-2].Content == question {
			msgs = msgs[:n-2] // it is asked again
		}
		how := a.of(conv.Set.For(m.Ref))
		if how.System != "" {
			msgs = append([]chat.Message{{Role: "system", Content: how.System}}, msgs...)
		}
		msgs = append(msgs, chat.Message{Role: "user", Content: question})
		req := chat.Request{Model: m, Messages: msgs, Settings: how.Settings}
		g.caution(s, req)
		answers[i] = s.chat.Send(ctx, req)
		kept.Answers = append(kept.Answers, answers[i])
	}
	var log *chat.Transcript
	if !a.noKeep {
		log = s.chat.Transcript(conv, turns)
		log.Keep(kept)
	}
	outs, err := g.report(ctx, answers, s.costing(ctx, models, conv, turns))
	if log != nil {
		s.chat.Close()
		if kerr := log.Err(); kerr != nil {
			g.say("the session could not be kept: %v", kerr)
		} else if g.output == "table" {
			g.say("session %d", log.Conversation().ID)
		}
	}
	if err != nil {
		return err
	}
	var failed []string
	for i, o := range outs {
		if o.Phase != string(chat.Finished) {
			failed = append(failed, fmt.Sprintf("%s: %s", o.Model, endText(answers[i].State())))
		}
	}
	if len(failed) > 0 {
		return fmt.Errorf("no full answer from %s", strings.Join(failed, "; "))
	}
	return nil
}
