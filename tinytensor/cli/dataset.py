"""From a table to what is trained on: three readings, in the first of which nothing is learned but what there is.

The first finds kinds, rows and targets; then the rows are split; the second learns means and categories from the
training rows; the third fills one array of float32, the training rows first. Memory is bounded by that array, and a
large one lies in a temporary file. It knows no network. Read next: ``training.py``.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..arrays import Array
from .columns import Summary, check_finite, check_numbers, kind_of
from .errors import BadInput, counted, listed, no_such_column, shown
from .preprocessing import Learner, Notes, Preprocessing
from .tables import DIGITS, Table
from .targets import Target, find_target
from .values import Notation

IN_MEMORY = 2 << 30  # bytes of inputs beyond which they are kept in a file


@dataclass
class Choices:
    """What the user says about the columns.

    Attributes
    ----------
    target : str
    task : str, optional
    drop, category, number : list of str
        Columns that are left out, or have that kind whatever they hold.
    valid : float
        The share of the rows that is set aside for validation.
    seed : int
    """

    target: str
    task: str | None
    drop: list[str]
    category: list[str]
    number: list[str]
    valid: float
    seed: int


@dataclass
class Dataset:
    """What is trained on.

    Attributes
    ----------
    X : ndarray of shape (n, width), float32
        The training rows, then the validation rows.
    y : ndarray of shape (n,)
        Class numbers, or standardized numbers as float32.
    training : int
        How many rows are training rows.
    preprocessing : Preprocessing
    target : Target
    left_out : dict
        The columns that are not used, with the reason.
    notes : list of str
        What the user should know.
    stratified : bool
        Whether both parts have the same share of each class.
    """

    X: Array
    y: Array
    training: int
    preprocessing: Preprocessing
    target: Target
    left_out: dict[str, str]
    notes: list[str]
    stratified: bool


def prepare(
    table: Table, choices: Choices, notation: Notation, folder: Path, told: Callable[[str, int], None]
) -> Dataset:
    """Read a table three times.

    Parameters
    ----------
    table : Table
    choices : Choices
    notation : Notation
    folder : Path
        Where a large array's temporary file is made; it has no name there.
    told : callable
        Gets what is being done and the number of rows so far.

    Raises
    ------
    BadInput
        For whatever in the file can't be used, with its place.
    """
    _check_names(table, choices)
    names = [name for name in table.columns if name not in choices.drop]
    summaries = {name: Summary() for name in names}
    rows = 0
    for chunk in table.chunks():
        for name, summary in summaries.items():
            summary.look(chunk.columns[name], chunk, notation)
        rows += len(chunk)
        told("looking at the columns", rows)
    if not rows:
        raise BadInput(f"{table.name}: there is a header and no row below it")
    summary = summaries.pop(choices.target)
    target = find_target(choices.target, summary, choices.task, notation, table.name)
    kinds, left_out = _kinds(table.name, summaries, choices)
    left_out |= dict.fromkeys(choices.drop, "--drop")
    y = np.concatenate([target.encode(chunk, notation, table.name) for chunk in table.chunks()])
    order, training, notes, stratified = _split(y, target, choices)
    place = np.empty(rows, np.intp)
    place[order] = np.arange(rows)
    preprocessing = _learn(table, kinds, place < training, notation, told)
    y = y[order]
    if target.task == "regression":
        target.mean, target.scale = float(y[:training].mean()), float(y[:training].std()) or 1.0
        if not np.isfinite([target.mean, target.scale]).all():
            raise BadInput(f"{table.name}: the target {shown(target.name)} has values too large to compute with")
        y = ((y - target.mean) / target.scale).astype(np.float32)
    X, met = _fill(table, preprocessing, place, folder, told)
    return Dataset(X, y, training, preprocessing, target, left_out, notes + met.lines(), stratified)


def _check_names(table: Table, choices: Choices) -> None:
    """Raise where a column that the user names is not there, or there is no other than the target."""
    if len(table.columns) == 1:
        delimiter = getattr(table, "delimiter", "")
        hint = f", with the delimiter {shown(delimiter)}; name another with --delimiter" if delimiter else ""
        raise BadInput(f"{table.name}: there is one column only, {shown(table.columns[0])}{hint}")
    if choices.target not in table.columns:
        raise no_such_column(choices.target, table.columns, table.name)
    named = {"--drop": choices.drop, "--category": choices.category, "--number": choices.number}
    for option, names in named.items():
        for name in names:
            if name not in table.columns:
                raise no_such_column(name, table.columns, f"{option}: {table.name}")
            if name == choices.target:
                raise BadInput(f"{option} {shown(name)}: that is the target" + "; see --task" * (option != "--drop"))


def _kinds(owner: str, summaries: dict[str, Summary], choices: Choices) -> tuple[dict[str, str], dict[str, str]]:
    """The kind of each column that is used, and the reasons of those that are not."""
    kinds, left_out = {}, {}
    for name, summary in summaries.items():
        if name in choices.category and summary.present:
            kinds[name], reason = "category", ""
        elif name in choices.number and summary.present:
            if summary.numbers < summary.present:
                check_numbers(name, summary, owner)
                text, place = summary.odd or ("a date", "")
                raise BadInput(f"{owner}: {place}, column {shown(name)}: {shown(text)} is not a number")
            check_finite(name, summary, owner)
            kinds[name], reason = "number", ""
        else:
            kinds[name], reason = kind_of(name, summary, owner)
        if reason:
            del kinds[name]
            left_out[name] = reason
    if not kinds:
        reasons = "; ".join(f"{shown(name)}: {reason}" for name, reason in list(left_out.items())[:3])
        raise BadInput(f"{owner}: no column is left to learn from" + (f" ({reasons})" if reasons else ""))
    return kinds, left_out


def _split(y: Array, target: Target, choices: Choices) -> tuple[Array, int, list[str], bool]:
    """The order of the rows, training rows first; how many these are; what is odd; whether classes have their share."""
    rows = len(y)
    notes: list[str] = []
    if rows < 2 or (choices.valid and rows < 4):
        raise BadInput(f"{counted(rows, 'row')} can't be split into training and validation; give more rows")
    valid = round(choices.valid * rows)
    if choices.valid and not 1 <= valid <= rows - 2:
        raise BadInput(
            f"--valid {choices.valid:g} of {counted(rows, 'row')} leaves {rows - valid} for training and {valid} for "
            "validation; both need some"
        )
    every = np.arange(rows)
    if not valid:
        return every, rows, notes, False
    from sklearn.model_selection import train_test_split

    strata = None
    if target.task == "classification":
        counts = np.bincount(y, minlength=len(target.classes))
        rare = [target.classes[k] for k in np.flatnonzero(counts < 2)]
        if rare:
            notes.append(f"{'class' if len(rare) == 1 else 'classes'} {listed(rare)}: one row only")
        elif min(valid, rows - valid) >= len(target.classes):
            strata = y
    training, held_out = train_test_split(every, test_size=valid, random_state=choices.seed, stratify=strata)
    order = np.concatenate([np.sort(training), np.sort(held_out)])
    if target.task == "classification":
        seen = np.bincount(y[training], minlength=len(target.classes)) > 0
        if seen.sum() < 2:
            raise BadInput("the training part has one class only; give more rows, or another --seed")
        if not seen.all():
            absent = [target.classes[k] for k in np.flatnonzero(~seen)]
            notes.append(f"no training row has the class {listed(absent)}; the model can't know it")
    return order, len(training), notes, strata is not None


def _learn(
    table: Table, kinds: dict[str, str], chosen: Array, notation: Notation, told: Callable[[str, int], None]
) -> Preprocessing:
    """Means, scales and categories of the chosen rows (a mask over all)."""
    learners = [Learner(name, kind) for name, kind in kinds.items()]
    start = 0
    with np.errstate(over="ignore", invalid="ignore"):
        for chunk in table.chunks():
            taken = chosen[start : start + len(chunk)]
            start += len(chunk)
            _check_length(table, start, len(chosen))
            for learner in learners:
                learner.add(chunk, taken, notation, table.name)
            told("learning means and categories", start)
    found = [learner.learned() for learner in learners]
    for feature in found:
        if not np.isfinite([feature.mean, feature.scale]).all():
            raise BadInput(f"{table.name}: the column {shown(feature.name)} has values too large to compute with")
    return Preprocessing(found, notation)


def _fill(
    table: Table, preprocessing: Preprocessing, place: Array, folder: Path, told: Callable[[str, int], None]
) -> tuple[Array, Notes]:
    """The inputs of all rows, each at its place, and what was met."""
    shape = len(place), preprocessing.width
    if shape[0] * shape[1] * 4 > IN_MEMORY:
        with tempfile.TemporaryFile(dir=folder) as file:  # the array keeps it open; nothing is left of it afterwards
            X: Array = np.memmap(file, np.float32, "w+", shape=shape)
    else:
        X = np.empty(shape, np.float32)
    notes, start = Notes(), 0
    for chunk in table.chunks():
        end = start + len(chunk)
        _check_length(table, end, len(place))
        X[place[start:end]] = preprocessing.encode(chunk, table.name, notes)
        start = end
        told("encoding", start)
    return X, notes


def _check_length(table: Table, rows: int, expected: int) -> None:
    """Raise where there are more rows than at the first reading."""
    if rows > expected:
        raise BadInput(f"{table.name}: the file changed while it was read; start again")


def digest(path: str) -> str:
    """SHA-256 of a file; of the digits, which are in no file, their name."""
    if path == DIGITS and not Path(path).exists():
        return DIGITS
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
