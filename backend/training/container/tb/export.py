"""Holds an artifact against what Bedrock's import takes, before anybody pays for the import.

The workbench checks the same again before it starts an import; here a job fails that
would otherwise be found out only then.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tb import weights
from tb.failure import JobError

REQUIRED = ("config.json", "tokenizer_config.json", "tokenizer.json")
ALLOWED = {
    *REQUIRED, "tokenizer.model", "generation_config.json", "special_tokens_map.json",
    "added_tokens.json", weights.INDEX,
}  # fmt: skip
TOKENIZERS = ("LlamaTokenizer", "LlamaTokenizerFast", "PreTrainedTokenizer", "PreTrainedTokenizerFast")
MAX_BYTES = 200 * 10**9
MAX_CONTEXT = 128 * 1024


def check(folder: Path) -> None:
    """Raise a JobError that names everything that is wrong."""
    problems = find_problems(folder)
    if problems:
        raise JobError("the artifact would not be imported: " + "; ".join(problems))


def find_problems(folder: Path) -> list[str]:
    names = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    problems = [f"{n} is missing" for n in REQUIRED if n not in names]
    shards = {n for n in names if n.endswith(".safetensors") and "/" not in n}
    strays = sorted(names - shards - ALLOWED)
    if strays:
        problems.append(f"{', '.join(strays[:3])} does not belong into an artifact")
    if problems:
        return problems
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        tokenizer = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    except ValueError as e:
        return [f"config.json or tokenizer_config.json is not valid JSON ({e})"]
    problems = _config_problems(config) + _tokenizer_problems(tokenizer)
    if problems:
        return problems
    try:
        return _weight_problems(folder, config, shards)
    except JobError as e:
        return [str(e)]


def _config_problems(c: dict[str, Any]) -> list[str]:
    out = []
    if c.get("architectures") != ["MistralForCausalLM"] or c.get("model_type") != "mistral":
        out.append(f"config.json names the architectures {c.get('architectures')} and the type {c.get('model_type')}")
    if c.get("torch_dtype") != "bfloat16" or "dtype" in c:
        out.append("config.json does not give torch_dtype bfloat16")
    if "quantization_config" in c:
        out.append("config.json has a quantization_config")
    if "rope_theta" not in c or "rope_parameters" in c:
        out.append("config.json does not give rope_theta at its top level")
    if not isinstance(c.get("max_position_embeddings"), int) or c["max_position_embeddings"] >= MAX_CONTEXT:
        out.append(f"config.json gives {c.get('max_position_embeddings')} for max_position_embeddings, which must be below {MAX_CONTEXT}")
    if "auto_map" in c:
        out.append("config.json asks for code of its own (auto_map)")
    return out


def _tokenizer_problems(t: dict[str, Any]) -> list[str]:
    out = []
    if t.get("tokenizer_class") not in TOKENIZERS:
        out.append(f"tokenizer_config.json has the tokenizer_class {t.get('tokenizer_class')}, which is not one of {', '.join(TOKENIZERS)}")
    if not isinstance(t.get("chat_template"), str):
        out.append("tokenizer_config.json must hold exactly one chat_template")
    return out


def expected_tensors(c: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a MistralForCausalLM with this configuration."""
    hidden, inner, vocabulary = c["hidden_size"], c["intermediate_size"], c["vocab_size"]
    heads = c["num_attention_heads"]
    head = c.get("head_dim") or hidden // heads
    keys = (c.get("num_key_value_heads") or heads) * head
    shapes: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (vocabulary, hidden), "model.norm.weight": (hidden,)}
    if not c.get("tie_word_embeddings", False):
        shapes["lm_head.weight"] = (vocabulary, hidden)
    for i in range(c["num_hidden_layers"]):
        layer = {
            "self_attn.q_proj": (heads * head, hidden), "self_attn.k_proj": (keys, hidden), "self_attn.v_proj": (keys, hidden),
            "self_attn.o_proj": (hidden, heads * head), "mlp.gate_proj": (inner, hidden), "mlp.up_proj": (inner, hidden),
            "mlp.down_proj": (hidden, inner), "input_layernorm": (hidden,), "post_attention_layernorm": (hidden,),
        }  # fmt: skip
        shapes |= {f"model.layers.{i}.{name}.weight": tuple(shape) for name, shape in layer.items()}
    return shapes


def _weight_problems(folder: Path, config: dict[str, Any], shards: set[str]) -> list[str]:
    out = []
    index = folder / weights.INDEX
    if index.is_file():
        document = json.loads(index.read_text(encoding="utf-8"))
        if set(document.get("metadata", {"": 0})) - {"total_size"}:
            out.append(f"{weights.INDEX} must have metadata with nothing but total_size")
    found: dict[str, weights.Entry] = {}
    place: dict[str, str] = {}
    used = {f.name for f in weights.files(folder)}
    if shards != used:
        out.append(f"{', '.join(sorted(shards - used)[:3])} is not part of the index")
    for name in sorted(used):
        entries, _ = weights.read_header(folder / name)
        found |= entries
        place |= dict.fromkeys(entries, name)
    if index.is_file() and weights.read_index(index) != place:
        out.append(f"{weights.INDEX} does not say where the tensors are")
    try:
        expected = expected_tensors(config)
    except (KeyError, TypeError) as e:
        return [*out, f"config.json lacks {e}"]
    if missing := expected.keys() - found.keys():
        out.append(f"{len(missing)} tensors are missing, such as {min(missing)}")
    if extra := found.keys() - expected.keys():
        out.append(f"{len(extra)} tensors are too many, such as {min(extra)}")
    for name, entry in sorted(found.items()):
        if name in expected and entry.shape != expected[name]:
            out.append(f"{name} has the shape {list(entry.shape)} where config.json asks for {list(expected[name])}")
        elif entry.dtype != "BF16":
            out.append(f"{name} is {entry.dtype} and not BF16")
    if sum((folder / n).stat().st_size for n in used) >= MAX_BYTES:
        out.append("the weights are larger than 200 GB")
    return out[:5]
