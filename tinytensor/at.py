"""``x.at[key].set(v)`` and its relatives: updates that return a new tensor, as in JAX.

``x[key] = v`` would change a tensor that a graph was built on; these do not. The result keeps the
dtype of `x`, and is differentiable in `x` and in `v`. What happens to an element that `key` names
more than once is said of each method. Read next: ``updates.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import Array, plain_key
from .engine import apply
from .functional.selection import in_dtype
from .operators import as_array
from .primitives import index
from .updates import add_at, max_at, min_at, positions, set_at


class At:
    """What ``x.at`` is: to be indexed.

    Examples
    --------
    >>> import tinytensor as tt
    >>> x, v = tt.Tensor([1.0, 2.0, 3.0], requires_grad=True), tt.Tensor(10.0, requires_grad=True)
    >>> y = x.at[1:].multiply(v)
    >>> y.data
    array([ 1., 20., 30.])
    >>> y.sum().backward()
    >>> x.grad, v.grad
    (array([ 1., 10., 10.]), array(5.))
    """

    __slots__ = ("_tensor",)

    def __init__(self, tensor: Any) -> None:
        self._tensor = tensor

    def __getitem__(self, key: Any) -> Place:
        if type(self._tensor._data) is float:
            raise TypeError("x.at: a Value is one number, without elements to update; use a Tensor")
        return Place(self._tensor, plain_key(key))

    def __repr__(self) -> str:
        return f"<at of a tensor of shape {np.shape(self._tensor)}: index it, as in x.at[0].set(v)>"


class Place:
    """Some elements of a tensor, ``x.at[key]``; each method returns a new tensor.

    In every method `v` broadcasts to the shape of ``x[key]`` and is brought to the dtype of `x`.
    """

    __slots__ = ("_key", "_tensor")

    def __init__(self, tensor: Any, key: Any) -> None:
        self._tensor, self._key = tensor, key

    def get(self) -> Any:
        """``x[key]``."""
        return self._tensor[self._key]

    def set(self, v: Any) -> Any:
        """`x` with these elements replaced by `v`; of those named twice the last counts, and gets the gradient.

        Examples
        --------
        >>> import tinytensor as tt
        >>> tt.zeros(3).at[[0, 2, 2]].set([5.0, 6.0, 7.0]).tolist()
        [5.0, 0.0, 7.0]
        """
        v, flat = self._fitted(v), self._positions()
        if flat is None:
            return apply(set_at, (self._tensor, v, self._key))
        last = last_writers(flat)
        return self._set_flat(index(np.ravel(v), last), flat[last])

    def add(self, v: Any) -> Any:
        """`x` with `v` added to these elements; those named twice receive both.

        Examples
        --------
        >>> import tinytensor as tt
        >>> tt.zeros(3).at[[0, 2, 2]].add([5.0, 6.0, 7.0]).tolist()
        [5.0, 0.0, 13.0]
        """
        return apply(add_at, (self._tensor, self._fitted(v), self._key))

    def subtract(self, v: Any) -> Any:
        """`x` with `v` subtracted from these elements; from those named twice both."""
        return apply(add_at, (self._tensor, np.negative(self._fitted(v)), self._key))

    def multiply(self, v: Any) -> Any:
        """`x` with these elements multiplied by `v`; those named twice by both."""
        return self._combined(np.multiply, v)

    def divide(self, v: Any) -> Any:
        """`x` with these elements divided by `v`; those named twice by both."""
        return self._combined(np.divide, v)

    def power(self, v: Any) -> Any:
        """`x` with these elements raised to the power `v`; those named twice to the product of both."""
        return self._combined(np.power, v)

    def max(self, v: Any) -> Any:
        """`x` with these elements at least `v`; all that tie for the largest share the gradient."""
        return apply(max_at, (self._tensor, self._fitted(v), self._key))

    def min(self, v: Any) -> Any:
        """`x` with these elements at most `v`; all that tie for the smallest share the gradient."""
        return apply(min_at, (self._tensor, self._fitted(v), self._key))

    mul = multiply

    def __repr__(self) -> str:
        names = "get, set, add, subtract, multiply, divide, power, max or min"
        return f"<a place in a tensor of shape {np.shape(self._tensor)}: call {names}>"

    # -------------------------------------------------------------------------------- within

    def _fitted(self, v: Any) -> Any:
        """`v` in the dtype of the tensor and the shape of the place."""
        shape = np.shape(index.forward(as_array(self._tensor), self._key))
        v = self._like(v)
        if np.shape(v) == shape:
            return v
        try:
            return np.broadcast_to(v, shape)
        except ValueError:
            raise ValueError(
                f"x.at[i]: v has shape {np.shape(v)}, which does not broadcast to {shape}, the shape of x[i]"
            ) from None

    def _combined(self, function: Any, v: Any) -> Any:
        v, flat = self._fitted(v), self._positions()
        if flat is None:
            return apply(set_at, (self._tensor, self._like(function(index(self._tensor, self._key), v)), self._key))
        order, last = runs(flat)
        v, flat = products_of_runs(index(np.ravel(v), order), last), flat[order[last]]
        return self._set_flat(self._like(function(index(np.ravel(self._tensor), flat), v)), flat)

    def _like(self, v: Any) -> Any:
        return in_dtype(v, self._tensor.dtype, "x.at[i]")

    def _set_flat(self, v: Any, flat: Array) -> Any:
        """The tensor with the elements at these different positions, counted in the flattened one, replaced."""
        return np.reshape(apply(set_at, (np.ravel(self._tensor), v, flat)), np.shape(self._tensor))

    def _positions(self) -> Array | None:
        """Where in the flattened tensor each named element is; None where none is named twice."""
        parts = self._key if isinstance(self._key, tuple) else (self._key,)
        if not any(isinstance(part, np.ndarray) and part.dtype.kind != "b" for part in parts):
            return None
        flat = np.ravel(positions(np.shape(self._tensor), self._key))
        return flat if len(flat) and np.bincount(flat).max() > 1 else None


def last_writers(flat: Array) -> Array:
    """Which of several writes to the same positions come last.

    Examples
    --------
    >>> last_writers(np.array([2, 0, 2]))
    array([1, 2])
    """
    writes = np.arange(len(flat))
    last = np.zeros(flat.max() + 1, np.intp)
    np.maximum.at(last, flat, writes)  # an assignment would leave open which write counts
    return np.flatnonzero(last[flat] == writes)


def runs(flat: Array) -> tuple[Array, Array]:
    """The order that brings equal positions together, and where in it each run of equals ends.

    Examples
    --------
    >>> runs(np.array([2, 0, 2]))
    (array([1, 0, 2]), array([0, 2]))
    """
    order = np.argsort(flat, kind="stable")
    return order, np.flatnonzero(np.diff(flat[order], append=-1))


def products_of_runs(v: Any, last: Array) -> Any:
    """The product of each run of `v`; `last` is where the runs end.

    By doubling, as in ``rules/reductions.py``: no division, so zeros are exact at every order.

    Examples
    --------
    >>> products_of_runs(np.array([5.0, 2.0, 3.0]), np.array([0, 2]))
    array([5., 6.])
    """
    lengths = np.diff(last, prepend=-1)
    run, step = np.repeat(np.arange(len(last)), lengths), 1
    while step < lengths.max():
        same = run[step:] == run[:-step]
        earlier = np.where(same, index(v, slice(None, -step)), 1)
        v = np.concatenate([index(v, slice(None, step)), index(v, slice(step, None)) * earlier])
        step *= 2
    return index(v, last)
