"""The column to predict: classes or numbers, found from its values, and the way from these to what is trained on.

Read next: ``dataset.py``.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from ..arrays import Array
from .columns import MOSTLY, Summary, check_finite, check_notation
from .errors import BadInput, counted, shown
from .preprocessing import Feature, numbers_of, texts_of
from .tables import Chunk
from .values import Notation, plain

CLASSES = 20  # different whole numbers up to which a target of numbers is one of classes
MOST = 1000  # classes
TASKS = ("classification", "regression")


@dataclass
class Target:
    """What is predicted.

    Attributes
    ----------
    name : str
    task : {"classification", "regression"}
    classes : list of str
        In order: numbers by size, texts by the alphabet.
    numeric : bool
        Whether the classes are numbers, so that 1 and 1.0 are the same.
    mean, scale : float
        Of the training part, for regression.
    """

    name: str
    task: str
    classes: list[str] = field(default_factory=list)
    numeric: bool = False
    mean: float = 0.0
    scale: float = 1.0

    @property
    def outputs(self) -> int:
        """How many outputs the network has."""
        return len(self.classes) if len(self.classes) > 2 else 1

    def labels(self, chunk: Chunk, notation: Notation, owner: str) -> list[str | None]:
        """The classes of some rows as texts in the one way of writing them; None where there is none."""
        found: list[str | None] = []
        written: dict[str, str | None] = {}
        for text in texts_of(chunk.columns[self.name]):
            if text not in written:
                number = notation.number(text) if self.numeric else None
                label = text if number is None else plain(number)
                written[text] = None if text in notation.missing else label
            found.append(written[text])
        return found

    def encode(self, chunk: Chunk, notation: Notation, owner: str) -> Array:
        """Class numbers (n,) as intp, or numbers (n,) as float64; an error where a value is missing or unknown."""
        if self.task == "regression":
            numbers = numbers_of(Feature(self.name, "number"), chunk, notation, owner)
            if np.isnan(numbers).any():
                raise _missing(owner, chunk, int(np.flatnonzero(np.isnan(numbers))[0]), self.name)
            return numbers
        places = {label: k for k, label in enumerate(self.classes)}
        found = np.empty(len(chunk), np.intp)
        for row, label in enumerate(self.labels(chunk, notation, owner)):
            if label is None:
                raise _missing(owner, chunk, row, self.name)
            if label not in places:
                known = ", ".join(map(shown, self.classes[:8])) + (", …" if len(self.classes) > 8 else "")
                raise BadInput(
                    f"{owner}: {chunk.where(row)}, column {shown(self.name)}: the model knows no class {shown(label)}, "
                    f"but {known}"
                )
            found[row] = places[label]
        return found

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Any) -> Target:
        """What `to_json` gave; a ValueError where it can't be that."""
        target = cls(**document)
        if target.task not in TASKS or not all(isinstance(label, str) for label in target.classes):
            raise ValueError("the target is not one that train writes")
        if (len(target.classes) < 2) != (target.task == "regression") or len(set(target.classes)) < len(target.classes):
            raise ValueError("the classes do not fit the task")
        if not math.isfinite(target.mean) or not math.isfinite(target.scale) or target.scale <= 0:
            raise ValueError("the target has no sound mean and scale")
        return target


def _missing(owner: str, chunk: Chunk, row: int, name: str) -> BadInput:
    """The error for a row without a target."""
    return BadInput(f"{owner}: {chunk.where(row)}: the target {shown(name)} is missing; fill it in, or remove the row")


def find_target(name: str, summary: Summary, task: str | None, notation: Notation, owner: str) -> Target:
    """What is predicted, from the values of the column and what the user says.

    Raises
    ------
    BadInput
        Where the values fit no task, or not the one asked for.
    """
    here = f"{owner}: the target {shown(name)}"
    if not summary.present:
        raise BadInput(f"{here} is empty")
    if summary.different == 1:
        value = next(iter(summary.counts or {}), "")
        value = value if isinstance(value, str) else plain(value)
        raise BadInput(f"{here} has the same value in every row, {shown(value)}; there is nothing to learn")
    if summary.dates == summary.present:
        raise BadInput(f"{here} holds dates; make a number or a category of them first")
    check_finite(name, summary, owner)
    all_numbers = summary.numbers == summary.present
    if not all_numbers and task != "classification":
        check_notation(name, summary, owner)
        _refuse_mixed(here, summary, task)
    if task is None:
        task = "classification" if not all_numbers or _looks_like_classes(summary) else "regression"
    if task == "regression":
        return Target(name, task)
    return Target(name, task, _classes(here, summary, all_numbers, notation), all_numbers)


def _refuse_mixed(here: str, summary: Summary, task: str | None) -> None:
    """Raise where numbers are expected and some are not."""
    if task == "regression" or summary.numbers >= MOSTLY * summary.present:
        text, place = summary.odd or ("", "")
        hint = "regression needs numbers" if task else "as most of the others are; mend it, or give --task"
        raise BadInput(f"{here}, {place}: {shown(text)} is not a number, {hint}{' classification' * (task is None)}")


def _looks_like_classes(summary: Summary) -> bool:
    """Whether numbers are few and whole, and each comes often."""
    few = summary.different <= CLASSES and 2 * summary.different <= summary.present
    return few and all(_number(value).is_integer() for value in summary.counts or {})


def _number(value: Any) -> float:
    """A counted value as a float: texts were numbers when they were looked at."""
    try:
        return float(value)
    except ValueError:
        return math.nan


def _classes(here: str, summary: Summary, numeric: bool, notation: Notation) -> list[str]:
    """The classes in order."""
    if summary.counts is None or len(summary.counts) > MOST or 2 * len(summary.counts) > max(summary.present, 8):
        many = "too many" if summary.counts is None else f"{len(summary.counts):,}"
        hint = "for numbers give --task regression" if numeric else "is it the right column?"
        raise BadInput(f"{here} has {many} different values in {counted(summary.present, 'row')}, no classes; {hint}")
    if not numeric:
        return sorted(map(str, summary.counts))
    numbers = {value if isinstance(value, float) else notation.number(value) for value in summary.counts}
    found = [plain(number) for number in sorted(number for number in numbers if number is not None)]
    if len(found) < 2:
        raise BadInput(f"{here} has the same value in every row, {found[0]}; there is nothing to learn")
    return found
