"""Checkpoints: written whole or not at all, verified before they are used.

A folder step-00000100 holds the trained weights, the optimiser and, written last, a
manifest with sizes and hashes. The platform copies files to S3 as they appear, so after
an interruption a folder may have come back in part; then the manifest is missing or
does not hold, and the one before it is used.
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from tb.events import warn
from tb.hashing import describe

MANIFEST = "manifest.json"
WEIGHTS = "weights.safetensors"
OPTIMIZER = "optimizer.pt"
KEEP = 2
NAME = re.compile(r"^step-(\d{8})$")


@dataclass
class Checkpoint:
    folder: Path
    step: int
    state: dict[str, Any]  # the loop's own numbers

    def weights(self) -> dict[str, torch.Tensor]:
        loaded: dict[str, torch.Tensor] = load_file(self.folder / WEIGHTS)
        return loaded

    def optimizer(self) -> dict[str, Any]:
        # weights_only: a checkpoint is data, and loading it must not run what it says.
        loaded: dict[str, Any] = torch.load(self.folder / OPTIMIZER, map_location="cpu", weights_only=True)
        return loaded


class Store:
    """The checkpoints of one job. fingerprint says what else must be equal for one to fit."""

    def __init__(self, folder: Path, scratch: Path, fingerprint: str) -> None:
        self.folder, self.scratch, self.fingerprint = folder, scratch, fingerprint

    def save(self, step: int, weights: dict[str, torch.Tensor], optimizer: dict[str, Any], state: dict[str, Any]) -> None:
        target = self.folder / f"step-{step:08d}"
        self._write(target, weights, optimizer, {"step": step, "fingerprint": self.fingerprint, "state": state})
        for old in self._numbered()[:-KEEP]:
            shutil.rmtree(old)

    def save_best(self, step: int, loss: float, weights: dict[str, torch.Tensor]) -> None:
        """The weights of the best step so far, without what is needed to go on from there."""
        target = self.folder / f"best-{step:08d}"
        self._write(target, weights, None, {"step": step, "fingerprint": self.fingerprint, "state": {"eval_loss": loss}})
        for old in self.folder.glob("best-*"):
            if old != target:
                shutil.rmtree(old)

    def _write(self, target: Path, weights: dict[str, torch.Tensor], optimizer: dict[str, Any] | None, manifest: dict[str, Any]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = self.scratch / f"draft-{target.name}"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        save_file({n: t.contiguous() for n, t in weights.items()}, draft / WEIGHTS)
        if optimizer is not None:
            torch.save(optimizer, draft / OPTIMIZER)
        manifest["version"] = 1
        manifest["files"] = [describe(f) for f in sorted(draft.iterdir())]
        shutil.rmtree(target, ignore_errors=True)
        shutil.move(draft, target)  # a rename, unless the folder is a volume of its own
        temporary = self.scratch / f"{target.name}.manifest"
        temporary.write_text(json.dumps(manifest, indent=1), encoding="utf-8")
        shutil.move(temporary, target / MANIFEST)

    def _numbered(self) -> list[Path]:
        return sorted(f for f in self.folder.glob("step-*") if NAME.match(f.name))

    def newest(self, at_most: int, say: bool) -> Checkpoint | None:
        """The newest that is whole and fits, of at_most steps. Warns of those that are not."""
        for folder in reversed(self._numbered()):
            if folder.name > f"step-{at_most:08d}":
                continue
            manifest, problem = self._verified(folder)
            if manifest is not None:
                return Checkpoint(folder, int(manifest["step"]), manifest["state"])
            if say:
                warn(f"the checkpoint {folder.name} is of no use for this job ({problem})")
        return None

    def best(self, step: int) -> Checkpoint | None:
        folder = self.folder / f"best-{step:08d}"
        manifest, _ = self._verified(folder) if folder.is_dir() else (None, "")
        return Checkpoint(folder, step, manifest["state"]) if manifest else None

    def _verified(self, folder: Path) -> tuple[dict[str, Any] | None, str]:
        try:
            manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
            for entry in manifest["files"]:
                if describe(folder / entry["name"]) != entry:
                    return None, f"{entry['name']} differs from its manifest"
            if manifest["fingerprint"] != self.fingerprint:
                return None, "it belongs to other settings, other rows or another base model"
            if not isinstance(manifest["state"], dict) or not isinstance(manifest["step"], int):
                return None, "its manifest is incomplete"
        except FileNotFoundError as e:
            return None, f"{Path(e.filename).name} is missing"
        except (OSError, ValueError, KeyError, TypeError) as e:
            return None, f"its manifest cannot be read: {e}"
        return manifest, ""
