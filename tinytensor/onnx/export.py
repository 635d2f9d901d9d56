"""Export: walk the graph of one forward pass, write it in ONNX, run the file, and compare.

It refuses to know operations by name. Read next: ``operators.py``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__
from ..calls import holds_node
from ..engine import newest_first
from ..io.atomic import write
from ..modes import enable_grad
from ..nn import Module
from ..node import Node
from ..rules.table import name_of
from ..tensor import Tensor

OPSET, IR = 20, 10  # Gelu came with opset 20; runtimes from 2024 on read both
TOLERANCE = 1e-5


def export(
    model: Module,
    path: str | os.PathLike[str],
    example: Any,
    *,
    input_name: str = "input",
    output_name: str = "output",
) -> None:
    """Write a model as an ONNX file, which ONNX Runtime and others run without tinytensor.

    The model runs once, in evaluation mode (dropout passes everything on), and what it computes is written down with
    its parameters under their names. The first axis is the batch, and stays open. Before the file is written, it is
    checked and run in onnx's reference evaluator, on the example and on a batch of another size: it has to agree with
    the model within 1e-5, relative to numbers above 1.

    Parameters
    ----------
    model : Module
        Of one input and one output.
    path : str or path-like
        The file, by custom with the ending ``.onnx``. It is written whole, or not at all.
    example : array_like or Tensor
        A batch as the model takes it, of shape (N, …) with N from 1; only shape and dtype matter much. Plain data are
        cast to the dtype of the model's parameters.
    input_name, output_name : str
        The names of the two in the file.

    Raises
    ------
    ImportError
        Without the onnx package: ``pip install 'tinytensor[onnx]'``.
    NotImplementedError
        Where the model uses an operation that has no entry in ``tinytensor/onnx/operators.py``; named.
    ValueError
        Where the output does not depend on the input, or the file would compute something else, as it does where
        the model looks at the size of its batch or decides by its numbers.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np, tinytensor as tt
    >>> model = tt.nn.MLP(4, [8, 3], activation="gelu")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.onnx")
    ...     tt.onnx.export(model, path, np.zeros((1, 4)))
    ...     os.path.getsize(path) > 0
    True
    """
    onnx = _onnx()
    if not isinstance(model, Module):
        raise TypeError(f"onnx.export: expected a Module, got {type(model).__name__}")
    dtype = next((p.dtype for p in model.parameters()), np.dtype(np.float32))
    batch = np.asarray(example.data if isinstance(example, Tensor) else example, dtype)
    if not batch.ndim or not len(batch):
        raise ValueError(f"onnx.export: the example has shape {batch.shape}; expected (N, …) with a sample or more")
    batch = np.concatenate([batch, batch, batch])[: max(len(batch), 3)]  # a size that is not mistaken for another
    with _evaluating(model):
        x = Tensor(batch, requires_grad=True)
        out = model(x)
        if not isinstance(out, Tensor) or not out.requires_grad:
            raise ValueError("onnx.export: the output does not depend on the input, as far as the graph shows")
        written = _Graph(onnx, {p: name for name, p in model.named_parameters()}, x, input_name).write(out, output_name)
        _check(onnx, written, model, batch, input_name)
    try:
        write(Path(path), written.SerializeToString())
    except OSError as error:
        raise type(error)(error.errno, f"onnx.export: {error.strerror}", str(path)) from None


def _onnx() -> Any:
    try:
        import onnx
        import onnx.checker
        import onnx.helper
        import onnx.numpy_helper
        import onnx.reference
    except ImportError:
        raise ImportError("onnx.export needs the package onnx: pip install 'tinytensor[onnx]'") from None
    return onnx


@contextmanager
def _evaluating(model: Module) -> Iterator[None]:
    """Every module in evaluation mode, and as it was again afterwards."""
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with enable_grad():
            yield
    finally:
        for module, training in before:
            module.training = training


class _Graph:
    """An ONNX graph that is being written; see `operators.Writer`."""

    def __init__(self, onnx: Any, parameters: dict[Any, str], x: Tensor, input_name: str) -> None:
        self.onnx, self.x, self.batch, self.dtype = onnx, x, x.shape[0], x.dtype
        self.parameters, self.names = parameters, {x: input_name}
        self.nodes: list[Any] = []
        self.stored: dict[str, Any] = {}
        self.taken = {input_name}

    def write(self, out: Tensor, output_name: str) -> Any:
        """The whole model, whose result is `out`."""
        from .operators import ENTRIES

        helper = self.onnx.helper
        for node in reversed(newest_first(out)):  # oldest first: operands before results
            if node._function is None:
                continue
            entry = ENTRIES.get(node._function)
            name = name_of(node._function)
            if entry is None:
                raise NotImplementedError(
                    f"onnx.export: {name} has no entry in tinytensor/onnx/operators.py; write one, or the model with "
                    "other operations"
                )
            try:
                self.names[node] = entry(self, node, *map(self._named, node._args), **node._kwargs)  # type: ignore[index]
            except NotImplementedError as error:
                raise NotImplementedError(f"onnx.export: {name}: {error} has no counterpart here") from None
        self.nodes.append(helper.make_node("Identity", [self.names[out]], [output_name]))
        kind = helper.np_dtype_to_tensor_dtype(self.dtype)
        graph = helper.make_graph(
            self.nodes,
            "tinytensor",
            [helper.make_tensor_value_info(self.names[self.x], kind, ["N", *self.x.shape[1:]])],
            [helper.make_tensor_value_info(output_name, kind, self._output_shape(out))],
            list(self.stored.values()),
        )
        opsets = [helper.make_opsetid("", OPSET)]
        return helper.make_model(
            graph, opset_imports=opsets, ir_version=IR, producer_name="tinytensor", producer_version=__version__
        )

    def _output_shape(self, out: Tensor) -> list[Any]:
        return ["N" if k == 0 and size == self.batch else size for k, size in enumerate(out.shape)]

    def _named(self, arg: Any) -> Any:
        """An argument as an entry takes it: the name of a result, or a plain value."""
        if isinstance(arg, Node):
            if arg not in self.names:  # a parameter, or data from outside
                self.names[arg] = self.constant(arg._data, self.parameters.get(arg, "constant"))  # type: ignore[index]
            return self.names[arg]  # type: ignore[index]
        if type(arg) is tuple and holds_node(arg):
            return [self._named(item) if isinstance(item, Node) else self.constant(item) for item in arg]
        return self.constant(arg) if isinstance(arg, (np.ndarray, np.generic)) else arg

    def constant(self, value: Any, hint: str = "constant") -> str:
        """Store an array under a name of its own. Python's numbers take the model's dtype."""
        array = np.asarray(value, self.dtype if type(value) in (int, float) else None)
        name = self._fresh(hint)
        self.stored[name] = self.onnx.numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), name)
        return name

    def add(self, operator: str, *inputs: Any, **attributes: Any) -> str:
        """Write a node; numbers among its inputs are stored."""
        given = [value if isinstance(value, str) else self.constant(value) for value in inputs]
        name = self._fresh(operator.lower())
        self.nodes.append(self.onnx.helper.make_node(operator, given, [name], name=f"{name}_node", **attributes))
        return name

    def _fresh(self, hint: str) -> str:
        name, k = hint, 1
        while name in self.taken:
            k += 1
            name = f"{hint}_{k}"
        self.taken.add(name)
        return name


def _check(onnx: Any, written: Any, model: Module, batch: Any, input_name: str) -> None:
    """Refuse a file that is not valid, or that computes something else than the model."""
    onnx.checker.check_model(written, full_check=True)
    run = onnx.reference.ReferenceEvaluator(written)
    rng = np.random.default_rng(0)
    for rows in (
        batch,
        rng.permuted(batch, axis=0)[:1],
        rng.standard_normal((5, *batch.shape[1:])).astype(batch.dtype),
    ):
        expected = model(Tensor(rows)).data
        try:
            (found,) = run.run(None, {input_name: rows})
        except Exception as error:  # whatever the evaluator says of a shape that does not fit
            raise _differs(len(rows), f"{type(error).__name__}: {error}") from error
        if found.shape != expected.shape:
            raise _differs(len(rows), f"the file gives shape {found.shape}, the model {expected.shape}")
        far = np.abs(found - expected) / np.maximum(np.abs(expected), 1)
        if not np.all((far <= TOLERANCE) | (found == expected) | (np.isnan(found) & np.isnan(expected))):
            raise _differs(len(rows), f"they are {np.nanmax(far):.2g} apart")


def _differs(rows: int, how: str) -> ValueError:
    return ValueError(
        f"onnx.export: on a batch of {rows} the file and the model differ ({how}). A model that looks at its batch's "
        "size or decides by its numbers is not one graph"
    )
