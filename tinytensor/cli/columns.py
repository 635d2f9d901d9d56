"""What the columns of a table hold: each is looked at once, from the first row to the last, and then has a kind.

It learns no mean and no category: those are learned from the training part only (``preprocessing.py``, read next).
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .errors import BadInput, counted, shown
from .tables import Chunk, Table
from .values import Notation, boolean, grouping, has_decimal_comma, is_date, quick_numbers

CATEGORIES = 100  # different texts up to which a column of texts is one of categories
FEW = 10  # different texts that are categories in a file of any length
KEPT = 10_000  # different values that are counted
MOSTLY = 0.9  # from which share of numbers on, a text among them is a mistake
KINDS = ("number", "boolean", "category")


@dataclass
class Summary:
    """What one column holds.

    Attributes
    ----------
    rows, missing, numbers, booleans, dates, grouped, commas : int
        How many values are so.
    counts : Counter or None
        How often each value occurs; None where there are more than `KEPT`.
    odd : tuple of (str, str), optional
        The first value that is neither missing nor a number, with its place.
    infinite : str
        The place of the first infinite number, or nothing.
    is_counter : bool
        Whether the numbers are n, n + 1, n + 2, …
    """

    rows: int = 0
    missing: int = 0
    numbers: int = 0
    booleans: int = 0
    dates: int = 0
    grouped: int = 0
    commas: int = 0
    counts: Counter[Any] | None = field(default_factory=Counter)
    odd: tuple[str, str] | None = None
    infinite: str = ""
    is_counter: bool = True
    first: float = math.nan

    def look(self, values: Any, chunk: Chunk, notation: Notation) -> None:
        """Take the values of some rows into account."""
        if isinstance(values, np.ndarray):
            self._look_at_array(values, chunk)
        else:
            self._look_at_texts(values, chunk, notation)
        self.rows += len(chunk)
        if self.counts is not None and len(self.counts) > KEPT:
            self.counts = None

    def _look_at_array(self, values: Any, chunk: Chunk) -> None:
        """Numbers, booleans or dates of a file that has types."""
        if values.dtype.kind == "M":
            absent = int(np.isnat(values).sum())
            self.missing, self.dates = self.missing + absent, self.dates + len(values) - absent
            self.is_counter = False
            return
        values = values.astype(np.float64)
        there = values[~np.isnan(values)]
        self.missing, self.numbers = self.missing + len(values) - len(there), self.numbers + len(there)
        infinite = np.flatnonzero(np.isinf(values))
        if infinite.size and not self.infinite:
            self.infinite = chunk.where(int(infinite[0]))
        self._count(values)
        if self.counts is not None:
            different, times = np.unique(there, return_counts=True)
            self.counts.update(dict(zip(different.tolist(), times.tolist(), strict=True)))

    def _look_at_texts(self, values: list[str], chunk: Chunk, notation: Notation) -> None:
        """Texts; each different one is looked at once."""
        quick = quick_numbers(values, notation) if self.counts is None else None
        if quick is not None:
            self._look_at_array(quick, chunk)
            return
        different = Counter(values)
        numbers: dict[str, float] = {}
        for text, times in different.items():
            if text in notation.missing:
                self.missing += times
            elif (number := notation.number(text)) is not None:
                numbers[text] = number
                self.numbers += times
                if math.isinf(number) and not self.infinite:
                    self.infinite = chunk.where(values.index(text))
            else:
                self.booleans += times * (boolean(text) is not None)
                self.dates += times * is_date(text)
                self.grouped += times * (grouping(text) is not None)
                self.commas += times * has_decimal_comma(text)
                if self.odd is None:
                    self.odd = text, chunk.where(values.index(text))
        if self.is_counter:
            self._count(np.array([numbers.get(text, math.nan) for text in values]))
        if self.counts is not None:
            self.counts.update({text: times for text, times in different.items() if text not in notation.missing})

    def _count(self, numbers: Any) -> None:
        """See whether the numbers go on counting."""
        if not self.rows:
            self.first = float(numbers[0])
        expected = self.first + np.arange(self.rows, self.rows + len(numbers))
        self.is_counter = self.is_counter and self.first in (0.0, 1.0) and bool(np.array_equal(numbers, expected))

    @property
    def present(self) -> int:
        """How many values are not missing."""
        return self.rows - self.missing

    @property
    def different(self) -> float:
        """How many different values there are; infinity where they were too many to count."""
        return math.inf if self.counts is None else len(self.counts)


def look(table: Table, notation: Notation, names: list[str]) -> dict[str, Summary]:
    """The summaries of some columns, from one reading."""
    found = {name: Summary() for name in names}
    for chunk in table.chunks():
        for name, summary in found.items():
            summary.look(chunk.columns[name], chunk, notation)
    return found


def kind_of(name: str, summary: Summary, owner: str) -> tuple[str, str]:
    """The kind of a column, one of `KINDS`; or nothing, and the reason why it is left out.

    Raises
    ------
    BadInput
        Where most values are numbers and some are not, or numbers are infinite.
    """
    if not summary.present:
        return "", "empty"
    if summary.dates == summary.present:
        return "", "dates; make numbers of them, such as year, month and weekday, to use them"
    if summary.different == 1 and not summary.missing:
        return "", "one value only"
    if summary.numbers == summary.present:
        check_finite(name, summary, owner)
        if summary.is_counter and summary.rows > FEW:
            return "", "row numbers"
        return "number", ""
    if summary.booleans == summary.present:
        return "boolean", ""
    check_numbers(name, summary, owner)
    if summary.different > max(FEW, min(CATEGORIES, summary.present / 2)):
        many = f"{int(summary.different):,}" if summary.counts is not None else f"more than {KEPT:,}"
        return "", f"{many} different texts in {counted(summary.present, 'row')} are no categories"
    return "category", ""


def check_finite(name: str, summary: Summary, owner: str) -> None:
    """Raise where a number is infinite."""
    if summary.infinite:
        raise BadInput(
            f"{owner}: {summary.infinite}, column {shown(name)}: an infinite number; leave the field empty where there "
            "is no value"
        )


def check_notation(name: str, summary: Summary, owner: str) -> None:
    """Raise where all are numbers in another notation."""
    if summary.odd is None:
        return
    text, place = summary.odd
    start = f"{owner}: {place}, column {shown(name)}: {shown(text)}"
    if summary.numbers + summary.grouped == summary.present and (sign := grouping(text)):
        raise BadInput(f"{start} looks like a number with groups of digits; say so: --thousands {shown(sign)}")
    if summary.numbers + summary.commas == summary.present and has_decimal_comma(text):
        raise BadInput(f"{start} looks like a number with a decimal comma; say so: --decimal ,")


def check_numbers(name: str, summary: Summary, owner: str) -> None:
    """Raise where nearly all is numbers, or all are numbers in another notation."""
    check_notation(name, summary, owner)
    if summary.odd is not None and summary.numbers >= MOSTLY * summary.present:
        text, place = summary.odd
        raise BadInput(
            f"{owner}: {place}, column {shown(name)}: {shown(text)} is not a number, as most of the "
            f"column are; mend it, or say what it is: --na {shown(text)} (missing), --category {shown(name)}, "
            f"or --drop {shown(name)}"
        )
