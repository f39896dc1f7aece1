package artifact

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
)

// Tokens that begin and end a sequence, by the names they have in Mistral's
// and Llama's tokenizers.
const (
	bosToken = "<s>"
	eosToken = "</s>"
)

type tokenizerDoc struct {
	Added []struct {
		ID      int32  `json:"id"`
		Content string `json:"content"`
		Special bool   `json:"special"`
	} `json:"added_tokens"`
	Normalizer   json.RawMessage `json:"normalizer"`
	PreTokenizer json.RawMessage `json:"pre_tokenizer"`
	Model        struct {
		Type         string           `json:"type"`
		UnkToken     *string          `json:"unk_token"`
		ByteFallback bool             `json:"byte_fallback"`
		IgnoreMerges bool             `json:"ignore_merges"`
		Vocab        map[string]int32 `json:"vocab"`
		Merges       json.RawMessage  `json:"merges"`
	} `json:"model"`
}

// LoadTokenizer reads tokenizer.json of the artifact folder. Files that are
// neither byte-level BPE nor SentencePiece-style BPE are refused with an error
// that says what they are.
func LoadTokenizer(fsys fs.FS) (*Tokenizer, error) {
	b, err := fs.ReadFile(fsys, TokenizerFile)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("the artifact has no %s: copy the base model's file into the folder: %w", TokenizerFile, err)
		}
		return nil, fmt.Errorf("read %s: %w", TokenizerFile, err)
	}
	t, err := ParseTokenizer(b)
	if err != nil {
		return nil, err
	}
	return t, t.configure(fsys)
}

// configure takes over what tokenizer_config.json says: it may name other tokens
// than <s> and </s>.
func (t *Tokenizer) configure(fsys fs.FS) error {
	cfg, err := ReadTokenizerConfig(fsys)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if id, ok := t.ID(cfg.BOSToken); ok && cfg.BOSToken != "" {
		t.bos = id
	}
	if id, ok := t.ID(cfg.EOSToken); ok && cfg.EOSToken != "" {
		t.eos = id
	}
	return nil
}

// ParseEitherTokenizer parses a tokenizer.json or a tokenizer.model.
func ParseEitherTokenizer(b []byte) (*Tokenizer, error) {
	if len(b) > 0 && b[0] == '{' {
		return ParseTokenizer(b)
	}
	return ParseSentencePiece(b)
}

// LoadEitherTokenizer reads tokenizer.json of a folder, or tokenizer.model where
// there is no tokenizer.json. The error is fs.ErrNotExist when there is neither.
func LoadEitherTokenizer(fsys fs.FS) (*Tokenizer, error) {
	t, err := LoadTokenizer(fsys)
	if !errors.Is(err, fs.ErrNotExist) {
		return t, err
	}
	b, err := fs.ReadFile(fsys, SentencePieceFile)
	if err != nil {
		return nil, fmt.Errorf("there is neither %s nor %s: %w", TokenizerFile, SentencePieceFile, err)
	}
	if t, err = ParseSentencePiece(b); err != nil {
		return nil, err
	}
	return t, t.configure(fsys)
}

// ParseTokenizer parses the bytes of a tokenizer.json.
func ParseTokenizer(b []byte) (*Tokenizer, error) {
	var d tokenizerDoc
	if err := json.Unmarshal(b, &d); err != nil {
		return nil, fmt.Errorf("%s is not valid: %w", TokenizerFile, err)
	}
	if d.Model.Type != "" && d.Model.Type != "BPE" {
		return nil, fmt.Errorf("%s: the model type is %q, only BPE is supported", TokenizerFile, d.Model.Type)
	}
	prefix, split := false, splitGPT2
	spaces, err := parseSpaceRule(d.Normalizer, d.PreTokenizer)
	if err != nil {
		return nil, err
	}
	if spaces == nil {
		if prefix, split, err = byteLevel(d.PreTokenizer); err != nil {
			return nil, err
		}
	}
	merges, err := parseMerges(d.Model.Merges)
	if err != nil {
		return nil, err
	}
	all := maps.Clone(d.Model.Vocab)
	if all == nil {
		all = map[string]int32{}
	}
	t := &Tokenizer{merges: merges, prefixSpace: prefix, ignoreMerge: d.Model.IgnoreMerges, split: split, spaces: spaces, raw: bytes.Clone(b)}
	for _, a := range d.Added {
		if a.Content == "" {
			return nil, fmt.Errorf("%s: the added token %d is empty", TokenizerFile, a.ID)
		}
		if id, ok := all[a.Content]; ok && id != a.ID {
			return nil, fmt.Errorf("%s: token %q has two ids, %d and %d", TokenizerFile, a.Content, id, a.ID)
		}
		all[a.Content] = a.ID
		t.added = append(t.added, addedToken{a.ID, a.Content, a.Special})
	}
	if err := t.setVocab(all); err != nil {
		return nil, err
	}
	if spaces != nil {
		spaces.unknown = -1
		if d.Model.UnkToken != nil {
			if id, ok := all[*d.Model.UnkToken]; ok {
				spaces.unknown = id
			}
		}
		if !d.Model.ByteFallback && spaces.unknown < 0 {
			return nil, fmt.Errorf("%s has neither byte_fallback nor an unk_token: some text could not be encoded", TokenizerFile)
		}
		spaces.fallback = d.Model.ByteFallback
	}
	if err := t.index(); err != nil {
		return nil, err
	}
	return t, nil
}

// parseMerges reads both forms in use: "a b" and ["a", "b"].
func parseMerges(raw json.RawMessage) ([][2]string, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	var pairs [][2]string
	if json.Unmarshal(raw, &pairs) == nil {
		return pairs, nil
	}
	var lines []string
	if err := json.Unmarshal(raw, &lines); err != nil {
		return nil, fmt.Errorf("%s: merges are neither a list of strings nor of pairs: %w", TokenizerFile, err)
	}
	pairs = make([][2]string, len(lines))
	for i, l := range lines {
		a, b, ok := strings.Cut(l, " ")
		if !ok || a == "" || b == "" || strings.Contains(b, " ") {
			return nil, fmt.Errorf("%s: merge %d, %q, is not two tokens", TokenizerFile, i, l)
		}
		pairs[i] = [2]string{a, b}
	}
	return pairs, nil
}

func (t *Tokenizer) setVocab(all map[string]int32) error {
	top := int32(-1)
	for s, id := range all {
		if id < 0 || id >= maxVocab {
			return fmt.Errorf("%s: token %q has the id %d", TokenizerFile, s, id)
		}
		top = max(top, id)
	}
	if int(top) > 4*len(all)+1024 {
		return fmt.Errorf("%s: the largest id is %d but there are only %d tokens", TokenizerFile, top, len(all))
	}
	t.vocab = make([]string, top+1)
	taken := make([]bool, top+1)
	for s, id := range all {
		if taken[id] {
			return fmt.Errorf("%s: id %d belongs to both %q and %q", TokenizerFile, id, t.vocab[id], s)
		}
		t.vocab[id], taken[id] = s, true
	}
	t.ids = all
	return nil
}

// index builds the tables that encoding and decoding use.
func (t *Tokenizer) index() error {
	t.special = map[int32]bool{}
	raw := map[int32]bool{}
	for _, a := range t.added {
		raw[a.id] = true
		t.special[a.id] = a.special
	}
	slices.SortFunc(t.added, func(a, b addedToken) int {
		if len(a.content) != len(b.content) {
			return len(b.content) - len(a.content)
		}
		return strings.Compare(a.content, b.content)
	})
	t.bytes = make([][]byte, len(t.vocab))
	for id, s := range t.vocab {
		b, ok := tokenBytes(s)
		if t.spaces != nil {
			b, ok = t.spaces.tokenBytes(s), true
		}
		if !ok || raw[int32(id)] {
			b = []byte(s)
		}
		t.bytes[id] = b
	}
	for b, r := range byteToRune {
		spelling := string(r)
		if t.spaces != nil {
			if !t.spaces.fallback {
				break
			}
			spelling = fmt.Sprintf("<0x%02X>", b)
		}
		id, ok := t.ids[spelling]
		if !ok {
			return fmt.Errorf("%s: the vocabulary has no token for byte 0x%02x, so some text could not be encoded", TokenizerFile, b)
		}
		t.byteID[b] = id
	}
	if t.pairs == nil {
		if err := t.setMerges(); err != nil {
			return err
		}
	}
	t.bos, t.eos = -1, -1
	if id, ok := t.ids[bosToken]; ok {
		t.bos = id
	}
	if id, ok := t.ids[eosToken]; ok {
		t.eos = id
	}
	t.near = t.newNeighbours()
	t.cache = newWordCache()
	return nil
}

// setMerges makes the table of merges from the list in the file.
func (t *Tokenizer) setMerges() error {
	t.pairs = make(map[[2]int32]merge, len(t.merges))
	for i, m := range t.merges {
		a, okA := t.ids[m[0]]
		b, okB := t.ids[m[1]]
		to, okTo := t.ids[m[0]+m[1]]
		if !okA || !okB || !okTo {
			return fmt.Errorf("%s: merge %d, %q %q, uses a token that is not in the vocabulary", TokenizerFile, i, m[0], m[1])
		}
		if _, dup := t.pairs[[2]int32{a, b}]; !dup {
			t.pairs[[2]int32{a, b}] = merge{int32(i), to}
		}
	}
	return nil
}

// Marshal writes a tokenizer.json that encodes as this tokenizer does: the file
// it was read from, unchanged, or a new one for a tokenizer that was trained.
func (t *Tokenizer) Marshal() ([]byte, error) {
	if t.raw != nil {
		return bytes.Clone(t.raw), nil
	}
	if t.spaces != nil {
		return nil, fmt.Errorf("a tokenizer from %s cannot be written as %s", SentencePieceFile, TokenizerFile)
	}
	added := make([]map[string]any, 0, len(t.added))
	byID := slices.Clone(t.added)
	slices.SortFunc(byID, func(a, b addedToken) int { return int(a.id - b.id) })
	for _, a := range byID {
		added = append(added, map[string]any{
			"id": a.id, "content": a.content, "special": a.special,
			"single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
		})
	}
	merges := make([]string, len(t.merges))
	for i, m := range t.merges {
		merges[i] = m[0] + " " + m[1]
	}
	level := func(prefix bool) map[string]any {
		return map[string]any{"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": true, "use_regex": true}
	}
	doc := map[string]any{
		"version": "1.0", "truncation": nil, "padding": nil, "normalizer": nil, "post_processor": nil,
		"added_tokens":  added,
		"pre_tokenizer": level(t.prefixSpace),
		"decoder":       level(true),
		"model": map[string]any{
			"type": "BPE", "dropout": nil, "unk_token": nil, "continuing_subword_prefix": nil,
			"end_of_word_suffix": nil, "fuse_unk": false, "byte_fallback": false,
			"ignore_merges": t.ignoreMerge, "vocab": t.ids, "merges": merges,
		},
	}
	b, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", TokenizerFile, err)
	}
	return append(b, '\n'), nil
}
