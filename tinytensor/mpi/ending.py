"""The end of a job of many processes: no rank may wait for ever for one that is gone.

A rank that fails has to end the others, which wait within MPI, where they hear nothing: an exception that nobody
catches is printed and aborts the job. A rank that mpiexec ends, since another died, says so first. Read
next: ``optimizer.py``, which keeps the ranks in step.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

unfinished: list[Any] = []  # optimizers that other ranks may still wait for, in the order of their first steps
_world: Any = None  # the communicator of all, once there is one


def prepare(world: Any) -> None:
    """Once in a process of a job of several: have failures end the job."""
    global _world
    if _world is not None:
        return
    _world = world
    _abort_when_uncaught(sys.excepthook)
    atexit.register(_finish_all)
    if threading.current_thread() is threading.main_thread():
        _speak_when_terminated()


def say(text: str) -> None:
    """A line on standard error, with the rank before it, at once."""
    with contextlib.suppress(OSError, ValueError):
        os.write(2, f"tinytensor.mpi: rank {_world.Get_rank()}: {text}\n".encode())


def abort() -> None:
    """End all processes of the job."""
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    _world.Abort(1)


def _abort_when_uncaught(before: Callable[..., Any]) -> None:
    def hook(kind: Any, error: Any, traceback: Any) -> None:
        before(kind, error, traceback)
        say(f"ends the job, since the other ranks would wait for it for ever: {kind.__name__}")
        abort()

    sys.excepthook = hook


def _finish_all() -> None:
    """At the end of the program: see that every rank has made the same number of steps."""
    for optimizer in list(unfinished):
        try:
            optimizer.finish()
        except Exception as error:
            say(str(error))
            abort()


def _speak_when_terminated() -> None:
    """Say what happened when mpiexec ends this process: Python's own handlers don't run while MPI waits."""
    before = signal.set_wakeup_fd(-1)
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL or before != -1:
        signal.set_wakeup_fd(before)
        return  # somebody else takes care of signals
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    signal.signal(signal.SIGTERM, _nothing)
    spokesman = _world.Get_rank() <= 1  # 1 too, since it may be 0 that died

    def listen() -> None:
        while os.read(reading, 1)[0] != signal.SIGTERM:
            pass  # others are none of our business
        if spokesman:
            steps = max((optimizer.steps for optimizer in unfinished), default=0)
            say(
                f"told to end after step {steps}, as mpiexec does when another rank died (it says which) or it is "
                "stopped itself. To continue from the last checkpoint, start the job again"
            )
        if signal.getsignal(signal.SIGTERM) is _nothing:  # else the program has a handler, which may save
            os._exit(128 + signal.SIGTERM)

    threading.Thread(target=listen, name="tinytensor.mpi signals", daemon=True).start()


def _nothing(*_: Any) -> None:
    """The handler of SIGTERM: there has to be one of Python for the thread above to hear of the signal."""
