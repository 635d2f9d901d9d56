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


def assert_agree(found, expected, ulps=ULPS, what="", largest=0.0):
    """Arrays agree in shape and dtype, and in value within `ulps` units of the largest magnitude's last digit.

    What is nothing but rounding of numbers up to `largest`, such as a gradient that is 0 in mathematics, may differ.
    """
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
        atol = float(np.finfo(b.dtype).eps) * max(ulps * float(scale), 8 * largest)
        np.testing.assert_allclose(a[finite], b[finite], rtol=0, atol=atol, err_msg=where)


def assert_same_bits(found, expected):
    """Arrays are the same to the last bit; a nan is a nan, and 0.0 is not -0.0."""
    for a, b in zip(found, expected, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            np.testing.assert_array_equal(a, b)
            np.testing.assert_array_equal(np.signbit(a), np.signbit(b)) if a.dtype.kind == "f" else None


def units_apart(found, expected):
    """How far two arrays are apart, in units of the largest magnitude's last digit."""
    if expected is None or expected.dtype.kind != "f" or not expected.size:
        return 0.0
    finite = np.isfinite(expected)
    scale = float(np.max(np.abs(expected[finite]), initial=0))
    apart = float(np.max(np.abs(found[finite] - expected[finite]), initial=0))
    return apart / (float(np.finfo(expected.dtype).eps) * scale) if apart else 0.0


def check_compiled(program):
    """A program's outputs and gradients, compiled, are eager's, on its inputs and on others; the units between them."""
    shapes = [np.shape(value) for value in program.run()]
    largest = max((float(np.max(np.abs(v), initial=0)) for v in program.run()), default=0.0)

    def function(*inputs):
        outputs = program.run(inputs)
        total = sum((y * g).sum() for y, g in zip(outputs, program.upstream(shapes), strict=True))
        if not isinstance(total, tt.Tensor) or not total.requires_grad:
            return outputs, None
        return outputs, tt.grad(total, inputs, allow_unused=True)

    def tensors(factor):
        return [tt.Tensor(a * np.asarray(factor, a.dtype), requires_grad=True) for a in program.inputs]

    compiled = tt.compile(function)
    compiled(*tensors(1.0))
    first = flat(compiled(*tensors(1.0)))
    for factor in (1.0, 0.9375):  # values stay within what the program was grown for, or nearly
        found, expected = flat(compiled(*tensors(factor))), flat(function(*tensors(factor)))
        # Each operation rounds, and later ones magnify that: as many units as there are operations.
        assert_agree(found, expected, ULPS * len(program), f"inputs times {factor}: {program}", largest)
    assert_same_bits(flat(compiled(*tensors(1.0))), first)
    return max(map(units_apart, found, expected), default=0.0)
