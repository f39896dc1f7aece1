"""How one model lives on several processes.

single  one process.
ddp     each process holds all of it; gradients are averaged.
fsdp    with adapters: the frozen weights are spread over the processes, a layer is
        gathered while it is needed, and nothing of them has a gradient. The adapters are
        small, so every process keeps them whole and their gradients are averaged. That
        way no shard of an adapter can be lost when it is saved, and adapters may be
        float32 over a 4-bit base. Without adapters everything is spread.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.fsdp import (
    BackwardPrefetch,
    FullOptimStateDictConfig,
    FullStateDictConfig,
    MixedPrecision,
    StateDictType,
)
from torch.distributed.fsdp import FullyShardedDataParallel as FSDP
from torch.distributed.fsdp.wrap import lambda_auto_wrap_policy
from torch.nn.parallel import DistributedDataParallel

from tb import model as models

State = dict[str, torch.Tensor]


class Strategy:
    """One process, and what the others have in common with it."""

    def __init__(self, loss_model: models.LossModel, device: torch.device) -> None:
        self.device = device
        self.size = dist.get_world_size() if dist.is_initialized() else 1
        self.rank = dist.get_rank() if dist.is_initialized() else 0
        self.named = models.trainable(loss_model)
        self.module: nn.Module = self.wrap(loss_model)

    def wrap(self, loss_model: models.LossModel) -> nn.Module:
        return loss_model

    def parameters(self) -> list[nn.Parameter]:
        """What the optimiser changes, always in the same order."""
        return list(self.named.values())

    def micro_batch(self, last: bool) -> Any:
        """Around one forward and backward pass; gradients are needed after the last."""
        return nullcontext()

    def finish_gradients(self) -> None:
        """After the backward passes of a step."""

    def clip(self, most: float) -> float:
        """Limit the gradient's norm; returns what it was. 0 means no limit."""
        norm = nn.utils.clip_grad_norm_(self.parameters(), most or float("inf"))
        return float(norm)

    def weights(self) -> State | None:
        """The trained weights on the CPU; None except in the first process. All must call it."""
        if self.rank:
            return None
        return {n: p.detach().to("cpu", copy=True) for n, p in self.named.items()}

    def optimizer_state(self, optimizer: torch.optim.Optimizer) -> dict[str, Any] | None:
        """As weights, for the optimiser."""
        return None if self.rank else optimizer.state_dict()

    def restore(self, weights: State, optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
        with torch.no_grad():
            for name, parameter in self.named.items():
                parameter.copy_(weights[name])
        optimizer.load_state_dict(state)

    def sum(self, values: list[float]) -> list[float]:
        """Each value added up over the processes."""
        if self.size == 1:
            return values
        tensor = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.all_reduce(tensor)
        return [float(v) for v in tensor.tolist()]

    def range(self, value: int) -> tuple[int, int]:
        """The lowest and the highest that a process has."""
        if self.size == 1:
            return value, value
        tensor = torch.tensor([-value, value], dtype=torch.int64, device=self.device)
        dist.all_reduce(tensor, dist.ReduceOp.MAX)
        low, high = tensor.tolist()
        return -int(low), int(high)

    def any(self, flag: bool) -> bool:
        """Whether it is true in any process: all of them must do the same."""
        return self.sum([float(flag)])[0] > 0

    def barrier(self) -> None:
        if self.size > 1:
            self.sum([0.0])  # works on every backend and device alike


class Ddp(Strategy):
    def wrap(self, loss_model: models.LossModel) -> nn.Module:
        ids = [self.device.index] if self.device.type == "cuda" else None
        return DistributedDataParallel(loss_model, device_ids=ids, broadcast_buffers=False)

    def micro_batch(self, last: bool) -> Any:
        assert isinstance(self.module, DistributedDataParallel)
        return nullcontext() if last else self.module.no_sync()


def _fsdp(loss_model: models.LossModel, device: torch.device, **more: Any) -> FSDP:
    layers = {id(layer) for layer in loss_model.lm.model.layers}
    policy = functools.partial(lambda_auto_wrap_policy, lambda_fn=lambda m: id(m) in layers)
    return FSDP(
        loss_model, auto_wrap_policy=policy, device_id=device, use_orig_params=False,
        backward_prefetch=BackwardPrefetch.BACKWARD_PRE, limit_all_gathers=device.type == "cuda", **more,
    )  # fmt: skip


class FsdpFrozen(Strategy):
    """Frozen weights spread, adapters whole."""

    def wrap(self, loss_model: models.LossModel) -> nn.Module:
        for parameter in self.named.values():
            dist.broadcast(parameter.data, 0)  # equal from the first step, whatever the seeds gave
        return _fsdp(loss_model, self.device, ignored_states=list(self.named.values()))

    def finish_gradients(self) -> None:
        gradients = [p.grad for p in self.parameters() if p.grad is not None]
        flat = torch.cat([g.flatten() for g in gradients])
        dist.all_reduce(flat)
        flat /= self.size
        at = 0
        for gradient in gradients:
            gradient.copy_(flat[at : at + gradient.numel()].view_as(gradient))
            at += gradient.numel()


class FsdpFull(Strategy):
    """Weights, gradients and optimiser spread; gathered on the first process to be saved."""

    def wrap(self, loss_model: models.LossModel) -> nn.Module:
        precision = None
        if self.device.type == "cuda":
            precision = MixedPrecision(param_dtype=torch.bfloat16, reduce_dtype=torch.float32, buffer_dtype=torch.float32)
        return _fsdp(loss_model, self.device, mixed_precision=precision)

    @property
    def _module(self) -> FSDP:
        assert isinstance(self.module, FSDP)
        return self.module

    def parameters(self) -> list[nn.Parameter]:
        return list(self._module.parameters())

    def clip(self, most: float) -> float:
        return float(self._module.clip_grad_norm_(most or float("inf")))

    @contextmanager
    def _whole(self, rank0: bool) -> Iterator[None]:
        offload = self.device.type == "cuda"  # from the CPU to the CPU it would free what it gives
        with FSDP.state_dict_type(
            self._module, StateDictType.FULL_STATE_DICT,
            FullStateDictConfig(offload_to_cpu=offload, rank0_only=rank0),
            FullOptimStateDictConfig(offload_to_cpu=offload, rank0_only=rank0),
        ):  # fmt: skip
            yield

    def weights(self) -> State | None:
        with self._whole(rank0=True):
            state = self._module.state_dict()
        if self.rank:
            return None
        return {models.clean_name(n): t for n, t in state.items()}

    def optimizer_state(self, optimizer: torch.optim.Optimizer) -> dict[str, Any] | None:
        with self._whole(rank0=True):
            state = FSDP.optim_state_dict(self._module, optimizer)
        return None if self.rank else state

    def restore(self, weights: State, optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
        with self._whole(rank0=False):
            names = list(self._module.state_dict())
            self._module.load_state_dict({n: weights[models.clean_name(n)] for n in names})
            optimizer.load_state_dict(FSDP.optim_state_dict_to_load(self._module, optimizer, state))


def make(name: str, loss_model: models.LossModel, device: torch.device, adapters: bool) -> Strategy:
    if name == "ddp":
        return Ddp(loss_model, device)
    if name == "fsdp":
        return (FsdpFrozen if adapters else FsdpFull)(loss_model, device)
    return Strategy(loss_model, device)
