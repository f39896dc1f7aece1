"""Log lines that a program can read: "tb1 " and one JSON object.

The metrics that the platform draws from the log are found by expressions such as
"loss":([0-9.eE+-]+), so there is no space behind a colon. A number that is not
finite is written as text, because JSON has no form for it.
"""

from __future__ import annotations

import json
import math
import sys
from typing import Any

PREFIX = "tb1 "
KINDS = (
    "plan", "phase", "step", "eval", "checkpoint", "resume",
    "warning", "merge", "export", "done", "failed",
)  # fmt: skip
FIELDS = (
    "step", "steps", "epoch", "loss", "eval_loss", "lr", "grad_norm",
    "tokens", "tokens_per_s", "gpu_gb", "message",
)  # fmt: skip
DIGITS = {
    "epoch": 4, "loss": 6, "eval_loss": 6, "lr": 10, "grad_norm": 6, "tokens_per_s": 1, "gpu_gb": 2,
}  # fmt: skip


def emit(event: str, **fields: Any) -> None:
    """Write one event. Fields that are None are left out."""
    # In one piece: several processes write to the same log.
    sys.stdout.write(PREFIX + encode(event, **fields) + "\n")
    sys.stdout.flush()


def encode(event: str, **fields: Any) -> str:
    if event not in KINDS:
        raise ValueError(f"there is no event {event!r}")
    unknown = set(fields) - set(FIELDS)
    if unknown:
        raise ValueError(f"an event has no field {sorted(unknown)}")
    record: dict[str, Any] = {"event": event}
    for name in FIELDS:
        value = fields.get(name)
        if value is None:
            continue
        if name in DIGITS:
            value = float(value)
            value = round(value, DIGITS[name]) if math.isfinite(value) else str(value)
        record[name] = one_line(value) if name == "message" else value
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"))


def one_line(text: str) -> str:
    """A log event ends at a line break, so a message must hold none."""
    return " ".join(str(text).split())


def warn(message: str) -> None:
    emit("warning", message=message)
