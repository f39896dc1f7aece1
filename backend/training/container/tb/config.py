"""job.json: all that a job is told, checked before anything costs time."""

from __future__ import annotations

import json
import math
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any

from tb.failure import JobError

FILE = "job.json"
VERSION = 1
ALL_LINEARS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
PROMPT_FORMATS = ("mistral-v3", "human-assistant", "plain", "chatml", "llama-3")
MAX_STEPS = 10_000_000


@dataclass
class Settings:
    """The settings of a run; those that job.json leaves out have these values."""

    method: str = "qlora"
    prompt_format: str = "mistral-v3"
    lora_r: int = 16
    lora_alpha: float = 32.0
    lora_dropout: float = 0.0
    lora_targets: list[str] = field(default_factory=list)
    prompt_dropout: float = 0.0
    learning_rate: float = 1e-4
    schedule: str = "cosine"
    warmup_ratio: float = 0.03
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    max_steps: int = 0
    epochs: float = 0.0
    batch_rows: int = 16
    max_sequence_length: int = 2048
    seed: int = 1
    log_every: int = 10
    eval_every: int = 0  # 0: before and after only
    checkpoint_every: int = 0  # 0: at the end and at a stop only
    # How the work is laid out. These do not change what is learnt.
    strategy: str = "auto"
    micro_batch_rows: int = 1  # rows that go through a GPU at once
    gradient_checkpointing: bool = True
    packing: bool = True
    export: str = "best"  # "best": the step with the lowest eval loss; "last"

    @property
    def adapters(self) -> bool:
        return self.method != "full"


@dataclass
class Job:
    base_model: str
    preset: str
    settings: Settings
    warnings: list[str]


def read(folder: Path) -> Job:
    path = folder / FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise JobError(f'the channel "code" holds no {FILE}; it tells the job what to train and how, so put one there') from None
    except UnicodeDecodeError as e:
        raise JobError(f"{FILE} is not UTF-8 text: {e}") from None
    return parse(text)


def parse(text: str) -> Job:
    try:
        document = json.loads(text)
    except json.JSONDecodeError as e:
        raise JobError(f"{FILE} is not valid JSON (line {e.lineno}): {e.msg}") from None
    if not isinstance(document, dict):
        raise JobError(f"{FILE} must hold one JSON object")
    if document.get("version", VERSION) != VERSION:
        raise JobError(f"{FILE} has version {document['version']!r}; this program understands version {VERSION}")
    given = document.get("settings", {})
    if not isinstance(given, dict):
        raise JobError(f"{FILE}: settings must be a JSON object")
    settings, unknown = _settings(given)
    check(settings)
    warnings = [f"{FILE}: settings.{name} is not known here and has no effect" for name in unknown]
    base, preset = document.get("base_model", ""), document.get("preset", "")
    if not isinstance(base, str) or not isinstance(preset, str):
        raise JobError(f"{FILE}: base_model and preset must be text")
    return Job(base, preset, settings, warnings)


def _settings(given: dict[str, Any]) -> tuple[Settings, list[str]]:
    settings = Settings()
    known = {f.name: f for f in fields(Settings)}
    for name, value in given.items():
        if name not in known or value is None:
            continue
        f = known[name]
        default = f.default if f.default is not MISSING else []
        setattr(settings, name, _converted(name, value, default))
    if settings.max_steps == 0 and settings.epochs == 0:
        settings.epochs = 1.0
    if "all-linear" in settings.lora_targets or not settings.lora_targets:
        settings.lora_targets = list(ALL_LINEARS)
    return settings, sorted(set(given) - set(known))


def _converted(name: str, value: Any, default: Any) -> Any:
    """The value as the type of the default; JSON writes 1.0 as 1."""
    if isinstance(default, bool):
        fits = isinstance(value, bool)
    elif isinstance(value, bool):
        fits = False
    elif isinstance(default, float):
        fits = isinstance(value, int | float)
        value = float(value) if fits else value
    elif isinstance(default, list):
        fits = isinstance(value, list) and all(isinstance(v, str) for v in value)
    else:
        fits = isinstance(value, type(default))
    if not fits:
        words = {bool: "true or false", float: "a number", int: "a whole number", str: "text", list: "a list of texts"}
        raise _bad(name, value, words[type(default)])
    return value


def _bad(name: str, value: Any, want: str) -> JobError:
    return JobError(f"{FILE}: settings.{name} is {json.dumps(value)}; it must be {want}")


def check(s: Settings) -> None:
    """Refuse settings with which no training can work."""
    choices = {
        "method": ("lora", "qlora", "full"), "schedule": ("cosine", "constant"), "prompt_format": PROMPT_FORMATS,
        "strategy": ("auto", "single", "ddp", "fsdp"), "export": ("best", "last"),
    }  # fmt: skip
    for name, allowed in choices.items():
        if getattr(s, name) not in allowed:
            raise _bad(name, getattr(s, name), "one of " + ", ".join(allowed))
    ranges: dict[str, tuple[float, float]] = {
        "lora_r": (1, 1024), "lora_alpha": (1e-6, 1e6), "lora_dropout": (0, 0.95), "learning_rate": (1e-9, 1),
        "warmup_ratio": (0, 1), "weight_decay": (0, 1), "max_grad_norm": (0, 1e6), "max_steps": (0, MAX_STEPS),
        "epochs": (0, 1e6), "batch_rows": (1, 4096), "max_sequence_length": (8, 131072), "seed": (0, 2**64 - 1),
        "log_every": (1, MAX_STEPS), "eval_every": (0, MAX_STEPS), "checkpoint_every": (0, MAX_STEPS), "micro_batch_rows": (1, 4096),
    }  # fmt: skip
    for name, (low, high) in ranges.items():
        value = getattr(s, name)
        if not math.isfinite(value) or not low <= value <= high:
            raise _bad(name, value, f"a number from {low:g} to {high:g}")
    if s.prompt_dropout:
        raise _bad("prompt_dropout", s.prompt_dropout, "0 here: only the training of the small local model has it")
    for target in s.lora_targets:
        if target not in ALL_LINEARS:
            raise _bad("lora_targets", target, "a list of " + ", ".join(ALL_LINEARS))
