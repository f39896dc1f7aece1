#!/usr/bin/env python3
"""Makes the tokenizers and reference encodings of this folder, and checks others.

  reference.py make            small tokenizers trained here, each with encodings by the
                               library that reads its file: sentencepiece, tokenizers;
                               encodings by Mistral's v3 tokenizer
  reference.py mistral OUT     Mistral's v3 tokenizer, as mistral-common carries it, to OUT:
                               tokenizer.model, a tokenizer.json made of it, encodings of both

Needs sentencepiece, tokenizers, protobuf and mistral-common.
"""

import json
import os
import random
import sys
import unicodedata

HERE = os.path.dirname(os.path.abspath(__file__))
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
META = "\u2581"

HOSTILE = [
    "", " ", "  ", "   ", "\n", "\r\n", "\r", "\t\t x", "a", " a", "a ", "  a  ", META, META + "a", "a" + META + META + "b", " " + META,
    "a\x00b", "\x00\x00\x00", "a" * 500, " " * 300, "\n" * 200, "ab" * 400, "1" * 64, "1234567890", "3.14159 1,000,000", "0x1F",
    "<s>", "</s>", "<unk>", "[INST] hi [/INST]", "<s>[INST] x[/INST] y</s>", "<0x41>", "<0x0A><0xFF>", "[TOOL_CALLS]", "<|eot_id|>",
    "<|begin_of_text|>", "[REFERENCE_DOC_0]", "a[REFERENCE_DOC_1] b[REFERENCE_DOC_0", "[control_8]", "[IMG]",
    "😀", "👩‍👩‍👧‍👦 family", "🇧🇪🇯🇵", "naïve café", "e\u0301", "\u00a0nbsp\u2003em\u3000wide", "\u2028\u2029\u0085", "中文字符测试", "日本語テキスト",
    "한국어", "Привет, мир!", "مرحبا بالعالم", "שלום", "ไทย", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢", "\ufeffBOM", "\ufffd", "\U0010ffff", "\ud7ff\ue000", "z\u0335\u0321\u0344a\u0300l\u0310go",
    "It's I'M we'RE they'll He'd can'T 'S 'ſ 'x ''", "'ſ", "x'ſy", "don’t “quote”", "camelCase snake_case SCREAMING", "http://a.b/c?d=e&f#g", "def f(x):\n    return x  # y\n",
    "\tif (a\t&& b) {\n\t\treturn;\n\t}\n\n\n", "a \n b \r\n\r\n c", "!!!???...---", "a  \n  b", "½ ² Ⅷ ٣", "ǅ ʰ ª", "\x1b[31mred\x1b[0m", "#$%^&*()\r\n\n",
]


def texts(n, seed):
    """Random texts of many scripts, besides the hostile ones."""
    r = random.Random(seed)
    words = "the of question answer model port wiki office sprint Monday what is teal system network policy of be 42 2024 don't I'll running nationalization".split()
    pools = [
        lambda: r.choice(words), lambda: r.choice(words).upper(), lambda: r.choice(words).title(),
        lambda: "".join(chr(r.randrange(0x20, 0x7F)) for _ in range(r.randrange(1, 9))),
        lambda: "".join(chr(r.randrange(0xA0, 0x250)) for _ in range(r.randrange(1, 5))),
        lambda: "".join(chr(r.randrange(0x370, 0x600)) for _ in range(r.randrange(1, 6))),
        lambda: "".join(chr(r.randrange(0x3040, 0x9FFF)) for _ in range(r.randrange(1, 6))),
        lambda: chr(r.choice([0x1F600, 0x1F680, 0x2581, 0x200D, 0x0301, 0xFE0F, 0x85, 0xA0, 0x2003])),
        lambda: str(r.randrange(10 ** r.randrange(1, 12))),
        lambda: "".join(r.choice("\n\r\t ") for _ in range(r.randrange(1, 4))),
        lambda: r.choice(["<s>", "[INST]", "</s>", "'s", "'RE", "...", "!?", "{}", "<0x0A>"]),
    ]
    weights = [30, 3, 3, 6, 3, 3, 3, 2, 4, 8, 2]
    out = []
    for _ in range(n):
        parts = []
        for _ in range(r.randrange(1, 40)):
            parts.append(r.choices(pools, weights)[0]())
            if r.random() < 0.75:
                parts.append(" ")
        s = "".join(parts)
        out.append("".join(c for c in s if unicodedata.category(c) != "Cs"))
    return HOSTILE + out


def corpus():
    """Texts to train on: fewer characters than there are in the texts to encode, so that
    some of those must be written in bytes."""

    def kept(c):
        return c == "\n" or c == "\t" or 0x20 <= ord(c) < 0x7F or 0xC0 <= ord(c) < 0x100 or 0x410 <= ord(c) < 0x450 or 0x4E00 <= ord(c) < 0x4E80 or c == "😀"

    return ["".join(c for c in t if kept(c)) for t in texts(3000, 1) if 3 < len(t) < 2000]


def write(name, rows):
    with open(os.path.join(HERE, name), "w", encoding="utf-8") as f:
        for text, ids in rows:
            f.write(json.dumps({"text": text, "ids": ids}) + "\n")


def without_special(tokenizer):
    """The same tokenizer without its habit of finding special tokens in text."""
    from tokenizers import Tokenizer

    d = json.loads(tokenizer.to_str())
    d["added_tokens"], d["post_processor"] = [], None
    return Tokenizer.from_str(json.dumps(d))


def make():
    import sentencepiece
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    os.makedirs(os.path.join(HERE, "sentencepiece"), exist_ok=True)
    os.makedirs(os.path.join(HERE, "llama3"), exist_ok=True)
    model = os.path.join(HERE, "sentencepiece", "tokenizer")
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(corpus()), model_prefix=model, model_type="bpe", vocab_size=1500, byte_fallback=True, normalization_rule_name="identity",
        remove_extra_whitespaces=False, character_coverage=0.9999, split_digits=True, allow_whitespace_only_pieces=True,
        control_symbols=["[INST]", "[/INST]"], user_defined_symbols=["[REFERENCE_DOC_0]", "[REFERENCE_DOC_1]"], minloglevel=2, max_sentence_length=100000)
    os.remove(model + ".vocab")
    sp = sentencepiece.SentencePieceProcessor(model_file=model + ".model")
    write("sentencepiece/encodings.jsonl", ((t, sp.encode(t)) for t in texts(350, 2)))

    t = Tokenizer(models.BPE(ignore_merges=True))
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(LLAMA3), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    t.decoder = decoders.ByteLevel()
    special = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<|im_start|>", "<|im_end|>"]
    t.train_from_iterator(corpus(), trainers.BpeTrainer(vocab_size=1200, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), special_tokens=special, show_progress=False))
    t.save(os.path.join(HERE, "llama3", "tokenizer.json"))
    bare = without_special(t)
    write("llama3/encodings.jsonl", ((x, bare.encode(x, add_special_tokens=False).ids) for x in texts(350, 3)))


    write("mistral-v3.jsonl", ((x, mistral_model()[1].encode(x)) for x in texts(150, 4)))


def mistral_model():
    """Mistral's tokenizer.model of version 3: its bytes, and sentencepiece with it."""
    import mistral_common
    import sentencepiece

    with open(os.path.join(mistral_common.__path__[0], "data", "mistral_instruct_tokenizer_240323.model.v3"), "rb") as f:
        raw = f.read()
    return raw, sentencepiece.SentencePieceProcessor(model_proto=raw)


def mistral(out):
    from sentencepiece import sentencepiece_model_pb2
    from tokenizers import Tokenizer, models, pre_tokenizers

    raw, sp = mistral_model()
    os.makedirs(out, exist_ok=True)
    with open(os.path.join(out, "tokenizer.model"), "wb") as f:
        f.write(raw)
    with open(os.path.join(out, "encodings.jsonl"), "w", encoding="utf-8") as f:
        for x in texts(4000, 5):
            f.write(json.dumps({"text": x, "ids": sp.encode(x)}) + "\n")

    # The same vocabulary as tokenizer.json: every way to put two pieces together is a
    # merge, the pieces with the best score first.
    proto = sentencepiece_model_pb2.ModelProto.FromString(raw)
    vocab = {p.piece: i for i, p in enumerate(proto.pieces)}
    normal = {p.piece for p in proto.pieces if p.type == 1}
    merges = []
    for p in proto.pieces:
        if p.type == 1:
            local = [(p.piece[:i], p.piece[i:]) for i in range(1, len(p.piece)) if p.piece[:i] in normal and p.piece[i:] in normal]
            merges += [(p.score, a, b) for a, b in sorted(local, key=lambda m: (vocab[m[0]], vocab[m[1]]))]
    merges.sort(key=lambda m: -m[0])
    t = Tokenizer(models.BPE(vocab=vocab, merges=[(a, b) for _, a, b in merges], unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    t.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    t.add_special_tokens(["<unk>", "<s>", "</s>", "[INST]", "[/INST]"])
    t.save(os.path.join(out, "tokenizer.json"))
    bare = without_special(t)
    with open(os.path.join(out, "encodings-json.jsonl"), "w", encoding="utf-8") as f:
        for x in texts(4000, 6):
            f.write(json.dumps({"text": x, "ids": bare.encode(x, add_special_tokens=False).ids}) + "\n")


if __name__ == "__main__":
    if sys.argv[1:] == ["make"]:
        make()
    elif len(sys.argv) == 3 and sys.argv[1] == "mistral":
        mistral(sys.argv[2])
    else:
        sys.exit(__doc__)
