package chat

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"

	"tunebench/backend/artifact"
	"tunebench/backend/safetext"
)

// Preview is a request as it would go on the wire.
type Preview struct {
	Route Route
	// Operation is Bedrock Runtime's.
	Operation string
	// Text is the prompt as text, JSON the body, indented. Both have passed
	// safetext.
	Text, JSON string
	// Tokens are those of Text as the model reads them, nil where its tokenizer is
	// not known here.
	Tokens []Token
	// Context is how many tokens the model holds, 0 if this is not known.
	Context int
	// Lost names settings that have no place in this route.
	Lost []string
}

// Token of a prompt.
type Token struct {
	ID   int32
	Text string
}

// Preview shows what Send would send.
func (s *Service) Preview(req Request) (Preview, error) {
	p, err := prepare(req)
	if err != nil {
		return Preview{}, err
	}
	v := Preview{Route: p.route, Operation: "InvokeModelWithResponseStream", Text: safetext.Text(p.sent)}
	if p.route == RouteConverse {
		v.Operation = "ConverseStream"
		if req.Settings.Seed != nil {
			v.Lost = append(v.Lost, "seed")
		}
	}
	body, err := p.wire()
	if p.route == RouteEndpoint {
		v.Operation = "POST /chat/completions"
		body, err = p.completion(req.Model.ID, true)
	}
	if err != nil {
		return Preview{}, err
	}
	var b bytes.Buffer
	if err := json.Indent(&b, body, "", "  "); err != nil {
		return Preview{}, fmt.Errorf("show the request: %w", err)
	}
	v.JSON = safetext.Text(b.String())
	v.Context = s.contextOf(req.Model)
	if s.cfg.Tokenizer != nil && (p.route == RouteCompletion || req.Model.ID == s.cfg.BaseModelID) {
		tok, err := s.cfg.Tokenizer()
		if err != nil {
			return v, fmt.Errorf("show the tokens: %w", err)
		}
		text := p.sent
		if p.route == RouteConverse { // the base model's own format
			if f, err := artifact.FormatByName(artifact.DefaultFormat); err == nil {
				text = f.Prompt(artifactMessages(req.Messages))
			}
		}
		for _, id := range tok.EncodeSpecial(text) {
			v.Tokens = append(v.Tokens, Token{id, safetext.Text(tok.Spelled(id))})
		}
	}
	return v, nil
}

func artifactMessages(list []Message) []artifact.Message {
	out := make([]artifact.Message, len(list))
	for i, m := range list {
		out[i] = artifact.Message(m)
	}
	return out
}

// contexts are the context sizes of models by what their ids begin with, as
// their makers give them (model cards, 2026-11).
var contexts = []struct {
	prefix string
	tokens int
}{
	{"mistral.mistral-7b-instruct", 32768}, {"mistral.mixtral-8x7b", 32768}, {"mistral.mistral-large-2402", 32768}, {"mistral.mistral-large-2407", 131072},
	{"mistral.mistral-small-2402", 32768}, {"meta.llama3-1", 131072}, {"meta.llama3-2", 131072}, {"meta.llama3-3", 131072}, {"meta.llama3-", 8192},
	{"anthropic.claude", 200000}, {"amazon.nova-micro", 128000}, {"amazon.nova-", 300000}, {"amazon.titan-text-lite", 4096}, {"amazon.titan-text-express", 8192},
}

// The context of the models that are trained here.
const (
	contextMistral7B = 32768 // Mistral-7B-v0.3
	contextLocal     = 512   // the local account's base
)

// contextOf is how many tokens a model holds, 0 if this is not known.
func (s *Service) contextOf(m Model) int {
	local := strings.HasPrefix(s.cfg.BaseModelID, "tunebench.base")
	switch {
	case local && (m.ID == s.cfg.BaseModelID || m.Kind == Imported):
		return contextLocal
	case m.Kind == Imported && m.PromptFormat != "":
		return contextMistral7B // trained by this workbench
	}
	id := m.ID
	if _, after, ok := strings.Cut(id, "."); ok && len(id)-len(after) == 3 {
		id = after // an inference profile's region: us.anthropic…
	}
	for _, c := range contexts {
		if strings.HasPrefix(id, c.prefix) {
			return c.tokens
		}
	}
	return 0
}

// bytesPerToken is how much English text a token of Mistral's is, roughly.
const bytesPerToken = 4

// Room says how many tokens a prompt takes and how many the model holds (0 if
// this is not known); exact is false where the prompt was only estimated. The
// answer, up to MaxTokens, has to fit as well.
func (s *Service) Room(req Request) (tokens, context int, exact bool) {
	v, err := s.Preview(req)
	if err != nil {
		return 0, 0, false
	}
	if v.Tokens != nil {
		return len(v.Tokens), v.Context, true
	}
	return len(v.Text)/bytesPerToken + 1, v.Context, false
}

// converseBody is a Converse request in the form that the service's JSON has.
type converseBody struct {
	Messages []converseMessage `json:"messages"`
	System   []converseText    `json:"system,omitempty"`
	Config   converseConfig    `json:"inferenceConfig"`
	More     map[string]int    `json:"additionalModelRequestFields,omitempty"`
}

type converseText struct {
	Text string `json:"text"`
}

type converseMessage struct {
	Role    string         `json:"role"`
	Content []converseText `json:"content"`
}

type converseConfig struct {
	MaxTokens   int32    `json:"maxTokens"`
	Temperature float32  `json:"temperature"`
	TopP        *float32 `json:"topP,omitempty"`
	Stop        []string `json:"stopSequences,omitempty"`
}

// wire is the request's body.
func (p prepared) wire() ([]byte, error) {
	if p.route != RouteConverse {
		return p.body, nil
	}
	b := converseBody{Config: converseConfig{MaxTokens: aws.ToInt32(p.config.MaxTokens), Temperature: aws.ToFloat32(p.config.Temperature), TopP: p.config.TopP, Stop: p.config.StopSequences}}
	if p.topK > 0 {
		b.More = map[string]int{"top_k": p.topK}
	}
	for _, s := range p.system {
		if t, ok := s.(*types.SystemContentBlockMemberText); ok {
			b.System = append(b.System, converseText{t.Value})
		}
	}
	for _, m := range p.messages {
		c := converseMessage{Role: string(m.Role)}
		for _, block := range m.Content {
			if t, ok := block.(*types.ContentBlockMemberText); ok {
				c.Content = append(c.Content, converseText{t.Value})
			}
		}
		b.Messages = append(b.Messages, c)
	}
	return encode(b)
}

// SnippetKinds are the forms in which a request can be taken along.
func SnippetKinds() []string { return []string{"aws", "boto3", "go"} }

// Snippet is a command or a program that makes the same request again: "aws" for
// the AWS command line, "boto3", or "go". It waits for the whole answer: the AWS
// command line cannot stream.
func (s *Service) Snippet(req Request, kind string) (string, error) {
	p, err := prepare(req)
	if err != nil {
		return "", err
	}
	if p.route == RouteEndpoint {
		return "", fmt.Errorf("%s is asked at an endpoint and not through AWS; the request as JSON can be posted to its /chat/completions", req.Model.Ref)
	}
	body, err := p.wire()
	if err != nil {
		return "", err
	}
	text, converse := string(body), p.route == RouteConverse
	var out string
	switch kind {
	case "aws":
		out = s.awsCommand(req.Model.ID, text, converse)
	case "boto3":
		out = s.boto3(req.Model.ID, text, converse)
	case "go":
		out = s.goProgram(req.Model.ID, text, p, converse)
	default:
		return "", fmt.Errorf("%q is no form to take a request along in; use one of %s", kind, strings.Join(SnippetKinds(), ", "))
	}
	return out, nil
}

// shell quotes for a POSIX shell.
func shell(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func (s *Service) awsCommand(id, body string, converse bool) string {
	if converse {
		var v map[string]any
		_ = json.Unmarshal([]byte(body), &v) // we wrote it
		v["modelId"] = id
		input, _ := encode(v)
		return fmt.Sprintf("aws bedrock-runtime converse --region %s \\\n  --cli-input-json %s\n", shell(s.region), shell(string(input)))
	}
	return fmt.Sprintf("aws bedrock-runtime invoke-model --region %s \\\n  --model-id %s \\\n  --content-type application/json --accept application/json \\\n  --cli-binary-format raw-in-base64-out --body %s /dev/stdout\n",
		shell(s.region), shell(id), shell(body))
}

// literal is s as a string of Python, which JSON's are, but for what Go would
// write as pairs.
func literal(s string) string {
	b, _ := encode(s) // a string can be encoded
	return string(b)
}

func (s *Service) boto3(id, body string, converse bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "import json\n\nimport boto3\n\nclient = boto3.client(\"bedrock-runtime\", region_name=%s)\n", literal(s.region))
	if converse {
		fmt.Fprintf(&b, "response = client.converse(modelId=%s, **json.loads(\n    %s\n))\nprint(response[\"output\"][\"message\"][\"content\"][0][\"text\"])\n", literal(id), literal(body))
		return b.String()
	}
	fmt.Fprintf(&b, "response = client.invoke_model(\n    modelId=%s,\n    contentType=\"application/json\",\n    accept=\"application/json\",\n    body=%s,\n)\nprint(json.dumps(json.load(response[\"body\"]), indent=2))\n",
		literal(id), literal(body))
	return b.String()
}

func (s *Service) goProgram(id, body string, p prepared, converse bool) string {
	var b strings.Builder
	imports := []string{`"context"`, `"fmt"`, `"log"`, "", `"github.com/aws/aws-sdk-go-v2/aws"`, `"github.com/aws/aws-sdk-go-v2/config"`, `"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"`}
	if converse {
		if p.topK > 0 {
			imports = append(imports, `"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/document"`)
		}
		imports = append(imports, `"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"`)
	}
	b.WriteString("package main\n\nimport (\n")
	for _, i := range imports {
		if i != "" {
			b.WriteString("\t" + i)
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, ")\n\nfunc main() {\n\tctx := context.Background()\n\tcfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(%q))\n\tif err != nil {\n\t\tlog.Fatal(err)\n\t}\n\tclient := bedrockruntime.NewFromConfig(cfg)\n", s.region)
	if !converse {
		fmt.Fprintf(&b, "\tout, err := client.InvokeModel(ctx, &bedrockruntime.InvokeModelInput{\n\t\tModelId:     aws.String(%s),\n\t\tContentType: aws.String(\"application/json\"),\n\t\tAccept:      aws.String(\"application/json\"),\n\t\tBody:        []byte(%s),\n\t})\n\tif err != nil {\n\t\tlog.Fatal(err)\n\t}\n\tfmt.Println(string(out.Body))\n}\n",
			strconv.Quote(id), strconv.Quote(body))
		return b.String()
	}
	fmt.Fprintf(&b, "\tout, err := client.Converse(ctx, &bedrockruntime.ConverseInput{\n\t\tModelId: aws.String(%s),\n", strconv.Quote(id))
	if len(p.system) > 0 {
		b.WriteString("\t\tSystem: []types.SystemContentBlock{\n")
		for _, block := range p.system {
			if t, ok := block.(*types.SystemContentBlockMemberText); ok {
				fmt.Fprintf(&b, "\t\t\t&types.SystemContentBlockMemberText{Value: %s},\n", strconv.Quote(t.Value))
			}
		}
		b.WriteString("\t\t},\n")
	}
	b.WriteString("\t\tMessages: []types.Message{\n")
	for _, m := range p.messages {
		for _, block := range m.Content {
			if t, ok := block.(*types.ContentBlockMemberText); ok {
				fmt.Fprintf(&b, "\t\t\t{Role: %s, Content: []types.ContentBlock{&types.ContentBlockMemberText{Value: %s}}},\n", strconv.Quote(string(m.Role)), strconv.Quote(t.Value))
			}
		}
	}
	fmt.Fprintf(&b, "\t\t},\n\t\tInferenceConfig: &types.InferenceConfiguration{\n\t\t\tMaxTokens:   aws.Int32(%d),\n\t\t\tTemperature: aws.Float32(%g),\n", aws.ToInt32(p.config.MaxTokens), aws.ToFloat32(p.config.Temperature))
	if p.config.TopP != nil {
		fmt.Fprintf(&b, "\t\t\tTopP:        aws.Float32(%g),\n", *p.config.TopP)
	}
	if len(p.config.StopSequences) > 0 {
		fmt.Fprintf(&b, "\t\t\tStopSequences: %#v,\n", p.config.StopSequences)
	}
	b.WriteString("\t\t},\n")
	if p.topK > 0 {
		fmt.Fprintf(&b, "\t\tAdditionalModelRequestFields: document.NewLazyDocument(map[string]int{\"top_k\": %d}),\n", p.topK)
	}
	b.WriteString("\t})\n\tif err != nil {\n\t\tlog.Fatal(err)\n\t}\n\tif m, ok := out.Output.(*types.ConverseOutputMemberMessage); ok {\n\t\tfor _, c := range m.Value.Content {\n\t\t\tif t, ok := c.(*types.ContentBlockMemberText); ok {\n\t\t\t\tfmt.Println(t.Value)\n\t\t\t}\n\t\t}\n\t}\n}\n")
	return b.String()
}
