package evaluation

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"tunebench/backend/safetext"
)

// The marks of a judge's prompt, for which the row's texts are put in.
const (
	markQuestion  = "{question}"
	markReference = "{reference}"
	markFirst     = "{answer_1}"
	markSecond    = "{answer_2}"
)

// JudgePrompt is what a judge is asked unless the user has written something
// else. The reference is shown, for a judge that does not know the answer itself.
const JudgePrompt = `Two answers were given to the same question. Say which one is better: correct first of all, then to the point.

Question:
{question}

Reference answer:
{reference}

Answer 1:
{answer_1}

Answer 2:
{answer_2}

Reply with just one word: 1 if the first answer is better, 2 if the second is, or "tie".`

// noReference stands for a reference that there is none of.
const noReference = "(there is none; judge by the question)"

// judgeTokens is the longest reply of a judge: enough for one that gives its
// reasons before its verdict.
const judgeTokens = 512

const judgePromptKey = "eval.judge.prompt"

// CheckJudgePrompt refuses a prompt that does not show the judge what it needs.
func CheckJudgePrompt(text string) error {
	for _, m := range []string{markQuestion, markFirst, markSecond} {
		if !strings.Contains(text, m) {
			return fmt.Errorf("the judge's prompt lacks %s; it needs %s, %s and %s, and may have %s", m, markQuestion, markFirst, markSecond, markReference)
		}
	}
	return nil
}

// JudgePrompt is the prompt that judges are asked with: the user's, or JudgePrompt.
func (s *Service) JudgePrompt(ctx context.Context) (string, error) {
	return s.cfg.Store.Pref(ctx, judgePromptKey, JudgePrompt)
}

// SetJudgePrompt keeps the user's own prompt; "" goes back to JudgePrompt.
func (s *Service) SetJudgePrompt(ctx context.Context, text string) error {
	if text = strings.TrimRight(text, "\r\n"); strings.TrimSpace(text) == "" {
		text = JudgePrompt
	}
	if err := CheckJudgePrompt(text); err != nil {
		return err
	}
	return s.cfg.Store.SetPref(ctx, judgePromptKey, text)
}

// promptName tells prompts apart: votes by one say nothing of another.
func promptName(text string) string {
	if text == JudgePrompt {
		return "" // the usual one
	}
	h := sha256.Sum256([]byte(text))
	return hex.EncodeToString(h[:4])
}

// judgeText puts texts for the marks of a prompt; marks within the texts stay as
// they are.
func judgeText(prompt, question, reference, first, second string) string {
	if strings.TrimSpace(reference) == "" {
		reference = noReference
	}
	return strings.NewReplacer(markQuestion, question, markReference, reference, markFirst, first, markSecond, second).Replace(prompt)
}

// errNoVerdict says that a reply cannot be read.
var errNoVerdict = errors.New("the judge's reply is no verdict: it is to be 1, 2 or tie, or to end in a line such as \"Verdict: 1\"")

// verdict is what a reply says: 1, 2, or 0 for a tie. It is the whole reply, or
// its last line behind "Verdict:"; a word that only stands somewhere in a sentence
// is none.
func verdict(reply string) (int, error) {
	const around = " \t\r\n.,:;!*\"'`()[]_"
	word := strings.ToLower(strings.Trim(reply, around))
	if i := strings.LastIndexByte(word, '\n'); i >= 0 {
		last, ok := strings.CutPrefix(strings.Trim(word[i:], around), "verdict")
		if !ok {
			return 0, errNoVerdict
		}
		word = last
	}
	word = strings.Trim(strings.TrimPrefix(word, "verdict"), around)
	word = strings.Trim(strings.TrimPrefix(word, "answer "), around)
	switch word {
	case "1":
		return 1, nil
	case "2":
		return 2, nil
	case "tie":
		return 0, nil
	}
	return 0, errNoVerdict
}

// unreadLength is how many characters of a reply that cannot be read are told.
const unreadLength = 120

// excerpt is the beginning of a reply, for people.
func excerpt(reply string) string {
	r := []rune(safetext.Line(strings.Join(strings.Fields(reply), " ")))
	if len(r) > unreadLength {
		return string(r[:unreadLength]) + "…"
	}
	return string(r)
}
