"""A model's folder: what train writes and predict reads. Weights as safetensors, all else as JSON; no pickle.

What is read is checked first: the format's version, a checksum over the document, the weights' digest, and every field
by its own class. Checksums tell damage and editing, not who wrote it. Read next: ``report.py``.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import __version__
from .errors import BadInput, Problem, shown
from .network import build
from .preprocessing import Preprocessing
from .targets import Target

MODEL, WEIGHTS, RUN, CARD = "model.json", "weights.safetensors", "training.json", "README.md"
CONFUSION, CURVES, CHECKPOINTS = "confusion.png", "curves.png", "checkpoints"
OURS = (MODEL, WEIGHTS, RUN, CARD, CONFUSION, CURVES)
VERSION = 1
LARGEST = 1 << 28  # bytes of a document


@dataclass
class Model:
    """What a folder holds."""

    name: str
    target: Target
    preprocessing: Preprocessing
    network: Any
    delimiter: str | None  # what the user said of the training file; None was found
    encoding: str | None
    left_out: set[str]  # columns of the training file that are not used


def save_model(folder: Path, model: Any, document: dict[str, Any]) -> None:
    """Write weights and document; the document comes last, so a folder that has it is whole."""
    from ..io import save

    try:
        save(folder / WEIGHTS, model, metadata={"tinytensor": __version__, "document": MODEL})
        weights = {"file": WEIGHTS, "sha256": hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()}
        write_document(folder / MODEL, "model", {**document, "weights": weights})
    except (OSError, ValueError) as error:
        raise Problem(f"{folder}: can't write the model: {error}") from None


def load_model(name: str) -> Model:
    """Read and check a folder.

    Raises
    ------
    BadInput
        Where it is not there, not whole, of another version, or changed.
    """
    from ..io import FileError, load

    folder = Path(name)
    if not folder.exists():
        raise BadInput(f"{name}: there is no such folder; tinytensor train … --out {name} makes one")
    if not folder.is_dir():
        raise BadInput(f"{name}: this is a file; name the folder that tinytensor train made")
    if not (folder / MODEL).exists():
        if (folder / RUN).exists():
            raise BadInput(f"{name}: its training has not ended; go on with tinytensor train --resume {name}")
        raise BadInput(f"{name}: no model is in this folder (there is no {MODEL})")
    document = read_document(folder / MODEL, "model")
    path = folder / WEIGHTS
    try:
        if hashlib.sha256(path.read_bytes()).hexdigest() != document["weights"]["sha256"]:
            raise BadInput(f"{path}: these are not the weights that belong to {MODEL}; take both from one training")
        target = Target.from_json(document["target"])
        preprocessing = Preprocessing.from_json(document["preprocessing"])
        sizes, activation = document["network"]["sizes"], document["network"]["activation"]
        if sizes[0] != preprocessing.width or sizes[-1] != target.outputs:
            raise ValueError("the network does not fit the columns and the target")
        network = build(sizes, activation, load(path))
        delimiter, encoding = document["reading"]["delimiter"], document["reading"]["encoding"]
        left_out = set(document["left out"])
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}") from None
    except FileError as error:
        raise BadInput(str(error)) from None
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError) as error:
        raise BadInput(f"{folder / MODEL}: not a sound model: {str(error).splitlines()[0][:300]}") from None
    return Model(name, target, preprocessing, network, delimiter, encoding, left_out)


# ---------------------------------------------------------------------------------------- documents


def write_document(path: Path, kind: str, document: dict[str, Any]) -> None:
    """Write a JSON document with its format, version and checksum, whole or not at all."""
    from ..io import atomic

    whole = {"format": f"tinytensor {kind}", "version": VERSION, **document}
    whole["sha256"] = _checksum(whole)
    atomic.write(path, (json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode())


def read_document(path: Path, kind: str) -> dict[str, Any]:
    """Read one, and check it."""
    try:
        if path.stat().st_size > LARGEST:
            raise BadInput(f"{path}: larger than {LARGEST >> 20} MiB; train writes no such file")
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}") from None
    except (ValueError, RecursionError):
        raise BadInput(f"{path}: damaged: not JSON") from None
    if not isinstance(document, dict) or document.get("format") != f"tinytensor {kind}":
        raise BadInput(f"{path}: not written by tinytensor train")
    if (version := document.get("version")) != VERSION:
        raise BadInput(f"{path}: of format {shown(version)}, and this tinytensor {__version__} reads {VERSION} only")
    given = document.pop("sha256", None)
    if given != _checksum(document):
        raise BadInput(f"{path}: damaged or changed since train wrote it: the checksum does not fit")
    return document


def _checksum(document: dict[str, Any]) -> str:
    """SHA-256 of a document, however it is laid out."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


# ------------------------------------------------------------------------------------- a new folder


def check_out(name: str, overwrite: bool) -> Path:
    """The folder to write to; nothing is made or removed yet.

    Raises
    ------
    BadInput
        Where it holds other things, can't be written, or has a model that is not to be overwritten.
    """
    folder = Path(name)
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"--out {name}: this is a file; name a folder")
    existing = nearest(folder)
    if not existing.is_dir():
        raise BadInput(f"--out {name}: {existing} is a file, not a folder")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise BadInput(f"--out {name}: no permission to write to {existing}")
    names = {entry.name for entry in folder.iterdir()} if folder.exists() else set()
    if not names:
        return folder
    if not names & {MODEL, RUN}:
        raise BadInput(f"--out {name}: the folder holds other files; name a new one, or an empty one")
    if not overwrite:
        if MODEL in names:
            raise BadInput(f"--out {name}: a model is there already; give another folder, or --overwrite")
        raise BadInput(
            f"--out {name}: an unfinished training is there; go on with tinytensor train --resume {name}, or start "
            "anew with --overwrite"
        )
    return folder


def nearest(folder: Path) -> Path:
    """The folder itself, or the nearest one above that exists."""
    folder = folder.absolute()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def begin(folder: Path, run: dict[str, Any]) -> None:
    """Make the folder, remove what an earlier training left there, and note what is trained."""
    from ..io import Checkpointer

    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in OURS:
            (folder / name).unlink(missing_ok=True)
        old = Checkpointer(folder / CHECKPOINTS)
        for step in old.steps():
            old.path(step).unlink()
        write_document(folder / RUN, "training", run)
    except OSError as error:
        raise BadInput(f"--out {folder}: {error.strerror or error}") from None
