"""Which examples go into which row, and which rows into which step.

The order follows from the seed, the pass and the lengths alone, so a job that resumes
needs to know nothing but its step, and every process knows the whole batch.
"""

from __future__ import annotations

import bisect
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

from tb.config import MAX_STEPS, Settings
from tb.failure import JobError

# Examples are sorted by length or packed within windows of so many, so that the order
# over a pass stays random.
WINDOW = 1024

Row = list[int]  # numbers of the examples that share a row


@dataclass(frozen=True)
class Step:
    rows: list[Row]


class Plan:
    """The steps of a run over examples of the given lengths."""

    def __init__(self, lengths: list[int], settings: Settings) -> None:
        self.lengths = lengths
        self.settings = settings
        self.steps = settings.max_steps or self._steps_of_epochs()

    def _steps_of_epochs(self) -> int:
        epochs = self.settings.epochs
        if epochs * len(self.lengths) / self.settings.batch_rows > MAX_STEPS:
            raise JobError(f"job.json: settings.epochs: {epochs:g} passes over these rows are more than {MAX_STEPS} steps; lower epochs")
        self._budget = sum(self._rows_in(epoch) for epoch in range(math.ceil(epochs)))
        return max(1, math.ceil(self._budget / self.settings.batch_rows))

    def _rows_in(self, epoch: int) -> int:
        """Rows of a pass that count; of the last one it may be a part."""
        whole = len(self.rows(epoch))
        part = min(1.0, self.settings.epochs - epoch)
        return max(1, math.ceil(whole * part)) if part < 1 else whole

    def rows(self, epoch: int) -> list[Row]:
        """All examples once, as rows in the order of this pass."""
        draw = random.Random(f"{self.settings.seed}:{epoch}")
        order = list(range(len(self.lengths)))
        draw.shuffle(order)
        rows: list[Row] = []
        if self.settings.packing:
            for begin in range(0, len(order), WINDOW):
                rows += self._packed(order[begin : begin + WINDOW], draw)
            return rows
        # The first rows of a pass fill up the step that the pass before has left open, so
        # that after them batches and steps begin together.
        size = self.settings.batch_rows
        head = -epoch * len(order) % size
        window = max(1, WINDOW // size) * size
        rows = [[i] for i in order[:head]]
        for begin in range(head, len(order), window):
            rows += self._by_length(order[begin : begin + window], draw)
        return rows

    def _packed(self, window: Row, draw: random.Random) -> list[Row]:
        """Longest first, each into the fullest row that still takes it."""
        room = self.settings.max_sequence_length
        rows: list[Row] = []
        free: list[tuple[int, int]] = []  # (room left, row), sorted
        for i in sorted(window, key=lambda i: -self.lengths[i]):
            at = bisect.bisect_left(free, (self.lengths[i], -1))
            if at == len(free):
                rows.append([i])
                left, row = room - self.lengths[i], len(rows) - 1
            else:
                left, row = free.pop(at)
                rows[row].append(i)
                left -= self.lengths[i]
            bisect.insort(free, (left, row))
        draw.shuffle(rows)
        return rows

    def _by_length(self, window: Row, draw: random.Random) -> list[Row]:
        """Neighbours of like length, so that little is padded; batches in random order."""
        size = self.settings.batch_rows
        ordered = sorted(window, key=lambda i: self.lengths[i])
        batches = [ordered[b : b + size] for b in range(0, len(ordered), size)]
        short = batches.pop() if len(batches[-1]) < size else []
        draw.shuffle(batches)
        return [[i] for batch in [*batches, short] for i in batch]

    def iterate(self, start: int = 0) -> Iterator[Step]:
        """The steps from number start on."""
        size = self.settings.batch_rows
        left = None if self.settings.max_steps else self._budget
        pending: list[Row] = []
        epoch = 0
        for number in range(self.steps):
            want = size if left is None else min(size, left)
            while len(pending) < want:
                pending += self.rows(epoch)
                epoch += 1
            if number >= start:
                yield Step(pending[:want])
            pending = pending[want:]
            if left is not None:
                left -= want


def sample(lengths: list[int], most: int) -> list[int]:
    """Examples taken evenly from all, of about most tokens together."""
    total = sum(lengths)
    if total <= most:
        return list(range(len(lengths)))
    n = max(1, int(len(lengths) * most / total))
    return [i * len(lengths) // n for i in range(n)]
