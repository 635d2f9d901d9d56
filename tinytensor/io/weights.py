"""`save` and `load`: a model's weights in a file, which PyTorch reads and writes as well.

They refuse to know how the file is made (``files.py``) and what else a training needs to go on (``checkpoints.py``).
Read next: ``files.py``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, overload

import numpy as np

from ..arrays import Array
from ..nn.module import Module
from . import atomic, files
from .errors import FileError, in_words, one_line, path_of, shown

M = TypeVar("M", bound=Module)


def save(path: Any, state: Any, *, metadata: Mapping[str, str] | None = None, allow_nan: bool = False) -> None:
    """Write the weights of a model, or arrays by name, as a safetensors file.

    The file is there whole or not at all: where the write fails, a file of that name stays as it was. A checksum goes
    with it, so that `load` sees a flipped bit. PyTorch reads it with ``safetensors.torch.load_file``.

    Parameters
    ----------
    path : str or path-like
        Usually ``"model.safetensors"``.
    state : Module or mapping of str to array_like
        A model, whose `state_dict` is written, or arrays or Tensors of the dtypes float16 to float64, integers,
        booleans and complex64.
    metadata : mapping of str to str, optional
        Texts to keep beside the arrays; `metadata` reads them.
    allow_nan : bool
        Whether NaN is written. By default it is refused, so that a training that diverged does not
        replace the last good file.

    Raises
    ------
    ValueError
        For NaN, and for names that are paths or hold control characters.
    TypeError
        For what is neither a module nor a mapping of names to arrays, and for other dtypes.
    OSError
        Where the system refuses: no such folder, no permission, a full disk.
    ImportError
        Without the safetensors library.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import tinytensor as tt
    >>> from tinytensor.io import load, save
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "model.safetensors"
    >>> model = tt.nn.MLP(3, [4, 1])
    >>> save(path, model)
    >>> {name: array.shape for name, array in load(path).items()}
    {'layers.0.bias': (4,), 'layers.0.weight': (4, 3), 'layers.1.bias': (1,), 'layers.1.weight': (1, 4)}
    """
    place = Path(path_of("tt.save", path))
    texts = dict(metadata or {})
    for name, text in texts.items():
        if not isinstance(name, str) or not isinstance(text, str) or name in (files.CHECKSUM, files.FORMAT):
            raise TypeError(f"tt.save: metadata: expected texts by name, got {shown(name)}: {shown(text)}")
    data = files.to_bytes("tt.save", _arrays(state), texts, allow_nan)
    try:
        atomic.swept(place.parent, re.compile(re.escape(place.name)))
        atomic.write(place, data)
    except OSError as error:
        raise in_words("tt.save", error, str(place), "; nothing was written") from None


@overload
def load(path: Any, model: None = None, *, strict: bool = True, allow_nan: bool = False) -> dict[str, Array]: ...
@overload
def load(path: Any, model: M, *, strict: bool = True, allow_nan: bool = False) -> M: ...
def load(path: Any, model: Any = None, *, strict: bool = True, allow_nan: bool = False) -> Any:
    """Read a safetensors file, of tinytensor or of PyTorch, as arrays by name or into a model.

    No file can make this run code: what is damaged, misleading or of another format is refused in one line.

    Parameters
    ----------
    path : str or path-like
    model : Module, optional
        Takes the values, each in its own dtype. A tensor with two names (tied weights) needs only one of them in the
        file, as PyTorch's ``save_model`` writes it.
    strict : bool
        Whether names that only the model has, or only the file, are errors.
    allow_nan : bool
        Whether NaN is loaded; by default it is refused.

    Returns
    -------
    dict of str to ndarray, or Module
        The arrays, in the order of the names, or the model.

    Raises
    ------
    FileError
        A ValueError: the contents are refused, or do not fit the model, which is unchanged then.
    OSError
        Where the system can't read it: no such file, no permission, a folder.
    ImportError
        Without the safetensors library.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from tinytensor.io import load, save
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "line.safetensors"
    >>> save(path, {"slope": np.float32([2.0]), "offset": np.float32([1.0])})
    >>> load(path)
    {'offset': array([1.], dtype=float32), 'slope': array([2.], dtype=float32)}
    >>> _ = path.write_bytes(path.read_bytes()[:-1])
    >>> load(path)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    tinytensor.io.errors.FileError: ...line.safetensors: truncated: the arrays take 8 bytes, the file has 7 for them
    """
    place = path_of("tt.load", path)
    if model is not None and not isinstance(model, Module):
        raise TypeError(f"tt.load: model: expected a Module, got {type(model).__name__}")
    arrays, _, _ = files.read("tt.load", place, allow_nan)
    if model is None:
        return arrays
    try:
        model.load_state_dict(arrays | _aliases(model, arrays), strict)
    except (ValueError, TypeError) as error:
        raise FileError(f"{place}: {one_line(error)}") from None
    return model


def metadata(path: Any) -> dict[str, str]:
    """The texts that a safetensors file keeps beside its arrays; the file is checked as by `load`.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> import tinytensor.io
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "weights.safetensors"
    >>> tinytensor.io.save(path, {"w": np.zeros(2)}, metadata={"trained on": "digits"})
    >>> tinytensor.io.metadata(path)
    {'trained on': 'digits'}
    """
    return files.read("tt.io.metadata", path_of("tt.io.metadata", path))[1]


def _arrays(state: Any) -> dict[str, Array]:
    """The arrays of a model or mapping, by name."""
    if isinstance(state, Module):
        return state.state_dict()
    if not isinstance(state, Mapping):
        raise TypeError(f"tt.save: expected a Module or a mapping of names to arrays, got {type(state).__name__}")
    found = {}
    for name, value in state.items():
        try:
            found[name] = np.asarray(value.detach() if hasattr(value, "detach") else value)
        except (TypeError, ValueError, RuntimeError) as error:
            raise TypeError(f"tt.save: {shown(name)} is not an array: {one_line(error)}") from None
    return found


def _aliases(model: Module, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """For names that `arrays` lacks: what it has under another name of the same tensor."""
    tensors = model._named_tensors()
    known = {id(tensor): arrays[name] for name, tensor in tensors.items() if name in arrays}
    return {name: known[id(t)] for name, t in tensors.items() if name not in arrays and id(t) in known}
