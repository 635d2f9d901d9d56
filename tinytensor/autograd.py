"""`grad`: gradients returned instead of stored, and themselves differentiable on request.

Read next: ``nn/module.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from . import engine
from .arrays import seed_for
from .modes import enable_grad, no_grad
from .node import Node
from .tensor import Tensor


def grad(
    output: Tensor,
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Any = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> tuple[Any, ...]:
    """The gradients of `output` with respect to `inputs`, returned and not stored.

    Parameters
    ----------
    output : Tensor
        One element, or any shape where `grad_outputs` is given.
    inputs : Tensor or sequence of Tensor
        Leaves or results on the way.
    grad_outputs : array_like or Tensor, optional
        The gradient of some later scalar with respect to `output`, of its shape.
    create_graph : bool
        Return tensors that can be differentiated again.
    allow_unused : bool
        Return None for an input that `output` was not made from; an error by default.

    Returns
    -------
    tuple of Tensor
        One for each input, of its shape and dtype; a tuple also for a single input, as in PyTorch.

    Raises
    ------
    RuntimeError
        As `Tensor.backward`, and where an input has no part in `output`.
    ValueError
        Where `grad_outputs` has another shape than `output`.

    Examples
    --------
    >>> import tinytensor as tt
    >>> x = tt.Tensor(2.0, requires_grad=True)
    >>> (dy,) = tt.grad(x**3, x, create_graph=True)
    >>> (d2y,) = tt.grad(dy, x)
    >>> dy.item(), d2y.item()
    (12.0, 12.0)
    """
    if not isinstance(output, Tensor):
        raise TypeError(f"grad: the output is a {type(output).__name__}, not a Tensor")
    if not isinstance(inputs, (Tensor, list, tuple)):
        raise TypeError(f"grad: expected a Tensor or a sequence of them as inputs, got {type(inputs).__name__}")
    wanted = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    for position, tensor in enumerate(wanted):
        if not isinstance(tensor, Tensor) or not tensor._requires_grad:
            raise RuntimeError(f"grad: input {position} does not require a gradient")
    seed = seed_for(output, grad_outputs, "grad")
    if create_graph:  # the seed's own graph counts too
        seed = grad_outputs if isinstance(grad_outputs, Tensor) else output._make(seed)
    with enable_grad() if create_graph else no_grad():
        found = {node: g for node, g in engine.propagate(output, seed, wanted, create_graph) if node in set(wanted)}
    for position, tensor in enumerate(wanted):
        if tensor not in found and not allow_unused:
            raise RuntimeError(
                f"grad: the output was not made from input {position}; pass allow_unused=True to get None for it"
            )
    return tuple(_returned(tensor, found.get(tensor)) for tensor in wanted)


def _returned(tensor: Tensor, g: Any) -> Any:
    """A gradient as the caller may keep and change it: a tensor with memory of its own."""
    if g is None or isinstance(g, Node):
        return g
    return tensor._make(g if type(g) is float else np.copy(g))
