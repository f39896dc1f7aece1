"""Writes what the PyTorch implementation of Mistral computes, for reference_test.go.

    pip install torch transformers && python mistral.py

Two small models with random weights: `tied` in one file, `sharded` untied with
an index and a head width that is not hidden size / heads. For each, reference.json
holds logits, a greedy continuation and the losses of a few AdamW steps on
answers only, with warm-up, cosine and clipping.
"""
import json
import math
import os

import torch
import transformers
from transformers import MistralConfig, MistralForCausalLM

HERE = os.path.dirname(os.path.abspath(__file__))
STEPS, RATE, FLOOR, WARMUP, DECAY, CLIP = 6, 1e-2, 0.1, 0.34, 0.05, 1.0


def rate(step):
    warm = math.ceil(WARMUP * STEPS)
    if step < warm:
        return RATE * (step + 1) / warm
    progress = (step - warm) / max(STEPS - warm, 1)
    return RATE * (FLOOR + (1 - FLOOR) * 0.5 * (1 + math.cos(math.pi * progress)))


def make(name, seed, shard, **config):
    torch.manual_seed(seed)
    cfg = MistralConfig(
        vocab_size=64, intermediate_size=48, num_hidden_layers=2, max_position_embeddings=128,
        bos_token_id=1, eos_token_id=2, attn_implementation="eager", initializer_range=0.3, **config)
    model = MistralForCausalLM(cfg).float().eval()
    with torch.no_grad():
        for p in model.parameters():
            if p.dim() == 1:
                p.add_(torch.randn_like(p) * 0.2)
    folder = os.path.join(HERE, name)
    model.save_pretrained(folder, max_shard_size=shard, safe_serialization=True)
    os.remove(os.path.join(folder, "generation_config.json"))

    gen = torch.Generator().manual_seed(seed)
    draw = lambda n: torch.randint(3, 64, (n,), generator=gen).tolist()
    out = {"ids": [1] + draw(23)}
    with torch.no_grad():
        out["logits"] = [[round(v, 5) for v in row] for row in model(torch.tensor([out["ids"]])).logits[0].tolist()]
        ids = out["ids"][:8]
        for _ in range(30):
            ids.append(int(model(torch.tensor([ids])).logits[0, -1].argmax()))
        out["greedy"] = ids

    examples = [(ids, int(torch.randint(1, len(ids), (1,), generator=gen))) for ids in (draw(n) for n in (9, 14, 6, 11))]
    out["examples"] = [{"ids": ids, "answer_start": start} for ids, start in examples]
    matrices = [p for p in model.parameters() if p.dim() > 1]
    gains = [p for p in model.parameters() if p.dim() == 1]
    opt = torch.optim.AdamW([{"params": matrices, "weight_decay": DECAY}, {"params": gains, "weight_decay": 0}],
                            lr=RATE, betas=(0.9, 0.98), eps=1e-8)
    learnt = sum(len(ids) - start for ids, start in examples)
    out["steps"] = []
    for step in range(STEPS):
        loss = 0
        for ids, start in examples:
            logits = model(torch.tensor([ids])).logits[0, start - 1:-1]
            loss = loss + torch.nn.functional.cross_entropy(logits, torch.tensor(ids[start:]), reduction="sum")
        loss = loss / learnt
        opt.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        for g in opt.param_groups:
            g["lr"] = rate(step)
        opt.step()
        out["steps"].append({"loss": float(loss), "grad_norm": float(norm)})
    out["made_with"] = f"torch {torch.__version__}, transformers {transformers.__version__}"
    return out


result = {
    "tied": make("tied", 1, "10MB", hidden_size=32, num_attention_heads=4, num_key_value_heads=2,
                 tie_word_embeddings=True, rms_norm_eps=1e-5, rope_theta=10000.0, sliding_window=None),
    "sharded": make("sharded", 2, "20KB", hidden_size=32, num_attention_heads=6, num_key_value_heads=3, head_dim=10,
                    tie_word_embeddings=False, rms_norm_eps=1e-6, rope_theta=1000000.0, sliding_window=None),
}
with open(os.path.join(HERE, "reference.json"), "w") as f:
    json.dump(result, f)
    f.write("\n")
