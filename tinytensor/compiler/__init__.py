"""`compile`: a function of Tensors, with its backward pass and its optimizer's step, as plain NumPy source.

Read in this order: ``compiled.py`` (the way of a function), ``ir.py``, ``standin.py``, ``trace.py``, ``simplify.py``,
``idioms.py``, ``families.py``, ``memory.py``, ``phrases.py``, ``constants.py``, ``given.py``, ``source.py``,
``binding.py``, ``guards.py``, ``verify.py``.
"""

from .compiled import Compiled, compile
from .origins import CompileError

__all__ = ["CompileError", "Compiled", "compile"]
