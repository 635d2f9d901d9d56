"""Minibatches: a data set in pieces, shuffled or in order, without a copy of the whole.

It knows arrays and Tensors by their first axis and refuses to know what is in them: no files, no
transformations, no worker processes. Read next: ``nn/module.py``, whose models the batches are for.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any

import numpy as np

from . import creation
from .tensor import Tensor


class Batches:
    """The minibatches of a data set; `batches` makes one.

    It can be iterated any number of times, and shuffles anew each time; ``len`` is the number of batches.
    """

    def __init__(
        self, X: Any, y: Any, batch_size: int, shuffle: bool, rng: np.random.Generator | None, drop_last: bool
    ) -> None:
        self.X, self.y = X, y
        self.batch_size, self.shuffle, self.drop_last = batch_size, shuffle, drop_last
        self._rng = rng

    def __len__(self) -> int:
        whole, rest = divmod(len(self.X), self.batch_size)
        return whole + (rest > 0 and not self.drop_last)

    def __iter__(self) -> Iterator[Any]:
        # Drawn here and not at the first batch: two epochs that are begun in order are shuffled in that order.
        order = creation.rng(self._rng).permutation(len(self.X)) if self.shuffle else None
        return self._walk(order)

    def _walk(self, order: np.ndarray[Any, Any] | None) -> Iterator[Any]:
        for start in range(0, len(self) * self.batch_size, self.batch_size):
            rows: Any = slice(start, start + self.batch_size)
            if order is not None:
                rows = order[rows]
            yield take(self.X, rows) if self.y is None else (take(self.X, rows), take(self.y, rows))

    def __repr__(self) -> str:
        return (
            f"Batches({len(self.X)} samples in {len(self)} batches, batch_size={self.batch_size}, "
            f"shuffle={self.shuffle}, drop_last={self.drop_last})"
        )


def batches(
    X: Any,
    y: Any = None,
    batch_size: int = 32,
    shuffle: bool = True,
    rng: np.random.Generator | None = None,
    drop_last: bool = False,
) -> Batches:
    """The minibatches of `X` and `y`, for one epoch or many.

    Parameters
    ----------
    X : ndarray, memmap or Tensor
        Samples along the first axis. A list is refused: it would be copied whole to become an array.
    y : ndarray, memmap or Tensor, optional
        A label for each sample.
    batch_size : int
        The last batch is smaller where the samples run out.
    shuffle : bool
        A new random order in each epoch, and batches that are copies; otherwise views, in order.
    rng : numpy.random.Generator, optional
        tinytensor's own by default: see `manual_seed`.
    drop_last : bool
        Leave out a last batch that would be smaller.

    Returns
    -------
    Batches
        An iterable of pairs ``(X[rows], y[rows])``, of ``X[rows]`` alone without `y`; ``len`` counts them. Each
        iteration is one epoch. Tensors give Tensors, arrays give arrays.

    Raises
    ------
    TypeError, ValueError
        At this call, not at the first batch: for other kinds of data, lengths that differ, no data, or
        a batch size that is not a whole number from 1.

    Examples
    --------
    >>> import tinytensor as tt
    >>> X, y = np.arange(10.0).reshape(5, 2), np.arange(5)
    >>> for xb, yb in tt.data.batches(X, y, batch_size=2, shuffle=False):
    ...     print(xb.shape, yb)
    (2, 2) [0 1]
    (2, 2) [2 3]
    (1, 2) [4]
    >>> loader = tt.data.batches(X, y, batch_size=2, rng=np.random.default_rng(0))
    >>> len(loader)
    3
    >>> for epoch in range(2):  # each in another order
    ...     print(sorted(label for _, yb in loader for label in yb.tolist()))
    [0, 1, 2, 3, 4]
    [0, 1, 2, 3, 4]
    """
    samples = _length("X", X)
    if y is not None and _length("y", y) != samples:
        raise ValueError(f"batches: X has {samples} samples and y {len(y)} (shapes {X.shape} and {y.shape})")
    if not samples:
        raise ValueError(f"batches: X has no samples, its shape is {X.shape}")
    size = _whole(batch_size)
    for name, value in (("shuffle", shuffle), ("drop_last", drop_last)):
        if not isinstance(value, (bool, np.bool_)):
            raise TypeError(f"batches: {name}: expected True or False, got {value!r}")
    creation.rng(rng)  # checked now; without one, the default of the time of iteration is used
    if drop_last and samples < size:
        raise ValueError(f"batches: drop_last would leave no batch of {size} from {samples} samples; lower batch_size")
    return Batches(X, y, size, bool(shuffle), rng, bool(drop_last))


def take(data: Any, rows: Any) -> Any:
    """``data[rows]``; NumPy's ``take`` copies the rows of a matrix three times faster than its index does."""
    return data.take(rows, axis=0) if type(data) is np.ndarray and type(rows) is not slice else data[rows]


def _length(name: str, data: Any) -> int:
    """The number of samples, where `data` is something to take samples from."""
    if not isinstance(data, (np.ndarray, Tensor)):
        raise TypeError(
            f"batches: {name}: expected an ndarray or a Tensor, got {type(data).__name__}; np.asarray makes one"
        )
    if not data.ndim:
        raise ValueError(f"batches: {name} is 0-d; samples lie along the first axis")
    return len(data)


def _whole(batch_size: Any) -> int:
    try:
        size = operator.index(batch_size)
    except TypeError:
        raise TypeError(f"batches: batch_size: expected a whole number, got {batch_size!r}") from None
    if isinstance(batch_size, bool) or size < 1:
        raise ValueError(f"batches: batch_size: expected a whole number ≥ 1, got {batch_size!r}")
    return size
