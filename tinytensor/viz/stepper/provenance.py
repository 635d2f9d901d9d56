"""Which elements of the operands each element of a result came from, said compactly for the page.

For the functions whose indices follow a law (elementwise, products, reductions) the law's name is enough, and the page
works the indices out when an element is pointed at. Functions that move elements are run once on the elements' numbers
instead of their values. Nothing here knows a derivative. Read next: ``static/provenance.js``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...calls import plain_args
from ...node import Node
from ...rules.reductions import axes_of
from ...rules.table import RULES, everywhere, name_of

MOVING = {
    "reshape", "ravel", "expand_dims", "squeeze", "transpose", "swapaxes", "moveaxis", "flip", "roll", "index",
    "concatenate", "stack", "pad",
}  # fmt: skip
REDUCING = {"sum", "mean", "max", "min", "prod", "var", "std", "logsumexp", "linalg.norm"}
REDUCING |= {"amax", "amin"}  # the names of np.max and np.min
ONE_BY_ONE = {"gelu", "silu", "astype", "nan_to_num", "round", "real", "imag", "copy", "sinc", "sinc_slope", "tril",
              "triu", "broadcast_to"}  # fmt: skip
ALONG_AN_AXIS = {"softmax", "log_softmax"}
MOST = 4096  # elements that are listed one by one


def kind_of(node: Node) -> str:
    """The law that a node's elements follow; empty where there is none to name."""
    name = name_of(node._function) if node._function else ""
    row = RULES.get(node._function) if node._function else None
    if row is None:
        return ""
    own = row.function.__module__.startswith(("numpy", "tinytensor"))  # a user's own sum may be any function
    if row.spread is everywhere or (own and name in ONE_BY_ONE):
        return "each"
    if own and name in ("matmul", "linear", "linear_relu", "nll"):
        return "linear" if name == "linear_relu" else name
    for names, kind in ((REDUCING, "reduce"), (ALONG_AN_AXIS, "row"), (MOVING, "map")):
        if own and name in names:
            return kind
    return ""


def options_of(node: Node) -> dict[str, Any]:
    """The arguments of a call by the rule's names for them."""
    row = RULES[node._function]  # type: ignore[index]  # asked for operations only
    return {**dict(zip(row.names, plain_args(node), strict=False)), **node._kwargs}


def provenance(node: Node, operands: Sequence[Any]) -> dict[str, Any]:
    """The law and its numbers, as the page reads them; `operands` are the node's, from ``walk.py``."""
    kind = kind_of(node)
    options = options_of(node)
    if kind == "reduce":
        return {"kind": kind, "axes": reduced_axes(node)}
    if kind == "row":
        return {"kind": kind, "axis": options.get("axis", -1) % max(np.ndim(node._data), 1)}
    if kind in ("map", "nll") and max(np.size(x._data) for x in (node, *node._operands)) > MOST:
        return {"kind": ""}
    if kind == "map":
        return {"kind": kind, "from": _moved(node, operands)}
    if kind == "nll":
        return {"kind": "lists", "from": _picked(options)}
    return {"kind": kind}


def reduced_axes(node: Node) -> list[int]:
    """The axes that a reduction removed."""
    options = options_of(node)
    shape = np.shape(next(iter(options.values())))
    return sorted(axes_of(shape, options.get("axis")))  # type: ignore[no-untyped-call]


def _moved(node: Node, operands: Sequence[Any]) -> list[list[int] | None]:
    """For each operand, the flat place in it that each element of the result came from, or -1; None for an index."""
    row = RULES[node._function]  # type: ignore[index]  # asked for operations only
    numbers: dict[tuple[int, int | None], Any] = {}
    starts, total = [], 0
    for operand in operands:
        starts.append(total)
        if operand.position < len(row.vjps):
            shape = np.shape(operand.data)
            numbers[operand.position, operand.index] = total + np.arange(math.prod(shape)).reshape(shape)
            total += math.prod(shape)
    args = [
        [numbers.get((position, i), item) for i, item in enumerate(arg)]
        if position in row.sequences and isinstance(arg, (tuple, list))
        else numbers.get((position, None), arg)
        for position, arg in enumerate(plain_args(node))
    ]
    options = {**node._kwargs, "constant_values": -1} if row.function is np.pad else node._kwargs
    places = np.ravel(row.forward(*args, **options))
    return [
        np.where((places >= start) & (places < start + np.size(operand.data)), places - start, -1).tolist()
        if operand.position < len(row.vjps)
        else None
        for start, operand in zip(starts, operands, strict=True)
    ]


def _picked(options: dict[str, Any]) -> list[list[list[int]]]:
    """For the logits, their log-probabilities and the target: the places that each loss was computed from."""
    log_probs, target = options["log_probs"], options["target"]
    classes = log_probs.shape[-1]
    rows = np.arange(log_probs.size).reshape(-1, classes)
    if target.dtype.kind == "f":
        chosen = targets = rows.tolist()
    else:
        chosen = [[int(row[label])] for row, label in zip(rows, target.reshape(-1), strict=True)]
        targets = [[k] for k in range(target.size)]
    lists = [rows.tolist(), chosen, targets]
    if options.get("reduction", "mean") == "none":
        return lists
    return [[[place for part in parts for place in part]] for parts in lists]
