"""Rows of data as batches: arrays, memory-mapped files, sparse matrices and streams, without a copy of the whole.

A batch is copied, in the network's dtype, into memory that is used again by the next batch of its size. Only small
arrays of another dtype are cast whole, once. Nothing here knows a network. Read next: ``training.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from scipy import sparse

CAST_WHOLE = 2**25  # bytes up to which an array of another dtype is cast at once
MERGED = 1024  # rows up to which equal rows of a full batch are merged
PART = 1024  # rows that are read at once where order does not matter


class Rows:
    """Some rows of X with their targets and weights, from which batches are taken.

    Parameters
    ----------
    X : ndarray or csr matrix of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        As the loss wants it: class numbers of intp, or numbers of `dtype`.
    weights : ndarray of shape (n_samples,), optional
    dtype : dtype
        Of the batches.
    index : ndarray of intp, optional
        Which rows; by default all.
    """

    def __init__(self, X: Any, y: Any, weights: Any, dtype: Any, index: Any = None) -> None:
        self.sparse, self._given = sparse.issparse(X), X
        if not self.sparse and X.dtype != dtype and X.nbytes <= CAST_WHOLE:
            with np.errstate(over="ignore"):
                X = X.astype(dtype)
        self.X, self.y, self.dtype = X, y, np.dtype(dtype)
        self.weights: Any = None if weights is None else weights.astype(dtype)
        self.index = index
        self._rooms: dict[int, tuple[Any, ...]] = {}

    def __len__(self) -> int:
        return int(self.X.shape[0]) if self.index is None else len(self.index)

    def subset(self, index: Any) -> Rows:
        """Some of the rows, by their numbers among all; no data are copied."""
        chosen = Rows(self.X, self.y, self.weights, self.dtype, index)
        chosen._given = self._given
        return chosen

    def order(self) -> Any:
        """The numbers of the rows, in the order in which they stand."""
        return np.arange(self.X.shape[0]) if self.index is None else self.index

    def batch(self, index: Any) -> tuple[Any, ...]:
        """Rows, targets and perhaps weights, in memory that the next batch of the same size writes over."""
        size = len(index)
        rooms = self._rooms.get(size)
        if rooms is None:
            rooms = self._rooms[size] = self._make_rooms(size)
        x, raw, y, w = rooms
        if self.sparse:
            self.X[index].toarray(out=raw)
        else:
            np.take(self.X, index, axis=0, out=raw, mode="clip")  # "raise" would copy once more
        if raw is not x:
            np.copyto(x, raw, casting="unsafe")
        np.take(self.y, index, axis=0, out=y, mode="clip")
        if w is None:
            return x, y
        np.take(self.weights, index, out=w, mode="clip")
        return x, y, w

    def _make_rooms(self, size: int) -> tuple[Any, ...]:
        """Memory for a batch: the rows in the network's dtype and in their own, the targets, the weights."""
        x = np.empty((size, self.X.shape[1]), self.dtype)
        raw = x if self.X.dtype == self.dtype else np.empty(x.shape, self.X.dtype)
        w = None if self.weights is None else np.empty(size, self.dtype)
        return x, raw, np.empty((size, *self.y.shape[1:]), self.y.dtype), w

    def merged(self) -> Rows:
        """The same rows in a canonical order, equal ones merged into one with the sum of their weights.

        So the gradient of a full batch depends neither on the order of the rows nor on whether a row is there twice or
        has the weight 2, to the last bit. Rows of weight 0 are left out.
        """
        with np.errstate(over="ignore"):
            x, y, *w = (np.array(part) for part in self.batch(self.order()))
        weights = w[0].astype(np.float64) if w else np.ones(len(x))
        flat = y.reshape(len(y), -1).astype(np.float64)
        table = np.hstack([x.astype(np.float64), flat])[weights != 0]
        _, first, inverse = np.unique(table, axis=0, return_index=True, return_inverse=True)
        total = np.bincount(inverse.reshape(-1), weights[weights != 0])
        chosen = np.flatnonzero(weights != 0)[first]
        merged = Rows(x[chosen], y[chosen], None if np.all(total == 1) else total, self.dtype)
        merged._given = self._given
        return merged

    def blocks(self) -> Iterator[Rows]:
        """The blocks of an epoch: here one, all of it."""
        yield self

    def largest(self) -> float:
        """The largest absolute value in X, found part by part."""
        given = self._given
        if self.sparse:
            return float(np.max(np.abs(given.data), initial=0.0))
        parts = (given[start : start + PART] for start in range(0, len(given), PART))
        return max((float(np.max(np.abs(part.astype(np.float64)), initial=0.0)) for part in parts), default=0.0)

    def without_targets(self) -> Iterator[Any]:
        """The rows of X in parts, dense."""
        yield from parts_of(self.X if self.index is None else self.X[self.index])


def parts_of(X: Any) -> Iterator[Any]:
    """The rows of X, some at a time, dense."""
    for start in range(0, X.shape[0], PART):
        part = X[start : start + PART]
        yield part.toarray() if sparse.issparse(part) else part


# -------------------------------------------------------------------------------------- streams


def is_stream(X: Any) -> bool:
    """Whether X gives blocks of data one after another, and is no table by itself."""
    if isinstance(X, (str, bytes, list, tuple, dict)) or hasattr(X, "__array__") or hasattr(X, "shape"):
        return False
    return callable(X) or hasattr(X, "__iter__")


class Stream:
    """Blocks ``(X, y)`` or ``(X, y, sample_weight)`` that come one after another; each is trained on and forgotten.

    Parameters
    ----------
    source : iterable or callable
        An iterable that can be iterated once for each epoch (such as `tinytensor.data.batches`), a function that
        gives an iterator, or an iterator, which is good for one epoch.
    encode : callable
        From a block's ``(X, y, weights)`` to checked `Rows`.
    """

    def __init__(self, source: Iterable[Any] | Callable[[], Iterable[Any]], encode: Callable[..., Rows]) -> None:
        self.source, self.encode = source, encode
        self.once = not callable(source) and iter(source) is source
        self._spent = False
        self._last: Rows | None = None
        self._held: tuple[Any, Iterator[Any]] | None = None  # the first block of an iterator, and the rest

    def peek(self) -> tuple[Any, Any, Any]:
        """The first block, which still comes first."""
        blocks = self.raw()
        first = next(blocks, None)
        if first is None:
            raise ValueError("the stream gives no batch")
        if self.once:
            self._held = first, blocks
        return first

    def raw(self) -> Iterator[tuple[Any, Any, Any]]:
        """The blocks of one pass as they come."""
        if self._held is not None:
            (first, rest), self._held = self._held, None
            yield first
            yield from rest
            return
        if self.once and self._spent:
            raise ValueError(
                "the iterator of batches was used up by the first epoch; give a function that makes one, such as "
                "lambda: read(path), or set max_iter=1"
            )
        self._spent = True
        for block in self.source() if callable(self.source) else self.source:
            if not isinstance(block, (tuple, list)) or len(block) not in (2, 3):
                raise ValueError(
                    f"a stream must give pairs (X, y) or triples (X, y, sample_weight), got {_kind(block)}"
                )
            X, y, *weights = block
            yield X, y, weights[0] if weights else None

    def blocks(self) -> Iterator[Rows]:
        """The blocks of one epoch, checked and encoded."""
        for X, y, weights in self.raw():
            self._last = self.encode(X, y, weights)
            yield self._last

    def largest(self) -> float | None:
        """The largest absolute value in the last block."""
        return None if self._last is None else self._last.largest()


def _kind(block: Any) -> str:
    """What a block is, in words."""
    return f"{type(block).__name__} of length {len(block)}" if hasattr(block, "__len__") else type(block).__name__
