"""Starts the processes of a phase, waits for them, and ends them when that is needed."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from tb.failure import JobError
from tb.world import World

MASTER_PORT = 7777
POLL_S = 0.05
# How long workers have to leave when one of them has failed.
COLLAPSE_S = 15.0


@dataclass
class Group:
    """Processes that belong together: they end together."""

    processes: list[subprocess.Popen[bytes]]

    def wait(self, patience: Callable[[], float | None]) -> None:
        """Wait for all of them.

        patience says how many seconds are left for them; None means as many as they need.
        """
        failed: subprocess.Popen[bytes] | None = None
        deadline = float("inf")
        while None in [p.poll() for p in self.processes]:  # a list, so that each of them is asked
            if failed is None:
                failed = next((p for p in self.processes if p.returncode not in (None, 0)), None)
                if failed is not None:
                    deadline = time.monotonic() + COLLAPSE_S
            left = patience()
            if time.monotonic() > deadline or (left is not None and left <= 0):
                self.end()
                break
            time.sleep(POLL_S)
        failed = failed or next((p for p in self.processes if p.returncode != 0), None)
        if failed is not None:
            raise ProcessError(failed.returncode)

    def end(self) -> None:
        """Ask them to leave, then make them."""
        for ask in (signal.SIGTERM, signal.SIGKILL):
            for p in self.processes:
                if p.poll() is None:
                    p.send_signal(ask)
            end = time.monotonic() + 5
            while time.monotonic() < end and any(p.poll() is None for p in self.processes):
                time.sleep(POLL_S)


class ProcessError(JobError):
    """A process left with a status other than 0."""

    def __init__(self, status: int) -> None:
        self.status = status
        if status == -signal.SIGKILL:
            text = "a process was killed, most likely because the instance's memory was full: choose an instance with more memory"
        elif status < 0:
            text = f"a process was ended by the signal {signal.Signals(-status).name}"
        else:
            text = f"a process left with the status {status}; its last lines in the log say why"
        super().__init__(text)


def run(arguments: list[str], env: dict[str, str]) -> Group:
    return Group([subprocess.Popen([sys.executable, *arguments], env=env)])


def start_workers(world: World, strategy: str, module: str, arguments: list[str], env: dict[str, str]) -> Group:
    """One process for each GPU; torchrun joins the processes of several hosts."""
    if strategy == "single":
        if len(world.hosts) > 1:
            raise JobError("strategy single cannot use several instances; choose fsdp or ddp, or one instance")
        return run(["-m", module, *arguments], env | _place(0, 0, 1))
    if len(world.hosts) > 1:
        torchrun = [
            "-m", "torch.distributed.run", f"--nnodes={len(world.hosts)}", f"--nproc_per_node={world.processes}",
            f"--node_rank={world.node}", f"--master_addr={world.hosts[0]}", f"--master_port={MASTER_PORT}", "-m", module,
        ]  # fmt: skip
        return run([*torchrun, *arguments], env)
    env = env | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(_free_port())}
    return Group(
        [subprocess.Popen([sys.executable, "-m", module, *arguments], env=env | _place(rank, rank, world.processes)) for rank in range(world.processes)]
    )


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def _place(rank: int, local_rank: int, size: int) -> dict[str, str]:
    return {"RANK": str(rank), "LOCAL_RANK": str(local_rank), "WORLD_SIZE": str(size)}
