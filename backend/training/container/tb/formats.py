"""Prompt formats: how messages become the text that a model is trained on.

The same formats, with the same names, are used again when the model is invoked; the
chat templates beside this file are those that the workbench knows (its tests compare
them). A format renders segments, so that special tokens are put in by their ids and
text that merely spells one stays text.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

BOS, EOS = "<s>", "</s>"
IM_START, IM_END = "<|im_start|>", "<|im_end|>"
END_OF_TURN = "<|eot_id|>"


@dataclass(frozen=True)
class Message:
    role: str  # "system", "user" or "assistant"
    content: str


@dataclass(frozen=True)
class Segment:
    text: str
    special: bool = False


@dataclass(frozen=True)
class PromptFormat:
    name: str
    render: Callable[[list[Message]], list[Segment]]  # up to where the answer begins
    answer_prefix: str = ""  # stands between the prompt and the answer
    end: str = EOS  # token that ends an answer
    trim: bool = False  # blanks at both ends of texts are taken off

    @property
    def chat_template(self) -> str:
        return (Path(__file__).parent / "templates" / f"{self.name}.jinja").read_text(encoding="utf-8")


def by_name(name: str) -> PromptFormat:
    return FORMATS[name]


def check(messages: list[Message]) -> str | None:
    """What is wrong with a conversation that shall end with an answer, or None."""
    turns = messages[1:] if messages and messages[0].role == "system" else messages
    if not messages or messages[-1].role != "assistant" or len(turns) < 2:
        return "messages must hold a question and end with the assistant's answer"
    for i, message in enumerate(turns):
        want = "assistant" if i % 2 else "user"
        if message.role != want:
            position = i + 1 + len(messages) - len(turns)
            return (
                f'message {position} has the role "{message.role}" where "{want}" must stand: after an optional system message, user and assistant take turns'
            )
    return None


def _split(messages: list[Message]) -> tuple[str, list[Message]]:
    system = [m.content for m in messages if m.role == "system" and m.content]
    return "\n\n".join(system), [m for m in messages if m.role != "system"]


def _mistral_v3(messages: list[Message]) -> list[Segment]:
    system, turns = _split(messages)
    segments = [Segment(BOS, True)]
    for i, message in enumerate(turns):
        if message.role == "assistant":
            segments += [Segment(" " + message.content), Segment(EOS, True)]
            continue
        text = message.content
        if system and i == len(turns) - 1:  # the tokenizer's makers put it before the last question
            text = system + "\n\n" + text
        segments += [Segment("[INST]", True), Segment(" " + text), Segment("[/INST]", True)]
    return segments


def _human_assistant(messages: list[Message]) -> list[Segment]:
    system, turns = _split(messages)
    segments = [Segment(system)] if system else []
    for message in turns:
        who = "\n\nAssistant: " if message.role == "assistant" else "\n\nHuman: "
        segments += [Segment(who + message.content), Segment(EOS, True)]
    return [*segments, Segment("\n\nAssistant: ")]


def _plain(messages: list[Message]) -> list[Segment]:
    system, turns = _split(messages)
    segments = [Segment(BOS, True)]
    for i, message in enumerate(turns):
        if message.role == "assistant":
            segments += [Segment(message.content), Segment(EOS, True)]
            continue
        lead = "\n" if i else system + "\n\n" if system else ""
        segments.append(Segment(lead + message.content + "\n"))
    return segments


def _chatml(messages: list[Message]) -> list[Segment]:
    system, turns = _split(messages)
    segments: list[Segment] = []
    for message in [Message("system", system), *turns] if system else turns:
        segments += [Segment(IM_START, True), Segment(message.role + "\n" + message.content), Segment(IM_END, True), Segment("\n")]
    return [*segments, Segment(IM_START, True), Segment("assistant\n")]


def _llama_3(messages: list[Message]) -> list[Segment]:
    system, turns = _split(messages)

    def header(role: str, text: str) -> list[Segment]:
        return [Segment("<|start_header_id|>", True), Segment(role), Segment("<|end_header_id|>", True), Segment("\n\n" + text)]

    segments = [Segment("<|begin_of_text|>", True)]
    for message in [Message("system", system), *turns] if system else turns:
        segments += [*header(message.role, message.content.strip()), Segment(END_OF_TURN, True)]
    return [*segments, *header("assistant", "")]


FORMATS = {
    f.name: f
    for f in (
        PromptFormat("mistral-v3", _mistral_v3, " "),
        PromptFormat("human-assistant", _human_assistant),
        PromptFormat("plain", _plain),
        PromptFormat("chatml", _chatml, end=IM_END),
        PromptFormat("llama-3", _llama_3, end=END_OF_TURN, trim=True),
    )
}
