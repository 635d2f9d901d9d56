"""One safetensors file as arrays and texts, and back: checked on the way in, and with a checksum on the way out.

The format is read and written by the ``safetensors`` library. Around it stands what that can't know: how long the file
is before memory is asked for, names that come twice, and whether a bit has flipped since it was written. It knows no
module and no folder. Read next: ``weights.py``.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import stat
from collections.abc import Mapping
from operator import itemgetter
from typing import Any, BinaryIO

import numpy as np

from ..arrays import Array
from .errors import FileError, in_words, one_line, shown
from .foreign import kind_of

HEADER_LIMIT = 1 << 24  # bytes of names and texts: 100,000 tensors; a header is parsed before it can be believed
CHECKSUM = "tinytensor.sha256"
FORMAT = "tinytensor.format"

# By the format's names; the format is little-endian on every machine.
DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "C64": "<c8", "BOOL": "|b1",
    "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "|i1", "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "|u1",
}  # fmt: skip
CODES = {np.dtype(dtype): code for code, dtype in DTYPES.items()}

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def library(owner: str) -> Any:
    """The safetensors library, or an error that says how to get it."""
    try:
        import safetensors.numpy
    except ImportError:
        raise ImportError(f"{owner} needs safetensors: pip install 'tinytensor[io]'") from None
    return safetensors


# ------------------------------------------------------------------------------------------- to bytes


def to_bytes(owner: str, arrays: Mapping[str, Array], texts: Mapping[str, str], allow_nan: bool = True) -> bytes:
    """The contents of a file with these arrays and texts, and their checksum."""
    safetensors = library(owner)
    dense: dict[str, Array] = {}
    for name, array in arrays.items():
        if problem := name_problem(name):
            raise ValueError(f"{owner}: {problem}")
        if array.dtype.newbyteorder("=") not in CODES:
            kinds = "floats of 16, 32 or 64 bits, integers, booleans and complex64"
            raise TypeError(f"{owner}: {shown(name)} has dtype {array.dtype}, and the format holds {kinds}; cast it")
        if not allow_nan and (problem := nan_problem(name, array)):
            raise ValueError(f"{owner}: {problem}; nothing was written (allow_nan=True writes it)")
        dense[name] = np.asarray(array, array.dtype.newbyteorder("<"), order="C")
    texts = {**texts, FORMAT: "1"}
    data: bytes = safetensors.numpy.save(dense, {**texts, CHECKSUM: digest(dense, texts)})
    if int.from_bytes(data[:8], "little") > HEADER_LIMIT:  # it could not be read again
        raise ValueError(
            f"{owner}: the names and texts take more than {HEADER_LIMIT >> 20} MiB; put long lists into arrays"
        )
    return data


def digest(arrays: Mapping[str, Array], texts: Mapping[str, str]) -> str:
    """SHA-256 of the texts, and of name, dtype, shape and bytes of every array, in the order of the names."""
    names = sorted(arrays)
    described = [[name, CODES[arrays[name].dtype.newbyteorder("=")], list(arrays[name].shape)] for name in names]
    found = hashlib.sha256(json.dumps([sorted(texts.items()), described]).encode())
    for name in names:
        array = arrays[name].reshape(-1)
        found.update(array.astype(array.dtype.newbyteorder("<"), copy=False).view(np.uint8).data)
    return found.hexdigest()


def name_problem(name: Any) -> str:
    """What is wrong with the name of an array, in words; a name may become that of a file or be shown in a terminal."""
    if not isinstance(name, str):
        return f"a name of an array is {shown(name)}, not a str"
    if _CONTROL.search(name):
        return f"the name {shown(name)} holds a control character"
    if name == "__metadata__":
        return "'__metadata__' is the format's own name for texts; rename the array"
    parts = re.split(r"[/\\]", name)
    if ".." in parts or (len(parts) > 1 and (not parts[0] or parts[0].endswith(":"))):
        return f"the name {shown(name)} leads out of a folder, as a path; rename it"
    return ""


def nan_problem(name: str, array: Array) -> str:
    """How many elements are not a number, in words."""
    count = int(np.isnan(array).sum()) if array.dtype.kind in "fc" else 0
    return f"{shown(name)} holds NaN ({count:,} of {array.size:,} elements)" if count else ""


# ----------------------------------------------------------------------------------------- from bytes


def read(owner: str, path: str, allow_nan: bool = True) -> tuple[dict[str, Array], dict[str, str], bool]:
    """The arrays and texts of a file, and whether its checksum was there (it has been checked then).

    Raises
    ------
    FileError
        Where the contents are not what the format, or the checksum, says.
    OSError
        Where the system can't read it.
    """
    safetensors = library(owner)
    try:
        data, texts = _contents(path)
        arrays = _decoded(safetensors, path, data)
    except OSError as error:
        raise in_words(owner, error, path) from None
    except MemoryError:
        raise FileError(f"{path}: there is not enough memory to read it") from None
    given = texts.pop(CHECKSUM, None)
    if (given is not None or FORMAT in texts) and given != digest(arrays, texts):
        raise FileError(f"{path}: damaged: the checksum does not fit the contents; take another copy")
    if texts.pop(FORMAT, "1") != "1":
        raise FileError(f"{path}: written by a newer tinytensor; upgrade to read it")
    if not allow_nan:
        for name, array in arrays.items():
            if problem := nan_problem(name, array):
                raise FileError(f"{path}: {problem}; allow_nan=True loads it")
    return arrays, texts, given is not None


def _contents(path: str) -> tuple[bytes, dict[str, str]]:
    """All bytes of a file whose header is sound, and the texts in that."""
    # Not waiting for a writer, as opening a named pipe would.
    with open(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)), "rb") as file:
        status = os.fstat(file.fileno())
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, "is a folder")
        if not stat.S_ISREG(status.st_mode):
            raise FileError(f"{path}: not a file but a pipe, socket or device")
        start, header = _header(path, file, status.st_size)
        texts, end = _believed(path, header)
        rest = status.st_size - len(start) - len(header)
        if end != rest:
            known = "truncated" if end > rest else "followed by other bytes"
            raise FileError(f"{path}: {known}: the arrays take {end:,} bytes, the file has {rest:,} for them")
        file.seek(0)
        data = file.read(status.st_size)
    if len(data) != status.st_size or not data.startswith(start + header):
        raise FileError(f"{path}: changed while it was read; read it again")
    return data, texts


def _header(path: str, file: BinaryIO, size: int) -> tuple[bytes, bytes]:
    """The first eight bytes and the header they promise, which is read only where it can be there."""
    start = file.read(9)
    if kind := kind_of(start):
        raise FileError(f"{path}: not safetensors but {kind}")
    if size < 10:
        raise FileError(f"{path}: {'empty' if not size else f'truncated: {size} bytes are no safetensors file'}")
    length = int.from_bytes(start[:8], "little")
    if start[8:9] != b"{":
        raise FileError(f"{path}: not a safetensors file: there is no header at its beginning")
    if length > size - 8:
        raise FileError(f"{path}: truncated or damaged: a header of {length:,} bytes in a file of {size:,}")
    if length > HEADER_LIMIT:
        raise FileError(f"{path}: a header of {length:,} bytes; at most {HEADER_LIMIT:,} are read")
    return start[:8], start[8:] + file.read(length - 1)


def _believed(path: str, header: bytes) -> tuple[dict[str, str], int]:
    """The texts of a header, and where the last array ends; the library checks the rest."""
    try:
        found = json.loads(header.decode("utf-8"), object_pairs_hook=_unique)
        texts = found.pop("__metadata__", {}) if isinstance(found, dict) else None
        if not isinstance(texts, dict) or not all(isinstance(text, str) for text in texts.values()):
            raise ValueError("the header is not a table of arrays, with texts in __metadata__")
        for name in found:
            if problem := name_problem(name):
                raise ValueError(problem)
        ends = [entry["data_offsets"][1] for entry in found.values()]
        if not all(type(end) is int for end in ends):
            raise ValueError("an offset is no whole number")
        for name, entry in found.items():
            if isinstance(code := entry.get("dtype"), str) and code not in DTYPES:
                hint = (
                    "; convert it in PyTorch: tensor.float()"
                    if code == "BF16" or code[:2] in ("F4", "F6", "F8")
                    else ""
                )
                raise ValueError(f"{shown(name)} has dtype {shown(code)}, which NumPy has not{hint}")
    except UnicodeDecodeError:
        raise FileError(f"{path}: refused: the header is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise FileError(f"{path}: refused: the header is not JSON: {error.msg}") from None
    except ValueError as error:
        raise FileError(f"{path}: refused: {one_line(error)}") from None
    except (LookupError, TypeError, AttributeError, RecursionError):
        raise FileError(f"{path}: refused: the header is not a table of arrays") from None
    return texts, max(ends, default=0)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object as a dict, where no name comes twice: of two, readers would take different ones."""
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {shown(twice)} comes twice")
    return found


def _decoded(safetensors: Any, path: str, data: bytes) -> dict[str, Array]:
    """The arrays in the order of their names, by the library; each has its own memory."""
    arrays: dict[str, Array] = {}
    try:
        for name, entry in sorted(safetensors.deserialize(data), key=itemgetter(0)):
            dtype = np.dtype(DTYPES[entry["dtype"]])
            # A bytearray of the library's own: nobody else writes to it, so it need not be copied.
            array: Array = np.ndarray(tuple(entry["shape"]), dtype, bytearray_of(entry["data"]))
            if dtype.kind == "b" and (array.view(np.uint8) > 1).any():
                raise ValueError(f"{shown(name)} holds booleans that are neither 0 nor 1")
            arrays[name] = array.astype(dtype.newbyteorder("="), copy=False)
    except (safetensors.SafetensorError, ValueError, TypeError, LookupError, OverflowError) as error:
        raise FileError(f"{path}: refused: {one_line(error)}") from None
    return arrays


def bytearray_of(data: Any) -> bytearray:
    """`data` itself where it can be written to; some versions of the library give bytes."""
    return data if isinstance(data, bytearray) else bytearray(data)
