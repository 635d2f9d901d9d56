"""``tinytensor predict`` and ``tinytensor evaluate``: a model's folder on a table, read and answered in parts.

Read next: ``tables.py``.
"""

from __future__ import annotations

import contextlib
import csv
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .errors import BadInput, Problem, counted, listed, no_such_column, shown
from .folder import Model, load_model
from .measures import measure_for
from .network import outputs_of, predicted
from .preprocessing import Notes, texts_of
from .progress import Progress
from .report import lines_of
from .tables import Chunk, Reading, Table, open_table
from .targets import Target

PREDICTION = "prediction"


def predict(options: Any) -> None:
    """Run ``predict``."""
    given = vars(options)
    progress = Progress(given.get("quiet", False))
    model = load_model(given["model"])
    table = _open(given, model)
    _check_columns(table, model, progress)
    with _output(given.get("out"), given["data"]) as file:
        write = _write_json if given.get("json") and "out" not in given else _write_csv
        rows = write(file, model, table, progress, given.get("keep", False))
    if "out" in given:
        told = {"out": given["out"], "rows": rows, "model": given["model"]}
        print(json.dumps(told) if given.get("json") else f"{counted(rows, 'prediction')} in {given['out']}")


def evaluate(options: Any) -> None:
    """Run ``evaluate``."""
    given = vars(options)
    progress = Progress(given.get("quiet", False))
    model = load_model(given["model"])
    table, target = _open(given, model), model.target
    if target.name not in table.columns:
        raise no_such_column(target.name, table.columns, f"{table.name}: to compare with, the target is needed; it")
    _check_columns(table, model, progress)
    measure, rows = measure_for(target), 0
    for chunk, found, _ in _predictions(model, table, progress):
        measure.add(target.encode(chunk, model.preprocessing.notation, table.name), found)
        rows += len(chunk)
    if not rows:
        raise BadInput(f"{table.name}: there is a header and no row below it")
    measures = measure.measures()
    if given.get("json"):
        print(json.dumps({"model": given["model"], "data": given["data"], "target": target.name, **measures}))
    else:
        print("\n".join(lines_of(measures, "rows" if rows > 1 else "row")))


# --------------------------------------------------------------------------------------- in parts


def _open(given: dict[str, Any], model: Model) -> Table:
    """The table; what is not said is as it was in training, where that was said."""
    reading = Reading(given.get("delimiter", model.delimiter), given.get("encoding", model.encoding))
    return open_table(given["data"], reading)


def _check_columns(table: Table, model: Model, progress: Progress) -> None:
    """Raise where a column that the model needs is not there; say which are not used."""
    needed = [feature.name for feature in model.preprocessing.features]
    missing = [name for name in needed if name not in table.columns]
    if len(missing) == 1:
        raise no_such_column(missing[0], table.columns, f"{table.name}: the model needs it, and the file")
    if missing:
        raise BadInput(f"{table.name}: {len(missing)} columns that the model needs are not there: {listed(missing)}")
    known = {*needed, model.target.name, *model.left_out}
    if extra := [name for name in table.columns if name not in known]:
        progress.note(
            f"not used, since training had no such {'columns' if len(extra) > 1 else 'column'}: {listed(extra)}"
        )


def _predictions(model: Model, table: Table, progress: Progress) -> Iterator[tuple[Chunk, Any, Any]]:
    """Chunk by chunk: the rows, predictions, and probabilities (None for numbers)."""
    notes, rows = Notes(), 0
    for chunk in table.chunks():
        X = model.preprocessing.encode(chunk, table.name, notes)
        yield chunk, *predicted(outputs_of(model.network, X), model.target)
        rows += len(chunk)
        progress.rows("predicting", rows)
    progress.end()
    for line in notes.lines():
        progress.note(line)


def _write_csv(file: Any, model: Model, table: Table, progress: Progress, keep: bool) -> int:
    """Predictions as CSV; the number of rows."""
    target, rows = model.target, 0
    kept = table.columns if keep else []
    names = [PREDICTION, *(f"probability_{label}" for label in target.classes)]
    if taken := [name for name in names if name in kept]:
        raise BadInput(f"--keep: {table.name} has a column {shown(taken[0])} already; rename it")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([*kept, *names])
    for chunk, found, probabilities in _predictions(model, table, progress):
        columns = [texts_of(chunk.columns[name]) for name in kept]
        if probabilities is None:
            columns.append([f"{value:.7g}" for value in found.tolist()])
        else:
            columns.append([target.classes[k] for k in found.tolist()])
            columns += [[f"{value:.6f}" for value in column] for column in probabilities.T.tolist()]
        writer.writerows(zip(*columns, strict=True))
        rows += len(chunk)
    return rows


def _write_json(file: Any, model: Model, table: Table, progress: Progress, keep: bool) -> int:
    """Predictions as one JSON document, written row by row."""
    if keep:
        raise BadInput("--keep is for CSV; leave it out beside --json")
    target: Target = model.target
    file.write(json.dumps({"target": target.name, "classes": target.classes})[:-1] + ', "rows": [')
    rows = 0
    for _, found, probabilities in _predictions(model, table, progress):
        for k, value in enumerate(found.tolist()):
            row: dict[str, Any] = {PREDICTION: value if probabilities is None else target.classes[value]}
            if probabilities is not None:
                row["probabilities"] = [round(p, 6) for p in probabilities[k].tolist()]
            file.write((", " if rows else "") + json.dumps(row))
            rows += 1
    file.write("]}\n")
    return rows


@contextlib.contextmanager
def _output(name: str | None, data: str) -> Iterator[Any]:
    """stdout, or a file that appears when it is whole."""
    if name is None:
        yield sys.stdout
        return
    place = Path(name)
    if place.is_dir():
        raise BadInput(f"--out {name}: this is a folder; name a file")
    if place.exists() and Path(data).exists() and place.samefile(data):
        raise BadInput(f"--out {name}: that is the table itself; name another file")
    part = place.with_name(f".{place.name}.{os.getpid()}.part")
    try:
        file = open(part, "w", encoding="utf-8", newline="")  # noqa: SIM115  # closed below
    except OSError as error:
        raise BadInput(f"--out {name}: {error.strerror or error}") from None
    try:
        with file:
            yield file
        os.replace(part, place)
    except OSError as error:
        raise Problem(f"can't write {name}: {error.strerror or error}") from None
    finally:
        part.unlink(missing_ok=True)


__all__ = ["evaluate", "predict"]
