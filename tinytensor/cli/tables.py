"""Tables in files, as chunks of columns: what every kind of file becomes, and which reader reads which.

It knows no type of a column beyond what a file says itself, and no target. Read next: ``csv_files.py``, then
``columns.py``.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ..arrays import Array
from .errors import BadInput, shown

ROWS = 10_000  # rows of a chunk
DIGITS = "digits"  # the name of the demonstration's data, where no file has it

Column = list[str] | Array  # texts as they stand in the file; or numbers, booleans, dates where the file has types


@dataclass
class Chunk:
    """Some rows of a table.

    Attributes
    ----------
    columns : dict
        The values by the column's name.
    places : sequence of int
        For each row its number as an error tells it.
    unit : str
        What that number counts: the "line" of a text, or the "row".
    """

    columns: dict[str, Column]
    places: Sequence[int]
    unit: str = "row"

    def __len__(self) -> int:
        return len(self.places)

    def where(self, row: int) -> str:
        """The place of a row in words."""
        return f"{self.unit} {self.places[row]:,}"


class Table(Protocol):
    """A file with named columns, which can be read from its beginning any number of times."""

    name: str  # as the user wrote it

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""

    def chunks(self) -> Iterator[Chunk]:
        """The rows in order, some at a time."""


@dataclass
class Reading:
    """How to read a text file: what the user said about it; None is found out.

    Attributes
    ----------
    delimiter, encoding : str, optional
    decimal : str
        The sign between the ones and the tenths.
    thousands : str
        The sign between groups of three digits, or none.
    missing : list of str
        Texts that mean "no value", beside the usual ones.
    """

    delimiter: str | None = None
    encoding: str | None = None
    decimal: str = "."
    thousands: str = ""
    missing: list[str] = field(default_factory=list)


@dataclass
class Arrays:
    """A table that is in memory."""

    name: str
    values: dict[str, Any]

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return list(self.values)

    def chunks(self) -> Iterator[Chunk]:
        """Slices of all columns."""
        count = len(next(iter(self.values.values())))
        for start in range(0, count, ROWS):
            part = slice(start, start + ROWS)
            rows = range(start + 1, min(start + ROWS, count) + 1)
            yield Chunk({name: column[part] for name, column in self.values.items()}, rows)


def open_table(path: str, reading: Reading) -> Table:
    """The table in a file, by the ending of its name; ``digits`` is scikit-learn's, where there is no such file.

    Raises
    ------
    BadInput
        Where there is no such file, or it holds no table.
    """
    place = Path(path)
    if path == DIGITS and not place.exists():
        return digits()
    if not place.exists():
        raise BadInput(f"{path}: there is no such file")
    if not place.is_file():
        raise BadInput(f"{path}: this is a folder, not a file" if place.is_dir() else f"{path}: this is not a file")
    try:
        if not place.stat().st_size:
            raise BadInput(f"{path}: the file is empty")
        ending = place.suffix.lower()
        if ending == ".npz":
            return npz(path)
        if ending in (".parquet", ".pq"):
            from .parquet_files import ParquetTable

            return ParquetTable(path)
        from .csv_files import CsvTable

        return CsvTable(path, reading)
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}") from None


def digits() -> Arrays:
    """1,797 handwritten digits of 8 × 8 pixels, from scikit-learn."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise BadInput("the digits come with scikit-learn: pip install 'tinytensor[cli]'") from None
    X, y = load_digits(return_X_y=True)
    values: dict[str, Any] = {f"pixel_{k // 8}_{k % 8}": X[:, k] for k in range(64)}
    return Arrays(DIGITS, values | {"digit": y})


def npz(path: str) -> Arrays:
    """The arrays `X` (its columns are called x0, x1, …) and, where it is there, `y`."""
    try:
        with np.load(path, allow_pickle=False) as file:
            found = {name: file[name] for name in ("X", "y") if name in file.files}
            names = file.files
    except (ValueError, zipfile.BadZipFile, EOFError, KeyError, NotImplementedError) as error:
        raise BadInput(f"{path}: not an .npz file of plain arrays: {str(error).splitlines()[0]}") from None
    except MemoryError:
        raise BadInput(f"{path}: its arrays are larger than the memory; Parquet and CSV are read in parts") from None
    if "X" not in found:
        raise BadInput(f"{path}: there is no array 'X' (there are: {', '.join(map(shown, names)) or 'none'})")
    X, y = found["X"], found.get("y")
    if X.ndim < 2 or not X.size or X.dtype.kind not in "biuf":
        raise BadInput(f"{path}: X has shape {X.shape} and dtype {X.dtype}; expected numbers in rows and columns")
    X = X.reshape(len(X), -1)
    values: dict[str, Any] = {f"x{k}": X[:, k] for k in range(X.shape[1])}
    if y is not None:
        if y.shape != (len(X),) or y.dtype.kind not in "biufU":
            raise BadInput(f"{path}: y has shape {y.shape} and dtype {y.dtype}; expected one value for each row of X")
        values["y"] = y.tolist() if y.dtype.kind == "U" else y
    return Arrays(path, values)
