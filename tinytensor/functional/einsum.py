"""``np.einsum``: its subscripts read, and the sum brought to a form with a simple gradient.

Read next: ``../nn/losses.py``.
"""

from __future__ import annotations

import string
from typing import Any

import numpy as np

from ..engine import apply
from ..errors import wrong_call
from ..primitives import contract
from ..rules.table import composed
from .shapes import diagonal


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
        if len(set(zip(term, np.shape(array), strict=True))) > len(set(term)):
            raise ValueError(
                f"einsum('{subscripts}'): a repeated letter of {term!r} has two sizes in {np.shape(array)}"
            )
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
