"""The loop's promises, on a processor in float32."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import SETTINGS, Tree, make_base, rows, write_rows
from safetensors.torch import load_file

from tb import batches, export, formats, merge, world
from tb import model as models
from tb.config import Settings
from tb.failure import JobError
from tb.loop import rate
from tb.packing import Plan, sample
from tb.rows import read
from tb.tokens import Encoder, Example

Make = Callable[..., Tree]
CPU = torch.device("cpu")


def examples_of(base: Path, folder: Path) -> list[Example]:
    write_rows(folder, "train.jsonl", rows())
    return read("training", folder, Encoder(base), formats.by_name("mistral-v3"), 64).examples


def settings(**more: Any) -> Settings:
    return replace(Settings(), **(SETTINGS | {"lora_targets": ["q_proj", "v_proj", "down_proj"]} | more))


def test_packed_rows_give_the_loss_and_gradient_of_single_ones(base: Path, tmp_path: Path) -> None:
    examples = examples_of(base, tmp_path)
    torch.manual_seed(0)
    loss_model = models.LossModel(models.load(base, settings(), CPU))
    parameters = models.trainable(loss_model)
    with torch.no_grad():
        for name, p in parameters.items():
            if "lora_B" in name:
                p.normal_(std=0.1)

    def measure(layout: list[list[list[int]]]) -> tuple[float, torch.Tensor]:
        loss_model.zero_grad()
        total = 0.0
        for micro in layout:
            loss = loss_model(*batches.build(micro, examples, CPU, torch.float32).inputs())
            loss.backward()
            total += loss.item()
        return total, torch.cat([p.grad.flatten() for p in parameters.values() if p.grad is not None])

    single = measure([[[i]] for i in range(10)])
    for layout in ([[[0, 1, 2], [3, 4, 5]], [[6, 7, 8], [9]]], [[[9, 8, 7, 6, 5, 4, 3, 2, 1, 0]]], [[[i] for i in range(10)]]):
        loss, gradient = measure(layout)
        assert loss == pytest.approx(single[0], rel=1e-5)
        torch.testing.assert_close(gradient, single[1], rtol=1e-3, atol=1e-4)


def test_only_answers_are_learnt(base: Path, tmp_path: Path) -> None:
    examples = examples_of(base, tmp_path)
    batch = batches.build([[0, 1], [2]], examples, CPU, torch.float32)
    answers = [token for i in (0, 1, 2) for token in examples[i].ids[examples[i].answer_start :]]
    assert batch.targets.tolist() == answers
    flat = batch.ids.flatten()
    assert [int(flat[w + 1]) for w in batch.where] == batch.targets.tolist()


@pytest.mark.parametrize("packing", [True, False])
def test_every_pass_has_every_example_once(packing: bool) -> None:
    lengths = [5 + (i * 37) % 60 for i in range(2500)]
    s = settings(packing=packing, max_steps=0, epochs=1.5, batch_rows=7)
    plan = Plan(lengths, s)
    steps = list(plan.iterate())
    assert len(steps) == plan.steps
    drawn = [i for step in steps for row in step.rows for i in row]
    first = [i for row in plan.rows(0) for i in row]
    assert sorted(first) == list(range(2500)) and drawn[:2500] == first
    assert 1.4 < len(drawn) / 2500 < 1.6
    assert all(sum(lengths[i] for i in row) <= 64 for step in steps for row in step.rows)
    assert [s.rows for s in plan.iterate(100)] == [s.rows for s in steps[100:]]
    assert Plan(lengths, s).rows(1) == plan.rows(1) != plan.rows(0)
    assert Plan(lengths, replace(s, seed=2)).rows(0) != plan.rows(0)
    if packing:
        used = sum(lengths) / (64 * len(plan.rows(0)))
        assert used > 0.95, f"rows are only {used:.0%} full"
    else:
        padded = sum(max(lengths[i] for r in st.rows for i in r) * len(st.rows) for st in steps)
        assert sum(lengths[i] for i in drawn) / padded > 0.9, "lengths in a step differ much"


def test_sample_is_even() -> None:
    assert sample([10] * 100, 10_000) == list(range(100))
    assert sample([10] * 100, 100) == list(range(0, 100, 10))


def test_rate() -> None:
    s = settings(learning_rate=1.0, warmup_ratio=0.1)
    assert [round(rate(s, k, 20), 4) for k in (0, 1, 2, 11, 19)] == [0.5, 1.0, 1.0, 0.5, round(0.5 * (1 + math.cos(math.pi * 17 / 18)), 4)]
    assert rate(replace(s, schedule="constant"), 19, 20) == 1.0


def test_strategy_is_explained() -> None:
    assert world.choose("auto", "qlora", 1) == ("single", "one process")
    name, why = world.choose("auto", "qlora", 4)
    assert name == "fsdp" and "the default on several GPUs" in why and "4 processes" in why
    assert world.choose("ddp", "lora", 2)[0] == "ddp"
    assert "would only cost time" in world.choose("fsdp", "lora", 1)[1]


def final(t: Tree) -> dict[str, torch.Tensor]:
    out: dict[str, torch.Tensor] = {}
    for file in (t.root / "model").glob("*.safetensors"):
        out |= load_file(file)
    return out


@pytest.mark.parametrize(("strategy", "method"), [("ddp", "lora"), ("fsdp", "lora"), ("fsdp", "full"), ("fsdp", "qlora")])
def test_two_processes_equal_one(tree: Make, strategy: str, method: str) -> None:
    """Also with a number of rows that does not divide evenly, so one process has a filler."""
    more = {"method": method, "batch_rows": 3, "packing": False, "max_steps": 6, "export": "last", "checkpoint_every": 3}
    if method == "full":
        more["learning_rate"] = 1e-3
    one, two = tree("one"), tree("two", processes=2)
    one.job(**more)
    two.job(**more, strategy=strategy)
    results = [t.run() for t in (one, two)]
    for code, _, out in results:
        assert code == 0, out
    assert f"strategy {strategy} (asked for" in results[1][2]
    numbers = [[(e["event"], e["step"], e.get("loss", e.get("eval_loss"))) for e in events if e["event"] in ("step", "eval")] for _, events, _ in results]
    assert len(numbers[0]) == 9
    for a, b in zip(*numbers, strict=True):
        assert a[:2] == b[:2] and a[2] == pytest.approx(b[2], rel=2e-3), (a, b)
    a, b = final(one), final(two)
    assert a.keys() == b.keys()
    for name in a:
        torch.testing.assert_close(a[name].float(), b[name].float(), rtol=2e-2, atol=2e-3, msg=name)
    if method != "qlora" and strategy == "fsdp":  # goes on from what several processes saved
        (two.root / "checkpoints" / "step-00000006" / "manifest.json").unlink()
        for file in (two.root / "model").iterdir():
            file.unlink()
        code, events, out = two.run()
        assert code == 0, out
        assert next(e for e in events if e["event"] == "resume")["step"] == 3
        again = final(two)
        assert all(torch.equal(b[n], again[n]) for n in b)


def test_merge_equals_the_adapter(base: Path, tmp_path: Path) -> None:
    """Against PEFT's own merge, bit for bit, and against the model with its adapters on."""
    import peft
    from transformers import AutoModelForCausalLM

    reference = AutoModelForCausalLM.from_pretrained(base, torch_dtype=torch.float32)
    config = peft.LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "o_proj", "up_proj"], task_type="CAUSAL_LM")
    with_adapter = peft.get_peft_model(reference, config)
    torch.manual_seed(3)
    for name, p in with_adapter.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(p, std=0.2)
    trained = models.trainable(with_adapter.base_model.model)
    merge.merge(base, {n: p.detach() for n, p in trained.items()}, 2.0, tmp_path)
    merge.copy_files(base, tmp_path, formats.by_name("mistral-v3").chat_template)
    export.check(tmp_path)

    ids = torch.tensor([[1, 3, 20, 30, 40, 4, 50, 2]])
    with torch.no_grad():
        on = with_adapter(ids).logits
    merged = AutoModelForCausalLM.from_pretrained(tmp_path, torch_dtype=torch.float32)
    with torch.no_grad():
        off = merged(ids).logits
    assert (on - off).abs().max() < 0.05 * on.abs().max(), "more than bfloat16's rounding"
    theirs = with_adapter.merge_and_unload().state_dict()
    before = AutoModelForCausalLM.from_pretrained(base, torch_dtype=torch.bfloat16).state_dict()
    ours: dict[str, torch.Tensor] = {}
    for file in tmp_path.glob("*.safetensors"):
        ours |= load_file(file)
    changed = 0
    for name, tensor in ours.items():
        assert torch.equal(tensor, theirs[name].to(torch.bfloat16)), name
        changed += not torch.equal(tensor, before[name])
    assert changed == 6, "only the adapted matrices may change"
    assert (tmp_path / "tokenizer.json").read_bytes() == (base / "tokenizer.json").read_bytes()
    if "torch_dtype" in (base / "config.json").read_text():  # newer writers call it dtype, which is put right
        assert (tmp_path / "config.json").read_bytes() == (base / "config.json").read_bytes()


def test_what_an_import_would_refuse(base: Path, tmp_path: Path) -> None:
    def artifact(name: str) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        merge.merge(base, {}, 1.0, folder)
        merge.copy_files(base, folder, "{{ messages }}")
        export.check(folder)
        return folder

    def edit(path: Path, **changes: Any) -> None:
        document = json.loads(path.read_text())
        document.update(changes)
        path.write_text(json.dumps({k: v for k, v in document.items() if v is not None}))

    f = artifact("config")
    edit(f / "config.json", rope_theta=None, rope_parameters={"rope_theta": 1e6}, torch_dtype=None, quantization_config={}, max_position_embeddings=131072)
    assert len(export.find_problems(f)) == 4
    f = artifact("vocabulary")
    edit(f / "config.json", vocab_size=32769)
    assert any("embed_tokens" in p for p in export.find_problems(f))
    f = artifact("template")
    edit(f / "tokenizer_config.json", chat_template=None, tokenizer_class="TokenizersBackend")
    assert len(export.find_problems(f)) == 2
    f = artifact("strays")
    (f / "chat_template.jinja").write_text("")
    (f / "adapter_config.json").write_text("{}")
    assert "chat_template.jinja" in export.find_problems(f)[0]
    f = artifact("index")
    edit(f / "model.safetensors.index.json", metadata={"total_size": 1, "total_parameters": 2})
    assert "total_size" in export.find_problems(f)[0]
    f = artifact("cut")
    shard = sorted(f.glob("*.safetensors"))[0]
    shard.write_bytes(shard.read_bytes()[:-10])
    assert "cut off" in export.find_problems(f)[0]
    with pytest.raises(JobError, match="would not be imported"):
        export.check(f)


def test_diverged_adapters_are_not_merged(base: Path, tmp_path: Path) -> None:
    name = "model.layers.0.self_attn.q_proj"
    trained = {f"{name}.lora_A.weight": torch.full((4, 64), float("nan")), f"{name}.lora_B.weight": torch.ones(64, 4)}
    with pytest.raises(JobError, match="diverged"):
        merge.merge(base, trained, 1.0, tmp_path)
    with pytest.raises(JobError, match="no place in the base model"):
        merge.merge(base, {"elsewhere.weight": torch.ones(1)}, 1.0, tmp_path)


def test_tied_embeddings_are_trained_and_exported(tree: Make, tmp_path: Path) -> None:
    t = tree()
    (t.data / "model").unlink()
    (t.data / "model").symlink_to(make_base(tmp_path / "tied", tie=True))
    t.job(method="full", learning_rate=1e-3, max_steps=3)
    code, _, out = t.run()
    assert code == 0, out
    assert "lm_head.weight" not in final(t)


def test_four_bit_layers_are_what_is_trained_against(base: Path) -> None:
    bnb = pytest.importorskip("bitsandbytes")
    s = settings(method="qlora")
    model = models.load(base, s, CPU)
    layers = [m for m in model.modules() if isinstance(m, bnb.nn.Linear4bit)]
    assert len(layers) == 14 and all(m.weight.dtype == torch.float32 and m.weight.quant_state.nested for m in layers)
    trained = models.trainable(model)
    assert len(trained) == 12 and all(p.dtype == torch.float32 for p in trained.values())
    assert not any(isinstance(m, bnb.nn.Linear4bit) for m in (model.lm_head, model.model.embed_tokens))
