package tui_test

import (
	"strings"
	"testing"
	"time"

	"tunebench/backend/chat"
	"tunebench/tui/uitest"
)

// TestChatDoubt: that a prompt format may be wrong stands there before the first
// question, and is said once with it; F sets the format.
func TestChatDoubt(t *testing.T) {
	play(t, func() *uitest.World {
		w := uitest.Full()
		for i := range w.Models {
			if w.Models[i].Ref == "style-20260714-102210" {
				w.Models[i].Doubt = "it may have been trained with another format"
			}
		}
		return w
	}, 120, 40, func(r *rig) {
		r.press("4")
		r.want("Converse, holds 512 tokens", "prompts as mistral-v3", "it may have been trained with another", "F sets")
		r.write("One?")
		r.press("enter")
		r.want("style-20260714-102210: it may have been trained with another format; F sets the format")
		r.press("esc", "F")
		r.want("The prompt format it was trained with", "style-20260714-102210  chatml", "as it is asked now")
		r.write("chatml")
		r.press("enter")
		r.want("style-20260714-102210 is asked in prompts as chatml")
		if did := strings.Join(r.world.Done(), "\n"); !strings.Contains(did, "format of style-20260714-102210: chatml") {
			t.Errorf("%q", did)
		}
		r.press(":")
		r.write("format base chatml")
		r.press("enter")
		r.want("the name of an imported model of the columns and a format are needed")
	})
}

// TestChatCancelOne: one answer is ended and the other goes on.
func TestChatCancelOne(t *testing.T) {
	var a, b *uitest.Stream
	play(t, func() *uitest.World {
		w := uitest.Full()
		a, b = uitest.NewStream(), uitest.NewStream()
		w.Streams = map[string]*uitest.Stream{"base": a, "style-20260714-102210": b}
		return w
	}, 120, 40, func(r *rig) {
		r.press("4")
		r.write("One?")
		r.press("enter", "esc")
		a.Token("It")
		b.Token("Das")
		r.pass(100 * time.Millisecond)
		r.press("X")
		r.want("End one answer", "base  streaming", "style-20260714-102210  streaming")
		r.press("down", "enter")
		r.pass(100 * time.Millisecond)
		r.want("cancelled", "streaming")
		a.Token(" is.")
		r.pass(100 * time.Millisecond)
		r.want("It is.")
		r.press("X") // the only one
		r.pass(100 * time.Millisecond)
		r.lacks("streaming")
	})
}

// TestChatAgain: a question that is asked again is not sent along with its first
// answer; how much of the context the turns take is shown.
func TestChatAgain(t *testing.T) {
	var w *uitest.World
	play(t, func() *uitest.World { w = uitest.Full(); return w }, 160, 40, func(r *rig) {
		r.press("4", "esc", "t", "i")
		for _, q := range []string{"One?", "Two?"} {
			r.write(q)
			r.press("enter")
		}
		r.want("% of the context")
		r.press("esc", "a")
		r.want("> One?", "> Two?")
		sent := w.Sent["base"]
		if len(sent) != 3 || strings.Join(texts(sent[2].Messages), "|") != strings.Join(texts(sent[1].Messages), "|") {
			t.Errorf("sent: %+v", sent)
		}
		r.press("i")
		r.write("Three?")
		r.press("enter")
		if got := texts(w.Sent["base"][3].Messages); len(got) != 5 {
			t.Errorf("sent along: %q", got)
		}
		r.lacks("n begins anew")
		r.write(strings.Repeat("word ", 240))
		r.press("enter")
		r.pass(30 * time.Second) // the warning that came with it is gone
		r.want("% of the context; n begins anew")
		r.write(strings.Repeat("word ", 80))
		r.press("enter")
		r.pass(30 * time.Second)
		r.want("the earlier turns do not fit the context")
		r.press("esc", "t")
		r.want("each question on its own")
		r.press("T", "g", "E")
		r.want("> One?", "enter send") // in the field, and nothing above it
		r.lacks("> Two?")
	})
}

func texts(ms []chat.Message) (all []string) {
	for _, m := range ms {
		all = append(all, m.Content)
	}
	return all
}
