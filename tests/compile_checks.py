"""What the tests of `compile` share: how close is close, and one function run both ways on several data."""

from __future__ import annotations

import numpy as np

import tinytensor as tt

ULPS = 4.0


def flat(result):
    """The arrays in a result, in order; None where there is none."""
    if isinstance(result, (tuple, list)):
        return [array for item in result for array in flat(item)]
    if isinstance(result, dict):
        return [array for item in result.values() for array in flat(item)]
    return [None if result is None else np.array(result.data if isinstance(result, tt.Tensor) else result)]


def assert_agree(found, expected, ulps=ULPS, what=""):
    """Arrays agree in shape and dtype, and in value within `ulps` units of the largest magnitude's last digit."""
    assert len(found) == len(expected), what
    for k, (a, b) in enumerate(zip(found, expected, strict=True)):
        where = f"{what} {k}"
        assert (a is None) == (b is None), where
        if a is None:
            continue
        assert (a.shape, a.dtype) == (b.shape, b.dtype), where
        if b.dtype.kind not in "fc":
            np.testing.assert_array_equal(a, b, err_msg=where)
            continue
        finite = np.isfinite(b)
        np.testing.assert_array_equal(a[~finite], b[~finite], err_msg=where)
        scale = np.max(np.abs(b[finite]), initial=0)
        atol = ulps * float(np.finfo(b.dtype).eps) * float(scale)
        np.testing.assert_allclose(a[finite], b[finite], rtol=0, atol=atol, err_msg=where)


def assert_same_bits(found, expected):
    """Arrays are the same to the last bit; a nan is a nan, and 0.0 is not -0.0."""
    for a, b in zip(found, expected, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            np.testing.assert_array_equal(a, b)
            np.testing.assert_array_equal(np.signbit(a), np.signbit(b)) if a.dtype.kind == "f" else None
