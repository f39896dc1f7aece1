"""The container's contract, with launch.py as a process of its own."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import Tree, events_of, write_rows
from safetensors.torch import load_file

from tb import export
from tb.events import FIELDS, KINDS

Make = Callable[..., Tree]


def test_a_job_from_rows_to_artifact(tree: Make) -> None:
    t = tree()
    t.job()
    code, events, out = t.run()
    assert code == 0, out
    kinds = [e["event"] for e in events]
    assert set(kinds) <= set(KINDS)
    assert all(set(e) - {"event"} <= set(FIELDS) for e in events)
    for kind in ("plan", "phase", "step", "eval", "checkpoint", "merge", "export", "done"):
        assert kind in kinds, kind
    steps = [e for e in events if e["event"] == "step"]
    assert [e["step"] for e in steps] == list(range(1, 13))
    assert steps[-1]["loss"] < steps[0]["loss"] * 0.7
    evals = [e for e in events if e["event"] == "eval"]
    assert [e["step"] for e in evals] == [0, 4, 8, 12]
    assert evals[-1]["eval_loss"] < evals[0]["eval_loss"]
    assert '"loss":' in out and '"loss": ' not in out  # the platform's metric definitions look for this

    assert export.find_problems(t.root / "model") == []
    manifest = json.loads((t.root / "output" / "data" / "manifest.json").read_text())
    assert manifest["training_job"] == "tb-test" and manifest["prompt_format"] == "mistral-v3" and manifest["eval_loss"] > 0
    listed = {f["name"]: f for f in manifest["files"]}
    assert set(listed) == {p.name for p in (t.root / "model").iterdir()}
    for name, f in listed.items():
        data = (t.root / "model" / name).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (f["size"], f["sha256"])
    assert not (t.root / "output" / "failure").exists()


def test_the_artifact_is_loaded_by_transformers_and_answers(tree: Make) -> None:
    from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

    t = tree()
    t.job(max_steps=60, learning_rate=2e-2, eval_every=0, lora_r=16, lora_alpha=32)
    code, _, out = t.run()
    assert code == 0, out
    model = AutoModelForCausalLM.from_pretrained(t.root / "model")
    tokenizer = PreTrainedTokenizerFast.from_pretrained(t.root / "model")
    ids = tokenizer.apply_chat_template([{"role": "user", "content": "What is the capital of France?"}], return_tensors="pt")
    answer = model.generate(ids, max_new_tokens=12, do_sample=False, pad_token_id=0)[0, ids.shape[1] :]
    assert answer[-1] == 2, "the end of the answer was not learnt"
    assert tokenizer.decode(answer, skip_special_tokens=True).strip() == "Paris"


@pytest.mark.skipif("TUNEBENCH_BIN" not in os.environ, reason="TUNEBENCH_BIN names no built workbench")
def test_the_artifact_passes_the_workbenchs_own_preflight(tree: Make, tmp_path: Path) -> None:
    def check(folder: Path) -> dict[str, Any]:
        command = [os.environ["TUNEBENCH_BIN"], "--home", str(tmp_path / "home"), "import", "check", str(folder), "-o", "json"]
        out = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        report: dict[str, Any] = json.loads(out.stdout)
        assert out.returncode == (0 if report["importable"] else 3), out.stderr
        return report

    t = tree()
    t.job()
    code, _, out = t.run()
    assert code == 0, out
    report = check(t.root / "model")
    assert report["importable"], [c for c in report["checks"] if c["result"] != "pass"]
    next((t.root / "model").glob("*.safetensors")).unlink()
    assert not check(t.root / "model")["importable"]


def stop_in_training(t: Tree) -> tuple[int, str]:
    """Send SIGTERM when the sixth step has been logged."""
    process = t.start()
    lines = []
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line)
        if '"event":"step","step":6,' in line:
            process.send_signal(signal.SIGTERM)
    process.wait(timeout=60)
    return process.returncode, "".join(lines)


def test_sigterm_leaves_a_checkpoint_and_the_next_run_ends_as_an_uninterrupted_one(tree: Make) -> None:
    whole, cut = tree("whole"), tree("cut")
    for t in (whole, cut):
        t.job(max_steps=40, checkpoint_every=0, eval_every=0, export="last", lora_dropout=0.1, batch_rows=2)
    assert whole.run()[0] == 0
    code, out = stop_in_training(cut)
    assert code == 0, out
    stopped = events_of(out)
    saved = max(e["step"] for e in stopped if e["event"] == "checkpoint")
    assert 6 <= saved < 40 and not any(e["event"] in ("merge", "done") for e in stopped)
    assert any("stopped by a request" in e.get("message", "") for e in stopped)
    assert (cut.root / "output" / "data" / "adapter" / "adapter.safetensors").exists()
    assert not any((cut.root / "model").iterdir())

    code, events, out = cut.run()
    assert code == 0, out
    assert next(e for e in events if e["event"] == "resume")["step"] == saved
    assert [e["step"] for e in events if e["event"] == "step"] == list(range(saved + 1, 41))
    for file in sorted((whole.root / "model").glob("*.safetensors")):
        a, b = load_file(file), load_file(cut.root / "model" / file.name)
        assert a.keys() == b.keys() and all(torch.equal(a[n], b[n]) for n in a), file.name
    adapters = [load_file(t.root / "output" / "data" / "adapter" / "adapter.safetensors") for t in (whole, cut)]
    assert all(torch.equal(adapters[0][n], adapters[1][n]) for n in adapters[0])


def test_bad_rows_leave_one_good_sentence(tree: Make) -> None:
    t = tree()
    t.job()
    write_rows(t.data / "training", "train.jsonl", [{"question": "q", "response": "a"}, {"question": "q", "answer": "a"}])
    code, events, out = t.run()
    assert code == 1
    assert 'channel "training", train.jsonl line 2' in t.failure and "answer, question" in t.failure
    assert "\n" not in t.failure and len(t.failure) < 1024
    assert events[-1] == {"event": "failed", "message": t.failure}
    assert "Traceback" not in out


def test_bad_settings_fail_before_anything_is_loaded(tree: Make) -> None:
    for settings, words in (
        ({"method": "magic"}, 'settings.method is "magic"; it must be one of lora, qlora, full'),
        ({"batch_rows": 0}, "settings.batch_rows is 0"),
        ({"learning_rate": "fast"}, 'settings.learning_rate is "fast"; it must be a number'),
        ({"max_sequence_length": 4096}, "the base model takes up to 512 tokens"),
    ):
        t = tree(str(hash(words)))
        t.job(**settings)
        code, _, out = t.run()
        assert code == 1 and words in t.failure, out


def test_a_base_model_that_lacks_a_shard(tree: Make, base: Path, tmp_path: Path) -> None:
    t = tree()
    t.job()
    broken = tmp_path / "broken"
    broken.mkdir()
    for file in base.iterdir():
        if "00002" not in file.name:
            (broken / file.name).write_bytes(file.read_bytes())
    (t.data / "model").unlink()
    (t.data / "model").symlink_to(broken)
    code, _, _ = t.run()
    assert code == 1 and "model-00002" in t.failure and "does not hold" in t.failure


def test_a_damaged_checkpoint_is_passed_over(tree: Make) -> None:
    t = tree()
    t.job(max_steps=8)
    assert t.run()[0] == 0
    newest = t.root / "checkpoints" / "step-00000008"
    (newest / "weights.safetensors").write_bytes(b"cut off")
    code, events, out = t.run()
    assert code == 0, out
    assert any("step-00000008 is of no use" in e.get("message", "") for e in events)
    assert next(e for e in events if e["event"] == "resume")["step"] == 4


def test_other_settings_do_not_resume(tree: Make) -> None:
    t = tree()
    t.job(max_steps=4)
    assert t.run()[0] == 0
    t.job(max_steps=4, learning_rate=2e-3)
    _, events, _ = t.run()
    assert not any(e["event"] == "resume" for e in events)
    assert any("other settings" in e.get("message", "") for e in events)


def test_two_hosts_are_joined_by_torchrun(tree: Make) -> None:
    """Both hosts are this machine, so the second one's address is the loopback name."""
    one, two = tree("one"), tree("two")
    processes = []
    for t, host in ((one, "127.0.0.1"), (two, "127.0.0.2")):
        t.job(max_steps=4, eval_every=0)
        config = {"current_host": host, "hosts": ["127.0.0.1", "127.0.0.2"]}
        (t.root / "input" / "config" / "resourceconfig.json").write_text(json.dumps(config))
        processes.append(t.start(GLOO_SOCKET_IFNAME="lo"))
    outs = [p.communicate(timeout=170)[0] for p in processes]
    assert [p.returncode for p in processes] == [0, 0], "".join(outs)
    assert [e["event"] for e in events_of(outs[0])][-1] == "done"
    assert events_of(outs[1]) == [], "only the first host writes events"
    assert any((one.root / "model").iterdir()) and not any((two.root / "model").iterdir())
