"""The manifest: what the artifact must consist of. It lies beside the artifact, not in it."""

from __future__ import annotations

import json
import os
from typing import Any

from tb.config import Job
from tb.hashing import describe
from tb.paths import Paths


def write_manifest(paths: Paths, job: Job, outcome: dict[str, Any]) -> None:
    manifest: dict[str, Any] = {
        "training_job": os.environ.get("TRAINING_JOB_NAME", ""),
        "base_model": job.base_model,
        "prompt_format": job.settings.prompt_format,
        "steps": outcome["export_step"],
    }
    if outcome["eval_loss"] is not None:
        manifest["eval_loss"] = outcome["eval_loss"]
    manifest["files"] = [describe(f) for f in sorted(paths.model.iterdir())]
    paths.output_data.mkdir(parents=True, exist_ok=True)
    (paths.output_data / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
