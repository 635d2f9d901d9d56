"""Which class was taken for which, as a table with colours.

It knows labels and counts, and no model. Read next: ``plot_tiles.py``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import Array
from .plot_style import MISSING, array, axes, load

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_READABLE = 25  # classes up to which there is room for numbers in the cells


def plot_confusion(
    y_true: Any,
    y_pred: Any,
    *,
    labels: Sequence[Any] | None = None,
    normalize: bool = False,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw how often each true class (row) was taken for each class (column), with the numbers in the cells.

    Parameters
    ----------
    y_true : array_like of shape (n,)
        The true labels: integers or words.
    y_pred : array_like of shape (n,) or (n, C)
        The predicted labels; or scores such as logits, of which the largest is the prediction, from 0 to C - 1.
    labels : sequence, optional
        The classes in the order of the rows; or, where the labels are integers from 0 on, their names. By default the
        classes that occur, sorted; for scores all C.
    normalize : bool
        Whether the cells hold percentages of their row instead of counts. A class that never occurs has a grey row.
    title : str, optional
        What stands above; by default how many are right.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default on a new figure of ``matplotlib.pyplot``.

    Returns
    -------
    matplotlib.axes.Axes
        What was drawn on. With more than 25 classes a colour bar stands in for the numbers in the cells.

    Raises
    ------
    ImportError
        Without matplotlib.
    ValueError, TypeError
        Where the two differ in length or are empty, or labels are unknown or fractions.

    Examples
    --------
    >>> from tinytensor import viz
    >>> from matplotlib.figure import Figure
    >>> ax = viz.plot_confusion([0, 0, 1], [0, 1, 1], labels=["cat", "dog"], ax=Figure().subplots())
    >>> ax.images[0].get_array().tolist()
    [[1.0, 1.0], [0.0, 1.0]]
    >>> ax.get_title()
    '2 of 3 right (66.7%)'
    """
    operation = "plot_confusion"
    true, predicted, names = _classes(operation, y_true, y_pred, labels)
    count = len(names)
    table = np.bincount(true * count + predicted, minlength=count * count).reshape(count, count)
    shown = table.astype(np.float64)
    if normalize:
        rows = table.sum(axis=1, keepdims=True)
        shown = np.divide(100 * table, rows, out=np.full(table.shape, np.nan), where=rows > 0)
    colours = load(operation, "matplotlib").colormaps["Blues"].with_extremes(bad=MISSING)
    side = min(max(4.2, 1.6 + 0.48 * count), 12.0)
    ax = axes(operation, ax, (side, side))
    top = 100.0 if normalize else max(1, table.max())
    image = ax.imshow(np.ma.masked_invalid(shown), cmap=colours, vmin=0, vmax=top)
    what = "% of the row" if normalize else "count"
    if count <= _READABLE:
        _write(ax, shown, "{:.1f}" if normalize else "{:.0f}", top / 2)
    else:
        ax.figure.colorbar(image, ax=ax, label=what, shrink=0.8)
    _name(ax, names)
    right = int(np.trace(table))
    ax.set_title(f"{right:,} of {len(true):,} right ({right / len(true):.1%})" if title is None else title)
    ax.set(xlabel=f"predicted class ({what})" if normalize else "predicted class", ylabel="true class")
    ax.grid(False)
    return ax


def _classes(operation: str, y_true: Any, y_pred: Any, labels: Sequence[Any] | None) -> tuple[Array, Array, list[str]]:
    """The two as positions among the classes, and the names of these."""
    true, predicted = array(operation, "y_true", y_true), array(operation, "y_pred", y_pred)
    if true.ndim != 1 or predicted.ndim not in (1, 2) or len(true) != len(predicted):
        raise ValueError(
            f"{operation}: expected y_true of shape (n,) and y_pred of shape (n,) or (n, C), got {true.shape} and "
            f"{predicted.shape}"
        )
    if not len(true):
        raise ValueError(f"{operation}: y_true and y_pred are empty")
    classes = None
    if predicted.ndim == 2:
        classes, predicted = list(range(predicted.shape[1])), _largest(operation, predicted)
    for name, given in (("y_true", true), ("y_pred", predicted)):
        fractions = given[~np.isfinite(given) | (given != np.rint(given))] if given.dtype.kind == "f" else np.empty(0)
        if fractions.size:
            raise ValueError(
                f"{operation}: {name} holds {fractions[0]}, which is no label; of one score "
                "per example make labels, such as scores > 0"
            )
    if (true.dtype.kind in "biuf") != (predicted.dtype.kind in "biuf"):
        raise TypeError(f"{operation}: y_true are of {true.dtype} and y_pred of {predicted.dtype}; both must be alike")
    found = sorted({*true.tolist(), *predicted.tolist()})
    classes = _chosen(operation, classes, found, labels)
    position = {label: k for k, label in enumerate(classes)}
    if unknown := [label for label in found if label not in position]:
        raise ValueError(f"{operation}: {unknown[0]!r} is not among the classes {', '.join(map(str, classes))}")
    names = classes if labels is None else labels
    return (
        np.array([position[label] for label in true.tolist()]),
        np.array([position[label] for label in predicted.tolist()]),
        [f"{name:g}" if isinstance(name, float) else str(name) for name in names],
    )


def _largest(operation: str, scores: Array) -> Array:
    """The place of the largest score in each row."""
    if scores.dtype.kind not in "biuf" or np.isnan(scores).any():
        raise ValueError(f"{operation}: the scores in y_pred must be numbers, and none of them nan")
    if not scores.shape[1]:
        raise ValueError(f"{operation}: y_pred has shape {scores.shape}, no score for any class")
    return scores.argmax(axis=1)


def _chosen(operation: str, classes: list[Any] | None, found: list[Any], labels: Sequence[Any] | None) -> list[Any]:
    """The classes in the order of the rows: those that scores have, that are asked for, or that occur."""
    if labels is None:
        return found if classes is None else classes
    if len(set(labels)) != len(labels):
        raise ValueError(f"{operation}: a label occurs twice in labels")
    if classes is None:
        return list(labels) if set(found) <= set(labels) else list(range(len(labels)))
    if len(labels) != len(classes):
        raise ValueError(
            f"{operation}: y_pred has scores for {len(classes)} classes, and there are {len(labels)} labels"
        )
    return classes


def _write(ax: Axes, shown: Array, form: str, middle: float) -> None:
    """The number in each cell: white on dark ones, and zeros pale, since they are many."""
    size = 10 if len(shown) <= 12 else 7
    for row, column in np.ndindex(shown.shape):
        value = shown[row, column]
        colour = "white" if value > middle else "#888888" if value == 0 else "black"
        text = "–" if np.isnan(value) else "0" if value == 0 else form.format(value)
        ax.text(column, row, text, ha="center", va="center", color=colour, fontsize=size)


def _name(ax: Axes, names: list[str]) -> None:
    """The names of the classes at both axes; of very many, some."""
    shown = range(0, len(names), math.ceil(len(names) / 50))
    words = [names[k] for k in shown]
    long = max(map(len, words)) > 3
    ax.set_xticks(shown, words, rotation=45 if long else 0, ha="right" if long else "center", rotation_mode="anchor")
    ax.set_yticks(shown, words)
    if len(names) > 25:
        ax.tick_params(labelsize=7)
