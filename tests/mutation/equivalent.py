"""Mistakes that are none: mutants that no test can tell from the original, and why.

The table is ``equivalent.toml``: a reason, and the signatures of the mutants that it holds for, ``file:function: the changed line``. A
signature stays when lines move. One that matches no mutant, or a mutant that a test does kill, is stale, and an error.
Read next: ``docs/mutation.md``.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

TABLE = tomllib.loads(Path(__file__).with_name("equivalent.toml").read_text())

EQUIVALENT: dict[str, str] = {
    signature: entry["reason"] for entry in TABLE.get("equivalent", []) for signature in entry["mutants"]
}
