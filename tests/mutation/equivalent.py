"""Mistakes that are none: mutants that no test can tell from the original, and why.

A key is a mutant's signature, ``file:function: the changed line`` (it stays when lines move), or a pattern (`fnmatch`)
for ids, ``file:function:operator:count``. A key that matches no mutant, or one that a test does kill, is stale,
and an error. Read next: ``docs/mutation.md``.
"""

from __future__ import annotations

EQUIVALENT: dict[str, str] = {}
