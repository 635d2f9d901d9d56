"""What a thread does with operations: whether it records them, and who is watching.

Nothing here knows what is recorded. Read next: ``engine.py``.
"""

from __future__ import annotations

import contextlib
import threading
from typing import Any


class _Mode(threading.local):
    recording = True  # each thread starts with its own
    checking = False  # whether `detect_anomaly` looks at every number
    tracer: Any = None  # the `compiler.trace.Trace` that watches this thread, if one does

    def __init__(self) -> None:
        self.before: list[bool] = []  # what to return to; here and not in the instance, which threads may share


mode = _Mode()


class _Recording(contextlib.ContextDecorator):
    """Set whether operations are recorded, for a block or a decorated function."""

    recording: bool

    def __enter__(self) -> None:
        mode.before.append(mode.recording)
        mode.recording = self.recording

    def __exit__(self, *exc: object) -> None:
        mode.recording = mode.before.pop()


class no_grad(_Recording):
    """Record nothing: for inference, and for updates of parameters. Per thread.

    Examples
    --------
    >>> import tinytensor as tt
    >>> x = tt.Tensor([1.0, 2.0], requires_grad=True)
    >>> with tt.no_grad():
    ...     y = x * 2
    >>> y.requires_grad
    False
    >>> @tt.no_grad()
    ... def predict(x):
    ...     return x * 2
    >>> predict(x).requires_grad
    False
    """

    recording = False


class enable_grad(_Recording):
    """Record again, within a `no_grad` block or function. Per thread.

    Examples
    --------
    >>> import tinytensor as tt
    >>> x = tt.Tensor([1.0, 2.0], requires_grad=True)
    >>> with tt.no_grad(), tt.enable_grad():
    ...     (x * 2).requires_grad
    True
    """

    recording = True


def is_grad_enabled() -> bool:
    """Whether this thread records operations.

    Examples
    --------
    >>> import tinytensor as tt
    >>> tt.is_grad_enabled()
    True
    """
    return mode.recording
