"""The same values in other memory layouts: what a rule must not be able to tell apart.

NumPy hands out views of every kind (``x.T``, ``x[::2]``, ``x[::-1]``), and a rule that trusts
contiguous memory, or writes into what it was given, is wrong on them. This file knows NumPy alone.
Read next: ``values.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Array = np.ndarray[Any, Any]


def _strided(array: Array) -> Array:
    if not array.ndim:
        return array.copy()
    wide = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)  # zeros lie between the values
    wide[..., ::2] = array
    return wide[..., ::2]


def _read_only(array: Array) -> Array:
    array = array.copy()
    array.flags.writeable = False
    return array


LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "contiguous": lambda array: array.copy(order="C"),
    "fortran": lambda array: array.copy(order="F"),
    "transposed": lambda array: array.T.copy(order="C").T,
    "strided": _strided,
    "negative stride": lambda array: np.flip(np.flip(array).copy()),
    "read-only": _read_only,
    # A part of a larger block; of a 0-d array, a view where NumPy would rather give a scalar.
    "0-d view": lambda array: np.stack([array, array])[1, ...],
}
"""The memory layouts by name, from the plainest on."""


def lay_out(array: npt.ArrayLike, layout: str) -> Array:
    """The same values, shape and dtype in another memory layout; always new memory.

    Parameters
    ----------
    array : array_like
        The values.
    layout : str
        A name in `LAYOUTS`: ``"contiguous"``, ``"fortran"``, ``"transposed"``, ``"strided"``,
        ``"negative stride"``, ``"read-only"`` or ``"0-d view"``.

    Returns
    -------
    ndarray
        The values in that layout.

    Raises
    ------
    ValueError
        Where there is no layout of that name.

    Examples
    --------
    >>> from tinytensor.testing.memory import lay_out
    >>> x = lay_out([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], "negative stride")
    >>> x
    array([[1., 2., 3.],
           [4., 5., 6.]])
    >>> x.strides
    (-24, -8)
    >>> lay_out(5.0, "read-only").flags.writeable
    False
    """
    if layout not in LAYOUTS:
        raise ValueError(f"lay_out: there is no layout {layout!r}; expected one of {', '.join(LAYOUTS)}")
    return np.asarray(LAYOUTS[layout](np.asarray(array)))  # of 0-d arrays, NumPy makes scalars
