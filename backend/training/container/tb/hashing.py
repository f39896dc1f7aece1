"""What a manifest says of a file."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any


def describe(path: Path) -> dict[str, Any]:
    """Name, size in bytes and SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as f:
        while block := f.read(1 << 20):
            digest.update(block)
    return {"name": path.name, "size": path.stat().st_size, "sha256": digest.hexdigest()}
