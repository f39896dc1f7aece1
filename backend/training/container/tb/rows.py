"""Reads the rows of a channel: OpenOrca's columns, or messages, one JSON object a line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tb import formats
from tb.failure import JobError
from tb.formats import Message, PromptFormat
from tb.tokens import Encoder, Example

MAX_ROW_BYTES = 4 << 20


@dataclass
class RowSet:
    """The rows of a channel as examples. Of messages, the last answer is learnt."""

    channel: str
    max_length: int
    examples: list[Example] = field(default_factory=list)
    rows: int = 0
    empty: int = 0  # left out: nothing was asked or answered
    too_long: int = 0  # left out: the answer begins beyond the sequence length
    cut: int = 0  # kept with the end of their answer cut off
    shortest: int = 0
    digest: str = ""  # of all ids, to know the same rows again

    @property
    def tokens(self) -> int:
        """Predicted tokens of one pass."""
        return sum(len(e.ids) - 1 for e in self.examples)

    def warnings(self) -> list[str]:
        out = []
        if self.empty:
            out.append(f"channel {self.channel}: {self.empty} of {self.rows} rows have no question or no answer and are left out")
        if self.too_long:
            out.append(
                f"channel {self.channel}: {self.too_long} of {self.rows} rows are left out, "
                f"their answer begins after max_sequence_length ({self.max_length} tokens)"
            )
        if self.cut:
            out.append(f"channel {self.channel}: the ends of {self.cut} answers are cut off at max_sequence_length ({self.max_length} tokens)")
        return out

    def require_examples(self) -> None:
        if self.examples:
            return
        if not self.rows:
            raise JobError(f'the channel "{self.channel}" has no rows; give it a file with at least one')
        if self.too_long:
            raise JobError(
                f'none of the {self.rows} rows in the channel "{self.channel}" fits: the shortest has {self.shortest} tokens and '
                f"max_sequence_length is {self.max_length}; raise it or shorten the rows"
            )
        raise JobError(f'none of the {self.rows} rows in the channel "{self.channel}" has both a question and an answer')


def read(channel: str, folder: Path, encoder: Encoder, prompt_format: PromptFormat, max_length: int) -> RowSet:
    """Read all files of a channel in the order of their names. Errors name file and line."""
    found = RowSet(channel, max_length)
    digest = hashlib.sha256()
    for file in _files(channel, folder):
        for number, line in _lines(channel, file):
            try:
                messages = _messages(line)
            except ValueError as e:
                raise JobError(f'channel "{channel}", {file.name} line {number}: {e}') from None
            found.rows += 1
            if not messages[-1].content.strip() or not messages[-2].content.strip():
                found.empty += 1
                continue
            example = encoder.example(prompt_format, messages)
            length = len(example.ids)
            found.shortest = min(found.shortest or length, length)
            if example.answer_start >= max_length:
                found.too_long += 1
                continue
            if length > max_length:
                found.cut += 1
                example = Example(example.ids[:max_length], example.answer_start)
            found.examples.append(example)
            digest.update(json.dumps([example.answer_start, example.ids]).encode())
    found.digest = digest.hexdigest()
    return found


def _files(channel: str, folder: Path) -> list[Path]:
    entries = sorted(e for e in folder.iterdir() if e.is_file())
    files = [e for e in entries if e.suffix.lower() in (".jsonl", ".json") and e.name != "manifest.json"]
    if not files:
        others = ", ".join(e.name for e in entries[:5]) or "nothing"
        raise JobError(f'the channel "{channel}" holds no JSON Lines file (.jsonl or .json) but {others}; put one JSON object per line into a .jsonl file')
    return files


def _lines(channel: str, file: Path) -> Iterator[tuple[int, str]]:
    with file.open("rb") as f:
        number = 0
        while raw := f.readline(MAX_ROW_BYTES + 1):
            number += 1
            where = f'channel "{channel}", {file.name} line {number}'
            if len(raw) > MAX_ROW_BYTES:
                raise JobError(f"{where}: the row is longer than {MAX_ROW_BYTES} bytes; the file may not be JSON Lines")
            try:
                text = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip()
            except UnicodeDecodeError as e:
                raise JobError(f"{where}: it is not UTF-8 text ({e.reason})") from None
            if text:
                yield number, text


def _messages(line: str) -> list[Message]:
    if line.startswith("["):
        raise ValueError('it begins with "["; the file must be JSON Lines, one object per line without an array around them')
    try:
        row = json.loads(line)
    except json.JSONDecodeError as e:
        raise ValueError(f"it is not a JSON object ({e.msg}); every line must be one") from None
    if not isinstance(row, dict):
        raise ValueError("it is not a JSON object; every line must be one")
    if row.get("messages") is not None:
        messages = _turns(row["messages"])
        if wrong := formats.check(messages):
            raise ValueError(wrong)
        return messages
    if row.get("question") is None or row.get("response") is None:
        columns = ", ".join(sorted(row)[:5]) or "nothing"
        raise ValueError(f"the row has the columns {columns}; it needs question and response (system_prompt and id may stand beside them), or messages")
    system = _text(row, "system_prompt") if row.get("system_prompt") else ""
    messages = [Message("system", system)] if system else []
    return [*messages, Message("user", _text(row, "question")), Message("assistant", _text(row, "response"))]


def _turns(value: Any) -> list[Message]:
    if not isinstance(value, list) or not all(isinstance(m, dict) for m in value):
        raise ValueError('the column "messages" must hold a list of objects with role and content')
    return [Message(_text(m, "role"), _text(m, "content")) for m in value]


def _text(row: dict[str, Any], column: str) -> str:
    value = row.get(column)
    if not isinstance(value, str):
        kind = {bool: "truth value", int: "number", float: "number", list: "list", dict: "object", type(None): "null"}.get(type(value), "value")
        raise ValueError(f'the column "{column}" holds a {kind} where text must stand')
    return value
