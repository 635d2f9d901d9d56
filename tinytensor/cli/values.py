"""What a text in a table means: a number, a yes or no, a date, or nothing at all. Read next: ``columns.py``."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np

from ..arrays import Array

# What pandas takes for missing too, and the question mark of the UCI repository.
MISSING = frozenset(
    ["", "?", "-", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A"]
    + ["n/a", "NA", "na", "NULL", "null", "None", "NaN", "nan"]
)
BOOLEANS = {"true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0}

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(inf|infinity)", re.IGNORECASE)
_PLAIN = re.compile(r"[0-9eE+.\n-]*")
_GROUPED = re.compile(r"[+-]?\d{1,3}(?P<sign>[,.' \u00a0\u202f\u2009])\d{3}((?P=sign)\d{3})*([.,]\d+)?")
_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")
_DATE = re.compile(
    r"\d{4}-\d{1,2}-\d{1,2}([T ]\d{1,2}:\d{2}.*)?|\d{4}/\d{1,2}/\d{1,2}.*|\d{1,2}[./-]\d{1,2}[./-](\d{4}|\d{2})(\s.*)?"
)


@dataclass(frozen=True)
class Notation:
    """How numbers and missing values are written.

    Attributes
    ----------
    decimal, thousands : str
        The signs between ones and tenths, and between groups of three digits (or none).
    missing : frozenset of str
    """

    decimal: str = "."
    thousands: str = ""
    missing: frozenset[str] = MISSING

    def number(self, text: str) -> float | None:
        """The number that a text is, perhaps infinite; None where it is none."""
        if self.thousands:
            text = text.replace(self.thousands, "")
        if self.decimal != ".":
            if "." in text:
                return None
            text = text.replace(self.decimal, ".")
        try:
            # float() takes "1_000", "nan" and the digits of other scripts too.
            return float(text) if _NUMBER.fullmatch(text) and text.isascii() else None
        except ValueError:
            return None


def quick_numbers(texts: list[str], notation: Notation) -> Array | None:
    """All of them as float64, nan for empty ones, at NumPy's speed; None where they have to be looked at one by one."""
    if notation.thousands or notation.decimal != "." or _PLAIN.fullmatch("\n".join(texts)) is None:
        return None
    if any(notation.number(text) is not None for text in notation.missing - MISSING):  # as in --na 999
        return None
    try:
        return np.array([text or "nan" for text in texts], np.float64)
    except ValueError:
        return None


def boolean(text: str) -> float | None:
    """1 for true and yes, 0 for false and no, in capitals or not; None for all else."""
    return BOOLEANS.get(text.casefold())


def is_date(text: str) -> bool:
    """Whether it looks like a date."""
    return _DATE.fullmatch(text) is not None


def grouping(text: str) -> str | None:
    """The sign between groups of three digits, or None where there are none, as in 1,234 or 12.345,00."""
    found = _GROUPED.fullmatch(text)
    return found["sign"] if found else None


def has_decimal_comma(text: str) -> bool:
    """Whether it looks like 3,14."""
    return _COMMA.fullmatch(text) is not None


def plain(number: float) -> str:
    """A number as a label: 1 and not 1.0."""
    return str(int(number)) if math.isfinite(number) and number == int(number) and abs(number) < 1e15 else repr(number)
