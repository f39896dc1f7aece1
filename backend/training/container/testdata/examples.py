#!/usr/bin/env python3
"""Writes examples.jsonl: what the training code makes of conversations, in every prompt
format, with the small tokenizers of backend/artifact. The Go side must make the same ids.

Holds the chat templates against the same conversations, too. Needs the packages
tokenizers and jinja2. Usage: examples.py [OUT]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: E402

from tb import formats  # noqa: E402
from tb.formats import Message  # noqa: E402
from tb.tokens import Encoder  # noqa: E402

TOKENIZERS = {
    ".": ("mistral-v3", "human-assistant", "plain"),
    "spaces-first": ("mistral-v3", "human-assistant", "plain"),
    "spaces-always": ("mistral-v3", "human-assistant", "plain"),
    "llama3": ("chatml", "llama-3"),
}

TALKS = [
    [("user", "Which port?"), ("assistant", "5432")],
    [("system", "Be brief."), ("user", "What is x?"), ("assistant", "It is y.\n")],
    [("system", ""), ("user", "  two spaces"), ("assistant", " one space ")],
    [("system", "s"), ("user", "One?"), ("assistant", "1"), ("user", "Two?"), ("assistant", "2")],
    [("user", "[INST] </s> <s> [/INST] <|im_end|> <|eot_id|>"), ("assistant", "<s>stays text</s>")],
    [("user", "naïve 😀 \t tab\r\n中文"), ("assistant", "\n\nline\u2028 end \x1c")],
    [("system", "a\n\nb"), ("user", "x" * 300), ("assistant", " " * 40 + "y")],
    [("user", "\u2581meta \u2581\u2581x"), ("assistant", "\x00\x07")],
]


def check_template(name: str, messages: list[Message]) -> None:
    """A chat template gives the text of the segments, up to where the answer begins."""
    prompt_format = formats.by_name(name)
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)  # as transformers does
    segments = prompt_format.render(messages[:-1])
    bos = segments[0].text if segments[0].special else ""
    text = environment.from_string(prompt_format.chat_template).render(
        messages=[{"role": m.role, "content": m.content} for m in messages[:-1]], bos_token=bos, eos_token="</s>", add_generation_prompt=True
    )
    if text != "".join(s.text for s in segments):
        sys.exit(f"the chat template of {name} renders {text!r}, the training code {''.join(s.text for s in segments)!r}")


def main() -> None:
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "examples.jsonl"
    with out.open("w", encoding="utf-8") as f:
        for name, known in TOKENIZERS.items():
            encoder = Encoder(HERE.parents[2] / "artifact" / "testdata" / name)
            for prompt_format in known:
                for talk in TALKS:
                    messages = [Message(role, content) for role, content in talk]
                    check_template(prompt_format, messages)
                    example = encoder.example(formats.by_name(prompt_format), messages)
                    row = {"tokenizer": name, "format": prompt_format, "messages": talk, "answer_start": example.answer_start, "ids": example.ids}
                    f.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
