"""Makes the artifact: adapters merged into the base weights, file by file.

It runs in a process of its own when the workers have left, so no GPU waits for it, and
holds one file of weights at a time. Names, files and index stay those of the base
model; its configuration and tokenizer files are copied, and one chat template is added.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import traceback
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from tb import config, events, failure, formats, weights
from tb.export import check
from tb.failure import JobError
from tb.paths import Paths

COPIED = (
    "config.json", "generation_config.json", "tokenizer.json", "tokenizer.model",
    "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
)  # fmt: skip
Tensors = dict[str, torch.Tensor]


def main() -> int:
    paths = Paths.from_environment()
    try:
        job = config.read(Path(os.environ["TUNEBENCH_CODE_DIR"]))
        outcome = json.loads(paths.result.read_text(encoding="utf-8"))
        merge_job(Path(os.environ["TUNEBENCH_BASE_MODEL_DIR"]), outcome, job.settings.prompt_format, paths)
    except Exception as e:
        if not isinstance(e, JobError):
            traceback.print_exc()
        failure.note(paths.errors, 0, e)
        return 1
    return 0


def merge_job(base: Path, outcome: dict[str, Any], prompt_format: str, paths: Paths) -> None:
    if outcome["method"] == "full":
        message = f"the weights of step {outcome['export_step']} were trained themselves; they are converted to bfloat16"
    else:
        message = f"merging the adapters of rank {outcome['lora_r']} of step {outcome['export_step']} into the weights"
    events.emit("merge", message=message)
    draft = paths.work / "model"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    trained = load_file(outcome["weights"])
    scale = outcome["lora_alpha"] / outcome["lora_r"] if outcome["method"] != "full" else 0.0
    merge(base, trained, scale, draft)
    copy_files(base, draft, formats.by_name(prompt_format).chat_template)
    check(draft)
    paths.model.mkdir(parents=True, exist_ok=True)
    for file in sorted(draft.iterdir()):
        shutil.move(file, paths.model / file.name)
    files = [f for f in paths.model.iterdir() if f.is_file()]
    size = sum(f.stat().st_size for f in files) / 1e6
    events.emit("export", message=f"{len(files)} files, {size:.2f} MB, bfloat16, checked against what an import takes")


def merge(base: Path, trained: Tensors, scale: float, target: Path) -> None:
    """Write the base's weight files with the trained weights in them.

    trained holds either adapters (NAME.lora_A.weight and NAME.lora_B.weight, whose
    product times scale is added) or whole tensors by their own names.
    """
    left = set(trained)
    total = 0
    names: dict[str, str] = {}
    for file in weights.files(base):
        out: Tensors = {}
        with weights.open_file(file) as f:
            for name in f.keys():  # noqa: SIM118 - the handle is no dict
                out[name], used = merged_tensor(name, f.get_tensor(name), trained, scale)
                left -= used
                names[name] = file.name
                total += out[name].numel() * out[name].element_size()
        save_file(out, target / file.name, metadata={"format": "pt"})
    if left:
        raise JobError(f"{len(left)} trained tensors have no place in the base model, such as {min(left)}")
    if (base / weights.INDEX).is_file():
        # Written anew: newer writers put fields into it that the import refuses.
        index = {"metadata": {"total_size": total}, "weight_map": dict(sorted(names.items()))}
        (target / weights.INDEX).write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")


def merged_tensor(name: str, tensor: torch.Tensor, trained: Tensors, scale: float) -> tuple[torch.Tensor, set[str]]:
    """One tensor of the artifact, and the names of the trained ones that went into it."""
    used: set[str] = set()
    stem = name.removesuffix(".weight")
    a, b = f"{stem}.lora_A.weight", f"{stem}.lora_B.weight"
    if name in trained:
        if trained[name].shape != tensor.shape:
            raise JobError(f"{name} was trained with the shape {list(trained[name].shape)}, the base has {list(tensor.shape)}")
        tensor, used = trained[name], {name}
    elif a in trained and b in trained:
        # In float32, and rounded once: the base is bfloat16, the adapters are not.
        tensor, used = tensor.float() + scale * (trained[b].float() @ trained[a].float()), {a, b}
    result = tensor.to(torch.bfloat16).contiguous()
    if used and not bool(torch.isfinite(result).all()):
        raise JobError(f"{name} holds numbers that are not finite after the merge; the training has diverged, so lower learning_rate")
    return result, used


def copy_files(base: Path, target: Path, chat_template: str) -> None:
    for name in COPIED:
        if (base / name).is_file():
            shutil.copyfile(base / name, target / name)
    _rewrite(target / "config.json", _config_for_readers)

    def with_template(document: dict[str, Any]) -> dict[str, Any]:
        # A separate file would count more than this one; none is copied, so this is the only one.
        return document | {"chat_template": chat_template}

    _rewrite(target / "tokenizer_config.json", with_template)


def _config_for_readers(document: dict[str, Any]) -> dict[str, Any]:
    """The base's configuration in the words that all readers know, and otherwise untouched."""
    document = dict(document)
    newer = document.pop("dtype", None)
    if newer is not None or document.get("torch_dtype") != "bfloat16":
        document["torch_dtype"] = "bfloat16"
    rope = document.get("rope_parameters")
    if isinstance(rope, dict) and "rope_theta" in rope and "rope_theta" not in document:
        # Older readers take 10000 without a word when it is not at the top level.
        document["rope_theta"] = rope["rope_theta"]
        document.pop("rope_parameters")
    return document


def _rewrite(path: Path, change: Any) -> None:
    """Change a JSON file; bytes stay as they are when nothing changes."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise JobError(f"the base model has no {path.name}, which an import needs") from None
    except ValueError as e:
        raise JobError(f"the base model's {path.name} is not valid JSON: {e}") from None
    changed = change(document)
    if changed != document:
        path.write_text(json.dumps(changed, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
