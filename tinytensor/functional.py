"""Functions that are compositions of others: they need no gradient rule of their own.

Each is what NumPy's function of the same name does when it is given a Tensor. What they are composed
of is recorded, so the graph shows it. Read next: ``nn/losses.py``.
"""

from __future__ import annotations

import math
import string
from typing import Any

import numpy as np

from .engine import apply
from .errors import wrong_call
from .node import Node
from .operators import plain
from .primitives import contract, index
from .rules.table import composed

# ------------------------------------------------------------------------------------ elementwise


@composed(np.where)
def where(condition: Any, *choices: Any) -> Any:
    """``np.where(condition, x, y)``: x where the condition holds, y elsewhere.

    With the condition alone, the indices where it holds: plain arrays, as ``np.nonzero``.
    """
    if not choices:
        return np.nonzero(condition)
    if not any(isinstance(choice, Node) for choice in choices):
        return np.where(plain(condition), *choices)
    return apply(np.where, (condition, *choices))


@composed(np.clip)
def clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None, out: None = None) -> Any:
    """``np.clip``: values held within [a_min, a_max]; None leaves a side open."""
    if out is not None:
        raise wrong_call(np.clip, "the keyword out= has no rule", "out")
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    if low is None and high is None:
        raise TypeError("clip: give a_min, a_max, or both")
    return apply(np.clip, (a, -math.inf if low is None else low, math.inf if high is None else high))


# ----------------------------------------------------------------------------------------- shapes


@composed(np.split)
def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """``np.split``: equal sections by their number, or sections that end at the given indices."""
    ndim = np.ndim(ary)
    if not -ndim <= axis < ndim:
        raise np.exceptions.AxisError(f"split: axis {axis} is out of range for the shape {np.shape(ary)}")
    size = np.shape(ary)[axis]
    if np.ndim(indices_or_sections) == 0:
        sections = int(indices_or_sections)
        if sections <= 0 or size % sections:
            raise ValueError(f"split: an axis of size {size} has no {sections} equal sections; give the indices")
        ends = [size // sections * (k + 1) for k in range(sections)]
    else:
        ends = [*map(int, indices_or_sections), size]
    before = (slice(None),) * (axis % ndim)
    return [ary[(*before, slice(start, end))] for start, end in zip([0, *ends[:-1]], ends, strict=True)]


@composed(np.pad)
def pad(array: Any, pad_width: Any, mode: str = "constant", *, constant_values: Any = 0) -> Any:
    """``np.pad`` with constants around: ``pad_width`` is (before, after), or such a pair for each axis."""
    if mode != "constant":
        raise wrong_call(np.pad, f"mode={mode!r} has no rule")
    return apply(np.pad, (array, pad_width), {"constant_values": constant_values})


@composed(np.matrix_transpose, np.linalg.matrix_transpose)
def matrix_transpose(x: Any) -> Any:
    """``np.matrix_transpose``: the last two axes swapped."""
    if np.ndim(x) < 2:
        raise ValueError(f"mT: a matrix has two axes or more, got shape {np.shape(x)}; reshape it first")
    return np.swapaxes(x, -1, -2)


@composed(np.zeros_like)
def zeros_like(a: Any, dtype: Any = None) -> Any:
    """A tensor of zeros with the shape and dtype of another; no gradient."""
    return a._make(np.zeros_like(a._data, dtype=dtype))


@composed(np.ones_like)
def ones_like(a: Any, dtype: Any = None) -> Any:
    """A tensor of ones with the shape and dtype of another; no gradient."""
    return a._make(np.ones_like(a._data, dtype=dtype))


# --------------------------------------------------------------------------------- linear algebra


composed(np.amax)(np.max)
composed(np.amin)(np.min)


@composed(np.dot)
def dot(a: Any, b: Any, out: None = None) -> Any:
    """``np.dot``: the sum over the last axis of `a` and the second-to-last of `b` (its only one in 1-D)."""
    if out is not None:
        raise wrong_call(np.dot, "the keyword out= has no rule", "out")
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return np.multiply(a, b)
    if np.ndim(b) <= 2 and np.ndim(a) <= 2:
        return np.matmul(a, b)
    return tensordot(a, b, axes=(-1, -2 if np.ndim(b) > 1 else -1))


@composed(np.tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """``np.tensordot``: the sum over pairs of axes, as one matrix product."""
    if isinstance(axes, (int, np.integer)):
        axes = (range(-int(axes), 0), range(int(axes)))
    shapes = np.shape(a), np.shape(b)
    pairs = [[axes[k]] if isinstance(axes[k], (int, np.integer)) else list(axes[k]) for k in (0, 1)]
    for shape, given in zip(shapes, pairs, strict=True):
        if any(not -len(shape) <= k < len(shape) for k in given):
            raise ValueError(f"tensordot: axes {given} are out of range for the shape {shape}")
    summed = [[k % len(shape) for k in given] for shape, given in zip(shapes, pairs, strict=True)]
    sizes = [[shape[k] for k in given] for shape, given in zip(shapes, summed, strict=True)]
    if sizes[0] != sizes[1]:
        raise ValueError(
            f"tensordot: axes {pairs[0]} of {shapes[0]} have sizes {sizes[0]}, "
            f"axes {pairs[1]} of {shapes[1]} have {sizes[1]}"
        )
    kept = [[k for k in range(len(shape)) if k not in given] for shape, given in zip(shapes, summed, strict=True)]
    rows, columns = ([shape[k] for k in free] for shape, free in zip(shapes, kept, strict=True))
    inner = math.prod(sizes[0])
    left = np.reshape(np.transpose(a, kept[0] + summed[0]), (math.prod(rows), inner))
    right = np.reshape(np.transpose(b, summed[1] + kept[1]), (inner, math.prod(columns)))
    return np.reshape(np.matmul(left, right), (*rows, *columns))


@composed(np.outer)
def outer(a: Any, b: Any, out: None = None) -> Any:
    """``np.outer``: every element of `a` times every element of `b`, both flattened."""
    if out is not None:
        raise wrong_call(np.outer, "the keyword out= has no rule", "out")
    return np.multiply(np.reshape(a, (-1, 1)), np.reshape(b, (1, -1)))


@composed(np.trace)
def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """``np.trace``: the sum along a diagonal of the matrices in two axes."""
    if np.ndim(a) < 2:
        raise ValueError(f"trace: expected two axes or more, got shape {np.shape(a)}")
    return np.sum(diagonal(a, offset, axis1, axis2), axis=-1)


def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The diagonals of the matrices in two axes, as a new last axis."""
    a = np.moveaxis(a, (axis1, axis2), (-2, -1))
    rows, columns = np.shape(a)[-2:]
    length = max(min(rows + min(offset, 0), columns - max(offset, 0)), 0)
    k = np.arange(length)
    return index(a, (..., k - min(offset, 0), k + max(offset, 0)))


@composed(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """``np.linalg.norm``: vector norms of every order, and the matrix norms that need no decomposition.

    The slope of the 2-norm at 0 is 0.
    """
    axes = tuple(range(np.ndim(x))) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    if axis is None and ord is None and len(axes) != 2:
        return norm(np.ravel(x), axis=0) if not keepdims else np.reshape(norm(np.ravel(x)), (1,) * len(axes))
    if (len(axes) <= 2 and ord is None) or (len(axes) == 2 and ord == "fro") or (len(axes) == 1 and ord == 2):
        return apply(np.linalg.norm, (x,), {"axis": axes, "keepdims": keepdims})
    size = np.abs(x)
    if len(axes) == 1 and isinstance(ord, (int, float)) and ord != 0:
        if math.isinf(ord):
            return (np.max if ord > 0 else np.min)(size, axis=axes, keepdims=keepdims)
        return np.sum(size**ord, axis=axes, keepdims=keepdims) ** (1 / ord)
    if len(axes) == 2 and ord in (1, -1, math.inf, -math.inf):
        summed, across = axes if abs(ord) == 1 else axes[::-1]
        sums = np.sum(size, axis=summed, keepdims=True)
        out = (np.max if ord > 0 else np.min)(sums, axis=across, keepdims=True)
        return out if keepdims else np.squeeze(out, axis=axes)
    raise wrong_call(np.linalg.norm, f"ord={ord!r} over {len(axes)} axes has no rule")


# ----------------------------------------------------------------------------------------- einsum


@composed(np.einsum)
def einsum(subscripts: str, *arrays: Any, optimize: Any = False, out: None = None) -> Any:
    """``np.einsum`` with subscripts as a string, explicit or implicit, with ellipsis.

    Repeated letters become diagonals, letters that stand alone become sums, axes of size 1 that
    broadcast are dropped; what remains is one `contract`, whose gradient is another.
    """
    if out is not None:
        raise wrong_call(np.einsum, "the keyword out= has no rule", "out")
    if not isinstance(subscripts, str):
        raise TypeError("einsum: give the subscripts as a string, as in np.einsum('ij,jk->ik', a, b)")
    terms, result = parse_subscripts(subscripts, [np.shape(a) for a in arrays])
    sizes: dict[str, int] = {}
    for term, array in zip(terms, arrays, strict=True):
        for letter, size in zip(term, np.shape(array), strict=True):
            if sizes.setdefault(letter, size) != size:
                if 1 not in (size, sizes[letter]):
                    raise ValueError(
                        f"einsum('{subscripts}'): {letter!r} is {sizes[letter]} in one operand and {size} in another, "
                        f"of the shapes {', '.join(str(np.shape(a)) for a in arrays)}"
                    )
                sizes[letter] = size if sizes[letter] == 1 else sizes[letter]
    simple = [_without_copies(a, term, sizes) for a, term in zip(arrays, terms, strict=True)]
    for position, (array, term) in enumerate(simple):
        elsewhere = result + "".join(t for k, (_, t) in enumerate(simple) if k != position)
        alone = tuple(k for k, letter in enumerate(term) if letter not in elsewhere)
        if alone:
            simple[position] = np.sum(array, axis=alone), "".join(c for c in term if c in elsewhere)
    arrays = tuple(array for array, _ in simple)
    return apply(contract, (f"{','.join(term for _, term in simple)}->{result}", list(arrays)), {"optimize": optimize})


def _without_copies(array: Any, term: str, sizes: dict[str, int]) -> tuple[Any, str]:
    """An operand without the axes of size 1 that would broadcast, and without repeated letters."""
    stretched = [k for k, letter in enumerate(term) if np.shape(array)[k] == 1 and sizes[letter] != 1]
    if stretched:
        array = np.squeeze(array, axis=tuple(stretched))
        term = "".join(letter for k, letter in enumerate(term) if k not in stretched)
    for letter in dict.fromkeys(term):
        while term.count(letter) > 1:
            first = term.index(letter)
            second = term.index(letter, first + 1)
            array = diagonal(array, 0, first, second)
            term = "".join(c for k, c in enumerate(term) if k not in (first, second)) + letter
    return array, term


def parse_subscripts(subscripts: str, shapes: list[tuple[int, ...]]) -> tuple[list[str], str]:
    """The letters of each operand and of the result, with ellipses spelled out.

    Examples
    --------
    >>> parse_subscripts("ij,jk", [(2, 3), (3, 4)])
    (['ij', 'jk'], 'ik')
    >>> parse_subscripts("...i->...", [(5, 2)])
    (['ai'], 'a')
    """
    left, arrow, right = subscripts.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(shapes):
        raise ValueError(f"einsum('{subscripts}'): {len(terms)} operands are named, {len(shapes)} given")
    free = [letter for letter in string.ascii_letters if letter not in subscripts]
    hidden = 0  # the most axes that an ellipsis stands for
    for term, shape in zip(terms, shapes, strict=True):
        letters = term.replace("...", "")
        if not all(c.isalpha() for c in letters) or len(letters) > len(shape) or term.count("...") > 1:
            raise ValueError(f"einsum('{subscripts}'): {term!r} does not fit an operand of shape {shape}")
        if "..." not in term and len(letters) != len(shape):
            raise ValueError(
                f"einsum('{subscripts}'): {term!r} names {len(letters)} axes, the operand has {len(shape)}"
            )
        hidden = max(hidden, len(shape) - len(letters)) if "..." in term else hidden
    names = "".join(free[:hidden])
    spelled = [
        term.replace("...", names[hidden - (len(shape) - len(term.replace("...", ""))) :])
        for term, shape in zip(terms, shapes, strict=True)
    ]
    if not arrow:  # implicit: the ellipsis, then the letters that stand once, in alphabetical order
        return spelled, names + "".join(sorted(c for c in set(left) - set(",.") if left.count(c) == 1))
    result = right.replace("...", names)
    if len(set(result)) != len(result) or not set(result) <= set("".join(spelled)) or ("..." not in right and hidden):
        raise ValueError(f"einsum('{subscripts}'): the output {right!r} must name letters of the operands, each once")
    return spelled, result
