"""How many threads NumPy's BLAS may use: as many as there are free cores, looked at while training goes on.

OpenBLAS's threads wait for each other spinning. Alone on the machine they make large products faster; with fewer free
cores than threads they spend whole time slices waiting for a thread that cannot run, and a step takes 10 to 250 times
as long. So `share`, which ``engine.backward`` calls, counts 100 times a second what wants to run on this machine, and
gives cores back or takes free ones. Measurements and reasons: ``docs/blas.md``.
Read next: ``tensor.py``.
"""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic

import numpy as np

from .blas import left_alone

# A number of threads that the user set: OpenBLAS read it, and tinytensor leaves it.
VARIABLES = ("OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_DEFAULT_NUM_THREADS")

PERIOD = 0.01  # seconds between two looks at the machine: each costs 10 µs
WEIGHT = 0.25  # of the newest look in the mean; a program that runs for a moment now and then is no reason to act
CROWDED = 0.4  # threads too many, in the mean, from which on cores are given back
FREE = -0.7  # and from which on free ones are taken
SEARCH = 0.02  # the share of the time that may go into the search for limits that others hold (30 ms each, in torch)


@dataclass(frozen=True)
class OpenBlas:
    """The OpenBLAS that NumPy computes with, through its own C functions."""

    config: str
    kernel: str
    pthreads: bool  # threads of its own, not OpenMP's
    get_threads: Callable[[], int]
    set_threads: Callable[[int], object]


def find_openblas() -> OpenBlas | None:
    """NumPy's OpenBLAS, or None where NumPy has another BLAS.

    Examples
    --------
    >>> blas = find_openblas()
    >>> blas is None or blas.get_threads() >= 1
    True
    """
    try:
        library = ctypes.CDLL(np._core._multiarray_umath.__file__)  # type: ignore[attr-defined]
    except (AttributeError, OSError):
        return None
    # In NumPy's wheels, with 64-bit integers, and in the distributions' packages.
    for name in ("scipy_openblas_{}64_", "scipy_openblas_{}", "openblas_{}64_", "openblas_{}"):
        try:
            config, kernel = library[name.format("get_config")], library[name.format("get_corename")]
            parallel, get = library[name.format("get_parallel")], library[name.format("get_num_threads")]
            put = library[name.format("set_num_threads")]
        except AttributeError:
            continue
        config.restype = kernel.restype = ctypes.c_char_p
        put.restype, put.argtypes = None, [ctypes.c_int]
        return OpenBlas(config().decode(), kernel().decode(), parallel() == 1, get, put)
    return None


def runnable() -> int:
    """How many threads run or want to run on the machine now: the fourth number of ``/proc/loadavg``."""
    file = os.open("/proc/loadavg", os.O_RDONLY)
    try:
        return int(os.read(file, 128).split()[3].partition(b"/")[0])
    finally:
        os.close(file)


def quota() -> str:
    """The share of the CPUs that the container gives: "max" for all."""
    try:
        with open("/sys/fs/cgroup/cpu.max", encoding="ascii") as file:
            return file.read().split()[0]
    except (OSError, IndexError):
        return "max"


def reason_to_leave(blas: OpenBlas | None, environ: Mapping[str, str] = os.environ) -> str | None:
    """Why `share` leaves the number of threads as it is, in a few words; None where it does not."""
    if blas is None:
        return "NumPy's BLAS is not OpenBLAS"
    if left_alone(environ):
        return "TINYTENSOR_BLAS=leave"
    for name in VARIABLES:
        if name in environ:
            return f"{name}={environ[name]}"
    if not blas.pthreads:
        return "OpenBLAS has OpenMP's threads"
    if blas.get_threads() == 1:
        return "one thread was set"
    # The machine's count of running threads says nothing about a part of it.
    if not sys.platform.startswith("linux") or not os.path.exists("/proc/loadavg"):
        return "only Linux tells what runs"
    if len(os.sched_getaffinity(0)) != os.cpu_count() or quota() != "max":
        return "this process may use only a part of the machine"
    return None


def limit_is_held() -> bool:
    """Whether the program is inside of one of threadpoolctl's limits (or this cannot be told)."""
    module = sys.modules.get("threadpoolctl")
    if module is None:
        return False
    kinds: tuple[type, ...] = getattr(module, "threadpool_limits", object).__mro__[:-1]
    return not kinds or any(type(item) in kinds for item in gc.get_referrers(*kinds))


class Share:
    """Called again and again, it keeps the number of BLAS threads at the number of free cores.

    Parameters
    ----------
    get, put : callable
        What reads and what sets the number of threads.
    cores : int
        How many threads the machine can run at once.
    running : callable
        How many threads want to run, on the whole machine.
    clock : callable
        The time in seconds.
    held : callable
        Whether another program part holds a limit that must not be raised.

    Notes
    -----
    It never exceeds the number that it found. A number that it did not set is someone else's (threadpoolctl, joblib):
    as long as it is in force, nothing is done.

    Examples
    --------
    Two cores, two threads, and another program starts and ends:

    >>> threads, running, seconds = [2], [3], iter(range(100))
    >>> share = Share(lambda: threads[0], lambda n: threads.__setitem__(0, n), 2, lambda: running[0],
    ...               lambda: next(seconds), lambda: False)
    >>> share()
    >>> threads
    [1]
    >>> running[0] = 1
    >>> for _ in range(10):
    ...     share()
    >>> threads
    [2]
    """

    def __init__(
        self,
        get: Callable[[], int],
        put: Callable[[int], object],
        cores: int,
        running: Callable[[], int] = runnable,
        clock: Callable[[], float] = monotonic,
        held: Callable[[], bool] = limit_is_held,
    ) -> None:
        self._get, self._put, self._cores = get, put, cores
        self._running, self._clock, self._held = running, clock, held
        self._top = self._ours = get()
        self._mean: float | None = None
        self._due = self._may_take = float("-inf")

    def __call__(self) -> None:
        """Look at the machine, if the last look is long enough ago."""
        now = self._clock()
        if now < self._due:
            return
        self._due = now + PERIOD
        if self._get() != self._ours:
            return
        try:
            excess = self._running() - self._cores
        except (OSError, ValueError, IndexError):
            self._due = float("inf")
            return
        # The first look counts in full: a training that starts beside another one gives way at once.
        self._mean = excess if self._mean is None else self._mean + WEIGHT * (excess - self._mean)
        if self._mean > CROWDED and self._ours > 1:
            self._set(max(1, self._ours - max(1, excess // 2)))  # half: the other training gives way too
        elif self._mean < FREE and self._ours < self._top and now >= self._may_take:
            held = self._held()
            self._may_take = now + (self._clock() - now) / SEARCH
            if not held:
                self._set(min(self._top, self._ours + max(1, -excess // 2)))

    def _set(self, threads: int) -> None:
        self._put(threads)
        self._ours, self._mean = threads, 0.0


def _leave() -> None:
    """Nothing: the number of threads is left as it is."""


def make_share() -> Callable[[], None]:
    """What the engine calls once for each backward pass."""
    blas = find_openblas()
    if blas is None or reason_to_leave(blas) is not None:
        return _leave
    return Share(blas.get_threads, blas.set_threads, os.cpu_count() or 1)


share = make_share()
