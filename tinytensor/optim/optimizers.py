"""SGD, Adam and AdamW: what one step does to one parameter, written as the formula that it is.

The rules see plain arrays: no Tensor, no graph, no loss; ``base.py`` calls `_update` for each
parameter that has a gradient. Results on the way go into memory that is kept, the rates come as 0-d
arrays, and the rest is in place, so that a step allocates nothing. Read next:
``schedules.py``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..tensor import Tensor
from .base import Array, Optimizer, State
from .checks import flag, number


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum, Nesterov's momentum and weight decay.

    With gradient g, parameter p, velocity v, momentum μ, dampening τ and weight decay λ::

        g ← g + λ p
        v ← μ v + (1 - τ) g       (at first v ← g, undamped, as PyTorch has it)
        g ← g + μ v               with nesterov
        g ← v                     without
        p ← p - lr g

    Without momentum the middle is left out.

    Parameters
    ----------
    parameters : iterable of Tensor
        Leaves that require a gradient.
    lr : float
        The learning rate.
    momentum : float
        μ, usually 0.9.
    dampening : float
        τ, how much less of each new gradient enters the velocity.
    nesterov : bool
        Look ahead along the velocity; needs momentum, and no dampening.
    weight_decay : float
        λ, the weight of the penalty λ p² / 2.

    Raises
    ------
    TypeError, ValueError
        For parameters that can't be trained and numbers out of range.

    Notes
    -----
    Sutskever et al., "On the importance of initialization and momentum in deep learning" (ICML 2013) put the rate
    into the velocity: v ← μ v - lr g, p ← p + v. PyTorch's form, which is this one, multiplies by it at the end. The
    two agree while the rate is constant; when it changes, here it changes the whole step at once.

    Examples
    --------
    >>> import tinytensor as tt
    >>> w = tt.Tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = tt.optim.SGD([w], lr=0.1, momentum=0.9)
    >>> for _ in range(200):
    ...     optimizer.zero_grad()
    ...     loss = ((w - 3.0) ** 2).sum()
    ...     loss.backward()
    ...     optimizer.step()
    >>> w.data.round(3)
    array([3., 3.])
    """

    _options = ("lr", "momentum", "dampening", "nesterov", "weight_decay")
    _buffers = ("velocity",)
    _rate_names = ("lr", "momentum", "fresh", "weight_decay")
    _elementwise = True

    momentum: float
    dampening: float
    nesterov: bool
    weight_decay: float

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float,
        momentum: float = 0.0,
        *,
        dampening: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(
            parameters, lr=lr, momentum=momentum, dampening=dampening, nesterov=nesterov, weight_decay=weight_decay
        )

    def _checked(self, options: dict[str, Any]) -> dict[str, Any]:
        checked = super()._checked(options)
        for name in ("momentum", "dampening"):
            checked[name] = number("SGD", name, options[name])
        checked["nesterov"] = flag("SGD", "nesterov", options["nesterov"])
        if checked["nesterov"] and (not checked["momentum"] or checked["dampening"]):
            raise ValueError("SGD: nesterov=True needs momentum > 0 (such as 0.9) and dampening = 0")
        return checked

    def _rates(self, state: State) -> tuple[float, ...]:
        return self._lr, self.momentum, 1.0 - self.dampening, self.weight_decay

    def _is_settled(self, state: State) -> bool:
        return not self.momentum or "velocity" in state

    def _update(self, p: Array, g: Array, state: State, rates: tuple[Array, ...], a: Array, b: Array) -> None:
        lr, μ, fresh, λ = rates
        if self.weight_decay:
            g = np.add(g, np.multiply(p, λ, a), a)  # g ← g + λ p
        if self.momentum:
            v = state.get("velocity")
            if v is None:
                v = state["velocity"] = np.empty_like(p)
                v[...] = g  # v ← g, a copy: the gradient belongs to the user
            else:
                v *= μ
                v += np.multiply(g, fresh, b) if self.dampening else g  # v ← μ v + (1 - τ) g
            g = np.add(g, np.multiply(v, μ, b), b) if self.nesterov else v  # g ← g + μ v, or v
        p -= np.multiply(g, lr, b)  # p ← p - lr g


class Adam(Optimizer):
    """Steps of about `lr` in every coordinate: the mean of the gradients over the root of their mean square.

    With gradient g, parameter p, step t and the running means m of g and v of g²::

        g ← g + λ p                         (weight decay as an L2 penalty)
        m ← β₁ m + (1 - β₁) g
        v ← β₂ v + (1 - β₂) g²
        p ← p - lr m̂ / (√v̂ + ε),            m̂ = m / (1 - β₁ᵗ),  v̂ = v / (1 - β₂ᵗ)

    The hats undo the start of the means at 0. With `amsgrad` the largest v so far stands for v.

    Parameters
    ----------
    parameters : iterable of Tensor
        Leaves that require a gradient.
    lr : float
        The learning rate.
    betas : tuple of float
        (β₁, β₂), how much the means keep of what they have.
    eps : float
        ε, which keeps the division from 0.
    weight_decay : float
        λ.
    amsgrad : bool
        Never let the denominator shrink (Reddi et al. 2018, "On the convergence of Adam and beyond").

    Raises
    ------
    TypeError, ValueError
        For parameters that can't be trained and numbers out of range.

    Notes
    -----
    Kingma & Ba, "Adam: a method for stochastic optimization" (ICLR 2015). The code moves the two corrections into
    the numbers, as the end of their section 2 does: p ← p - α m / (√v + ε√(1 - β₂ᵗ)), α = lr √(1 - β₂ᵗ) / (1 - β₁ᵗ).
    A parameter has its own t, which does not count steps at which its gradient was None.

    Examples
    --------
    >>> import tinytensor as tt
    >>> w = tt.Tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = tt.optim.Adam([w], lr=0.1)
    >>> ((w - 3.0) ** 2).sum().backward()
    >>> optimizer.step()
    >>> w.data.round(6)  # the first step is lr in each coordinate, whatever the slope
    array([ 1.1, -1.9])
    """

    _options = ("lr", "betas", "eps", "weight_decay", "amsgrad")
    _buffers, _optional = ("step", "m", "v"), ("v_max",)
    _rate_names = ("step_size", "eps", "keep_m", "fresh_m", "keep_v", "fresh_v", "weight_decay")
    _elementwise = True

    betas: tuple[float, float]
    eps: float
    weight_decay: float
    amsgrad: bool

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
    ) -> None:
        super().__init__(parameters, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, amsgrad=amsgrad)

    def _checked(self, options: dict[str, Any]) -> dict[str, Any]:
        owner, betas, checked = type(self).__name__, options["betas"], super()._checked(options)
        if not isinstance(betas, (tuple, list)) or len(betas) != 2:
            raise TypeError(f"{owner}: betas: expected two numbers such as (0.9, 0.999), got {betas!r}")
        checked["betas"] = tuple(number(owner, f"betas[{k}]", beta, below=1.0) for k, beta in enumerate(betas))
        checked["eps"] = number(owner, "eps", options["eps"])
        checked["amsgrad"] = flag(owner, "amsgrad", options["amsgrad"])
        return checked

    def _begin(self, p: Array, state: State) -> None:
        if not state:
            state.update(step=0, m=np.zeros_like(p), v=np.zeros_like(p))
        state["step"] += 1

    def _rates(self, state: State) -> tuple[float, ...]:
        t, (β1, β2) = state["step"], self.betas
        root = math.sqrt(1.0 - β2**t)
        return self._lr * root / (1.0 - β1**t), self.eps * root, β1, 1.0 - β1, β2, 1.0 - β2, self.weight_decay

    def _is_settled(self, state: State) -> bool:
        return not self.amsgrad or "v_max" in state

    def _update(self, p: Array, g: Array, state: State, rates: tuple[Array, ...], a: Array, b: Array) -> None:
        if self.weight_decay:
            g = np.add(g, np.multiply(p, rates[-1], a), a)  # g ← g + λ p
        self._descend(p, g, state, rates, b)

    def _descend(self, p: Array, g: Array, state: State, rates: tuple[Array, ...], b: Array) -> None:
        """Adam's step without the weight decay."""
        α, ε, keep1, fresh1, keep2, fresh2, _ = rates
        m, v = state["m"], state["v"]
        m *= keep1
        m += np.multiply(g, fresh1, b)  # m ← β₁ m + (1 - β₁) g
        v *= keep2
        v += np.multiply(np.multiply(g, g, b), fresh2, b)  # v ← β₂ v + (1 - β₂) g²
        if self.amsgrad:
            if "v_max" in state:
                np.maximum(state["v_max"], v, out=state["v_max"])
            else:
                state["v_max"] = v.copy("K")
            v = state["v_max"]
        np.add(np.sqrt(v, b), ε, b)
        p -= np.multiply(np.divide(m, b, b), α, b)  # p ← p - α m / (√v + ε)


class AdamW(Adam):
    """Adam with decoupled weight decay: the decay shrinks the parameter and stays out of the means.

    ::

        p ← p - lr λ p
        p ← p - lr m̂ / (√v̂ + ε)             m̂ and v̂ as in `Adam`, of the gradient alone

    In `Adam` the penalty's gradient is divided by √v̂ like the rest, so that weights with large gradients
    are decayed less; here all are decayed alike.

    Parameters
    ----------
    parameters, lr, betas, eps, amsgrad
        As for `Adam`.
    weight_decay : float
        λ.

    Notes
    -----
    Loshchilov & Hutter, "Decoupled weight decay regularization" (ICLR 2019).

    Examples
    --------
    >>> import tinytensor as tt
    >>> w = tt.Tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = tt.optim.AdamW([w], lr=0.1, weight_decay=0.5)
    >>> (w * 0.0).sum().backward()
    >>> optimizer.step()
    >>> w.data  # no slope, but 5 % of decay
    array([ 0.95, -1.9 ])
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
    ) -> None:
        super().__init__(parameters, lr, betas, eps, weight_decay, amsgrad)

    def _rates(self, state: State) -> tuple[float, ...]:
        return *super()._rates(state)[:-1], 1.0 - self._lr * self.weight_decay

    def _update(self, p: Array, g: Array, state: State, rates: tuple[Array, ...], a: Array, b: Array) -> None:
        if self.weight_decay:
            p *= rates[-1]  # p ← p - lr λ p
        self._descend(p, g, state, rates, b)
