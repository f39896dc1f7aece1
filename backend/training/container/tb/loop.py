"""The training loop: steps, evaluation, checkpoints, and what is said of them."""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from tb import batches, events
from tb.checkpoint import Store
from tb.config import Settings
from tb.failure import JobError
from tb.packing import Plan, Step, sample
from tb.strategies import Strategy
from tb.tokens import Example

# One evaluation takes so many tokens at most, so that a large validation channel does
# not take more time than the training.
MAX_EVAL_TOKENS = 1 << 16
# After so many steps in a row without a finite gradient there is nothing left to save.
MAX_BAD_STEPS = 5


@dataclass
class State:
    """What the loop knows besides weights and optimiser; goes into checkpoints."""

    tokens: int = 0
    window_loss: float = 0.0  # summed over the answers' tokens since the last step event
    window_targets: int = 0
    last_loss: float | None = None
    last_eval: float | None = None
    eval_step: int = -1
    first_eval: float | None = None
    best_step: int = -1
    best_loss: float = math.inf


@dataclass
class Outcome:
    """Left for the launcher."""

    step: int
    steps: int
    stopped: bool
    tokens: int
    epoch: float
    loss: float | None
    eval_loss: float | None
    export_step: int
    weights: str
    method: str
    lora_r: int
    lora_alpha: float


def rate(settings: Settings, step: int, steps: int) -> float:
    """The learning rate of a step counted from zero: linear warm-up, then a cosine or level."""
    warm = math.ceil(settings.warmup_ratio * steps)
    if step < warm:
        return settings.learning_rate * (step + 1) / warm
    if settings.schedule == "constant":
        return settings.learning_rate
    return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(steps - warm, 1)))


class Loop:
    """One process's part of the training. Only the first process says anything."""

    def __init__(
        self, settings: Settings, strategy: Strategy, examples: list[Example], validation: list[Example], plan: Plan, store: Store, stop_file: Path
    ) -> None:
        self.settings, self.strategy, self.examples, self.validation = settings, strategy, examples, validation
        self.plan, self.store, self.stop_file = plan, store, stop_file
        self.device = strategy.device
        self.dtype = torch.bfloat16 if self.device.type == "cuda" else torch.float32
        self.optimizer = torch.optim.AdamW(
            strategy.parameters(), lr=settings.learning_rate, betas=(0.9, 0.999), weight_decay=settings.weight_decay, fused=self.device.type == "cuda"
        )
        self.state = State()
        self.step = 0
        self.saved_step = -1
        self.bad_steps = 0
        self.epoch_tokens = max(1, sum(len(e.ids) - 1 for e in examples))
        self.eval_rows = [[i] for i in sample([len(e.ids) for e in validation], MAX_EVAL_TOKENS)]

    # Beginning and end

    def resume(self) -> None:
        """Go on from the newest checkpoint that the hosts of all processes hold whole."""
        limit = self.plan.steps
        while True:
            found = self.store.newest(limit, say=self.strategy.rank == 0)
            lowest, highest = self.strategy.range(found.step if found else 0)
            if lowest == highest:
                break
            limit = lowest
        if found is None:
            return
        self.strategy.restore(found.weights(), self.optimizer, found.optimizer())
        self.state = State(**found.state)
        if self.strategy.rank:
            self.state.window_loss = 0.0  # the first process has the sum of all
        self.step = self.saved_step = found.step
        self.say("resume", message=f"from the checkpoint {found.folder.name}")

    def run(self) -> bool:
        """Train to the last step. Returns False when a stop was asked for before."""
        self.window_began, self.window_tokens = time.monotonic(), 0
        steps = self.plan.iterate(self.step)
        while True:
            last = self.step == self.plan.steps
            every = self.settings.eval_every
            if self.step == 0 or last or (every and self.step % every == 0):
                self.evaluate()
            due = self.settings.checkpoint_every
            stop = self.stop_asked()
            if last or stop or (due and self.step and self.step % due == 0):
                self.checkpoint()
            if last or stop:
                return last
            self.one_step(next(steps))  # does nothing when a stop is asked for while it runs

    def stop_asked(self) -> bool:
        """Whether the launcher of any host has left its file. All processes must ask together."""
        return self.strategy.any(self.stop_file.exists())

    def export(self, folder: Path) -> int:
        """Put the weights that shall be merged into folder; says of which step they are."""
        best = self.state.best_step
        found = None
        if self.settings.export == "best" and best >= 0 and best != self.step and self.strategy.rank == 0:
            found = self.store.best(best)
        # Only the first process's host is sure to hold it, and gathering weights needs all processes.
        if self.strategy.any(found is not None):
            step, weights = best, found.weights() if found else None
        else:
            step, weights = self.step, self.strategy.weights()
        if weights is not None:
            folder.mkdir(parents=True, exist_ok=True)
            save_file({n: t.contiguous() for n, t in weights.items()}, folder / "weights.safetensors")
        return step

    def outcome(self, finished: bool, export_step: int, folder: Path) -> Outcome:
        s = self.settings
        return Outcome(
            self.step, self.plan.steps, not finished, self.state.tokens, self.epoch(), self.state.last_loss,
            self.state.last_eval if export_step == self.step else self.state.best_loss, export_step,
            str(folder / "weights.safetensors"), s.method, s.lora_r, s.lora_alpha,
        )  # fmt: skip

    # The work

    def one_step(self, step: Step) -> None:
        # Chance follows from the step, so that a resumed run draws what an uninterrupted one would.
        torch.manual_seed((self.settings.seed * 1_000_003 + self.step * self.strategy.size + self.strategy.rank) % (1 << 63))
        lr = rate(self.settings, self.step, self.plan.steps)
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        chosen = [self.examples[i] for row in step.rows for i in row]
        # Every token of the step counts the same, however rows fall to processes and micro-batches.
        # The processes' gradients are averaged, hence the factor.
        scale = self.strategy.size / sum(batches.targets_of(e) for e in chosen)
        self.strategy.module.train()
        shares = batches.share(step.rows, self.strategy.rank, self.strategy.size, self.settings.micro_batch_rows)
        loss = torch.zeros((), dtype=torch.float64, device=self.device)
        for k, rows in enumerate(shares):
            if k and self.stop_asked():  # a step may take most of the time that a stop allows
                self.optimizer.zero_grad(set_to_none=True)
                return
            batch = self.batch(rows, self.examples)
            with self.strategy.micro_batch(last=k == len(shares) - 1):
                total = self.forward(batch)
                torch.autograd.backward(total * (0.0 if batch.filler else scale))
            if not batch.filler:
                loss += total.detach()
        self.strategy.finish_gradients()
        norm = self.strategy.clip(self.settings.max_grad_norm)
        if math.isfinite(norm):
            self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        self.check_finite(norm)
        self.count(float(loss), sum(batches.targets_of(e) for e in chosen), sum(len(e.ids) - 1 for e in chosen), lr, norm)

    def batch(self, rows: list[list[int]] | None, examples: list[Example]) -> batches.Batch:
        if rows is None:
            return batches.filler(examples, self.device, self.dtype)
        return batches.build(rows, examples, self.device, self.dtype)

    def forward(self, batch: batches.Batch) -> torch.Tensor:
        with torch.autocast("cuda", dtype=torch.bfloat16, enabled=self.device.type == "cuda"):
            result: torch.Tensor = self.strategy.module(*batch.inputs())
        return result

    def check_finite(self, norm: float) -> None:
        if math.isfinite(norm):
            self.bad_steps = 0
            return
        self.bad_steps += 1
        if self.bad_steps >= MAX_BAD_STEPS:
            raise JobError(
                f"the gradient was not a finite number in {self.bad_steps} steps in a row up to step {self.step}: "
                "lower learning_rate, or set max_grad_norm to 1 or less"
            )
        self.say("warning", message=f"the gradient is not a finite number in step {self.step}; the step is left out")

    def count(self, loss: float, targets: int, tokens: int, lr: float, norm: float) -> None:
        s = self.state
        s.tokens += tokens
        s.window_loss += loss
        s.window_targets += targets
        self.window_tokens += tokens
        if self.step != 1 and self.step % self.settings.log_every and self.step != self.plan.steps:
            return
        (total,) = self.strategy.sum([s.window_loss])
        s.last_loss = total / s.window_targets
        now = time.monotonic()
        speed = self.window_tokens / max(now - self.window_began, 1e-6)
        self.say(
            "step", epoch=self.epoch(), loss=s.last_loss, lr=lr, grad_norm=norm, tokens=s.tokens, tokens_per_s=speed, gpu_gb=self.gpu_gb()
        )  # fmt: skip
        s.window_loss, s.window_targets = 0.0, 0
        self.window_began, self.window_tokens = now, 0

    def evaluate(self) -> None:
        s = self.state
        if not self.validation or s.eval_step == self.step:
            return
        began = time.monotonic()
        loss = self.eval_loss()
        if loss is None:
            return
        s.eval_step, s.last_eval = self.step, loss
        self.say("eval", epoch=self.epoch(), eval_loss=loss, tokens=s.tokens)
        if self.step == 0:
            s.first_eval = loss
        elif loss < s.best_loss:
            s.best_step, s.best_loss = self.step, loss
            weights = self.strategy.weights()
            if weights is not None:
                self.store.save_best(self.step, loss, weights)
            self.strategy.barrier()
        self.window_began += time.monotonic() - began  # not part of the training's speed

    @torch.no_grad()
    def eval_loss(self) -> float | None:
        """The loss on the validation rows; None when a stop was asked for meanwhile."""
        self.strategy.module.eval()
        total, targets = 0.0, 0
        for rows in batches.share(self.eval_rows, self.strategy.rank, self.strategy.size, self.settings.micro_batch_rows):
            if self.stop_asked():
                return None
            batch = self.batch(rows, self.validation)
            loss = self.forward(batch)
            if not batch.filler:
                total += float(loss)
                targets += len(batch.targets)
        total, count = self.strategy.sum([total, float(targets)])
        return total / max(count, 1)

    def checkpoint(self) -> None:
        if self.saved_step == self.step or self.step == 0:
            return
        began = time.monotonic()
        weights, optimizer = self.strategy.weights(), self.strategy.optimizer_state(self.optimizer)
        (window,) = self.strategy.sum([self.state.window_loss])
        if weights is not None and optimizer is not None:
            self.store.save(self.step, weights, optimizer, asdict(self.state) | {"window_loss": window})
        self.strategy.barrier()
        self.saved_step = self.step
        self.say("checkpoint")
        self.window_began += time.monotonic() - began

    # Words

    def epoch(self) -> float:
        return self.state.tokens / self.epoch_tokens

    def gpu_gb(self) -> float | None:
        return torch.cuda.max_memory_allocated() / 2**30 if self.device.type == "cuda" else None

    def say(self, event: str, **fields: Any) -> None:
        if self.strategy.rank == 0:
            events.emit(event, step=self.step, steps=self.plan.steps, **fields)
