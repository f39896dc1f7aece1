"""The safetensors files of a folder of weights, one tensor at a time."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tb.failure import JobError

SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
MAX_HEADER = 100 << 20
ITEM_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}


@dataclass(frozen=True)
class Entry:
    """One tensor as a header describes it."""

    dtype: str
    shape: tuple[int, ...]


def files(folder: Path) -> list[Path]:
    """The files that hold the model, by its index when it has one.

    A repository may hold the same weights a second time (consolidated.safetensors);
    only what the index names counts.
    """
    index = folder / INDEX
    if index.is_file():
        names = sorted(set(read_index(index).values()))
        missing = [n for n in names if not (folder / n).is_file()]
        if missing:
            raise JobError(f"{INDEX} names {', '.join(missing[:3])}, which the model's folder does not hold")
        return [folder / n for n in names]
    if (folder / SINGLE).is_file():
        return [folder / SINGLE]
    raise JobError(f"the base model's folder holds neither {SINGLE} nor {INDEX}; weights of other forms (.bin, .gguf) are not read")


def read_index(index: Path) -> dict[str, str]:
    try:
        weight_map = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
        return {str(k): str(v) for k, v in weight_map.items()}
    except (ValueError, KeyError, AttributeError, TypeError) as e:
        raise JobError(f"{index.name} cannot be read: {e}") from None


def read_header(path: Path) -> tuple[dict[str, Entry], dict[str, str]]:
    """Tensors and metadata of one file, from its header alone, checked against its size."""
    size = path.stat().st_size
    try:
        with path.open("rb") as f:
            length = int.from_bytes(f.read(8), "little")
            if length > min(MAX_HEADER, size - 8):
                raise ValueError(f"a header of {length} bytes does not fit into {size}")
            header: dict[str, Any] = json.loads(f.read(length))
        metadata = header.pop("__metadata__", {})
        entries, end = {}, 0
        for name, value in header.items():
            entry = Entry(value["dtype"], tuple(value["shape"]))
            begin, stop = value["data_offsets"]
            if stop - begin != math.prod(entry.shape) * ITEM_BYTES[entry.dtype]:
                raise ValueError(f"{name} has {stop - begin} bytes, which its shape does not need")
            entries[name], end = entry, max(end, stop)
    except (ValueError, KeyError, TypeError) as e:
        raise JobError(f"{path.name} is not a whole safetensors file: {e}") from None
    if 8 + length + end != size:
        raise JobError(f"{path.name} has {size} bytes where its header needs {8 + length + end}: it is cut off or was not downloaded whole")
    return entries, metadata


def open_file(path: Path) -> AbstractContextManager[Any]:
    from safetensors import safe_open

    opener: Any = safe_open
    handle: AbstractContextManager[Any] = opener(path, framework="pt", device="cpu")
    return handle


def tensors(folder: Path) -> Iterator[tuple[str, Any]]:
    """All tensors, read as they are asked for."""
    for path in files(folder):
        with open_file(path) as f:
            for name in f.keys():  # noqa: SIM118 - the handle is no dict
                yield name, f.get_tensor(name)
