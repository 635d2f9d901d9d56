"""Compositions of reductions: the statistics of an array.

Read next: ``linalg.py``.
"""

from __future__ import annotations

import numpy as np

from ..rules.table import composed

composed(np.amax)(np.max)
composed(np.amin)(np.min)
