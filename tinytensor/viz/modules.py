"""Homes: which module each operation of a graph belongs to, read off the parameters that it uses.

A graph does not record modules. What it does record is enough:

1. a parameter, or a view of one (``weight.T``), is at home in the module that holds it;
2. so is an operation of a parameter and something else (``x @ weight.T``, ``linear(x, weight, bias)``, ``… + bias``),
   and one whose operands, two or more, are all at home there (the sum in a neuron);
3. what stands between such operations is at home in the smallest module that holds both sides: a relu between
   ``layers.0`` and ``layers.1`` belongs to the network;
4. everything else, inputs and losses and an L2 penalty on the weights, is at home nowhere.

Nothing here draws. Read next: ``sketch.py``.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

from ..node import Node
from ..rules.table import name_of

VIEWS = {"transpose", "swapaxes", "moveaxis", "reshape", "expand_dims", "squeeze", "index", "astype", "broadcast_to"}


def module_of(name: str, modules: Iterable[str]) -> str:
    """The longest name of a module that a parameter's name starts with.

    Examples
    --------
    >>> module_of("layers.0.weight", ["", "layers.0", "layers.1"])
    'layers.0'
    """
    return max((m for m in modules if not m or name.startswith(f"{m}.")), key=len, default="")


def above(module: str, modules: set[str]) -> list[str]:
    """The modules that hold a module, the outermost first, itself last."""
    parts = module.split(".") if module else []
    return [name for k in range(len(parts) + 1) if (name := ".".join(parts[:k])) in modules]


def homes_of(nodes: list[Node], names: dict[Node, str], modules: set[str]) -> dict[Node, str]:
    """The home of each node that has one: a module's name, ``""`` for the model itself.

    Parameters
    ----------
    nodes : list of Node
        All nodes, operands before results.
    names : dict
        The parameters, by name.
    modules : set of str
        The names of the modules.
    """
    paths = {module: above(module, modules) for module in modules}

    def smallest(found: list[str]) -> str | None:
        """The smallest module that holds all of these."""
        return reduce(lambda x, y: _last_common(paths[x], paths[y]), found) if found else None

    held = {node: module_of(names[node], modules) for node in nodes if node in names}
    homes: dict[Node, str] = {}
    for node in nodes:
        operands = set(node._operands)
        used = [held[operand] for operand in operands if operand in held]
        others = [operand for operand in operands if operand not in held]
        if used and not others and node._function is not None and name_of(node._function) in VIEWS:
            held[node] = used[0]
        elif used and others:
            homes[node] = smallest(used) or ""
        elif len(others) > 1 and len(theirs := {homes.get(operand) for operand in others}) == 1:
            (home,) = theirs
            if home is not None:
                homes[node] = home
    before: dict[Node, str] = dict(homes)
    for node in nodes:
        if node not in before and (found := smallest([before[x] for x in node._operands if x in before])) is not None:
            before[node] = found
    after: dict[Node, str] = {}
    for node in reversed(nodes):
        at = homes.get(node, after.get(node))
        for operand in node._operands:
            if at is not None:
                known = after.get(operand)
                after[operand] = at if known is None else _last_common(paths[known], paths[at])
    between = {n: _last_common(paths[before[n]], paths[after[n]]) for n in nodes if n in before and n in after}
    return {**between, **homes, **held}


def _last_common(first: list[str], second: list[str]) -> str:
    """The last name that two paths share; both start at the model."""
    return [x for x, y in zip(first, second, strict=False) if x == y][-1]
