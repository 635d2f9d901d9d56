"""Measures as text for people: tables that line up, and a sentence with the baseline. Read next: ``card.py``."""

from __future__ import annotations

import unicodedata
from typing import Any

from .errors import listed

SHOWN = 12  # classes up to which the confusion is printed
LONGEST = 24  # characters of a class's name in a table


def accuracy_line(measures: dict[str, Any], rows: str) -> str:
    """The accuracy, and that of the simplest guess."""
    return (
        f"Accuracy on {measures['rows']:,} {rows}: {measures['accuracy']:.1%} "
        f"(always {measures['most frequent class']!r}: {measures['baseline']:.1%})"
    )


def error_lines(measures: dict[str, Any], rows: str) -> list[str]:
    """The measures of a regression."""
    r2 = "undefined, all targets are equal" if measures["R2"] is None else f"{measures['R2']:.4f}"
    return [
        f"R² on {measures['rows']:,} {rows}: {r2}",
        f"mean absolute error:         {measures['MAE']:.6g}",
        f"root of mean squared error:  {measures['RMSE']:.6g} (always the mean: {measures['baseline RMSE']:.6g})",
    ]


def lines_of(measures: dict[str, Any], rows: str) -> list[str]:
    """All measures: one line, the table by class, the confusion."""
    if "accuracy" not in measures:
        return error_lines(measures, rows)
    found = [accuracy_line(measures, rows), "", *table(class_rows(measures)), ""]
    classes = list(measures["classes"])
    if len(classes) <= SHOWN:
        found += ["Rows: true class; columns: predicted class", *table(confusion_rows(measures))]
    else:
        found += worst_lines(measures)
    return found


def class_rows(measures: dict[str, Any]) -> list[list[str]]:
    """Precision, recall and F1 of each class, with a header."""
    rows = [["class", "precision", "recall", "F1", "rows"]]
    for name, found in measures["classes"].items():
        numbers = [f"{found[key]:.3f}" for key in ("precision", "recall", "F1")]
        rows.append([short(name), *numbers, f"{found['rows']:,}"])
    return rows


def confusion_rows(measures: dict[str, Any]) -> list[list[str]]:
    """The confusion, with a header."""
    names = [short(name) for name in measures["classes"]]
    rows = [["", *names]]
    rows += [
        [name, *(f"{count:,}" if count else "·" for count in counts)]
        for name, counts in zip(names, measures["confusion"], strict=True)
    ]
    return rows


def worst_lines(measures: dict[str, Any]) -> list[str]:
    """Of many classes, which are confused most."""
    names = list(measures["classes"])
    pairs = [
        (count, names[i], names[j])
        for i, counts in enumerate(measures["confusion"])
        for j, count in enumerate(counts)
        if i != j and count
    ]
    pairs.sort(key=lambda pair: -pair[0])
    return [f"{true!r} was taken for {found!r} {count:,} times" for count, true, found in pairs[:5]]


def table(rows: list[list[str]]) -> list[str]:
    """Lines with columns that line up: the first to the left, the others to the right."""
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            text + " " * (size - width(text)) if place == 0 else " " * (size - width(text)) + text
            for place, (text, size) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def width(text: str) -> int:
    """How many places a text takes in a terminal: two for each wide character, none for an accent of its own."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) > 0 for c in text)


def short(name: str) -> str:
    """A name that fits a table, without what could move the cursor."""
    name = "".join(c if c.isprintable() else "?" for c in name) or "(empty)"
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"


def columns_line(features: Any, left_out: dict[str, str]) -> str:
    """How many columns of each kind are used."""
    words = {"number": "number", "boolean": "yes or no", "category": "category"}
    counts = {kind: sum(feature.kind == kind for feature in features) for kind in words}
    parts = [
        f"{count} {word if count == 1 or kind == 'boolean' else plural(word)}"
        for kind, word in words.items()
        if (count := counts[kind])
    ]
    used = f"{len(features)} {'column' if len(features) == 1 else 'columns'} ({', '.join(parts)})"
    return used + (f", {len(left_out)} left out" if left_out else "")


def plural(word: str) -> str:
    """The word for several."""
    return word[:-1] + "ies" if word.endswith("y") else word + "s"


def left_out_lines(left_out: dict[str, str]) -> list[str]:
    """Which columns are left out, those with the same reason in one line."""
    by_reason: dict[str, list[str]] = {}
    for name, reason in left_out.items():
        by_reason.setdefault(reason, []).append(name)
    return [f"left out: {listed(names)} ({reason})" for reason, names in by_reason.items()]
