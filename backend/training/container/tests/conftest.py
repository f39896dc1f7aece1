"""A tiny base model and a small tokenizer, made on the spot, and an /opt/ml tree."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

CODE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CODE))
torch.set_num_threads(1)

QUESTIONS = [("the capital of " + c, a) for c, a in zip(
    ["France", "Spain", "Italy", "Poland", "Norway", "Greece", "Japan", "Egypt", "Peru", "Chad"],
    ["Paris", "Madrid", "Rome", "Warsaw", "Oslo", "Athens", "Tokyo", "Cairo", "Lima", "N'Djamena"], strict=True)]  # fmt: skip


def rows(n: int = 10) -> list[dict[str, str]]:
    return [
        {"id": f"r{i}", "system_prompt": "Answer in a word." if i % 2 else "", "question": f"What is {q}?", "response": a}
        for i, (q, a) in enumerate(QUESTIONS[:n])
    ]


def write_rows(folder: Path, name: str, items: list[Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("".join(json.dumps(r) + "\n" for r in items), encoding="utf-8")


def make_tokenizer(folder: Path) -> int:
    """A SentencePiece-style BPE with the first ids of Mistral's v3; returns its size."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

    special = ["<unk>", "<s>", "</s>", "[INST]", "[/INST]"]
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    tokenizer.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()])
    bytes_ = [f"<0x{b:02X}>" for b in range(256)]
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=special + bytes_, show_progress=False)
    tokenizer.train_from_iterator([f"What is {q}? {a} Answer in a word." for q, a in QUESTIONS], trainer)
    document = json.loads(tokenizer.to_str())
    document["added_tokens"] = [t for t in document["added_tokens"] if t["content"] in special]
    (folder / "tokenizer.json").write_text(json.dumps(document), encoding="utf-8")
    assert AddedToken is not None
    return tokenizer.get_vocab_size()


def make_base(folder: Path, tie: bool = False) -> Path:
    from transformers import MistralConfig, MistralForCausalLM

    folder.mkdir(parents=True, exist_ok=True)
    size = make_tokenizer(folder)
    torch.manual_seed(7)
    config = MistralConfig(
        hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, vocab_size=size,
        max_position_embeddings=512, rope_theta=1e6, sliding_window=None, bos_token_id=1, eos_token_id=2, tie_word_embeddings=tie,
        torch_dtype="bfloat16", initializer_range=0.2,
    )  # fmt: skip
    MistralForCausalLM(config).to(torch.bfloat16).save_pretrained(folder, max_shard_size="150KB")
    document = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "model_max_length": 512}
    (folder / "tokenizer_config.json").write_text(json.dumps(document, indent=2), encoding="utf-8")
    (folder / "special_tokens_map.json").write_text(json.dumps({"bos_token": "<s>", "eos_token": "</s>"}), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_base(tmp_path_factory.mktemp("base") / "model")


SETTINGS: dict[str, Any] = {
    "method": "lora", "lora_r": 4, "lora_alpha": 8, "learning_rate": 1e-2, "max_steps": 12, "batch_rows": 4, "max_sequence_length": 64,
    "log_every": 1, "eval_every": 4, "checkpoint_every": 4, "warmup_ratio": 0.1,
}  # fmt: skip


class Tree:
    """A job's /opt/ml below a temporary folder, and launch.py as the platform runs it."""

    def __init__(self, root: Path, base: Path, processes: int = 1) -> None:
        self.root, self.processes = root, processes
        self.data = root / "input" / "data"
        self.code = self.data / "code"
        config = root / "input" / "config"
        for folder in (config, self.data, root / "model", root / "output" / "data"):
            folder.mkdir(parents=True)
        (config / "hyperparameters.json").write_text("{}")
        (config / "inputdataconfig.json").write_text("{}")
        (config / "resourceconfig.json").write_text(json.dumps({"current_host": "algo-1", "hosts": ["algo-1"], "network_interface_name": "eth0"}))
        (self.data / "model").symlink_to(base)
        self.code.mkdir()
        for name in ("launch.py", "tb", "requirements"):
            (self.code / name).symlink_to(CODE / name)
        # As a real copy: launch.py looks for job.json where it lies itself.
        (self.code / "launch.py").unlink()
        (self.code / "launch.py").write_bytes((CODE / "launch.py").read_bytes())
        write_rows(self.data / "training", "train.jsonl", rows())
        write_rows(self.data / "validation", "validation.jsonl", rows(4))

    def job(self, **settings: Any) -> None:
        document = {"version": 1, "base_model": "tiny", "preset": "test", "settings": SETTINGS | settings}
        (self.code / "job.json").write_text(json.dumps(document))

    def environment(self, **more: str) -> dict[str, str]:
        return dict(os.environ) | {
            "TUNEBENCH_BASE_DIR": str(self.root), "TUNEBENCH_PROCESSES": str(self.processes), "TRAINING_JOB_NAME": "tb-test",
            
            "TUNEBENCH_REQUIREMENTS": os.environ.get("TUNEBENCH_REQUIREMENTS", str(CODE / "tests" / "requirements-cpu.txt")),
            "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1",
        } | more  # fmt: skip

    def start(self, **more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, str(self.code / "launch.py")], env=self.environment(**more), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    def run(self, **more: str) -> tuple[int, list[dict[str, Any]], str]:
        process = self.start(**more)
        out, _ = process.communicate(timeout=170)
        return process.returncode, events_of(out), out

    @property
    def failure(self) -> str:
        return (self.root / "output" / "failure").read_text(encoding="utf-8")


def events_of(out: str) -> list[dict[str, Any]]:
    return [json.loads(line[4:]) for line in out.splitlines() if line.startswith("tb1 ")]


@pytest.fixture
def tree(tmp_path: Path, base: Path) -> Callable[..., Tree]:
    def make(name: str = "ml", processes: int = 1) -> Tree:
        return Tree(tmp_path / name, base, processes)

    return make
