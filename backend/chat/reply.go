package chat

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"tunebench/backend/safetext"
)

// Shape is where in a reply the answer stands. It depends on the body asked
// with and on when the model was imported.
type Shape string

// The shapes of replies.
const (
	ShapeMessage    Shape = "choices[0].message.content" // choices[0].delta.content in a stream
	ShapeText       Shape = "choices[0].text"
	ShapeGeneration Shape = "generation"
	ShapeOutputs    Shape = "outputs[0].text"
)

// replyBody has the members of all shapes, whole and in a stream.
type replyBody struct {
	Choices []struct {
		Message      *struct{ Content *string } `json:"message"`
		Delta        *struct{ Content *string } `json:"delta"`
		Text         *string                    `json:"text"`
		FinishReason *string                    `json:"finish_reason"`
	} `json:"choices"`
	Generation *string `json:"generation"`
	Outputs    []struct {
		Text       *string `json:"text"`
		StopReason *string `json:"stop_reason"`
	} `json:"outputs"`
	StopReason *string `json:"stop_reason"`
	Usage      *struct {
		Prompt     int `json:"prompt_tokens"`
		Completion int `json:"completion_tokens"`
	} `json:"usage"`
	PromptTokens     *int `json:"prompt_token_count"`
	GenerationTokens *int `json:"generation_token_count"`
	Metrics          *struct {
		Input  int `json:"inputTokenCount"`
		Output int `json:"outputTokenCount"`
	} `json:"amazon-bedrock-invocationMetrics"`
}

// piece is what one document of a reply says: the whole of it, or a chunk.
type piece struct {
	shape       Shape // "" when the document has no known place for text
	text        string
	stop        string
	input       int
	output      int  // tokens; 0 when not told
	end         bool // Bedrock's own mark of the last chunk
	outputTotal bool // output counts the whole answer, not this chunk
}

// parseReply reads a document in any of the four shapes. A document that has
// neither text nor a stop reason nor counts is an error that names its members.
func parseReply(doc []byte) (piece, error) {
	var b replyBody
	if err := json.Unmarshal(doc, &b); err != nil {
		return piece{}, fmt.Errorf("the model's reply is no JSON of a known form: %w", err)
	}
	var p piece
	take := func(shape Shape, text *string) {
		if text != nil && p.shape == "" {
			p.shape, p.text = shape, *text
		}
	}
	stop := func(reason *string) {
		if reason != nil && *reason != "" {
			p.stop = *reason
		}
	}
	if len(b.Choices) > 0 {
		c := b.Choices[0]
		if c.Message != nil {
			take(ShapeMessage, c.Message.Content)
		}
		if c.Delta != nil {
			take(ShapeMessage, c.Delta.Content)
		}
		take(ShapeText, c.Text)
		stop(c.FinishReason)
	}
	take(ShapeGeneration, b.Generation)
	if len(b.Outputs) > 0 {
		take(ShapeOutputs, b.Outputs[0].Text)
		stop(b.Outputs[0].StopReason)
	}
	stop(b.StopReason)
	if b.PromptTokens != nil {
		p.input = *b.PromptTokens
	}
	if b.GenerationTokens != nil {
		p.output, p.outputTotal = *b.GenerationTokens, true
	}
	if b.Usage != nil {
		p.input, p.output, p.outputTotal = b.Usage.Prompt, b.Usage.Completion, true
	}
	if b.Metrics != nil {
		p.input, p.output, p.outputTotal, p.end = b.Metrics.Input, b.Metrics.Output, true, true
	}
	if p.shape == "" && p.stop == "" && !p.outputTotal && len(b.Choices) == 0 {
		return piece{}, unknownShape(doc)
	}
	return p, nil
}

func unknownShape(doc []byte) error {
	var members map[string]json.RawMessage
	if json.Unmarshal(doc, &members) != nil {
		return fmt.Errorf("the model's reply has no known shape: it is no JSON object")
	}
	var names []string
	for name := range members {
		names = append(names, name)
	}
	slices.Sort(names)
	begins := doc
	if len(begins) > 160 {
		begins = begins[:160]
	}
	return fmt.Errorf("the model's reply has no known shape: its members are %s; it begins %s", safetext.Line(strings.Join(names, ", ")), safetext.Line(string(begins)))
}
