"""Each rank's part of every batch: all ranks shuffle alike, and take their own rows.

It knows arrays by their first axis, like ``data.py``, and sends nothing while it is iterated. Read next:
``checkpoints.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .. import data
from ..optim.checks import whole
from . import state
from .world import communicator


def part(n: int, rank: int, size: int) -> slice:
    """Which of n rows are a rank's: runs of rows, whose lengths differ by one at most.

    Parameters
    ----------
    n : int
        The number of rows.
    rank, size : int
        Of the process, and of the job.

    Returns
    -------
    slice
        Empty where there are fewer rows than ranks before it.

    Examples
    --------
    >>> from tinytensor import mpi
    >>> [mpi.part(10, rank, 4) for rank in range(4)]
    [slice(0, 3, None), slice(3, 6, None), slice(6, 8, None), slice(8, 10, None)]
    """
    n, size = whole("mpi.part", "n", n, 0), whole("mpi.part", "size", size, 1)
    rank = whole("mpi.part", "rank", rank, 0)
    if rank >= size:
        raise ValueError(f"mpi.part: rank: expected a whole number below size={size}, got {rank}")
    each, more = divmod(n, size)
    start = rank * each + min(rank, more)
    return slice(start, start + each + (rank < more))


class DistributedBatches:
    """This rank's parts of the batches of a data set; `batches` makes one.

    Every rank gets the same number of parts. ``len`` counts them; an iteration is one epoch.
    """

    def __init__(self, X: Any, y: Any, rows: data.Batches, rank: int, size: int) -> None:
        self.X, self.y, self.rank, self.size = X, y, rank, size
        self._rows = rows  # the batches of all ranks together, as numbers of rows

    @property
    def epoch(self) -> int:
        """How many epochs were iterated to their end."""
        return self._rows.epoch

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Any]:
        return self._walk(iter(self._rows))

    def _walk(self, batches: Iterator[Any]) -> Iterator[Any]:
        for rows in batches:
            mine = rows[part(len(rows), self.rank, self.size)]
            x = data.take(self.X, mine)
            yield x if self.y is None else (x, data.take(self.y, mine))

    def state_dict(self) -> dict[str, Any]:
        """Where in the data the iteration is; the same on all ranks. See `Batches.state_dict`.

        It fits any number of ranks whose batches together are as large.
        """
        return self._rows.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go to where other batches of the same data were. See `Batches.load_state_dict`."""
        self._rows.load_state_dict(state)

    def __repr__(self) -> str:
        rows = self._rows
        return (
            f"DistributedBatches({len(self.X)} samples in {len(rows)} batches of {rows.batch_size}, shuffle="
            f"{rows.shuffle}, drop_last={rows.drop_last}, rank {self.rank} of {self.size})"
        )


def batches(
    X: Any,
    y: Any = None,
    batch_size: int = 32,
    shuffle: bool = True,
    seed: int = 0,
    drop_last: bool = False,
    comm: Any = None,
) -> DistributedBatches:
    """The minibatches of `X` and `y`, of each of which this rank gets its part.

    All ranks draw the same order from the same seed. The rows of ``size · batch_size`` go to the ranks in runs, so that
    together they see what ``tt.data.batches(X, y, size * batch_size, rng=np.random.default_rng(seed))`` would give one
    process.

    Parameters
    ----------
    X : ndarray, memmap or Tensor
        All samples, along the first axis; the same on every rank. A memory-mapped file is read by each rank only
        where its own rows are.
    y : ndarray, memmap or Tensor, optional
        A label for each sample.
    batch_size : int
        Rows *of each rank*; 64 on four ranks are batches of 256.
    shuffle : bool
        A new random order in each epoch.
    seed : int
        Of the order. It has a generator of its own: what ranks draw elsewhere, each its own numbers, has no influence.
    drop_last : bool
        Leave out a last batch that would be smaller. Otherwise it is split evenly as well, and some ranks' parts may be
        empty.
    comm : mpi4py.MPI.Comm, optional
        The processes that train together; all of the job by default.

    Returns
    -------
    DistributedBatches
        An iterable of pairs ``(X[rows], y[rows])``, of ``X[rows]`` alone without `y`.

    Raises
    ------
    TypeError, ValueError
        As `tinytensor.data.batches`; on every rank, where the ranks differ in what they give.

    Examples
    --------
    >>> import numpy as np
    >>> from tinytensor import mpi
    >>> for xb, yb in mpi.batches(np.arange(10.0).reshape(5, 2), np.arange(5), batch_size=2, shuffle=False):
    ...     print(xb.shape, yb)
    (2, 2) [0 1]
    (2, 2) [2 3]
    (1, 2) [4]
    """
    comm = communicator(comm)
    size, each = comm.Get_size(), whole("mpi.batches", "batch_size", batch_size, 1)
    data.batches(X, y, 1, shuffle=False)  # its checks of the data
    generator = np.random.default_rng(whole("mpi.batches", "seed", seed, 0))
    rows = data.batches(np.arange(len(X)), None, each * size, shuffle, generator, drop_last)
    if size > 1:
        lines = [
            f"X of shape {X.shape} and dtype {X.dtype}",
            "no y" if y is None else f"y of shape {y.shape} and dtype {y.dtype}",
            f"batch_size={each}, shuffle={shuffle}, seed={seed}, drop_last={drop_last}",
        ]
        state.same(comm, "mpi.batches", lines, "Give every rank all of the data; it takes its own rows.")
    return DistributedBatches(X, y, rows, comm.Get_rank(), size)
