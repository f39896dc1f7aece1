"""Rows of examples as tensors."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from tb.packing import Row
from tb.tokens import Example

PAD = 0  # <unk>; never attended to and never learnt, so any id would do
MULTIPLE = 8  # GPU kernels want lengths of this kind


@dataclass
class Batch:
    """Some rows side by side, and where in them a token of an answer follows."""

    ids: torch.Tensor  # [rows, length]
    positions: torch.Tensor  # [rows, length], begins anew with each example
    mask: torch.Tensor | None  # [rows, 1, length, length], added to attention scores
    where: torch.Tensor  # [targets], places in the flattened rows
    targets: torch.Tensor  # [targets]
    filler: bool = False  # keeps processes in step; its loss does not count

    def inputs(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None, torch.Tensor, torch.Tensor]:
        return self.ids, self.positions, self.mask, self.where, self.targets


def targets_of(example: Example) -> int:
    """How many of its tokens are learnt."""
    return len(example.ids) - example.answer_start


def build(rows: list[Row], examples: list[Example], device: torch.device, dtype: torch.dtype) -> Batch:
    """Examples of a row stand one behind the other and do not see each other.

    With one example a row the plain causal order is enough: padding stands behind it,
    where it is not seen. Then there is no mask, and faster kernels can be used.
    """
    longest = max(sum(len(examples[i].ids) for i in row) for row in rows)
    length = -(-longest // MULTIPLE) * MULTIPLE
    ids = torch.full((len(rows), length), PAD, dtype=torch.long)
    positions = torch.zeros((len(rows), length), dtype=torch.long)
    segment = torch.full((len(rows), length), -1, dtype=torch.long)
    where: list[int] = []
    targets: list[int] = []
    for r, row in enumerate(rows):
        at = 0
        for number, i in enumerate(row):
            example = examples[i]
            n = len(example.ids)
            ids[r, at : at + n] = torch.tensor(example.ids)
            positions[r, at : at + n] = torch.arange(n)
            segment[r, at : at + n] = number
            first = max(example.answer_start, 1)  # nothing predicts a row's first token
            where += [r * length + at + k - 1 for k in range(first, n)]
            targets += example.ids[first:]
            at += n
    mask = None
    if any(len(row) > 1 for row in rows):
        causal = torch.ones((length, length), dtype=torch.bool).tril()
        seen = (segment[:, :, None] == segment[:, None, :]) & causal
        mask = torch.zeros(seen.shape, dtype=dtype).masked_fill_(~seen, torch.finfo(dtype).min)[:, None].to(device)
    return Batch(ids.to(device), positions.to(device), mask, torch.tensor(where, device=device), torch.tensor(targets, device=device))


def share(rows: list[Row], rank: int, size: int, at_once: int) -> list[list[Row] | None]:
    """The micro-batches of one process; None where others have one more than it.

    Rows are dealt out by turns. All processes get the same number of micro-batches,
    because each forward pass is a meeting of all of them.
    """
    most = -(-len(rows) // size)
    count = -(-most // at_once)
    mine = rows[rank::size]
    out: list[list[Row] | None] = []
    for i in range(count):
        out.append(mine[i * at_once : (i + 1) * at_once] or None)
    return out


def filler(examples: list[Example], device: torch.device, dtype: torch.dtype) -> Batch:
    shortest = min(range(len(examples)), key=lambda i: len(examples[i].ids))
    batch = build([[shortest]], examples, device, dtype)
    batch.filler = True
    return batch
