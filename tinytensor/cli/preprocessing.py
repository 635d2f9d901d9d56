"""From columns to the network's inputs: standardized numbers and one-hot categories, learned from the training part.

What is learned is plain data, which goes into the model's folder as JSON and comes back checked. Read next:
``dataset.py``.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from ..arrays import Array
from .columns import CATEGORIES, KINDS
from .errors import BadInput, shown
from .tables import Chunk
from .values import Notation, boolean, plain, quick_numbers

FARTHEST = 1e18  # standard deviations that float32 can still multiply
EXAMPLES = 3  # unseen categories that a note names


@dataclass
class Feature:
    """One column, and what was learned of it.

    Attributes
    ----------
    name : str
    kind : {"number", "boolean", "category"}
    mean, scale : float
        Of the training part, of the values that are there; a category has none.
    categories : list of str
        Those of the training part, sorted.
    missing : bool
        Whether values were missing there: then "is missing" is an input of its own.
    """

    name: str
    kind: str
    mean: float = 0.0
    scale: float = 1.0
    categories: list[str] = field(default_factory=list)
    missing: bool = False

    @property
    def width(self) -> int:
        """How many inputs of the network it makes."""
        return (len(self.categories) if self.kind == "category" else 1) + self.missing


@dataclass
class Notes:
    """What was met in a file that training had not: counted while rows are encoded."""

    unseen: dict[str, Counter[str]] = field(default_factory=dict)
    missing: Counter[str] = field(default_factory=Counter)

    def lines(self) -> list[str]:
        """The notes, a line for each column."""
        found = []
        for name, counts in self.unseen.items():
            rows = counts.total()
            values = ", ".join(shown(value) for value, _ in counts.most_common(EXAMPLES))
            more = ", …" if len(counts) > EXAMPLES else ""
            found.append(
                f"column {shown(name)}: {rows:,} {'row has' if rows == 1 else 'rows have'} a category that training "
                f"never saw ({values}{more}); taken as none of the known ones"
            )
        for name, rows in self.missing.items():
            found.append(
                f"column {shown(name)}: {rows:,} {'value is' if rows == 1 else 'values are'} missing, and none was in "
                "training; taken as the training mean, or as no category"
            )
        return found


class Preprocessing:
    """The columns that a model uses, in order, and the way from their values to a row of numbers.

    Parameters
    ----------
    features : list of Feature
    notation : Notation
    """

    def __init__(self, features: list[Feature], notation: Notation) -> None:
        self.features, self.notation = features, notation

    @property
    def width(self) -> int:
        """How many inputs the network has."""
        return sum(feature.width for feature in self.features)

    def encode(self, chunk: Chunk, owner: str, notes: Notes, out: Array | None = None) -> Array:
        """The inputs for some rows, of shape (n, width) and float32.

        Raises
        ------
        BadInput
            For a value that does not fit the column's kind, with its place.
        """
        if out is None:
            out = np.zeros((len(chunk), self.width), np.float32)
        start = 0
        for feature in self.features:
            into = out[:, start : start + feature.width]
            if feature.kind == "category":
                self._encode_category(feature, chunk, notes, into)
            else:
                numbers = numbers_of(feature, chunk, self.notation, owner)
                absent = np.isnan(numbers)
                with np.errstate(over="ignore"):
                    scaled = np.where(absent, 0.0, (numbers - feature.mean) / feature.scale)
                if (np.abs(scaled) > FARTHEST).any():
                    row = int(np.abs(scaled).argmax())
                    raise BadInput(
                        f"{owner}: {chunk.where(row)}, column {shown(feature.name)}: {numbers[row]:g} is too far from "
                        f"what training saw (mean {feature.mean:g}, standard deviation {feature.scale:g})"
                    )
                into[:, 0] = scaled
                self._mark(feature, absent, notes, into)
            start += feature.width
        return out

    def _encode_category(self, feature: Feature, chunk: Chunk, notes: Notes, into: Any) -> None:
        """A one in the place of each row's category."""
        places = {category: k for k, category in enumerate(feature.categories)}
        texts = texts_of(chunk.columns[feature.name])
        found = np.array([places.get(text, -1) for text in texts], np.intp)
        rows = np.flatnonzero(found >= 0)
        into[:] = 0.0
        into[rows, found[rows]] = 1.0
        absent = np.zeros(len(texts), bool)
        for row in np.flatnonzero(found < 0).tolist():
            if texts[row] in self.notation.missing:
                absent[row] = True
            else:
                notes.unseen.setdefault(feature.name, Counter())[texts[row]] += 1
        self._mark(feature, absent, notes, into)

    def _mark(self, feature: Feature, absent: Array, notes: Notes, into: Any) -> None:
        """Say which values are missing: to the network where it learned that, otherwise to the user."""
        if feature.missing:
            into[:, -1] = absent
        elif absent.any():
            notes.missing[feature.name] += int(absent.sum())

    # ----------------------------------------------------------------------------------------- JSON

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "columns": [asdict(feature) for feature in self.features],
            "decimal": self.notation.decimal,
            "thousands": self.notation.thousands,
            "missing": sorted(self.notation.missing),
        }

    @classmethod
    def from_json(cls, document: Any) -> Preprocessing:
        """What `to_json` gave; a ValueError where it can't be that."""
        features = [Feature(**column) for column in document["columns"]]
        for feature in features:
            texts = [feature.name, *feature.categories]
            if feature.kind not in KINDS or not all(isinstance(text, str) for text in texts):
                raise ValueError(f"the column {shown(feature.name)} is not one that train writes")
            if not math.isfinite(feature.mean) or not math.isfinite(feature.scale) or feature.scale <= 0:
                raise ValueError(f"the column {shown(feature.name)} has no sound mean and scale")
        if len({feature.name for feature in features}) != len(features):
            raise ValueError("a column occurs twice")
        return cls(features, Notation(document["decimal"], document["thousands"], frozenset(document["missing"])))


# ---------------------------------------------------------------------------------------- values


def texts_of(values: Any) -> list[str]:
    """A column as texts: numbers of a file with types as they would be written."""
    if isinstance(values, np.ndarray):
        return ["" if value != value else plain(value) for value in values.astype(np.float64).tolist()]
    return list(values)


def numbers_of(feature: Feature, chunk: Chunk, notation: Notation, owner: str) -> Array:
    """A column as float64, nan where a value is missing; an error where one is no number."""
    values = chunk.columns[feature.name]
    if isinstance(values, np.ndarray):
        if values.dtype.kind not in "biuf":
            raise BadInput(f"{owner}: column {shown(feature.name)}: expected numbers, got dates")
        found = values.astype(np.float64)
    elif feature.kind == "number" and (quick := quick_numbers(values, notation)) is not None:
        found = quick
    else:
        read = notation.number if feature.kind == "number" else _of_boolean(notation)
        meaning: dict[str, float | None] = {}
        for text in set(values):
            meaning[text] = math.nan if text in notation.missing else read(text)
            if meaning[text] is None:
                expected = "a number" if feature.kind == "number" else "yes or no, true or false"
                place = chunk.where(values.index(text))
                raise BadInput(
                    f"{owner}: {place}, column {shown(feature.name)}: expected {expected}, got {shown(text)}"
                )
        found = np.array([meaning[text] for text in values], np.float64)
    infinite = np.flatnonzero(np.isinf(found))
    if infinite.size:
        raise BadInput(
            f"{owner}: {chunk.where(int(infinite[0]))}, column {shown(feature.name)}: an infinite number; leave the "
            "field empty where there is no value"
        )
    return found


def _of_boolean(notation: Notation) -> Any:
    """The function from a text to 0 or 1; files of other programs may have those themselves."""

    def read(text: str) -> float | None:
        found = boolean(text)
        number = notation.number(text) if found is None else found
        return number if number in (0.0, 1.0) else None

    return read


# --------------------------------------------------------------------------------------- learning


class Learner:
    """Learns one column from the training rows, chunk by chunk.

    Mean and variance are merged as Chan, Golub and LeVeque do ("Algorithms for computing the sample variance", The
    American Statistician, 1983), in float64.
    """

    def __init__(self, name: str, kind: str) -> None:
        self.name, self.kind = name, kind
        self.count, self.mean, self.squares = 0, 0.0, 0.0
        self.counts: Counter[str] = Counter()
        self.missing = False

    def add(self, chunk: Chunk, chosen: Array, notation: Notation, owner: str) -> None:
        """Take the chosen rows (a mask) into account."""
        if self.kind == "category":
            texts = texts_of(chunk.columns[self.name])
            found = Counter(text for text, taken in zip(texts, chosen.tolist(), strict=True) if taken)
            for text in [text for text in found if text in notation.missing]:
                self.missing = True
                del found[text]
            self.counts.update(found)
            return
        numbers = numbers_of(Feature(self.name, self.kind), chunk, notation, owner)[chosen]
        there = numbers[~np.isnan(numbers)]
        self.missing = self.missing or len(there) < len(numbers)
        if not len(there):
            return
        mean, total = float(there.mean()), self.count + len(there)
        apart = mean - self.mean
        self.squares += float(((there - mean) ** 2).sum()) + apart**2 * self.count * len(there) / total
        self.mean += apart * len(there) / total
        self.count = total

    def learned(self) -> Feature:
        """What was found."""
        if self.kind == "category":
            common = sorted(text for text, _ in self.counts.most_common(CATEGORIES))
            return Feature(self.name, self.kind, categories=common, missing=self.missing)
        spread = math.sqrt(self.squares / self.count) if self.count else 0.0
        # A spread that is rounding only is none: such a column says nothing, and must not be blown up.
        scale = spread if spread > 1e-12 * abs(self.mean) else 1.0
        return Feature(self.name, self.kind, self.mean, scale, missing=self.missing)
