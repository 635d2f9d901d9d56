"""Mistakes that are none: mutants that no test can tell from the original, and why.

A key is a pattern (`fnmatch`) for a mutant's id, ``file:function:operator:count``, or for its signature,
``file:function:operator: before -> after``. A key that matches no mutant, or one that a test does kill, is stale,
and an error. Read next: ``docs/mutation.md``.
"""

from __future__ import annotations

EQUIVALENT: dict[str, str] = {}
