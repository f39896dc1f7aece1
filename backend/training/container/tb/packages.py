"""Installs the pinned packages that the image lacks, before anything else is imported.

Every package of the closure is pinned and pip is told not to look at dependencies:
otherwise a package that wants "torch" would bring another PyTorch than the image's.
A line with the remark "if missing" is for packages that every image has in a version
of its own, which is left as it is.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tb.failure import JobError, with_advice

PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==(\S+?)(\s+#\s*if missing)?$")
# Another file of pins than the one for the image's PyTorch; tests on a CPU have their own.
FILE_VARIABLE = "TUNEBENCH_REQUIREMENTS"
WARM_POOL_VARIABLE = "SAGEMAKER_MANAGED_WARMPOOL_CACHE_DIRECTORY"


@dataclass(frozen=True)
class Pin:
    name: str
    version: str
    only_if_missing: bool

    def satisfied(self) -> bool:
        try:
            present = importlib.metadata.version(self.name)
        except importlib.metadata.PackageNotFoundError:
            return False
        return self.only_if_missing or present.split("+")[0] == self.version


def read(path: Path) -> list[Pin]:
    pins = []
    for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        match = PIN.match(line)
        if match is None:
            raise JobError(f"{path.name} line {number} is not a pinned package (name==version): {line}")
        pins.append(Pin(match[1], match[2], bool(match[3])))
    return pins


def file_for(folder: Path, torch_version: str) -> Path:
    """The pins for the image's PyTorch: those of the newest version that is not newer."""

    def key(text: str) -> tuple[int, ...]:
        return tuple(int(n) for n in re.findall(r"\d+", text)[:2])

    files = sorted(folder.glob("torch-*.txt"), key=lambda f: key(f.stem))
    fit = [f for f in files if key(f.stem) <= key(torch_version)]
    if not fit:
        known = ", ".join(f.stem for f in files)
        raise JobError(f"the image has PyTorch {torch_version}, for which there are no pinned packages ({known}); choose a newer image")
    return fit[-1]


def torch_version() -> str:
    try:
        return importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        raise JobError("the image has no PyTorch; choose a pytorch-training image") from None


def install(pins: list[Pin], target: Path, wheels: Path | None) -> list[str]:
    """Install what is missing into target; says what that was. Needs no network when wheels are given."""
    wanted = [f"{p.name}=={p.version}" for p in pins if not p.satisfied()]
    if not wanted:
        return []
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--target", str(target), "--upgrade"]
    command += ["--disable-pip-version-check", "--no-input", "--progress-bar", "off", "--quiet", "--retries", "2", "--timeout", "30"]
    if wheels is not None:
        command += ["--no-index", "--find-links", str(wheels)]
    env = dict(os.environ)
    if cache := env.get(WARM_POOL_VARIABLE):
        env.setdefault("PIP_CACHE_DIR", str(Path(cache) / "pip"))
    done = subprocess.run(command + wanted, env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        tail = (done.stderr or done.stdout).strip().splitlines()[-3:]
        source = "the channel wheels" if wheels is not None else "the package index"
        raise JobError(with_advice(f"packages could not be installed from {source}: {' '.join(tail)}"))
    return wanted
