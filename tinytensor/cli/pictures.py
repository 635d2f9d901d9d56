"""The pictures in a model's folder: confusion and curves, by `tinytensor.viz`. Read next: ``commands.py``."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from .errors import Problem
from .folder import CONFUSION, CURVES
from .report import short

MOST = 60  # classes in a picture
WIDE = 20  # how many times its lowest value a loss reaches where its axis is logarithmic


def draw(folder: Path, document: dict[str, Any]) -> list[str]:
    """Draw what there is to draw; the names of the files. An ImportError without matplotlib."""
    from matplotlib.figure import Figure

    from ..viz.plots import plot_confusion, plot_losses

    files = []
    measures, curves = document["measures"]["validation"], document["curves"]
    if measures is not None and "confusion" in measures and len(measures["classes"]) <= MOST:
        table = np.array(measures["confusion"])
        true, found = np.nonzero(table)
        names, times = labels_of(measures["classes"]), table[true, found]
        side = min(max(4.2, 1.6 + 0.48 * len(names)), 12.0)
        figure = Figure(figsize=(side, side), layout="constrained")
        plot_confusion(np.repeat(true, times), np.repeat(found, times), labels=names, ax=figure.subplots())
        files.append((figure, CONFUSION))
    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    epochs = np.arange(1, len(curves["loss"]) + 1)
    for ax, title, key in ((left, "loss", "loss"), (right, document["training"]["score"], "score")):
        lines = {"training": curves[key], "validation": curves[f"validation {key}"]}
        lines = {name: line for name, line in lines.items() if line}
        best = document["training"]["best"]
        xlabel = "epoch" if best == len(epochs) else f"epoch (dotted: {best}, the one that was kept)"
        values = np.concatenate(list(lines.values()))
        log = key == "loss" and bool(values.min() > 0) and float(values.max() / values.min()) > WIDE
        x = dict.fromkeys(lines, epochs)
        plot_losses(lines, x=x, log=log, title=title[0].upper() + title[1:], xlabel=xlabel, ylabel=title, ax=ax)
        if best < len(epochs):
            ax.axvline(best, color="#888888", linewidth=1, linestyle="dotted")
    files.append((figure, CURVES))
    for figure, name in files:
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "Glyph .* missing")  # the font has not the letters of a class
                figure.savefig(folder / name, dpi=120)
        except OSError as error:
            raise Problem(f"can't write {folder / name}: {error.strerror or error}") from None
    return [name for _, name in files]


def labels_of(classes: Iterable[str]) -> list[str]:
    """The names of classes as matplotlib can write them: short, different, and none of them a formula."""
    names = [short(name).replace("$", r"\$") for name in classes]
    return names if len(set(names)) == len(names) else [f"{k}: {name}" for k, name in enumerate(names)]
