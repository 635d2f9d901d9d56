"""``tinytensor train``: from a file to a model's folder. Read next: ``use.py``."""

from __future__ import annotations

import dataclasses
import json
import platform
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__
from . import folder as folders
from .card import card
from .dataset import Choices, Dataset, digest, prepare
from .errors import BadInput, Problem, shown
from .measures import measure_for
from .network import outputs_of, predicted
from .progress import Progress
from .report import columns_line, left_out_lines, lines_of, short
from .saving import Checkpoints, Interrupted, Signals
from .tables import DIGITS, Reading, open_table
from .training import Ranks, Settings, run
from .values import MISSING, Notation

OUT, VALID, EVERY = "model", 0.2, 30.0
REPORTED = 10_000  # training rows that the training measures are of
REASONS = {
    "early_stopping": "no better validation score",
    "max_iter": "the number of epochs",
    "tol": "no lower loss",
    "callback": "the number of epochs",
}
OF_THE_COMMAND = {"command", "resume", "json", "quiet", "data"}  # what --resume may stand beside


def train(options: Any, ranks: Ranks | None = None) -> None:
    """Run the command; in one of several processes, `ranks` says in which."""
    ranks = ranks or Ranks()
    given = vars(options)
    quiet, as_json = given.pop("quiet", False), given.pop("json", False)
    folder, request = _resumed(given) if "resume" in given else _asked(given)
    if request is None:
        if ranks.writes:
            print(json.dumps({"model": str(folder), "finished": True}) if as_json else f"{folder} is trained already")
        return
    started = time.monotonic()
    progress, signals = Progress(quiet or not ranks.writes), Signals()
    dataset, rows = _read(request, folder, progress)
    settings = Settings(**request["settings"])
    progress.score = score_of(dataset.target.task, settings)
    for line in [*left_out_lines(dataset.left_out), *dataset.notes]:
        progress.note(line)
    ranks.barrier()  # all have looked at the folder
    if "resume" not in given and ranks.writes:
        folders.begin(folder, request)
    ranks.barrier()
    checkpoints = Checkpoints(folder / folders.CHECKPOINTS, request["checkpoint every"])
    with signals.caught(progress.note):
        try:
            estimator = run(dataset, settings, checkpoints, progress, signals, ranks)
        except Interrupted as stopped:
            stopped.args = (f"{stopped}; go on with: tinytensor train --resume {folder}",)
            raise
        if not ranks.writes:
            return
        document = _document(request, dataset, estimator, rows)
        files = _write(folder, document, estimator, progress)
    checkpoints.remove()
    (folder / folders.RUN).unlink(missing_ok=True)
    _tell(folder, document, dataset, files, time.monotonic() - started, as_json)


def _tell(
    folder: Path, document: dict[str, Any], dataset: Dataset, files: list[str], seconds: float, as_json: bool
) -> None:
    """Print the result."""
    if as_json:
        left = {key: value for key, value in document.items() if key not in ("preprocessing", "network", "versions")}
        print(json.dumps({"model": str(folder), "files": files, "seconds": round(seconds, 3), **left}))
    else:
        print("\n".join(_report(folder, document, dataset, files, seconds)))


# ------------------------------------------------------------------------------------ what to train


def _asked(given: dict[str, Any]) -> tuple[Path, dict[str, Any]]:
    """The folder and the request that the arguments make; checked as far as can be without reading."""
    if "data" not in given:
        raise BadInput("name the file to train on, such as: tinytensor train data.csv --target label")
    data = given["data"]
    is_digits = data == DIGITS and not Path(data).exists()
    target = given.get("target", "digit" if is_digits else "y" if Path(data).suffix.lower() == ".npz" else None)
    if target is None:
        raise BadInput(f"say which column to predict: tinytensor train {data} --target COLUMN")
    folder = folders.check_out(given.get("out", OUT), given.get("overwrite", False))
    fields = {field.name for field in dataclasses.fields(Settings)}
    settings = {name: value for name, value in given.items() if name in fields}
    settings = {"hidden": [128, 64], **settings}
    if "clip_norm" in given:
        settings["clip"] = given["clip_norm"]
    choices = Choices(
        target,
        given.get("task"),
        given.get("drop", []),
        given.get("category", []),
        given.get("number", []),
        float(given.get("valid", VALID)),
        settings.get("seed", 0),
    )
    reading = Reading(
        given.get("delimiter"),
        given.get("encoding"),
        given.get("decimal", "."),
        given.get("thousands", ""),
        given.get("na", []),
    )
    if reading.decimal == reading.thousands:
        raise BadInput(f"--decimal and --thousands are both {shown(reading.decimal)}; they must differ")
    return folder, {
        "data": data if is_digits else str(Path(data).absolute()),
        "name": data,
        "choices": dataclasses.asdict(choices),
        "reading": dataclasses.asdict(reading),
        "settings": dataclasses.asdict(Settings(**settings)),
        "checkpoint every": float(given.get("checkpoint_every", EVERY)),
    }


def _resumed(given: dict[str, Any]) -> tuple[Path, dict[str, Any] | None]:
    """The folder and request of a training that was interrupted; None where it has ended."""
    folder = Path(given["resume"])
    extra = sorted(set(given) - OF_THE_COMMAND)
    if extra:
        option = extra[0].replace("_", "-")
        raise BadInput(f"--{option} can't stand beside --resume, which goes on with the settings it began with")
    if (folder / folders.MODEL).exists():
        folders.read_document(folder / folders.MODEL, "model")
        return folder, None
    if not (folder / folders.RUN).exists():
        raise BadInput(f"--resume {folder}: no training was begun there")
    request = folders.read_document(folder / folders.RUN, "training")
    if "data" in given:
        request["data"] = given["data"]
    if digest_of(request["data"]) != request["sha256 of data"]:
        raise BadInput(
            f"{request['data']}: not the data that the training in {folder} began with; start anew with --overwrite"
        )
    return folder, request


def score_of(task: str, settings: Settings) -> str:
    """What the score of a training is called."""
    return "R²" if task == "regression" else "balanced accuracy" if settings.balanced else "accuracy"


def digest_of(path: str) -> str:
    """The digest of the data; an error in words where there is no such file."""
    try:
        return digest(path)
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}") from None


def _read(request: dict[str, Any], folder: Path, progress: Progress) -> tuple[Dataset, int]:
    """The data set that a request names, and its number of rows."""
    reading, choices = Reading(**request["reading"]), Choices(**request["choices"])
    table = open_table(request["data"], reading)
    table.name = request["name"]
    notation = Notation(reading.decimal, reading.thousands, MISSING | frozenset(reading.missing))
    dataset = prepare(table, choices, notation, folders.nearest(folder), progress.rows)
    progress.end()
    request["sha256 of data"] = digest_of(request["data"])
    request["kind"] = type(table).__name__
    return dataset, len(dataset.y)


# --------------------------------------------------------------------------------- what is written


def _document(request: dict[str, Any], dataset: Dataset, estimator: Any, rows: int) -> dict[str, Any]:
    """All that is known of the model, as plain values."""
    network, n = estimator.model_, dataset.training
    layers = network.layers
    score = score_of(dataset.target.task, Settings(**request["settings"]))
    stops = estimator.early_stopping
    reason = estimator.stop_reason_
    return {
        "task": dataset.target.task,
        "date": datetime.now(UTC).date().isoformat(),
        "data": {
            "name": Path(request["name"]).name,
            "sha256": request["sha256 of data"],
            "rows": rows,
            "training rows": n,
            "validation rows": rows - n,
            "stratified": dataset.stratified,
        },
        "target": dataset.target.to_json(),
        "preprocessing": dataset.preprocessing.to_json(),
        "left out": dataset.left_out,
        "notes": dataset.notes,
        "reading": {key: request["reading"][key] for key in ("delimiter", "encoding")},
        "network": {
            "sizes": [layers[0].weight.shape[1], *(layer.weight.shape[0] for layer in layers)],
            "activation": {"logistic": "sigmoid"}.get(estimator.activation, estimator.activation),
            "parameters": sum(p.size for p in network.parameters()),
        },
        "settings": {**request["settings"], "valid": request["choices"]["valid"]},
        "training": {
            "epochs": len(estimator.loss_curve_),
            "best": estimator._stopping.best_epoch if stops else len(estimator.loss_curve_),
            "reason": REASONS.get(reason, reason),
            "score": score,
        },
        "measures": {
            "training": _measured(dataset, network, slice(0, min(n, REPORTED))),
            "validation": _measured(dataset, network, slice(n, None)) if n < rows else None,
        },
        "curves": {
            "loss": estimator.loss_curve_,
            "validation loss": estimator.validation_loss_curve_,
            "score": [float(value) for value in estimator.train_scores_],
            "validation score": [float(value) for value in estimator.validation_scores_],
        },
        "versions": {"tinytensor": __version__, "numpy": np.__version__, "python": platform.python_version()},
    }


def _measured(dataset: Dataset, network: Any, rows: slice) -> dict[str, Any]:
    """The measures on some rows, by the network as it is used later."""
    target, true = dataset.target, dataset.y[rows]
    measure = measure_for(target)
    if target.task == "regression":
        true = true.astype(np.float64) * target.scale + target.mean
    X = dataset.X[rows]
    for start in range(0, len(true), REPORTED):
        part = slice(start, start + REPORTED)
        measure.add(true[part], predicted(outputs_of(network, X[part]), target)[0])
    found: dict[str, Any] = measure.measures()
    return found


def _write(folder: Path, document: dict[str, Any], estimator: Any, progress: Progress) -> list[str]:
    """Pictures, card, weights and document; the names of the files."""
    pictures: list[str] = []
    try:
        from .pictures import draw

        pictures = draw(folder, document)
    except ImportError:
        progress.note("no pictures without matplotlib: pip install 'tinytensor[cli]'")
    try:
        (folder / folders.CARD).write_text(card(document, str(folder), pictures), encoding="utf-8")
    except OSError as error:
        raise Problem(f"can't write {folder / folders.CARD}: {error.strerror or error}") from None
    folders.save_model(folder, estimator.model_, document)
    return [folders.MODEL, folders.WEIGHTS, folders.CARD, *pictures]


def _report(folder: Path, document: dict[str, Any], dataset: Dataset, files: list[str], seconds: float) -> list[str]:
    """The result for people."""
    data, target, trained = document["data"], dataset.target, document["training"]
    what = f"{len(target.classes)} classes" if target.classes else "a number"
    best = f", the best was {trained['best']}" if trained["best"] < trained["epochs"] else ""
    lines = [
        f"Data: {short(data['name'])}, {data['rows']:,} rows, "
        f"{columns_line(dataset.preprocessing.features, dataset.left_out)}",
        f"Target: {short(target.name)} ({document['task']}, {what})",
        f"Trained on {data['training rows']:,} rows for {trained['epochs']} epochs in {seconds:.1f} s{best}",
        "",
    ]
    if document["measures"]["validation"] is None:
        lines += ["No rows were set aside (--valid 0): measure it with tinytensor evaluate", ""]
    else:
        lines += [*lines_of(document["measures"]["validation"], "validation rows"), ""]
    name = str(folder)
    return lines + [
        f"Written to {name}/: {', '.join(files)}",
        f"Use it:  tinytensor predict {name} new.csv > predictions.csv",
    ]
