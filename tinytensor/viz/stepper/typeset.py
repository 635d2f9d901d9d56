"""Typeset the formulas: ``python -m tinytensor.viz.stepper.typeset`` writes ``static/formulas.json``.

The conversion is that of latex2mathml (``pip install latex2mathml``), which only who changes a formula needs. Read
next: ``formulas.py``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .formulas import CONDITIONS, FORMULAS

TARGET = Path(__file__).parent / "static" / "formulas.json"


def typeset() -> dict[str, dict[str, Any]]:
    """For each function, the LaTeX of its formulas and their MathML: the function's own, then the rules."""
    try:
        from latex2mathml.converter import convert  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        raise ImportError("typesetting the formulas needs latex2mathml: pip install latex2mathml") from None
    table: dict[str, dict[str, Any]] = {}
    for name, formulas in FORMULAS.items():
        table[name] = {"tex": formulas, "math": [convert(formula) for formula in formulas]}
        if name in CONDITIONS:
            table[name]["if"] = CONDITIONS[name]
    return table


if __name__ == "__main__":
    TARGET.write_text(json.dumps(typeset(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{len(FORMULAS)} formulas in {TARGET}")
