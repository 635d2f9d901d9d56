"""Parquet files as tables, through pyarrow, where that is installed. Read next: ``columns.py``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .errors import BadInput, listed
from .tables import ROWS, Chunk, Column


class ParquetTable:
    """A Parquet file, read in parts.

    Parameters
    ----------
    path : str

    Raises
    ------
    BadInput
        Where pyarrow is not there, or can't read the file.
    """

    def __init__(self, path: str) -> None:
        try:
            import pyarrow
            import pyarrow.parquet
        except ImportError:
            raise BadInput(f"{path}: Parquet files are read with pyarrow: pip install pyarrow") from None
        self.name = self._path = path
        self._arrow = pyarrow
        try:
            self._schema = pyarrow.parquet.read_schema(path)
        except pyarrow.ArrowException as error:
            raise BadInput(f"{path}: not a Parquet file: {str(error).splitlines()[0]}") from None
        self.columns: list[str] = list(self._schema.names)
        if len(set(self.columns)) != len(self.columns):
            twice = [name for name in dict.fromkeys(self.columns) if self.columns.count(name) > 1]
            raise BadInput(f"{path}: there is more than one column called {listed(twice)}")

    def chunks(self) -> Iterator[Chunk]:
        """The rows, some at a time."""
        start = 1
        try:
            with self._arrow.parquet.ParquetFile(self._path) as file:
                for batch in file.iter_batches(batch_size=ROWS):
                    columns = {name: self._column(name, batch.column(name)) for name in self.columns}
                    yield Chunk(columns, range(start, start + batch.num_rows))
                    start += batch.num_rows
        except self._arrow.ArrowException as error:
            raise BadInput(f"{self.name}: damaged near row {start:,}: {str(error).splitlines()[0]}") from None

    def _column(self, name: str, values: Any) -> Column:
        """Numbers, booleans and dates as arrays, all else as texts; what is missing is nan, or an empty text."""
        types, kind = self._arrow.types, values.type
        if types.is_dictionary(kind):
            values = values.dictionary_decode()
            kind = values.type
        if types.is_decimal(kind) or types.is_integer(kind) or types.is_floating(kind):
            array: Column = values.cast(self._arrow.float64(), safe=False).to_numpy(zero_copy_only=False)
            return array
        if types.is_temporal(kind) and not types.is_duration(kind) and not types.is_time(kind):
            return values.cast(self._arrow.timestamp("us"), safe=False).to_numpy(zero_copy_only=False)
        if types.is_nested(kind) or types.is_binary(kind) or types.is_large_binary(kind):
            raise BadInput(f"{self.name}: the column {name!r} holds {kind}; leave it out of the file")
        return ["" if value is None else str(value).strip() for value in values.to_pylist()]
