"""The plane of two features as a classifier divides it, with the points it learned from.

A model is asked for a grid of points, without recording and, if it is a Module, as in use (`Module.eval`). What its
answer means follows from its shape: see ``plot_answer.py``, to be read next. Nothing here trains.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import scalar
from ..arrays import Array
from .plot_answer import Answer, ask, word
from .plot_style import MARKERS, MISSING, PALETTE, array, axes, diverging, load, numbers, plural

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_RESOLUTION, _SCALAR_RESOLUTION = 200, 40  # points per side; one by one they take long
_MARGIN = 0.12  # around the points, as a share of their extent
_MANY = 2000  # points from which looking for the emptiest corner for the legend takes too long


def plot_decision_boundary(
    model: Any,
    X: Any,
    y: Any,
    *,
    levels: float | Sequence[float] = 0.0,
    vmax: float | None = None,
    resolution: int | None = None,
    labels: Sequence[str] | None = None,
    title: str = "Decision boundary",
    colorbar: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Draw what a classifier of two features says everywhere in the plane, its boundary, and the points.

    Parameters
    ----------
    model : Module, callable or estimator
        What maps points of shape (N, 2) to one of:

        - scores of shape (N,) or (N, 1): the first of two classes below 0, the second above;
        - scores of shape (N, C), logits or probabilities: the class of the largest, from 0 to C - 1;
        - with a method ``predict``, as scikit-learn's estimators have it: labels of shape (N,). Where there is a
          ``decision_function`` with one score per point, that is drawn.

        A network of `tinytensor.scalar` is asked point by point.
    X : array_like of shape (n, 2)
        The points.
    y : array_like of shape (n,)
        Their labels: numbers or words.
    levels : float or sequence of float
        Scores at which a line is drawn, where there is one score per point: ``(-1, 0, 1)`` adds the margins.
    vmax : float, optional
        The score from which on the colour is full; by default the 95th percentile of the plane's.
    resolution : int, optional
        Points of the grid per side; by default 200, and 40 for a network of `tinytensor.scalar`.
    labels : sequence of str, optional
        The names of the classes in order; by default the labels themselves.
    title : str
        What stands above.
    colorbar : bool
        Whether a bar tells the colours of scores; there is none for classes, which the legend names.
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
        Where `X` is no list of points in a plane, `y` does not fit it or the model's answer, or the model fails on
        points of two features.

    Examples
    --------
    >>> import tinytensor as tt
    >>> from matplotlib.figure import Figure
    >>> X, y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1, 1]
    >>> ax = tt.viz.plot_decision_boundary(lambda Z: Z.sum(axis=1) - 0.5, X, y, ax=Figure().subplots())
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['0', '1']
    """
    operation = "plot_decision_boundary"
    points, given, plane, said = answer(operation, model, X, y, resolution)
    names = _names(operation, said.classes, labels)
    ax = axes(operation, ax, (6.4, 4.4))
    if said.scores.ndim == 2:
        limit = full_colour(said.scores) if vmax is None else float(vmax)
        _draw_scores(operation, ax, plane, said.scores, limit, levels, colorbar)
    else:
        _draw_regions(ax, plane, said.scores)
    _draw_points(ax, points, given, said.classes, names)
    missing = np.isnan(said.scores if said.scores.ndim == 2 else said.scores[..., 0]).mean()
    note = f"\n(grey: the score is not finite, {missing:.0%} of the plane)" if missing else ""
    ax.set(title=title + note, xlabel="feature 0", ylabel="feature 1")
    ax.grid(False)
    return ax


def answer(
    operation: str, model: Any, X: Any, y: Any, resolution: int | None
) -> tuple[Array, Array, list[Array], Answer]:
    """The checked points and labels, the plane around them, and what the model says of it."""
    points, given = _points(operation, X, y)
    usual = _SCALAR_RESOLUTION if isinstance(model, scalar.Module) else _RESOLUTION
    plane = _plane(operation, points, usual if resolution is None else resolution)
    return points, given, plane, ask(operation, model, plane, given)


# ---------------------------------------------------------------------------------------- the points


def _points(operation: str, X: Any, y: Any) -> tuple[Array, Array]:
    """The checked points, of a floating dtype, and their labels."""
    points, given = numbers(operation, "X", X), array(operation, "y", y)
    if points.ndim != 2 or points.shape[1] != 2:
        hint = "; choose two columns, such as X[:, :2], and a model of these two" if points.ndim == 2 else ""
        raise ValueError(f"{operation}: draws a plane, so X must have shape (n, 2), got {points.shape}{hint}")
    if given.shape != (len(points),):
        hint = "; write y[:, 0]" if given.ndim == 2 and given.shape[1:] == (1,) else ""
        hint = "; write y.argmax(axis=1)" if given.ndim == 2 and given.shape[1] > 1 else hint
        raise ValueError(
            f"{operation}: y must have one label for each of {len(points)} points, got shape {given.shape}{hint}"
        )
    if not len(points):
        raise ValueError(f"{operation}: there are no points in X")
    if not np.isfinite(points).all():
        raise ValueError(
            f"{operation}: X has {plural(int((~np.isfinite(points)).sum()), 'number')} that are not finite"
        )
    if given.dtype.kind == "f" and not np.isfinite(given).all():
        raise ValueError(f"{operation}: y has {plural(int((~np.isfinite(given)).sum()), 'label')} that are not finite")
    # A model of float32 Tensors refuses float64 ones, so the grid has the dtype of the points.
    return points if points.dtype.kind == "f" else points.astype(np.float64), given


def full_colour(scores: Array) -> float:
    """The score from which on the colour is full, if nobody says it."""
    sizes = np.abs(scores[np.isfinite(scores)])
    return float(np.percentile(sizes, 95)) or 1.0 if sizes.size else 1.0


def _plane(operation: str, points: Array, side: int) -> list[Array]:
    """The grid over the points and some margin around them: the horizontal and the vertical coordinates."""
    if side < 2:
        raise ValueError(f"{operation}: resolution must be 2 or more, got {side}")
    low, high = points.min(axis=0), points.max(axis=0)
    around = _MARGIN * np.where(high > low, high - low, 1)
    sides = [np.linspace(a, b, side, dtype=points.dtype) for a, b in zip(low - around, high + around, strict=True)]
    return list(np.meshgrid(*sides))


def _names(operation: str, classes: Array, labels: Sequence[str] | None) -> list[str]:
    """What the legend says for each class."""
    if labels is None:
        return [word(label) for label in classes]
    if len(labels) != len(classes):
        found = ", ".join(map(word, classes))
        raise ValueError(f"{operation}: expected a label for each of the classes {found}, got {len(labels)}")
    return [str(label) for label in labels]


# ---------------------------------------------------------------------------------------- drawing


def _draw_scores(
    operation: str, ax: Axes, plane: list[Array], scores: Array, limit: float, levels: Any, colorbar: bool
) -> None:
    """The score of two classes as a colour, and lines at some levels."""
    if not limit > 0:
        raise ValueError(f"{operation}: vmax must be above 0, got {limit}")
    ax.set_facecolor(MISSING)
    # The plane keeps paler than the points, which stand out so.
    shades = ax.contourf(
        *plane, scores.clip(-limit, limit), levels=np.linspace(-limit, limit, 25), cmap=diverging(operation),
        vmin=-1.4 * limit, vmax=1.4 * limit,
    )  # fmt: skip
    known = scores[np.isfinite(scores)]
    for level in np.sort(np.ravel(levels)).tolist():
        if known.size and known.min() < level < known.max():
            ax.contour(
                *plane, scores, levels=[level], colors="black", linewidths=0.7 if level else 1.6, linestyles="solid"
            )
    if colorbar:
        ax.figure.colorbar(shades, ax=ax, label="score", ticks=load(operation, "matplotlib.ticker").MaxNLocator(7))


def _draw_regions(ax: Axes, plane: list[Array], ahead: Array) -> None:
    """The region of each class in a pale colour, with a line around it."""
    ax.set_facecolor(MISSING)
    for k in range(ahead.shape[-1]):
        margin = ahead[..., k]
        known = margin[np.isfinite(margin)]
        if not known.size or known.max() <= 0:
            continue  # chosen nowhere
        ax.contourf(*plane, margin, levels=[0, known.max() * 1.01], colors=[_pale(PALETTE[k % len(PALETTE)])])
        if known.min() < 0:
            ax.contour(*plane, margin, levels=[0], colors="black", linewidths=1.2)


def _pale(colour: str, share: float = 0.35) -> tuple[float, ...]:
    """A colour mixed with white."""
    return tuple(1 - share * (1 - int(colour[i : i + 2], 16) / 255) for i in (1, 3, 5))


def _draw_points(ax: Axes, points: Array, y: Array, classes: Array, names: list[str]) -> None:
    """The points of each class with a colour and a kind of mark."""
    size = 36 if len(points) <= 300 else 12
    for k, (label, name) in enumerate(zip(classes, names, strict=True)):
        chosen = points[y == label]
        ax.scatter(
            chosen[:, 0], chosen[:, 1], s=size, c=PALETTE[k % len(PALETTE)], marker=MARKERS[k % len(MARKERS)],
            edgecolors="white", linewidths=0.7, zorder=3, label=name,
        )  # fmt: skip
    ax.legend(loc="best" if len(points) <= _MANY else "upper right", framealpha=0.85, edgecolor="none")
