"""Which processes train: hosts, GPUs of a host, and how the weights are laid out over them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass

from tb.failure import JobError
from tb.paths import Paths

PROCESSES_VARIABLE = "TUNEBENCH_PROCESSES"


@dataclass(frozen=True)
class World:
    """The hosts of the job in the order that all of them agree on."""

    hosts: tuple[str, ...]
    host: str
    gpus: int  # of this host
    processes: int  # on each host

    @property
    def node(self) -> int:
        return self.hosts.index(self.host)

    @property
    def leader(self) -> bool:
        """Whether this host writes the log's events and the artifact."""
        return self.node == 0

    @property
    def size(self) -> int:
        return self.processes * len(self.hosts)


def read(paths: Paths) -> World:
    hosts, host = _hosts(paths)
    gpus = gpu_count()
    asked = os.environ.get(PROCESSES_VARIABLE, "")
    if asked and not asked.isdigit():
        raise JobError(f"{PROCESSES_VARIABLE} is {asked!r}; it must be a number of processes")
    return World(hosts, host, gpus, int(asked) if asked else max(gpus, 1))


def _hosts(paths: Paths) -> tuple[tuple[str, ...], str]:
    file = paths.config / "resourceconfig.json"
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ("algo-1",), "algo-1"  # run by hand
    except ValueError as e:
        raise JobError(f"{file.name} of the platform is not valid JSON: {e}") from None
    host = document.get("current_host", "algo-1")
    hosts = tuple(sorted(document.get("hosts") or [host], key=lambda h: (len(h), h)))  # algo-2 before algo-10
    if host not in hosts:
        raise JobError(f"{file.name} of the platform names the host {host}, which is not among {', '.join(hosts)}")
    return hosts, host


def gpu_count() -> int:
    """GPUs of this host, without importing PyTorch."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return 0
    try:
        listed = subprocess.run([tool, "-L"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    return sum(line.startswith("GPU ") for line in listed.stdout.splitlines())


def choose(asked: str, method: str, size: int) -> tuple[str, str]:
    """The strategy, and why, in words for the plan."""
    if size == 1:
        why = "one process" if asked in ("auto", "single") else f"one process, so there is nothing to share out and {asked} would only cost time"
        return "single", why
    if asked == "single":
        return "single", f"asked for; {size - 1} of {size} processes stay idle"
    if asked == "ddp":
        return "ddp", f"asked for; each of {size} processes holds the whole model"
    what = "the frozen weights are" if method != "full" else "weights, gradients and optimiser are"
    reason = "asked for" if asked == "fsdp" else "the default on several GPUs"
    return "fsdp", f"{reason}; {what} spread over {size} processes, so each needs less memory"
