"""Ways to make a Tensor: from data, from a shape, at random, or from another library's memory.

Random numbers come from ``numpy.random.Generator``: pass one, or seed tinytensor's own with
`manual_seed`. Read next: ``tensor.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .arrays import to_array
from .modes import mode
from .tensor import Tensor

Shape = int | tuple[int, ...]
_default: np.random.Generator | None = None  # made when first needed: NumPy's random module takes 15 ms to import


def tensor(data: Any, requires_grad: bool = False, dtype: npt.DTypeLike | None = None, label: str = "") -> Tensor:
    """A Tensor with a copy of `data`, as ``torch.tensor``; ``Tensor(array)`` shares memory instead.

    Parameters
    ----------
    data : array_like or Tensor
        Numbers, which are copied.
    requires_grad : bool
        Whether operations on the tensor are recorded.
    dtype : dtype_like, optional
        As NumPy finds it by default.
    label : str
        A name, for drawings and errors.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinytensor as tt
    >>> tt.tensor([1, 2, 3], dtype=np.float32)
    Tensor([1., 2., 3.], dtype=float32)
    """
    return Tensor(np.array(to_array(data, dtype)), requires_grad, label=label)


def zeros(shape: Shape, dtype: npt.DTypeLike = np.float64, requires_grad: bool = False, label: str = "") -> Tensor:
    """A tensor of zeros.

    Parameters
    ----------
    shape : int or tuple of int
        The size of each axis.
    dtype : dtype_like
        float64 by default.
    requires_grad : bool
        Whether operations on the tensor are recorded.
    label : str
        A name, for drawings and errors.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinytensor as tt
    >>> tt.zeros((2, 3)).shape
    (2, 3)
    """
    return Tensor(np.zeros(shape, dtype), requires_grad, label=label)


def ones(shape: Shape, dtype: npt.DTypeLike = np.float64, requires_grad: bool = False, label: str = "") -> Tensor:
    """A tensor of ones.

    Parameters
    ----------
    shape : int or tuple of int
        The size of each axis.
    dtype : dtype_like
        float64 by default.
    requires_grad : bool
        Whether operations on the tensor are recorded.
    label : str
        A name, for drawings and errors.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinytensor as tt
    >>> tt.ones(3).tolist()
    [1.0, 1.0, 1.0]
    """
    return Tensor(np.ones(shape, dtype), requires_grad, label=label)


def full(
    shape: Shape, fill_value: Any, dtype: npt.DTypeLike | None = None, requires_grad: bool = False, label: str = ""
) -> Tensor:
    """A tensor with the same value everywhere.

    Parameters
    ----------
    shape : int or tuple of int
        The size of each axis.
    fill_value : scalar or array_like
        What broadcasts to the shape.
    dtype : dtype_like, optional
        That of the value by default.
    requires_grad : bool
        Whether operations on the tensor are recorded.
    label : str
        A name, for drawings and errors.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinytensor as tt
    >>> tt.full(2, 0.5).tolist()
    [0.5, 0.5]
    """
    return Tensor(np.full(shape, fill_value, dtype), requires_grad, label=label)


def arange(*args: Any, dtype: npt.DTypeLike | None = None, requires_grad: bool = False, label: str = "") -> Tensor:
    """Evenly spaced values: ``arange(stop)``, ``arange(start, stop)`` or ``arange(start, stop, step)``.

    Parameters
    ----------
    *args : number
        Where to start (0 by default), where to stop (not included), and how far apart.
    dtype : dtype_like, optional
        As NumPy finds it by default: whole numbers give integers, which have no gradient.
    requires_grad : bool
        Whether operations on the tensor are recorded.
    label : str
        A name, for drawings and errors.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinytensor as tt
    >>> tt.arange(1, 4).tolist()
    [1, 2, 3]
    """
    return Tensor(np.arange(*args, dtype=dtype), requires_grad, label=label)


def eye(
    n: int, m: int | None = None, dtype: npt.DTypeLike = np.float64, requires_grad: bool = False, label: str = ""
) -> Tensor:
    """A matrix with ones on the diagonal, of shape (n, m) or (n, n).

    Parameters
    ----------
    n : int
        The number of rows.
    m : int, optional
        The number of columns; n by default.
    dtype : dtype_like
        float64 by default.
    requires_grad : bool
        Whether operations on the tensor are recorded.
    label : str
        A name, for drawings and errors.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinytensor as tt
    >>> tt.eye(2).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    return Tensor(np.eye(n, m, dtype=dtype), requires_grad, label=label)


def randn(
    *shape: int,
    generator: np.random.Generator | None = None,
    dtype: npt.DTypeLike = np.float64,
    requires_grad: bool = False,
    label: str = "",
) -> Tensor:
    """Draws from the standard normal distribution; ``randn(2, 3)`` has shape (2, 3).

    Parameters
    ----------
    *shape : int
        The size of each axis.
    generator : numpy.random.Generator, optional
        Where the numbers come from; tinytensor's own by default, see `manual_seed`.
    dtype : dtype_like
        float64 by default.
    requires_grad : bool
        Whether operations on the tensor are recorded.
    label : str
        A name, for drawings and errors.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinytensor as tt
    >>> tt.randn(2, 3, generator=np.random.default_rng(0)).shape
    (2, 3)
    """
    return Tensor(rng(generator).standard_normal(shape).astype(dtype), requires_grad, label=label)


def rand(
    *shape: int,
    generator: np.random.Generator | None = None,
    dtype: npt.DTypeLike = np.float64,
    requires_grad: bool = False,
    label: str = "",
) -> Tensor:
    """Draws from the uniform distribution over [0, 1); ``rand(2, 3)`` has shape (2, 3).

    Parameters
    ----------
    *shape : int
        The size of each axis.
    generator : numpy.random.Generator, optional
        Where the numbers come from; tinytensor's own by default, see `manual_seed`.
    dtype : dtype_like
        float64 by default.
    requires_grad : bool
        Whether operations on the tensor are recorded.
    label : str
        A name, for drawings and errors.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinytensor as tt
    >>> bool((tt.rand(100) < 1).all())
    True
    """
    return Tensor(rng(generator).random(shape).astype(dtype), requires_grad, label=label)


def from_dlpack(array: Any) -> Tensor:
    """A Tensor that shares memory with another library's CPU array (PyTorch's, JAX's, NumPy's).

    Parameters
    ----------
    array : object with ``__dlpack__``
        In the memory of the CPU.

    Returns
    -------
    Tensor
        A change of either one is a change of the other. It does not require a gradient.

    Examples
    --------
    >>> import tinytensor as tt
    >>> a = np.zeros(2)
    >>> t = tt.from_dlpack(a)
    >>> a[0] = 7.0
    >>> t.tolist()
    [7.0, 0.0]
    """
    return Tensor(np.from_dlpack(array))


def manual_seed(seed: int | None) -> np.random.Generator:
    """Seed the generator that is used wherever none is passed, and return it; None takes entropy from the system.

    Parameters
    ----------
    seed : int or None
        As for ``numpy.random.default_rng``.

    Returns
    -------
    numpy.random.Generator
        The generator itself.

    Examples
    --------
    >>> import tinytensor as tt
    >>> _ = tt.manual_seed(0)
    >>> a = tt.randn(3)
    >>> _ = tt.manual_seed(0)
    >>> bool((a == tt.randn(3)).all())
    True
    """
    global _default
    _default = np.random.default_rng(seed)
    return _default


def uniform(generator: np.random.Generator | None, shape: tuple[int, ...]) -> Any:
    """Random float32 numbers in [0, 1): here and not where they are used, so that `compile` sees them being drawn."""
    drawn_from = rng(generator)
    if mode.tracer is not None:
        return mode.tracer.random(drawn_from, shape)
    return drawn_from.random(shape, np.float32)


def rng(generator: np.random.Generator | None = None) -> np.random.Generator:
    """`generator`, checked, or the default one."""
    if generator is None:
        return _default or manual_seed(None)
    if not isinstance(generator, np.random.Generator):
        raise TypeError(
            f"generator: expected a numpy.random.Generator, got {type(generator).__name__}; make one with "
            "np.random.default_rng(seed)"
        )
    return generator
