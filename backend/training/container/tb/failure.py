"""What a user reads when a job has failed: one sentence that names cause and cure."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

from tb.events import one_line

MOST = 1023  # characters; the platform shows the first 1024
SECRETS = re.compile(r"hf_[A-Za-z0-9]{8,}|(?<=[Bb]earer )\S+|AKIA[0-9A-Z]{16}")

# (what the text of an error holds, what to do about it); the first that fits counts.
ADVICE = (
    (r"out of memory|OutOfMemoryError|CUBLAS_STATUS_ALLOC_FAILED",
     "the GPU's memory is too small: lower max_sequence_length or micro_batch_rows, or choose an instance with more"),
    (r"No space left on device|os error 28",
     "the disk is full: ask for a larger volume"),
    (r"gated repo|GatedRepo|401 Client Error|403 Client Error",
     "the base model is gated: accept its terms and give the job a token by the ARN of a secret, or put the weights into a channel named model"),
    (r"Connection(Error| refused| timed out)|Max retries exceeded|Network is unreachable|Name or service not known|NewConnectionError",
     "the instance has no way to the internet: give it one, or bring packages and weights in channels named wheels and model"),
    (r"Watchdog caught collective|NCCL",
     "the GPUs lost each other: look in the log for the first rank that failed"),
    (r"no kernel image is available|CUDA driver version is insufficient|Setup failed despite GPU being available",
     "the image's CUDA does not fit this instance or the pinned bitsandbytes: choose another image"),
)  # fmt: skip


class JobError(Exception):
    """A failure that is explained in words a user can act on."""


def explain(error: BaseException) -> str:
    """The text for an error of any kind."""
    if isinstance(error, JobError):
        return str(error)
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return with_advice(text)


def with_advice(text: str) -> str:
    for pattern, advice in ADVICE:
        if re.search(pattern, text):
            return f"{advice} ({shorten(text, 400)})"
    return text


def sentence(text: str, phase: str = "") -> str:
    """One line of at most 1023 characters without secrets."""
    text = SECRETS.sub("***", one_line(text))
    if phase:
        text = f"while {phase}: {text}"
    return shorten(text, MOST)


def shorten(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def note(folder: Path, rank: int, error: BaseException) -> None:
    """Leave a worker's error for the launcher, which tells the first from its consequences."""
    folder.mkdir(parents=True, exist_ok=True)
    record = {"rank": rank, "time": time.time(), "explained": isinstance(error, JobError), "message": explain(error)}
    target = folder / f"rank-{rank}.json"
    temporary = target.with_suffix(".tmp")
    temporary.write_text(json.dumps(record), encoding="utf-8")
    temporary.rename(target)


def first_noted(folder: Path) -> str | None:
    """The error that came first: an explained one before others of the same collapse."""
    notes = []
    for file in folder.glob("rank-*.json"):
        try:
            notes.append(json.loads(file.read_text(encoding="utf-8")))
        except (OSError, ValueError):
            continue
    notes.sort(key=lambda n: (not n["explained"], n["time"]))
    return notes[0]["message"] if notes else None
