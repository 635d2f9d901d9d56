"""What a training survives by: checkpoints in a folder, and signals that are asked for between two batches.

It knows no estimator: a state is whatever that gives. Read next: ``folder.py``.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .errors import Problem

KEPT = 2  # checkpoints


class Interrupted(Problem):
    """A signal ended the training; `signal` is its number."""

    def __init__(self, number: int, message: str) -> None:
        super().__init__(message)
        self.status = 128 + number


class Signals:
    """Whether Ctrl-C was pressed or SIGTERM came, to be asked between two batches."""

    def __init__(self) -> None:
        self.number: int | None = None

    @contextmanager
    def caught(self, note: Callable[[str], None]) -> Iterator[Signals]:
        """Within, the first signal is only remembered; a second Ctrl-C ends the program at once."""
        if threading.current_thread() is not threading.main_thread():
            yield self
            return

        def remember(number: int, frame: Any) -> None:
            if self.number is not None and number == signal.SIGINT:
                # Not KeyboardInterrupt, which the estimator takes for the wish to have what is there.
                raise Interrupted(number, "stopped at once, what was not saved is lost")
            self.number = number
            note("stopping after this batch, to save; Ctrl-C again stops at once")

        before = {
            number: signal.signal(number, remember)
            for number in (signal.SIGINT, signal.SIGTERM)
            if signal.getsignal(number) != signal.SIG_IGN  # as nohup and a shell's & have it
        }
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class Checkpoints:
    """The states of a training in a folder; what is in them, only the estimator knows.

    Parameters
    ----------
    folder : Path
    every : float
        Seconds between two.
    """

    def __init__(self, folder: Path, every: float) -> None:
        from ..io import Checkpointer

        self.files, self.every = Checkpointer(folder, keep=KEPT), every
        self.written = time.monotonic()
        self._last: tuple[int, Any] | None = None
        self._saved = self.files.latest() or 0

    def restore(self) -> Any:
        """The newest state; None where there is none."""
        found = self.files.restore()
        if found is not None and "state" not in found.values:
            raise Problem(f"can't resume: {found.path} is no checkpoint of this command")
        return None if found is None else found.values["state"]

    def keep(self, epoch: int, state: Any) -> None:
        """Remember a state, and write it where it is time to."""
        self._last = epoch, state
        if time.monotonic() - self.written >= self.every:
            self.write()

    def write(self) -> int:
        """Write the newest state that is not written yet; the epochs that are in the folder now."""
        if self._last is not None and self._last[0] > self._saved:
            epoch, state = self._last
            try:
                self.files.save(epoch, values={"state": state})
            except OSError as error:
                raise Problem(f"can't write a checkpoint: {error}") from None
            self._saved = epoch
        self.written = time.monotonic()
        return self._saved

    def remove(self) -> None:
        """Remove them all: the training has ended."""
        for step in self.files.steps():
            self.files.path(step).unlink(missing_ok=True)
        if self.files.folder.is_dir():
            self.files.folder.rmdir()
