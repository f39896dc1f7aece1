"""Prompt formats, ids, rows and what is learnt of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import rows as sample_rows
from conftest import write_rows

from tb import config, events, formats, rows
from tb.failure import JobError, sentence
from tb.formats import Message
from tb.tokens import Encoder

V3 = formats.by_name("mistral-v3")
TALK = [Message("system", "Be brief."), Message("user", "One?"), Message("assistant", "1"), Message("user", "Two?"), Message("assistant", "2")]


def real_v3(folder: Path) -> tuple[Encoder, object]:
    """The real tokenizer of version 3, as tokenizer.json and as its makers use it."""
    data = pytest.importorskip("mistral_common").__path__[0] + "/data/mistral_instruct_tokenizer_240323.model.v3"
    sentencepiece = pytest.importorskip("sentencepiece")
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers.convert_slow_tokenizer import SentencePieceExtractor

    processor = sentencepiece.SentencePieceProcessor(model_file=data)
    vocabulary, merges = SentencePieceExtractor(data).extract(None)
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    tokenizer.add_special_tokens(["<unk>", "<s>", "</s>", "[INST]", "[/INST]"])
    tokenizer.save(str(folder / "tokenizer.json"))
    return Encoder(folder), processor


def test_ids_are_those_of_the_tokenizers_makers(tmp_path: Path) -> None:
    """mistral-common encodes each part by itself: 1, 3, question, 4, answer, 2."""
    encoder, processor = real_v3(tmp_path)
    encode = processor.encode  # type: ignore[attr-defined]
    for question, answer in [("Who are you?", "A model."), ("  two spaces", "naïve 😀 \t tab"), ("[INST] [/INST] </s>", "<s> stays text")]:
        example = encoder.example(V3, [Message("user", question), Message("assistant", answer)])
        assert example.ids == [1, 3, *encode(question), 4, *encode(answer), 2]
        assert example.ids[example.answer_start :] == [*encode(answer), 2]
        assert [i for i in example.ids if i < 10] == [1, 3, 4, 2], "text that spells a special token became one"
    example = encoder.example(V3, TALK)
    assert example.ids == [1, 3, *encode("One?"), 4, *encode("1"), 2, 3, *encode("Be brief.\n\nTwo?"), 4, *encode("2"), 2]
    assert example.ids[example.answer_start :] == [*encode("2"), 2]
    # The first ids of a known example of the tokenizer's makers: "system\n\n" begins 2592.
    assert encoder.example(V3, [Message("user", "hello"), Message("assistant", "hi")]).ids[:2] == [1, 3]
    assert not encoder.doubles_spaces()


def test_the_chat_template_renders_what_was_trained(base: Path) -> None:
    from transformers import PreTrainedTokenizerFast

    tokenizer = PreTrainedTokenizerFast.from_pretrained(base)
    encoder = Encoder(base)
    for name in ("mistral-v3", "human-assistant"):  # testdata/examples.py holds all templates against their text
        prompt_format = formats.by_name(name)
        for messages in (TALK, TALK[1:3], [TALK[0], *TALK[1:3]]):
            as_json = [{"role": m.role, "content": m.content} for m in messages[:-1]]
            text = tokenizer.apply_chat_template(as_json, chat_template=prompt_format.chat_template, tokenize=False, add_generation_prompt=True)
            example = encoder.example(prompt_format, messages)
            assert tokenizer(text, add_special_tokens=False).input_ids == example.ids[: example.answer_start], name


def read(folder: Path, base: Path, items: list[object], length: int = 64) -> rows.RowSet:
    write_rows(folder, "train.jsonl", items)
    return rows.read("training", folder, Encoder(base), V3, length)


def test_rows_that_cannot_be_learnt_are_left_out_and_counted(tmp_path: Path, base: Path) -> None:
    long = {"question": "What is " * 30, "response": "Paris"}
    cut = {"question": "What", "response": "Paris " * 60}
    found = read(tmp_path, base, [*sample_rows(3), {"question": " ", "response": "a"}, long, cut])
    assert (found.rows, len(found.examples), found.empty, found.too_long, found.cut) == (6, 4, 1, 1, 1)
    assert len(found.examples[-1].ids) == 64 and found.examples[-1].ids[-1] != 2
    assert found.examples[0].ids[-1] == 2, "the end of an answer is learnt"
    assert len(found.warnings()) == 3


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("[]", 'begins with "["'),
        ("{", "not a JSON object"),
        ("3", "not a JSON object"),
        ('{"a": 1}', "the columns a; it needs question and response"),
        ('{"question": 1, "response": "x"}', '"question" holds a number where text must stand'),
        ('{"messages": [{"role": "user", "content": "q"}]}', "end with the assistant's answer"),
        ('{"messages": [{"role": "user", "content": "q"}, {"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}', "take turns"),
        ('{"messages": "hello"}', "must hold a list"),
    ],
)
def test_bad_rows_are_named(tmp_path: Path, base: Path, line: str, words: str) -> None:
    (tmp_path / "a.jsonl").write_text("\n" + line + "\n")
    with pytest.raises(JobError, match="a.jsonl line 2") as e:
        rows.read("training", tmp_path, Encoder(base), V3, 64)
    assert words in str(e.value)


def test_empty_channels_are_named(tmp_path: Path, base: Path) -> None:
    with pytest.raises(JobError, match="holds no JSON Lines file"):
        rows.read("training", tmp_path, Encoder(base), V3, 64)
    with pytest.raises(JobError, match="has no rows"):
        read(tmp_path, base, []).require_examples()
    with pytest.raises(JobError, match="the shortest has"):
        read(tmp_path, base, [{"question": "a long question", "response": "x"}], 8).require_examples()


def test_job_json(tmp_path: Path) -> None:
    job = config.parse(json.dumps({"version": 1, "base_model": "m", "settings": {"method": "lora", "lora_alpha": 8, "speed": 3}}))
    assert job.settings.lora_alpha == 8.0 and job.settings.epochs == 1.0 and len(job.settings.lora_targets) == 7
    assert job.warnings == ["job.json: settings.speed is not known here and has no effect"]
    for text, words in [
        ("{", "line 1"),
        ('{"version": 2}', "understands version 1"),
        ('{"settings": {"packing": 1}}', "must be true or false"),
        ('{"settings": {"epochs": true}}', "must be a number"),
        ('{"settings": {"learning_rate": NaN}}', "a number from"),
        ('{"settings": {"prompt_dropout": 0.3}}', "only the training of the small local model"),
        ('{"settings": {"lora_targets": ["lm_head"]}}', "a list of q_proj"),
    ]:
        with pytest.raises(JobError) as e:
            config.parse(text)
        assert words in str(e.value)
    with pytest.raises(JobError, match="holds no job.json"):
        config.read(tmp_path)


def test_log_lines_are_those_that_the_workbench_reads(capsys: pytest.CaptureFixture[str]) -> None:
    """The same file is read by a Go test."""
    events.emit("plan", steps=100, tokens=5000, message="QLoRA (NF4) of rank 16,\n prompt format mistral-v3 ö “so”")
    events.emit("step", step=5, steps=100, epoch=0.123456, loss=1.23456789, lr=1.9e-5, grad_norm=0.5, tokens=2048, tokens_per_s=712.34, gpu_gb=7.891)
    events.emit("step", step=6, steps=100, loss=float("nan"), grad_norm=float("inf"))
    events.emit("eval", step=10, steps=100, eval_loss=2)
    expected = (Path(__file__).parent.parent / "testdata" / "events.txt").read_text(encoding="utf-8")
    assert capsys.readouterr().out == expected


def test_failure_sentence() -> None:
    text = sentence("a\nb " + "x" * 3000 + " hf_abcdefghijklmnop", "training")
    assert len(text) < 1024 and "\n" not in text and text.startswith("while training: a b x")
    assert "hf_" not in sentence("token hf_abcdefghijklmnop was refused")
