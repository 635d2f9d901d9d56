"""A file that is there whole or not at all: written beside its place, flushed to the disk, then put there by a rename.

It knows bytes and no format. Read next: ``checkpoints.py``.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from pathlib import Path

TEMPORARY = re.compile(r"\.(?P<name>.+)\.(?P<process>\d+)-[0-9a-f]{8}\.tmp")
_being_written: set[str] = set()  # the temporary files of this process, by name


def write(path: Path, data: bytes) -> None:
    """Put `data` at `path`, or raise OSError and leave what is there.

    A process that is killed leaves at most a temporary file, which the next `swept` removes. The folder is
    flushed too: before that a power failure could take the rename back.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    _being_written.add(temporary.name)
    try:
        with open(os.open(temporary, flags, 0o666), "wb") as file:  # not mkstemp, which would hide it from the group
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:  # Ctrl-C as well
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    finally:
        _being_written.discard(temporary.name)
    flush_folder(path.parent)


def flush_folder(folder: Path) -> None:
    """Have the names in a folder on the disk; where a system has no such call, nothing."""
    if os.name != "posix":
        return
    place = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(place)
    finally:
        os.close(place)


def swept(folder: Path, target: re.Pattern[str]) -> list[str]:
    """Remove the temporary files that killed processes left of files named like `target`; their names."""
    removed = []
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            found = TEMPORARY.fullmatch(entry.name)
            if found and target.fullmatch(found["name"]) and not _in_use(entry.name, int(found["process"])):
                with contextlib.suppress(OSError):  # another process was faster, or (on Windows) it is open
                    os.unlink(entry.path)
                    removed.append(entry.name)
    return removed


def _in_use(name: str, process: int) -> bool:
    """Whether the process of that number is writing this temporary file, as far as this machine can tell."""
    if process == os.getpid():  # in a container, a killed process and the next often have the same number
        return name in _being_written
    if os.name != "posix":
        return False  # there an open file can't be removed anyway, and os.kill(…, 0) does something else
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # it belongs to somebody else
        return True
    return True
