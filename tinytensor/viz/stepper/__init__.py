"""The backprop stepper: one page in which a real graph runs forward, then backward, one operation at a time.

What the page shows was computed by the engine (``walk.py``); nothing here knows a derivative. Read next: ``walk.py``,
then ``page.py``; the page's own code stands in ``static/``.
"""

from .page import StepPage, step_through

__all__ = ["step_through", "StepPage"]
