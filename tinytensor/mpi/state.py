"""What ranks have in common: comparing a description of it, and giving everyone rank 0's state.

Arrays travel as they are, all else as JSON; nothing is pickled. Read next: ``world.py``.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np

from ..io.states import check_parts, packed, put_back, taken, unpacked
from .world import communicator

Array = np.ndarray[Any, Any]


def same(comm: Any, owner: str, lines: list[str], hint: str) -> None:
    """Nothing, where all ranks give the same lines; otherwise an error on every rank, with the first that differs."""
    digests = np.empty((comm.Get_size(), 32), np.uint8)
    text = "\n".join(lines).encode()
    comm.Allgather(np.frombuffer(hashlib.sha256(text).digest(), np.uint8), digests)
    others = np.flatnonzero((digests != digests[0]).any(axis=1)).tolist()
    if not others:
        return
    here = bytes_from(comm, 0, text).decode().split("\n")
    there = bytes_from(comm, others[0], text).decode().split("\n")
    here += ["nothing"] * (len(there) - len(here))
    there += ["nothing"] * (len(here) - len(there))
    first = next((a, b) for a, b in zip(here, there, strict=True) if a != b)
    raise ValueError(
        f"{owner}: the ranks differ. Rank 0 has {first[0]}, rank {others[0]} has {first[1]}"
        + (f" (so do not agree: ranks {', '.join(map(str, others))})" if len(others) > 1 else "")
        + f". {hint}"
    )


def bytes_from(comm: Any, root: int, data: bytes) -> bytes:
    """What `root` has; the other ranks' `data` is not looked at."""
    length = np.array([len(data)], np.int64)
    comm.Bcast(length, root)
    buffer = np.frombuffer(data, np.uint8).copy() if comm.Get_rank() == root else np.empty(int(length[0]), np.uint8)
    comm.Bcast(buffer, root)
    return buffer.tobytes()


def tree_from(comm: Any, root: int, tree: Any) -> Any:
    """A tree of plain values and arrays as `root` has it."""
    arrays: dict[str, Array] = {}
    text = ""
    if comm.Get_rank() == root:
        arrays_of: dict[str, Array] = {}
        values = packed(tree, "state", arrays_of)
        arrays = {name: np.ascontiguousarray(array) for name, array in arrays_of.items()}
        kinds = [[name, a.dtype.str, list(a.shape)] for name, a in arrays.items()]
        text = json.dumps([values, kinds])
    values, kinds = json.loads(bytes_from(comm, root, text.encode()))
    for name, dtype, shape in kinds:
        array = arrays.setdefault(name, np.empty(shape, np.dtype(dtype)))
        comm.Bcast(array.reshape(-1).view(np.uint8), root)  # as bytes: MPI need not know the dtype
    return unpacked(values, arrays)


def broadcast(comm: Any = None, **parts: Any) -> None:
    """Have every rank take rank 0's state of some parts; where there is one process only, nothing happens.

    `DistributedOptimizer` does this for its parameters and buffers, `Checkpointer` for what it restores. Use it for
    more: modules with other state, or generators that all ranks draw the same from.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm, optional
        The processes meant; all of the job by default.
    **parts : Module, Optimizer, LRScheduler, Batches, numpy.random.Generator, or the like
        By names that are the same on all ranks.

    Raises
    ------
    TypeError, ValueError
        Where a part has no state, or rank 0's does not fit it.

    Examples
    --------
    >>> import tinytensor as tt
    >>> from tinytensor import mpi
    >>> model = tt.nn.Linear(3, 2)
    >>> mpi.broadcast(model=model)  # the weights of rank 0 on all ranks
    """
    check_parts("mpi.broadcast", parts)
    comm = communicator(comm)
    if comm.Get_size() == 1:
        return
    same(comm, "mpi.broadcast", sorted(parts), "Call it with the same parts everywhere.")
    states = tree_from(comm, 0, {name: taken(part) for name, part in parts.items()})
    for name, part in parts.items():
        if comm.Get_rank():
            put_back(part, states[name])
