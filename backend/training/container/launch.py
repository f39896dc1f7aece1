"""The container's first process: prepares, starts the workers, merges, and says how it went.

The platform starts it as "python3 /opt/ml/input/data/code/launch.py". As the first
process of the container it gets the platform's SIGTERM, and it must not pass that on:
torchrun would kill its workers after 30 seconds. It leaves a file instead, which the
workers look for after every step; they save and leave, well before the platform's 120
seconds are over. Only the standard library is used here, because nothing is installed yet.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
import traceback
from pathlib import Path
from types import FrameType
from typing import Any

from tb import config, events, failure, packages, processes, world
from tb.failure import JobError
from tb.outcome import write_manifest
from tb.paths import STOP_FILE_VARIABLE, Paths

CODE = Path(__file__).resolve().parent
GRACE_VARIABLE = "TUNEBENCH_GRACE_S"
GRACE_S = 105.0  # of the platform's 120


class Stopped(Exception):
    """A stop was asked for while there was nothing to save."""


class Launcher:
    def __init__(self) -> None:
        self.paths = Paths.from_environment()
        self.phase = "starting"
        self.stopped_at: float | None = None
        self.grace = float(os.environ.get(GRACE_VARIABLE, GRACE_S))
        self.leader = True

    # Signals

    def on_signal(self, number: int, frame: FrameType | None) -> None:
        """Only notes the time and leaves the file: anything more does not belong into a handler."""
        if self.stopped_at is None:
            self.stopped_at = time.monotonic()
            self.paths.stop_file.touch()

    def patience(self) -> float | None:
        """Seconds left for what is running, or None when no stop was asked for."""
        return None if self.stopped_at is None else self.grace - (time.monotonic() - self.stopped_at)

    def check_stop(self) -> None:
        if self.stopped_at is not None:
            raise Stopped

    # Phases

    def enter(self, phase: str, event: bool = True) -> None:
        self.check_stop()
        self.phase = phase
        if self.leader and event:
            events.emit("phase", message=phase)

    def run(self) -> int:
        shutil.rmtree(self.paths.work, ignore_errors=True)
        self.paths.work.mkdir(parents=True)
        signal.signal(signal.SIGTERM, self.on_signal)
        signal.signal(signal.SIGINT, self.on_signal)
        try:
            self.work()
        except Stopped:
            self.warn(f"stopped by a request while {self.phase}; nothing was lost that was saved before")
        except Exception as e:
            if not isinstance(e, JobError):
                traceback.print_exc()
            self.fail(e)
            return 1
        return 0

    def work(self) -> None:
        job = config.read(CODE)
        place = world.read(self.paths)
        self.leader = place.leader
        env = self.install()
        base = self.base_model(job, env)
        strategy, reason = world.choose(job.settings.strategy, job.settings.method, place.size)
        env |= {
            "TUNEBENCH_BASE_MODEL_DIR": str(base), "TUNEBENCH_STRATEGY": strategy, "TUNEBENCH_STRATEGY_REASON": reason,
            STOP_FILE_VARIABLE: str(self.paths.stop_file),
        }  # fmt: skip
        # The workers say themselves in which phase they are.
        self.enter("training", event=False)
        self.wait(processes.start_workers(place, strategy, "tb.train", [], env))
        if not place.leader:
            return
        outcome = json.loads(self.paths.result.read_text(encoding="utf-8"))
        self.keep_trained_weights(outcome)
        if outcome["stopped"]:
            return
        self.enter("merging and checking the artifact")
        try:
            self.wait(processes.run(["-m", "tb.merge"], env))
        except JobError:
            self.check_stop()  # it was ended because the time was over
            raise
        write_manifest(self.paths, job, outcome)
        self.done(outcome)

    def install(self) -> dict[str, str]:
        """Packages the image lacks; returns the environment of all further processes."""
        self.enter("preparing the packages")
        target = self.paths.work / "packages"
        wheels = self.paths.channel("wheels")
        chosen = os.environ.get(packages.FILE_VARIABLE)
        file = Path(chosen) if chosen else packages.file_for(CODE / "requirements", packages.torch_version())
        pins = packages.read(file)
        installed = packages.install(pins, target, wheels)
        if installed:
            print(f"installed {', '.join(installed)}", flush=True)
        env = dict(os.environ)
        env["PYTHONPATH"] = os.pathsep.join([str(target), str(CODE), env.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        env["TUNEBENCH_CODE_DIR"] = str(CODE)
        for name, value in {
            "PYTHONUNBUFFERED": "1", "TOKENIZERS_PARALLELISM": "false", "TRANSFORMERS_VERBOSITY": "warning",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:True",
        }.items():  # fmt: skip
            env.setdefault(name, value)
        return env

    def base_model(self, job: config.Job, env: dict[str, str]) -> Path:
        """The folder of the base weights: the channel "model", or fetched by name."""
        token = env.pop("HF_TOKEN", None)  # the workers have no use for it
        if folder := self.paths.channel("model"):
            return folder
        if not job.base_model:
            raise JobError(f'{config.FILE} names no base_model and there is no channel named "model"')
        if Path(job.base_model).is_absolute():
            raise JobError(f"{config.FILE}: base_model is the path {job.base_model}; bring the weights in a channel named model instead")
        self.enter(f"fetching the base model {job.base_model}")
        cache = os.environ.get(packages.WARM_POOL_VARIABLE)
        target = (Path(cache) if cache else self.paths.work) / "base" / job.base_model.replace("/", "--")
        more = {"HF_TOKEN": token} if token else {}
        self.wait(processes.run(["-m", "tb.fetch", job.base_model, str(target)], env | more))
        return target

    def wait(self, group: processes.Group) -> None:
        """Wait for processes; their own account of an error counts more than their exit status."""
        try:
            group.wait(self.patience)
        except processes.ProcessError as e:
            noted = failure.first_noted(self.paths.errors)
            if noted is None and self.stopped_at is not None:
                raise Stopped from None
            raise JobError(noted or str(e)) from None

    # Results

    def keep_trained_weights(self, outcome: dict[str, Any]) -> None:
        """Adapters are small and worth keeping beside the artifact, also of a job that was stopped."""
        if outcome["method"] == "full" or not outcome["step"]:
            return
        folder = self.paths.output_data / "adapter"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(outcome["weights"], folder / "adapter.safetensors")
        about = {k: outcome[k] for k in ("method", "lora_r", "lora_alpha", "export_step")}
        (folder / "adapter.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")

    def done(self, outcome: dict[str, Any]) -> None:
        message = "the artifact is complete"
        if outcome["export_step"] != outcome["step"]:
            message += f"; it holds step {outcome['export_step']}, which has the lowest evaluation loss"
        events.emit("done", message=message, **{k: outcome[k] for k in ("step", "steps", "epoch", "tokens", "loss", "eval_loss")})

    def warn(self, message: str) -> None:
        if self.leader:
            events.warn(message)

    def fail(self, error: Exception) -> None:
        text = failure.sentence(failure.explain(error), self.phase)
        self.paths.failure.parent.mkdir(parents=True, exist_ok=True)
        self.paths.failure.write_text(text, encoding="utf-8")
        # From every host: the one that failed may not be the leader.
        events.emit("failed", message=text)


if __name__ == "__main__":
    sys.exit(Launcher().run())
