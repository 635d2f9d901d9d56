"""What ends a command early, and the exit status of each. Read next: ``arguments.py``."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

FAILED, BAD_INPUT = 1, 2


class Problem(Exception):
    """A command that can't go on: its message is one line for the user, `status` the exit status."""

    status = FAILED


class BadInput(Problem):
    """The user can mend it: an argument, a file, a value in a file."""

    status = BAD_INPUT


def shown(text: object, limit: int = 40) -> str:
    """A value of a file as an error shows it: quoted, without control characters, not too long."""
    quoted = repr(str(text))
    return quoted if len(quoted) <= limit else f"{quoted[: limit - 2]}…'"


def listed(names: Iterable[object], most: int = 6) -> str:
    """Names in quotes, of many only the first."""
    every = list(names)
    words = ", ".join(shown(name) for name in every[:most])
    return f"{words} and {len(every) - most:,} more" if len(every) > most else words


def counted(count: int, noun: str, several: str | None = None) -> str:
    """The count with its noun."""
    return f"{count:,} {noun if count == 1 else several or noun + 's'}"


def no_such_column(name: str, columns: Iterable[str], owner: str) -> BadInput:
    """The error for a column that is not there, with what may have been meant."""
    columns = list(columns)
    folded = {column.casefold(): column for column in columns}
    near = get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    hint = f"did you mean {shown(folded[near[0]])}?" if near else f"the columns are {listed(columns, 12)}"
    return BadInput(f"{owner} has no column {shown(name)}; {hint}")
