"""A worker: one process of the training. Started by launch.py, directly or by torchrun."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import random
import sys
import traceback
from dataclasses import asdict
from pathlib import Path

import torch
import torch.distributed as dist

from tb import config, events, failure, formats, rows, strategies
from tb import model as models
from tb.checkpoint import Store
from tb.loop import Loop
from tb.packing import Plan
from tb.paths import Paths
from tb.tokens import Encoder
from tb.weights import files

# Settings that may change between a checkpoint and the run that goes on from it.
FREE = ("log_every", "eval_every", "checkpoint_every", "strategy", "micro_batch_rows", "gradient_checkpointing", "export")


def main() -> int:
    rank = int(os.environ.get("RANK", "0"))
    paths = Paths.from_environment()
    try:
        job = config.read(Path(os.environ["TUNEBENCH_CODE_DIR"]))
        base = Path(os.environ["TUNEBENCH_BASE_MODEL_DIR"])
        run(job, base, paths, os.environ["TUNEBENCH_STRATEGY"], os.environ.get("TUNEBENCH_STRATEGY_REASON", ""), rank)
    except BaseException as e:  # also what is not an Exception must be told to the launcher
        if not isinstance(e, failure.JobError):
            traceback.print_exc()
        failure.note(paths.errors, rank, e)
        sys.stderr.flush()
        # Without the usual way out: it may wait for processes that are gone.
        os._exit(1)
    return 0


def run(job: config.Job, base: Path, paths: Paths, strategy_name: str, reason: str, rank: int) -> None:
    settings = job.settings
    device = begin(strategy_name, rank)
    say = rank == 0
    models.limit(base, settings)
    encoder = Encoder(base)
    prompt_format = formats.by_name(settings.prompt_format)
    train = read_rows("training", paths, encoder, prompt_format, settings)
    if train is None:
        raise failure.JobError('the job has no channel named "training"; it must hold the rows to learn')
    train.require_examples()
    validation = read_rows("validation", paths, encoder, prompt_format, settings)
    plan = Plan([len(e.ids) for e in train.examples], settings)
    if say:
        announce(job, train, validation, plan, f"{strategy_name} ({reason})", encoder, device)
        events.emit("phase", message="loading the base model")
    torch.manual_seed(settings.seed)
    random.seed(settings.seed)
    loss_model = models.LossModel(models.load(base, settings, device))
    strategy = strategies.make(strategy_name, loss_model, device, settings.adapters)
    store = Store(paths.checkpoints, paths.work, fingerprint(settings, base, train.digest))
    loop = Loop(settings, strategy, train.examples, validation.examples if validation else [], plan, store, paths.stop_file)
    loop.resume()
    if say:
        events.emit("phase", message="training")
    finished = loop.run()
    export_step = loop.export(paths.best)
    if say:
        finish(loop, finished)
        outcome = loop.outcome(finished, export_step, paths.best)
        paths.result.write_text(json.dumps(asdict(outcome)), encoding="utf-8")
    strategy.barrier()
    if dist.is_initialized():
        dist.destroy_process_group()


def begin(strategy: str, rank: int) -> torch.device:
    """Take this process's GPU and meet the others."""
    local = int(os.environ.get("LOCAL_RANK", "0"))
    device = torch.device("cuda", local) if torch.cuda.is_available() else torch.device("cpu")
    if device.type == "cuda":
        torch.cuda.set_device(device)
        torch.backends.cuda.matmul.allow_tf32 = True
    if strategy != "single":
        dist.init_process_group(
            "nccl" if device.type == "cuda" else "gloo", rank=rank, world_size=int(os.environ["WORLD_SIZE"]),
            timeout=datetime.timedelta(minutes=30),
        )  # fmt: skip
    return device


def read_rows(channel: str, paths: Paths, encoder: Encoder, prompt_format: formats.PromptFormat, settings: config.Settings) -> rows.RowSet | None:
    folder = paths.channel(channel)
    return rows.read(channel, folder, encoder, prompt_format, settings.max_sequence_length) if folder else None


def announce(job: config.Job, train: rows.RowSet, validation: rows.RowSet | None, plan: Plan, strategy: str, encoder: Encoder, device: torch.device) -> None:
    s = job.settings
    what = {"full": "full fine-tuning", "lora": f"LoRA of rank {s.lora_r}", "qlora": f"QLoRA (NF4) of rank {s.lora_r}"}[s.method]
    held = len(validation.examples) if validation else 0
    row = f"packed into rows of {s.max_sequence_length} tokens" if s.packing else "one row each, sorted by length"
    events.emit(
        "plan", steps=plan.steps, tokens=train.tokens,
        message=f"{what} on {len(train.examples)} rows ({held} for validation), {row}, {s.batch_rows} a step, "
        f"prompt format {s.prompt_format}, strategy {strategy}",
    )  # fmt: skip
    warnings = [*job.warnings, *train.warnings(), *(validation.warnings() if validation else [])]
    if not held:
        warnings.append("there are no validation rows, so there is no evaluation loss")
    if device.type == "cpu":
        warnings.append("there is no GPU: the training runs on the processor in float32")
    if s.prompt_format == "mistral-v3" and encoder.doubles_spaces():
        warnings.append(
            "the base model's tokenizer.json puts a second space behind [INST], which the model's makers do not; "
            "a newer tokenizer.json of the same model does not either"
        )
    for text in warnings:
        events.warn(text)


def finish(loop: Loop, finished: bool) -> None:
    s = loop.state
    if not finished:
        events.warn(f"stopped by a request after step {loop.step} of {loop.plan.steps}; the checkpoint of this step is kept")
    elif s.first_eval is not None and s.best_loss >= s.first_eval:
        events.warn(f"the evaluation loss was lower before the training ({s.first_eval:.4f}) than after any step ({s.best_loss:.4f})")


def fingerprint(settings: config.Settings, base: Path, rows_digest: str) -> str:
    """Equal for runs of which one may go on where the other stopped."""
    kept = {k: v for k, v in asdict(settings).items() if k not in FREE}
    if kept["max_steps"]:
        kept.pop("epochs")
    of_base = {"config": hashlib.sha256((base / "config.json").read_bytes()).hexdigest(), "sizes": [f.stat().st_size for f in files(base)]}
    text = json.dumps([kept, of_base, rows_digest], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


if __name__ == "__main__":
    raise SystemExit(main())
