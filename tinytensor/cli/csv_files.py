"""Text files with delimiters as tables: encoding, delimiter, header, quotes, and rows of the wrong length by line.

Python's own ``csv`` reads them, and not pandas: pandas fills a row that is too short and shortens one that is too long
without a word, and does not say on which line a value stood. It knows no types. Read next: ``columns.py``.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from .errors import BadInput, counted, listed, shown
from .tables import ROWS, Chunk, Reading

HELD = 16 << 20  # bytes of a file up to which its rows are kept after the first reading
SAMPLE = 1 << 16  # characters that the delimiter is found in
LONGEST = 1 << 20  # characters of a field
CHARACTERS = 1 << 22  # and of a chunk, about
DELIMITERS = ",;\t|"

_OTHERS = (
    (b"PK\x03\x04", "a zip archive or an Excel workbook; unpack it, or save the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook; save the sheet as CSV"),
    (b"\x1f\x8b", "compressed by gzip; unpack it first"),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd; unpack it first"),
    (b"BZh", "compressed by bzip2; unpack it first"),
    (b"\xfd7zXZ", "compressed by xz; unpack it first"),
    (b"PAR1", "a Parquet file; give it a name that ends in .parquet"),
    (b"\x93NUMPY", "an array of NumPy; np.savez('data.npz', X=…, y=…) makes a file that is read here"),
)


class CsvTable:
    """A text file with a header and delimiters.

    Parameters
    ----------
    path : str
    reading : Reading

    Raises
    ------
    BadInput
        Where it is no such file, or its header is no good.
    """

    def __init__(self, path: str, reading: Reading) -> None:
        self.name = self._path = path
        with open(path, "rb") as file:
            start = file.read(4)
        kind = next((words for bytes_, words in _OTHERS if start.startswith(bytes_)), None)
        if kind is not None:
            raise BadInput(f"{path}: {kind}")
        self._characters = 0  # since the last chunk
        self.encoding = _encoding(path, reading.encoding, start)
        self.delimiter = reading.delimiter or self._sniff()
        rows = self._rows()
        _, header = next(rows, (0, []))
        if not header:
            raise BadInput(f"{path}: the file holds no rows")
        self.columns = _names(path, header)
        self._held: list[Chunk] | None = None
        self._small = Path(path).stat().st_size <= HELD

    def chunks(self) -> Iterator[Chunk]:
        """The rows below the header; every row has as many fields as that."""
        if self._held is not None:
            yield from self._held
            return
        found = []
        for chunk in self._read():
            if self._small:
                found.append(chunk)
            yield chunk
        self._held = found if self._small else None

    def _read(self) -> Iterator[Chunk]:
        """The same, from the file."""
        rows, lines, self._characters = [], [], 0
        every = self._rows()
        next(every)
        for line, row in every:
            if len(row) != len(self.columns):
                raise self._ragged(line, row)
            rows.append(row)
            lines.append(line)
            if len(rows) == ROWS or self._characters > CHARACTERS:
                yield self._chunk(rows, lines)
                rows, lines, self._characters = [], [], 0
        if rows:
            yield self._chunk(rows, lines)

    def _chunk(self, rows: list[list[str]], lines: list[int]) -> Chunk:
        """Rows as columns, without the blanks around the values."""
        columns: dict[str, Any] = {
            name: list(map(str.strip, values))
            for name, values in zip(self.columns, zip(*rows, strict=True), strict=True)
        }
        return Chunk(columns, lines, "line")

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        """The lines that are not blank, with their numbers; of a row over several lines that of the first."""
        before = csv.field_size_limit(LONGEST)
        try:
            with open(self._path, encoding=self.encoding, newline="") as file:
                reader = csv.reader(self._counted(file), delimiter=self.delimiter, strict=True)
                line = 1
                for row in reader:
                    if row:
                        yield line, row
                    line = reader.line_num + 1
        except UnicodeError as error:
            raise self._undecodable(error) from None
        except csv.Error as error:
            raise BadInput(f"{self.name}: line {line:,}: {_explained(str(error))}") from None
        except MemoryError:
            raise BadInput(f"{self.name}: line {line:,}: a row larger than the memory") from None
        finally:
            csv.field_size_limit(before)

    def _counted(self, file: Iterable[str]) -> Iterator[str]:
        """The lines, whose characters are counted, so that chunks of long rows are short."""
        for line in file:
            self._characters += len(line)
            yield line

    def _sniff(self) -> str:
        """The delimiter with which most of the first rows have as many fields as the header.

        `csv.Sniffer` finds delimiters in texts too, and fails for a single column.
        """
        try:
            with open(self._path, encoding=self.encoding, newline="") as file:
                sample = file.read(SAMPLE)
        except UnicodeError as error:
            raise self._undecodable(error) from None
        best, best_worth = ",", (0.0, 0)
        for delimiter in DELIMITERS:
            rows = [row for row in csv.reader(sample.splitlines(True)[:50], delimiter=delimiter) if row]
            fields = len(rows[0]) if rows else 0
            worth = (sum(len(row) == fields for row in rows) / max(1, len(rows)), fields)
            if fields > 1 and worth > best_worth:
                best, best_worth = delimiter, worth
        return best

    def _ragged(self, line: int, row: list[str]) -> BadInput:
        """The error for a row with more or fewer fields than the header."""
        fields, expected = counted(len(row), "field"), len(self.columns)
        hint = f" (delimiter {shown(self.delimiter)})" if abs(len(row) - expected) > 1 else ""
        if len(row) > expected:
            hint = f"; a field that holds {shown(self.delimiter)} must stand in quotes"
        return BadInput(f"{self.name}: line {line:,} has {fields}, the header has {expected}{hint}")

    def _undecodable(self, error: UnicodeError) -> BadInput:
        """The error for a byte that the encoding has not, with its line."""
        line = 0
        decoder = codecs.getincrementaldecoder(self.encoding)()
        with open(self._path, "rb") as file:
            for text in file:
                line += 1
                try:
                    decoder.decode(text)
                except UnicodeError:
                    break
        encoding = self.encoding.removesuffix("-sig")
        hint = "; for a file from an older Excel try --encoding cp1252, or latin-1" if encoding == "utf-8" else ""
        found = getattr(error, "object", b"")[getattr(error, "start", 0) :][:1]
        byte = f" (byte 0x{found.hex()})" if isinstance(found, bytes) and found else ""
        return BadInput(f"{self.name}: line {line:,} is not in the encoding {encoding}{byte}{hint}")


def _encoding(path: str, given: str | None, start: bytes) -> str:
    """The encoding: what the user said, or UTF-8 with or without its mark."""
    if given is None:
        if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise BadInput(f"{path}: the file is in UTF-16; say so: --encoding utf-16")
        return "utf-8-sig"
    try:
        "".encode(given)
        name = codecs.lookup(given).name
    except (LookupError, ValueError):
        raise BadInput(f"--encoding {given}: there is no such encoding; for example utf-8, latin-1, cp1252") from None
    return "utf-8-sig" if name == "utf-8" else name


def _names(path: str, header: list[str]) -> list[str]:
    """The names of the columns, each of them once."""
    names = [name.strip() or f"column {position}" for position, name in enumerate(header, 1)]
    if any("\0" in name for name in names):
        raise BadInput(f"{path}: line 1 holds zero bytes; this is no text file")
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise BadInput(f"{path}: the header has {listed(twice)} more than once; each column needs a name of its own")
    return names


def _explained(message: str) -> str:
    """What the csv module says, with what to look for."""
    if "field larger" in message:
        return f"a field of more than {LONGEST:,} characters; is a quotation mark not closed?"
    if "unexpected end" in message:
        return 'a quotation mark (") is opened here, or below, and never closed'
    if "expected after" in message:
        return 'a quotation mark (") within a field; write it twice ("")'
    if "NUL" in message:
        return "a zero byte; this is no text file"
    return message
