"""The errors of files, each in one line: what is wrong with the contents, and what the system refused.

It reads and writes nothing. Read next: ``foreign.py``.
"""

from __future__ import annotations

import errno
import os
from typing import Any

PROBLEMS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the file would be larger than this process may write (see `ulimit -f`)",
    errno.EACCES: "no permission",
    errno.EPERM: "no permission",
    errno.EROFS: "the file system is read-only",
    errno.ENOENT: "there is no such file or folder",
    errno.ENOTDIR: "a part of the path is a file, not a folder",
    errno.EISDIR: "this is a folder; name a file in it",
    errno.ELOOP: "a symbolic link leads to itself",
    errno.ENAMETOOLONG: "the name is too long",
}


class FileError(ValueError):
    """A file whose contents are refused: damaged, of another format, or not fitting what it is loaded into.

    The message is one line, which names the file. What the system refuses (no such file, no permission, a full disk)
    is an OSError, as everywhere in Python.
    """


def in_words(owner: str, error: OSError, path: str, after: str = "") -> OSError:
    """The same error of the system, with the operation, the path, the reason and what is left as it was."""
    reason = PROBLEMS.get(error.errno or 0) or error.strerror or str(error)
    return OSError(error.errno or 0, f"{owner}: {reason}{after}", path)


def path_of(owner: str, path: Any) -> str:
    """`path` as a string, or an error that says what it is instead."""
    try:
        text = os.fsdecode(path)
    except TypeError:
        raise TypeError(f"{owner}: path: expected a str or a path-like object, got {type(path).__name__}") from None
    if not text or "\0" in text:
        raise ValueError(f"{owner}: {text!r} is no path: it {'holds a zero byte' if text else 'is empty'}")
    return text


def shown(text: Any, limit: int = 80) -> str:
    """What a file holds, as an error shows it: in quotes, without control characters, and no longer than `limit`."""
    quoted = repr(text)
    return quoted if len(quoted) <= limit else f"{quoted[: limit - 2]}…{quoted[0]}"


def one_line(error: BaseException, limit: int = 600) -> str:
    """The message of another error as a part of one line; what in it comes from a file, can't move the cursor."""
    text = "; ".join(line.strip() for line in str(error).split("\n") if line.strip()) or type(error).__name__
    text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text[: limit + 1])
    return text if len(text) <= limit else f"{text[:limit]}…"
