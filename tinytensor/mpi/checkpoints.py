"""Checkpointer: checkpoints that rank 0 writes and reads, and that every rank continues from.

The folder need not be seen by the other ranks' machines. Read next: ``state.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import io
from ..io.states import _generators
from ..nn.module import Module
from .state import broadcast, tree_from
from .world import communicator


class Checkpointer(io.Checkpointer):
    """`tinytensor.io.Checkpointer` for a job of many processes: the same calls on every rank, one of which writes.

    A training can be continued on another number of ranks, also on one without MPI, where all batches together stay as
    large.

    Parameters
    ----------
    folder : str or path-like
        On rank 0's machine.
    keep : int or None
        How many are kept, the newest; None keeps all.
    allow_nan : bool
        Whether parts that hold NaN are saved.
    comm : mpi4py.MPI.Comm, optional
        The processes that train together; all of the job by default.

    Notes
    -----
    What is saved is rank 0's: parameters, buffers and the position in the data are the same on all ranks. Random
    generators in modules, such as dropout's, are not. After `restore` rank 0 continues its own, and each other rank
    a far-away part of that sequence (``bit_generator.jumped``), so that masks differ between the ranks; with
    dropout on several ranks a continued training is as good as an uninterrupted one, but not equal bit by bit.

    Examples
    --------
    >>> import tempfile
    >>> import tinytensor as tt
    >>> from tinytensor import mpi
    >>> model = tt.nn.Linear(3, 2)
    >>> optimizer = mpi.DistributedOptimizer(tt.optim.Adam(model.parameters()))
    >>> checkpoints = mpi.Checkpointer(tempfile.mkdtemp())
    >>> checkpoints.restore(model=model, optimizer=optimizer) is None  # nothing there yet
    True
    >>> checkpoints.save(1, model=model, optimizer=optimizer).name
    'checkpoint-00000001.safetensors'
    """

    def __init__(self, folder: Any, keep: int | None = 3, *, allow_nan: bool = False, comm: Any = None) -> None:
        super().__init__(folder, keep, allow_nan=allow_nan)
        self.comm = communicator(comm)

    def save(self, step: int, *, values: Mapping[str, Any] | None = None, **parts: Any) -> Path:
        """As `tinytensor.io.Checkpointer.save`, on rank 0; on the others nothing happens."""
        if self.comm.Get_rank():
            return self.path(step)
        return super().save(step, values=values, **parts)

    def restore(self, step: int | None = None, *, strict: bool = True, **parts: Any) -> io.Checkpoint | None:
        """As `tinytensor.io.Checkpointer.restore`, for all ranks; all have to call it."""
        found = None
        if self.comm.Get_rank() == 0:
            found = super().restore(step, strict=strict, **parts)
        if self.comm.Get_size() == 1:
            return found
        told = None if found is None else {"step": found.step, "values": found.values}
        told = tree_from(self.comm, 0, told)
        if told is None:
            return None
        broadcast(self.comm, **parts)
        for module in (part for part in parts.values() if isinstance(part, Module)):
            move_apart(module, self.comm.Get_rank())
        return io.Checkpoint(told["step"], told["values"], self.path(told["step"]))


def move_apart(module: Module, rank: int) -> None:
    """Give the generators in a module numbers that no other rank draws: dropout's, which share one."""
    generators = _generators(module).values() if rank else ()
    for generator in {id(generator): generator for generator in generators}.values():
        bits: Any = generator.bit_generator
        bits.state = bits.jumped(rank).state
