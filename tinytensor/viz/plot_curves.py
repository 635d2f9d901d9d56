"""Curves over the steps of training: losses, and the norms of gradients.

Whatever can't be drawn (nan, infinity, zero on a logarithmic axis) is left out as a gap, and marked and counted, since
it is often what one looks for. Nothing here trains. Read next: ``plot_boundary.py``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import Array
from .plot_style import LINES, PALETTE, axes, load, numbers, plural

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .gradients import GradientHistory

_FEW = 50  # points of a curve that is drawn with a dot at each
_LISTED = 8  # names that fit within the axes
_MANY = 5000  # points of all curves from which looking for the emptiest corner takes too long


def plot_losses(
    losses: Any,
    *,
    x: Any = None,
    log: bool = False,
    smooth: float | Mapping[str, float] = 0.0,
    title: str = "Loss",
    xlabel: str = "step",
    ylabel: str = "loss",
    ax: Axes | None = None,
) -> Axes:
    """Draw one curve, or several with a legend.

    Where a value is nan or infinite (or not positive, with `log`) the curve has a gap; a cross at the lower edge marks
    the place and the legend says how many there are.

    Parameters
    ----------
    losses : array_like of shape (n,), or mapping of str to array_like
        The values in order; or several curves by name, such as ``{"training": …, "validation": …}``, which may differ
        in length. 0-d tensors are numbers too.
    x : array_like of shape (n,), or mapping of str to array_like, optional
        Where each value stands on the horizontal axis; by default 0, 1, 2, …. A mapping gives it for some curves by
        name: ``{"validation": [100, 200, 300]}``.
    log : bool
        Whether the vertical axis is logarithmic.
    smooth : float, or mapping of str to float
        From 0 (not at all) to below 1: draw the exponential moving average in which each value keeps this share of the
        one before, and the curve itself pale behind it. The average starts unbiased: Kingma and Ba, 2015, section 3.
        A mapping smooths some curves by name: ``{"training": 0.9}``.
    title, xlabel, ylabel : str
        The words around it.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default on a new figure of ``matplotlib.pyplot``.

    Returns
    -------
    matplotlib.axes.Axes
        What was drawn on.

    Raises
    ------
    ImportError
        Without matplotlib.
    ValueError, TypeError
        Where there is nothing to draw, a curve is not one row of numbers, `x` does not fit, or `smooth` is not within
        [0, 1).

    Examples
    --------
    >>> from tinytensor import viz
    >>> from matplotlib.figure import Figure
    >>> ax = Figure().subplots()  # leave ax out to have a new figure, which a notebook shows
    >>> _ = viz.plot_losses({"training": [2.3, 0.9, 0.5], "validation": [2.3, 1.0, 0.8]}, xlabel="epoch", ax=ax)
    >>> [line.get_label() for line in ax.lines]
    ['training', 'validation']
    >>> ax.lines[1].get_ydata().tolist()
    [2.3, 1.0, 0.8]
    """
    return _plot_curves("plot_losses", losses, x, log, smooth, (title, xlabel, ylabel), ax)


def plot_gradients(
    history: GradientHistory,
    *,
    by: str = "layer",
    log: bool = True,
    smooth: float | Mapping[str, float] = 0.0,
    title: str = "Gradients",
    xlabel: str = "step",
    ylabel: str = "norm of the gradient (L2)",
    ax: Axes | None = None,
) -> Axes:
    """Draw the norm of each layer's gradient over time: what vanishes, explodes or stands still shows.

    Parameters
    ----------
    history : GradientHistory
        With at least one `record`.
    by : {"layer", "parameter"}
        Whether a curve is for all parameters of a layer together or for one parameter.
    log, smooth, title, xlabel, ylabel, ax
        As for `plot_losses`. A norm of 0 has no place on a logarithmic axis and is marked there as a gap.

    Returns
    -------
    matplotlib.axes.Axes
        What was drawn on.

    Raises
    ------
    ImportError
        Without matplotlib.
    ValueError, TypeError
        Where nothing was recorded, or `by` is something else.

    Examples
    --------
    >>> import tinytensor as tt
    >>> from matplotlib.figure import Figure
    >>> model = tt.nn.MLP(2, [8, 1])
    >>> history = tt.viz.GradientHistory(model)
    >>> for _ in range(3):
    ...     model.zero_grad()
    ...     (model([[0.5, -1.0]]) ** 2).sum().backward()
    ...     history.record()
    >>> ax = tt.viz.plot_gradients(history, ax=Figure().subplots())
    >>> [line.get_label() for line in ax.lines]
    ['layers.0', 'layers.1']
    """
    if not hasattr(history, "norms"):
        raise TypeError(
            f"plot_gradients: expected a GradientHistory, got {type(history).__name__}; make history = "
            "GradientHistory(model), and call history.record() after each backward()"
        )
    if not history.steps:
        raise ValueError("plot_gradients: nothing was recorded; call history.record() after each backward()")
    return _plot_curves("plot_gradients", history.norms(by), history.steps, log, smooth, (title, xlabel, ylabel), ax)


# -------------------------------------------------------------------------------------------- drawing


def _plot_curves(
    operation: str, values: Any, x: Any, log: bool, smooth: Any, words: tuple[str, str, str], ax: Axes | None
) -> Axes:
    """Check everything, then draw."""
    curves = _curves(operation, values)
    places, keeps = _each(operation, "x", x, None, curves), _each(operation, "smooth", smooth, 0.0, curves)
    for name, curve in curves.items():
        places[name] = _place(operation, name, len(curve), places[name])
        if not 0 <= keeps[name] < 1:
            raise ValueError(f"{operation}: smooth must be from 0 to below 1, got {keeps[name]}")
    ticker = load(operation, "matplotlib.ticker")
    ax = axes(operation, ax, (6.4, 4.0))
    for position, (name, curve) in enumerate(curves.items()):
        turn, colour = divmod(position, len(PALETTE))
        style: dict[str, Any] = {"color": PALETTE[colour], "linestyle": LINES[turn % len(LINES)]}
        _draw(ax, places[name], curve, name, style, log, keeps[name])
    title, xlabel, ylabel = words
    ax.set(title=title, xlabel=xlabel, ylabel=ylabel)
    if log:
        ax.set_yscale("log")
    if all((place == np.floor(place)).all() for place in places.values()):
        ax.xaxis.set_major_locator(ticker.MaxNLocator(integer=True, min_n_ticks=1))
    ax.grid(alpha=0.3)
    ax.spines[["top", "right"]].set_visible(False)
    _legend(ax, quick=sum(map(len, curves.values())) > _MANY)
    return ax


def _curves(operation: str, values: Any) -> dict[str, Array]:
    """The curves by name; a single one has the name "", which is not shown."""
    given = values if isinstance(values, Mapping) else {"": values}
    if not given:
        raise ValueError(f"{operation}: there is no curve in the mapping")
    curves = {str(name): numbers(operation, _called(name), value) for name, value in given.items()}
    for name, curve in curves.items():
        if curve.ndim != 1:
            hint = "; several curves are given by name: {'training': …}" if curve.ndim == 2 else ""
            raise ValueError(f"{operation}: {_called(name)} must have one axis, got shape {curve.shape}{hint}")
        if not len(curve):
            raise ValueError(f"{operation}: {_called(name)} is empty; append a number per step, then plot")
    return {name: curve.astype(np.float64) for name, curve in curves.items()}


def _each(operation: str, what: str, given: Any, otherwise: Any, curves: dict[str, Array]) -> dict[str, Any]:
    """An option for each curve: one for all, or by name for some."""
    if not isinstance(given, Mapping):
        return dict.fromkeys(curves, given)
    named = {str(name): value for name, value in given.items()}
    if unknown := named.keys() - curves:
        raise ValueError(f"{operation}: {what} names {', '.join(sorted(unknown))}; the curves are {', '.join(curves)}")
    return dict.fromkeys(curves, otherwise) | named


def _place(operation: str, name: str, count: int, given: Any) -> Array:
    """Where the values of a curve stand on the horizontal axis."""
    place = numbers(operation, "x", range(count) if given is None else given).astype(np.float64)
    if place.shape != (count,) or not np.isfinite(place).all():
        raise ValueError(
            f"{operation}: x must have one finite number for each of the {plural(count, 'value')} of {_called(name)}, "
            f"got shape {place.shape}"
        )
    return place


def _called(name: Any) -> str:
    """What a curve is called in an error."""
    return f"the curve {str(name)!r}" if str(name) else "the curve"


def _draw(ax: Axes, x: Array, y: Array, name: str, style: dict[str, Any], log: bool, smooth: float) -> None:
    """One curve, and a cross for each value that has no place in it."""
    absent = ~np.isfinite(y) | (y <= 0 if log else np.zeros(len(y), bool))
    shown = np.where(absent, np.nan, y)
    marker = "." if len(y) <= _FEW else None
    label = name or "_nolegend_"
    if smooth:
        ax.plot(x, shown, alpha=0.3, linewidth=1, label="_nolegend_", **style)
        shown, marker = _average(shown, smooth), None if len(y) > 1 else marker
    ax.plot(x, shown, marker=marker, label=label, zorder=2.5, **style)
    if absent.any():
        ax.plot(
            x[absent], np.zeros(absent.sum()), "x", color=style["color"], clip_on=False, zorder=3,
            transform=ax.get_xaxis_transform(), label=_note(name, x, y, absent),
        )  # fmt: skip


def _legend(ax: Axes, quick: bool) -> None:
    """The names of the curves: in the emptiest corner, or, where they are many, beside the axes."""
    names = ax.get_legend_handles_labels()[1]
    style: dict[str, Any] = {"loc": "upper right" if quick else "best", "framealpha": 0.8, "edgecolor": "none"}
    if len(names) > _LISTED:
        style |= {"fontsize": "small"}
        if ax.figure.get_layout_engine() is not None:  # which makes room for it
            style |= {"loc": "center left", "bbox_to_anchor": (1, 0.5)}
    if names:
        ax.legend(**style)


def _note(name: str, x: Array, y: Array, absent: Array) -> str:
    """How many values are missing in a curve, why, and where the first stands."""
    infinite = ~np.isfinite(y)
    kinds = ["not finite"] * bool(infinite.any()) + ["not positive"] * bool((absent & ~infinite).any())
    where = f"{'first ' if absent.sum() > 1 else ''}at {x[absent][0]:g}"
    return f"{name}{': ' if name else ''}{plural(int(absent.sum()), 'value')} {' or '.join(kinds)}, {where}"


def _average(y: Sequence[float] | Array, keep: float) -> Array:
    """The exponential moving average, unbiased at its start; a gap stays a gap and counts for nothing."""
    average, weight, result = 0.0, 0.0, np.full(len(y), np.nan)
    for i, value in enumerate(np.asarray(y).tolist()):
        if value == value:
            average = keep * average + (1 - keep) * value
            weight = keep * weight + (1 - keep)
            result[i] = average / weight
    return result
