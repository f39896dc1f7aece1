"""Where SageMaker puts things, and where we keep our own."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

BASE_DIR_VARIABLE = "TUNEBENCH_BASE_DIR"
STOP_FILE_VARIABLE = "TUNEBENCH_STOP_FILE"


@dataclass(frozen=True)
class Paths:
    """The tree below /opt/ml, which tests move elsewhere."""

    base: Path

    @classmethod
    def from_environment(cls) -> Paths:
        return cls(Path(os.environ.get(BASE_DIR_VARIABLE, "/opt/ml")))

    @property
    def config(self) -> Path:
        return self.base / "input" / "config"

    def channel(self, name: str) -> Path | None:
        """The folder of a channel, or None when the job has no such channel."""
        folder = self.base / "input" / "data" / name
        return folder if folder.is_dir() else None

    @property
    def model(self) -> Path:
        """Becomes the artifact: only files that an import job may see belong here."""
        return self.base / "model"

    @property
    def output_data(self) -> Path:
        return self.base / "output" / "data"

    @property
    def failure(self) -> Path:
        return self.base / "output" / "failure"

    @property
    def checkpoints(self) -> Path:
        """Kept in S3 by the platform, deletions included, when the job asks for it."""
        return self.base / "checkpoints"

    @property
    def work(self) -> Path:
        """Scratch on the volume; nothing of it leaves the instance."""
        return self.base / "work"

    @property
    def errors(self) -> Path:
        return self.work / "errors"

    @property
    def stop_file(self) -> Path:
        return self.work / "stop"

    @property
    def result(self) -> Path:
        return self.work / "result.json"

    @property
    def best(self) -> Path:
        """The weights that are to be exported, before they are merged."""
        return self.work / "export"
