"""What a classifier says of the points of a plane, whatever kind of classifier it is.

It knows models by their answers alone, and nothing of pictures. Read next: ``animation.py``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import scalar
from ..arrays import Array
from ..modes import no_grad
from ..nn.module import Module
from .plot_style import array

_CLASSES = 50  # different labels; more are no classes
_AT_ONCE = 10_000  # points in one call, so that a wide network does not need gigabytes


@dataclass
class Answer:
    """What a model says of every point of the plane.

    `scores` of shape (rows, columns) are those of two classes, with the boundary at 0. Of shape (rows, columns, C)
    they tell for each class how far it is ahead of the best other one: the class is chosen where that is positive.
    Where the model gave no finite score there is nan.
    """

    scores: Array
    classes: Array


def ask(operation: str, model: Any, plane: list[Array], y: Array) -> Answer:
    """The model's answer for each point of the plane, and the labels of the classes."""
    grid = np.stack(plane, axis=-1).reshape(-1, 2)
    shape = plane[0].shape
    function, has_labels = _function(operation, model)
    with using(model):
        parts = [_call(operation, function, grid[i : i + _AT_ONCE]) for i in range(0, len(grid), _AT_ONCE)]
    out = np.concatenate(parts)
    if has_labels:
        if (out.dtype.kind in "biuf") != (y.dtype.kind in "biuf"):
            raise TypeError(f"{operation}: the model predicts labels of {out.dtype}, and y has labels of {y.dtype}")
        classes = np.unique(np.concatenate([out, y]))
        if len(classes) > _CLASSES:
            raise ValueError(
                f"{operation}: the model's predict gives {len(classes)} different values, so it seems to be no "
                "classifier; pass a function that returns scores, such as lambda Z: model.predict(Z) - 0.5"
            )
        return Answer(_ahead((out[:, None] == classes).astype(float)).reshape(*shape, -1), classes)
    if out.dtype.kind not in "biuf":
        raise TypeError(f"{operation}: the model's answer must be numbers, got {out.dtype}")
    out = np.where(np.isfinite(out), out, np.nan).astype(np.float64)
    if out.ndim == 1 or out.shape[1] == 1:
        return Answer(out.reshape(shape), _two(operation, np.unique(y)))
    count = out.shape[1]
    if y.dtype.kind not in "biuf" or not np.isin(y, np.arange(count)).all():
        raise ValueError(
            f"{operation}: the model gives {count} scores per point, so y must be the classes 0 to {count - 1}, "
            f"got {', '.join(map(word, np.unique(y)[:9]))}"
        )
    return Answer(_ahead(out).reshape(*shape, count), np.arange(count))


def _function(operation: str, model: Any) -> tuple[Callable[[Array], Any], bool]:
    """What to call with points, and whether it returns labels instead of scores."""
    if isinstance(model, scalar.Module):
        return lambda points: [_numbers(model(point)) for point in points.tolist()], False  # type: ignore[operator]
    if not isinstance(model, Module) and hasattr(model, "predict"):
        decide = getattr(model, "decision_function", None)
        if decide is not None and len(getattr(model, "classes_", ())) == 2:
            return decide, False
        return model.predict, True
    if not callable(model):
        raise TypeError(
            f"{operation}: expected a Module, a function or an estimator with predict, got {type(model).__name__}"
        )
    return model, False


def _numbers(output: Any) -> Any:
    """The numbers of what a scalar network returns: one Value or a list of them."""
    return [value.data for value in output] if isinstance(output, list) else output.data


def _call(operation: str, function: Callable[[Array], Any], points: Array) -> Array:
    """The model's answer for some points, in a row for each."""
    try:
        answer = function(points)
    except (ValueError, TypeError, IndexError) as error:
        raise ValueError(
            f"{operation}: the model fails on points of shape {points.shape}: {error}\n(a model of more features is "
            "drawn with the others held fixed: lambda Z: model(np.c_[Z, np.zeros(len(Z))]))"
        ) from error
    out = array(operation, "the model's answer", answer)
    if out.ndim not in (1, 2) or len(out) != len(points) or not out.size:
        raise ValueError(
            f"{operation}: for points of shape {points.shape} the model's answer has shape {out.shape}; expected "
            f"({len(points)},) or ({len(points)}, C)"
        )
    return out


@contextlib.contextmanager
def using(model: Any) -> Iterator[None]:
    """Within the block the model is in use: nothing is recorded, nothing is dropped out."""
    trained = [m for m in model.modules() if m.training] if isinstance(model, Module) else []
    for module in trained:
        module.training = False
    try:
        with no_grad():
            yield
    finally:
        for module in trained:
            module.training = True


def _ahead(scores: Array) -> Array:
    """For scores of shape (N, C): how far each class is ahead of the best other one; nan where one is nan."""
    rows = np.arange(len(scores))
    first = scores.argmax(axis=1)
    best = scores[rows, first]
    others = scores.copy()
    others[rows, first] = -np.inf
    ahead = scores - best[:, None]
    ahead[rows, first] = best - others.max(axis=1)
    return ahead


def _two(operation: str, classes: Array) -> Array:
    """The classes below and above a score of 0; with one alone in the data, the other is made up."""
    if len(classes) > 2:
        raise ValueError(
            f"{operation}: the model gives one score per point, which tells two classes apart, but y has "
            f"{len(classes)}: {', '.join(map(word, classes[:9]))}; return a score for each class, of shape (N, C)"
        )
    if len(classes) == 1 and classes.dtype.kind in "biuf":
        return np.array([classes[0], 1]) if classes[0] <= 0 else np.array([0, classes[0]])
    return classes


def word(label: Any) -> str:
    """A label as a person writes it: 1 and not 1.0."""
    return f"{label:g}" if isinstance(label, (float, np.floating)) else str(label)
