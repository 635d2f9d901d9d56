"""ONNX: a model as a file that other programs run, checked before it is written.

The graph of one forward pass is walked, and each operation becomes one or a few of ONNX's. So whatever a model's
`forward` does comes along, not only known layers. Needs the onnx package: ``pip install 'tinytensor[onnx]'``. Nothing
here reads ONNX files. Read in this order: ``export.py``, ``operators.py``.
"""

from .export import export

__all__ = ["export"]
