"""Picture: which boxes and arrows a drawing of a graph has, before anything is drawn.

A box for each value, each operation and each array that an operation was given. Modules can be folded into one box
each, and of a graph that is still too large only the part next to the root is kept. Nothing here knows graphviz. Read
next: ``sketch.py``.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

from ..node import Node
from .modules import above, homes_of
from .names import members_of, names_of
from .texts import drawn_arguments

VALUE, OPERATION, CONSTANT, MODULE, MORE = "value", "operation", "constant", "module", "more"


@dataclass(slots=True)  # there may be millions
class Box:
    """One box of a picture.

    Attributes
    ----------
    kind : str
        VALUE, OPERATION, CONSTANT (an array among an operation's arguments), MODULE (folded) or MORE (left out).
    content : object
        The node, for OPERATION the node that it made; the array; the module's name; how many boxes are left out.
    home : str or None
        The name of the module that the box is drawn in.
    folded : list of Box, optional
        The boxes that a MODULE stands for.
    """

    kind: str
    content: Any
    home: str | None = None
    folded: list[Box] | None = None


class Picture:
    """The boxes by key, and the arrows between keys, from operand to operation and from operation to result."""

    def __init__(self, nodes: list[Node], model: Any, params: Any, caller: str) -> None:
        self.names = names_of(model, params, caller)
        members = [] if model is None else members_of(model, caller)
        self.modules = {name: type(member).__name__ for name, member in members if not isinstance(member, Node)}
        self.homes = homes_of(nodes, self.names, set(self.modules)) if self.modules else {}
        self.boxes: dict[str, Box] = {}
        self.arrows: list[tuple[str, str]] = []
        keys = {node: f"v{position}" for position, node in enumerate(nodes)}
        self.root = keys[nodes[-1]]
        for node in nodes:
            self._add(node, keys)

    def _add(self, node: Node, keys: dict[Node, str]) -> None:
        key, home = keys[node], self.homes.get(node)
        self.boxes[key] = Box(VALUE, node, home)
        if node._function is None:
            return
        operation = f"o{key[1:]}"
        self.boxes[operation] = Box(OPERATION, node, home)
        self.arrows.append((operation, key))
        for position, argument in enumerate(drawn_arguments(node)):
            if isinstance(argument, Node):
                self.arrows.append((keys[argument], operation))
            else:
                constant = f"c{key[1:]}_{position}"
                self.boxes[constant] = Box(CONSTANT, argument, home)
                self.arrows.append((constant, operation))

    def path(self, module: str) -> list[str]:
        """The modules that hold a module, the outermost first, itself last."""
        return above(module, set(self.modules))

    @property
    def deepest(self) -> int:
        """How deep the modules are nested in which there are boxes; the model itself is at depth 0."""
        return max((len(self.path(home)) - 1 for home in set(self.homes.values())), default=0)

    # ------------------------------------------------------------------------------- making it smaller

    def fold(self, depth: int) -> None:
        """Make one box of each module at `depth`, with all that is in it but the results that others use."""
        paths = {module: self.path(module) for module in self.modules}
        into = {key: path[depth] for key, box in self.boxes.items()
                if box.home is not None and len(path := paths[box.home]) > depth}  # fmt: skip
        staying = {tail for tail, head in self.arrows if tail in into and into.get(head) != into[tail]} | {self.root}
        for key in staying & into.keys():
            box = self.boxes[key]
            if box.kind == VALUE and not box.content.is_leaf:
                del into[key]
                box.home = paths[box.home or ""][depth - 1] if depth else None
        numbers = {module: f"m{position}" for position, module in enumerate(self.modules)}
        target = {key: numbers[into[key]] if key in into else key for key in self.boxes}
        boxes: dict[str, Box] = {}
        insides: dict[str, list[Box]] = {}
        for key, box in self.boxes.items():
            if key not in into:
                boxes[key] = box
                continue
            module = into[key]
            home = paths[module][depth - 1] if depth else None
            folded = insides.setdefault(target[key], [])
            folded += box.folded or [box]  # what was folded before is in it too
            boxes[target[key]] = Box(MODULE, module, home, folded)
        self.boxes, arrows = boxes, [(target[tail], target[head]) for tail, head in self.arrows]
        self.arrows = []
        met: set[tuple[str, str]] = set()
        for tail, head in arrows:
            if tail != head and (tail, head) not in met:
                self.arrows.append((tail, head))
            if self.boxes[tail].kind == MODULE or self.boxes[head].kind == MODULE:
                met.add((tail, head))  # one arrow is enough, but a * a has two

    def keep(self, most: int) -> int:
        """Keep the `most` boxes nearest to the root, and put one that stands for the others; returns how many."""
        left_out = len(self.boxes) - most
        if left_out <= 0:
            return 0
        operands: dict[str, list[str]] = {key: [] for key in self.boxes}
        for tail, head in self.arrows:
            operands[head].append(tail)
        kept, queue = {self.root}, deque([self.root])
        while queue and len(kept) < most:
            for key in operands[queue.popleft()]:
                if key not in kept and len(kept) < most:
                    kept.add(key)
                    queue.append(key)
        self.boxes = {key: box for key, box in self.boxes.items() if key in kept}
        self.boxes[MORE] = Box(MORE, left_out)
        arrows = [(tail if tail in kept else MORE, head) for tail, head in self.arrows if head in kept]
        self.arrows = [arrow for arrow in arrows if arrow[0] != MORE]
        self.arrows += dict.fromkeys(arrow for arrow in arrows if arrow[0] == MORE)
        return left_out
