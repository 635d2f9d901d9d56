"""The gradient rules, by family: the calculus of tinytensor, and nothing else.

`table` says what a rule is. The families read like a page of derivatives: `elementwise`,
`reductions`, `shapes`, `linalg`, `neural`. They are written in NumPy alone and know nothing of
Tensors, graphs or broadcasting. Read first: ``table.py``; then ``elementwise.py``.
"""
