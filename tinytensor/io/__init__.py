"""Files: weights to safetensors and back, and checkpoints that a training continues from bit by bit.

Nothing here reads or writes a pickle: what a file can do at worst is be refused. The format is safetensors, by the
library of that name (``pip install 'tinytensor[io]'``), so that PyTorch and others read the same files. It refuses to
know what a model computes and how a training loop looks. Read in this order: ``weights.py``, ``files.py``,
``atomic.py``, ``checkpoints.py``, ``documents.py``, ``states.py``.
"""

from .checkpoints import Checkpoint, Checkpointer
from .errors import FileError
from .states import unchanged
from .weights import load, metadata, save

__all__ = ["save", "load", "metadata", "Checkpointer", "Checkpoint", "unchanged", "FileError"]
