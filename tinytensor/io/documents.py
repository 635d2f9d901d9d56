"""What is in one checkpoint: a safetensors file, with the arrays by name and all the rest as JSON in its texts.

The rest are numbers, options and states of generators. It is one file, so that it is written by one rename. Nothing
here knows a folder or changes a part. Read next: ``states.py``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..arrays import Array
from . import files
from .errors import FileError, one_line, shown
from .states import default_state, packed, packed_part, taken, unpacked

TEXT = "tinytensor.checkpoint"
KEYS = ("step", "parts", "generator", "values")


def to_bytes(
    step: int, parts: Mapping[str, Any], values: dict[str, Any], check: Callable[[Mapping[str, Array], int], None]
) -> bytes:
    """The file of a checkpoint; `check` looks at the arrays of the parts, which are not those of the values."""
    arrays: dict[str, Array] = {}
    document = {
        "step": step,
        "parts": {name: packed_part(taken(part), name, arrays) for name, part in parts.items()},
        "generator": packed(default_state(), "generator", arrays),
    }
    check(arrays, step)
    document["values"] = packed(values, "values", arrays)
    return files.to_bytes("Checkpointer.save", arrays, {TEXT: json.dumps(document)})


def read(path: Path, step: int) -> dict[str, Any]:
    """What was saved under `KEYS`, with the arrays in their places; an error where `to_bytes` can't have made it."""
    arrays, texts, checked = files.read("Checkpointer.restore", str(path))
    if TEXT not in texts or not checked:
        raise FileError(f"{path}: not a checkpoint; tt.load reads files of weights")
    try:
        found = unpacked(json.loads(texts[TEXT]), arrays)
        if not isinstance(found, dict) or set(found) != set(KEYS):
            raise ValueError("its parts are not those of a checkpoint")
        if not isinstance(found["parts"], dict) or not isinstance(found["values"], dict):
            raise ValueError("its parts have no names")
        if found["step"] != step:
            raise ValueError(f"it was saved as step {shown(found['step'])}; the file was renamed")
    except ValueError as error:
        raise FileError(f"{path}: not a sound checkpoint: {one_line(error)}") from None
    except (LookupError, TypeError, RecursionError):
        raise FileError(f"{path}: not a sound checkpoint: its JSON is not one of a checkpoint") from None
    return found


def match(path: Path, wanted: set[str], saved: set[str], strict: bool) -> None:
    """Nothing, where the parts asked for were saved, and the other way round."""
    if missing := wanted - saved:
        raise FileError(f"{path}: it has no part {', '.join(sorted(missing))}; it was saved with {_listed(saved)}")
    if strict and (forgotten := saved - wanted):
        raise FileError(
            f"{path}: it was saved with {_listed(forgotten)} too; restore that as well, or give strict=False"
        )


def _listed(names: set[str]) -> str:
    return ", ".join(shown(name) for name in sorted(names)) or "no parts"
