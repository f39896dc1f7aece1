"""Text to ids, with special tokens only where the prompt format puts them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from tb.failure import JobError
from tb.formats import EOS, Message, PromptFormat

METASPACE = "\u2581"


@dataclass(frozen=True)
class Example:
    """ids[answer_start:] are the answer and the token that ends it: what is learnt."""

    ids: list[int]
    answer_start: int


class Encoder:
    """The base model's tokenizer.json, without its habit of finding special tokens in text.

    A space rule of the kind "first" means the beginning of the whole text. As segments
    are encoded one by one, there is a second tokenizer for those that follow another.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / "tokenizer.json"
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            self.special = {t["content"]: int(t["id"]) for t in document.get("added_tokens", [])}
            vocabulary = document["model"]["vocab"]
        except (OSError, ValueError, KeyError, TypeError) as e:
            raise JobError(f"the base model's tokenizer.json cannot be read: {e}") from None
        for token in ("<s>", EOS, "[INST]", "[/INST]"):
            if token not in self.special and isinstance(vocabulary, dict) and token in vocabulary:
                self.special[token] = int(vocabulary[token])
        document["added_tokens"], document["post_processor"] = [], None
        document["truncation"], document["padding"] = None, None
        self._first = Tokenizer.from_str(json.dumps(document))
        pre = document.get("pre_tokenizer") or {}
        if pre.get("type") == "Metaspace" and pre.get("prepend_scheme") == "first":
            pre["prepend_scheme"] = "never"
        self._later = Tokenizer.from_str(json.dumps(document))

    def special_id(self, token: str, prompt_format: str) -> int:
        try:
            return self.special[token]
        except KeyError:
            raise JobError(f'the tokenizer has no token "{token}", which prompt format {prompt_format} needs') from None

    def text(self, text: str, first: bool = False) -> list[int]:
        if not text:
            return []
        tokenizer = self._first if first else self._later
        return list(tokenizer.encode(text, add_special_tokens=False).ids)

    def doubles_spaces(self) -> bool:
        """Whether " a" becomes two spaces and a, which the tokenizer's makers do not do."""
        tokens = self._later.encode(" a", add_special_tokens=False).tokens
        return "".join(tokens).startswith(METASPACE * 2)

    def example(self, prompt_format: PromptFormat, messages: list[Message]) -> Example:
        """messages end with the answer."""
        ids: list[int] = []
        for i, segment in enumerate(prompt_format.render(messages[:-1])):
            if segment.special:
                ids.append(self.special_id(segment.text, prompt_format.name))
            else:
                ids += self.text(segment.text, first=i == 0)
        start = len(ids)
        answer = messages[-1].content.strip() if prompt_format.trim else messages[-1].content
        ids += self.text(prompt_format.answer_prefix + answer)
        return Example([*ids, self.special_id(prompt_format.end, prompt_format.name)], start)
