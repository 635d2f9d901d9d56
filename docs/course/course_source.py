"""The source of functions, shown on a page as code. Read next: ``break_it.py``, where it is changed."""

import inspect
import textwrap
from collections.abc import Callable
from typing import Any

from IPython.display import Markdown


def source(*functions: Callable[..., Any]) -> Markdown:
    """The source of functions, one below the other."""
    texts = [textwrap.dedent(inspect.getsource(function)).rstrip() for function in functions]
    return Markdown("```python\n" + "\n\n".join(texts) + "\n```")
