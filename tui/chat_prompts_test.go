package tui_test

import (
	"strings"
	"testing"

	"tunebench/backend/chat"
	"tunebench/backend/dataset"
	"tunebench/tui/uitest"
)

// TestChatPrompts: the library is listed and searched; a prompt is filled in a
// form, which the columns of a dataset's row fill first, and asked.
func TestChatPrompts(t *testing.T) {
	play(t, func() *uitest.World {
		w := uitest.Full()
		w.Rows[0].Fields = append(w.Rows[0].Fields, dataset.Field{Name: "product", Value: "tent"})
		w.Library = []chat.Prompt{{Name: "brief", Text: "Say it briefly."}, {Name: "shop", System: "You sell a {{product}}.", Text: "{{question}}\n\nAnswer a {{who}}."}}
		return w
	}, 120, 40, func(r *rig) {
		r.press("c")
		r.want("reference: brown")
		r.press("ctrl+r")
		r.want("save this question as", "brief", "shop", "fills product, question, who")
		r.write("sell") // in neither name nor question: prompts are found by what is shown of them
		r.want("no prompt of that name or text")
		r.press("ctrl+u")
		r.write("shop")
		r.press("enter")
		r.want("Prompt shop", "product", "tent", "You sell a tent.", "Answer a {{who}}.")
		r.press("ctrl+s")
		r.want("a value is needed")
		r.write(`child \n now`)
		r.want("Answer a child", "│  now")
		r.press("ctrl+s")
		r.want("reference: brown", "Answer a child")
		r.press("enter")
		if did := strings.Join(r.world.Done(), "\n"); !strings.Contains(did, "ask base In what color") || !strings.Contains(did, "Answer a child \n now.") {
			t.Errorf("asked: %q", did)
		}
		r.press("esc")
		r.want("system: You sell a tent.")
		// The row went with its question.
		r.press("P", "down", "enter")
		r.want("Prompt shop")
		r.lacks("You sell a tent.")
	})
}

// TestChatLongPrompt: a cell of megabytes fills a variable without being drawn
// whole with every frame.
func TestChatLongPrompt(t *testing.T) {
	long := strings.Repeat("lang wié ", 200_000)
	play(t, func() *uitest.World {
		w := uitest.Full()
		w.Rows[0].Fields = append(w.Rows[0].Fields, dataset.Field{Name: "text", Value: long})
		w.Library = []chat.Prompt{{Name: "sum", Text: "Sum up: {{text}}"}}
		return w
	}, 100, 30, func(r *rig) {
		r.press("c", "ctrl+r", "enter")
		r.want("Prompt sum", "Sum up: lang wié")
		if n := testing.AllocsPerRun(3, func() { r.app.Frame() }); n > 20_000 {
			t.Errorf("%.0f allocations for a frame", n)
		}
		r.press("ctrl+s", "enter")
		if sent := r.world.Sent["base"]; len(sent) != 1 || !strings.HasSuffix(sent[0].Messages[len(sent[0].Messages)-1].Content, strings.TrimSpace(long)) {
			t.Error("the cell was not sent whole")
		}
	})
}

// TestChatSavePrompt: the question in the field is saved under a name, in place of
// another one only after a question; and deleted.
func TestChatSavePrompt(t *testing.T) {
	play(t, func() *uitest.World {
		w := uitest.Full()
		w.Library = []chat.Prompt{{Name: "one", Text: "One?"}}
		return w
	}, 120, 40, func(r *rig) {
		r.press("4", "ctrl+r", "up", "enter")
		r.want("there is no question to save yet")
		r.press("esc")
		r.write("Two {{x}}?")
		r.press("ctrl+r", "up", "enter")
		r.want("Save as a prompt")
		r.write("one")
		r.press("enter")
		r.want("Replace the prompt?")
		r.press("y")
		r.want("saved the prompt one")
		if r.world.Library[0].Text != "Two {{x}}?" {
			t.Errorf("kept: %+v", r.world.Library)
		}
		r.press("esc", ":")
		r.write("prompts one")
		r.press("enter")
		r.want("Prompt one", "Two {{x}}?")
		r.press("esc", "P", "ctrl+x")
		r.want("Delete the prompt?")
		r.press("y")
		r.want("deleted the prompt one")
		if len(r.world.Library) != 0 {
			t.Errorf("kept: %+v", r.world.Library)
		}
		r.press("esc", ":")
		r.write("prompts none")
		r.press("enter")
		r.want(`there is no prompt "none"`)
	})
}
