"""Builds the model that is trained: base weights, quantised or not, and adapters.

The weights are read tensor by tensor into a model without storage, so a process never
holds more than its own model and one tensor. Nothing is added to the vocabulary and
nothing is resized.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import torch
import transformers
from accelerate import init_empty_weights
from torch import nn
from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import CheckpointImpl, checkpoint_wrapper

from tb import weights
from tb.config import Settings
from tb.failure import JobError

ARCHITECTURE = "MistralForCausalLM"


# transformers and bitsandbytes do not type what they export.
auto_config: Any = transformers.AutoConfig  # type: ignore[attr-defined]
auto_model: Any = transformers.AutoModelForCausalLM


def limit(folder: Path, settings: Settings) -> None:
    """Refuse a base model or a sequence length that will not do, before the weights are read."""
    config = _config(folder)
    if list(config.architectures or []) != [ARCHITECTURE]:
        raise JobError(f"the base model's config.json has the architectures {config.architectures}; only {ARCHITECTURE} is trained here")
    longest = config.max_position_embeddings
    if getattr(config, "sliding_window", None):
        longest = min(longest, config.sliding_window)  # the masks for packed rows know no window
    if settings.max_sequence_length > longest:
        raise JobError(f"job.json: settings.max_sequence_length is {settings.max_sequence_length}; the base model takes up to {longest} tokens, so lower it")
    if getattr(config, "quantization_config", None):
        raise JobError("the base model is quantised already; give the unquantised one, so that the adapters can be merged into it")


def _config(folder: Path) -> Any:
    try:
        return auto_config.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError) as e:
        raise JobError(f"the base model's config.json cannot be read: {e}") from None


def load(folder: Path, settings: Settings, device: torch.device) -> Any:
    """The model with its trainable parameters; all others are frozen."""
    dtype = torch.bfloat16 if device.type == "cuda" and settings.adapters else torch.float32
    with init_empty_weights():
        model: Any = auto_model.from_config(_config(folder), attn_implementation="sdpa", torch_dtype=dtype)
    model.config.use_cache = False
    if settings.method == "qlora":
        _quantised_shells(model, dtype)
    _fill(model, folder, device, dtype)
    model.to(device)
    if settings.adapters:
        model = _with_adapters(model, settings)
    else:
        model.requires_grad_(True)
    if settings.gradient_checkpointing:
        layers = model.model.layers
        for i, layer in enumerate(layers):
            layers[i] = checkpoint_wrapper(layer, CheckpointImpl.NO_REENTRANT)
    return model


def _quantised_shells(model: Any, dtype: torch.dtype) -> None:
    """Put 4-bit layers in the place of the decoder's linear layers, still without weights."""
    try:
        bnb: Any = importlib.import_module("bitsandbytes")
    except Exception as e:  # its import runs checks of its own that fail in many ways
        raise JobError(f"method qlora needs bitsandbytes, which does not load here ({e}); choose another image, or method lora") from e
    for parent in list(model.model.layers.modules()):
        for name, child in list(parent.named_children()):
            if not isinstance(child, nn.Linear):
                continue
            with init_empty_weights():
                shell = bnb.nn.Linear4bit(
                    child.in_features, child.out_features, bias=child.bias is not None,
                    compute_dtype=dtype, compress_statistics=True, quant_type="nf4", quant_storage=dtype,
                )  # fmt: skip
            # On some processors the layer would repack its weight for evaluation, which neither
            # FSDP's views nor going on with the training survive.
            shell.support_avx512bf16_for_cpu = False
            setattr(parent, name, shell)
    model.is_loaded_in_4bit = True  # by which PEFT knows that its 4-bit layers are needed


def _fill(model: Any, folder: Path, device: torch.device, dtype: torch.dtype) -> None:
    missing = {n for n, _ in model.named_parameters()}
    for name, tensor in weights.tensors(folder):
        owner_name, _, attribute = name.rpartition(".")
        try:
            owner = model.get_submodule(owner_name)
            shape = _shape(owner, attribute)
        except AttributeError:
            continue  # a buffer of an older writer, such as rotary frequencies
        if tuple(tensor.shape) != shape:
            raise JobError(f"the base model's {name} has the shape {list(tensor.shape)} where its config.json asks for {list(shape)}")
        setattr(owner, attribute, _parameter(owner, attribute, tensor, device, dtype))
        missing.discard(name)
    if model.config.tie_word_embeddings:
        model.tie_weights()
        missing.discard("lm_head.weight")
    if missing:
        raise JobError(f"the base model lacks {len(missing)} tensors, such as {min(missing)}")


def _shape(owner: nn.Module, attribute: str) -> tuple[int, ...]:
    if attribute == "weight" and isinstance(owner, nn.Linear):
        return owner.out_features, owner.in_features
    parameter = getattr(owner, attribute)
    return tuple(parameter.shape)


def _parameter(owner: nn.Module, attribute: str, tensor: torch.Tensor, device: torch.device, dtype: torch.dtype) -> nn.Parameter:
    if attribute == "weight" and type(owner).__name__ == "Linear4bit":
        bnb: Any = importlib.import_module("bitsandbytes")
        # Stored as the model's own type rather than bytes, because FSDP wants one in a unit; the
        # module keeps the scales, because FSDP replaces the parameter that held them.
        packed = bnb.nn.Params4bit(
            tensor.to(dtype), requires_grad=False,
            compress_statistics=True, quant_type="nf4", quant_storage=dtype, module=owner,
        )  # fmt: skip
        moved: nn.Parameter = packed.to(device)
        return moved
    return nn.Parameter(tensor.to(device=device, dtype=dtype), requires_grad=False)


def _with_adapters(model: Any, settings: Settings) -> nn.Module:
    from peft import LoraConfig, get_peft_model

    make: Any = LoraConfig
    wrap: Any = get_peft_model
    config = make(
        r=settings.lora_r, lora_alpha=settings.lora_alpha, lora_dropout=settings.lora_dropout,
        target_modules=list(settings.lora_targets), bias="none", task_type="CAUSAL_LM",
    )  # fmt: skip
    # The adapters are float32, whatever the base is: they are small, and AdamW's steps are smaller.
    inner: nn.Module = wrap(model, config).base_model.model
    return inner


class LossModel(nn.Module):
    """A forward pass that gives the summed loss on the answers' tokens.

    It is one module, so that FSDP and DDP see a single forward, and the vocabulary is
    projected only where something is learnt.
    """

    def __init__(self, lm: Any) -> None:
        super().__init__()
        self.lm = lm

    def forward(self, ids: torch.Tensor, positions: torch.Tensor, mask: torch.Tensor | None, where: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        hidden = self.lm.model(input_ids=ids, position_ids=positions, attention_mask=mask, use_cache=False)[0]
        logits = self.lm.lm_head(hidden.flatten(0, 1)[where])
        return nn.functional.cross_entropy(logits.float(), targets, reduction="sum")


def trainable(model: nn.Module) -> dict[str, nn.Parameter]:
    """Trainable parameters by the names that the weights' files use."""
    return {clean_name(n): p for n, p in model.named_parameters() if p.requires_grad}


def clean_name(name: str) -> str:
    """A parameter's name without what wrappers put into it."""
    for part in ("_checkpoint_wrapped_module.", "_fsdp_wrapped_module.", ".default"):
        name = name.replace(part, "")
    return name.removeprefix("module.").removeprefix("lm.")
