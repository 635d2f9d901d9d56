"""Every rule compiled: what a compiled function gives is what eager gives, for data that it has not seen too."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinytensor as tt
from tinytensor.testing.random_programs import programs, seeded_program

from .cases import CASES, Case
from .compile_checks import assert_agree, assert_same_bits, check_compiled, flat

# What these give depends on the data in shape, or they read .data themselves.
NO_TRACE = {"unique", "unique rows", "qr"}
traceable = [case for case in CASES if case.name not in NO_TRACE]


def value_and_gradients(case, options):
    """A function of the operands and of a contraction: the case's result and the gradients of all operands."""

    def function(arriving, *operands):
        out = case.ours(*operands, **options)
        if not out.requires_grad:
            return out, None
        return out, tt.grad(out, operands, arriving, allow_unused=True)

    return function


# How far a result may be from eager's, in units of the last digit of its largest element. The calls are the same but for those
# that ``simplify.py`` and ``idioms.py`` exchange: sums in another order, of few elements here, and a product that goes to BLAS
# by another door. Rules that solve, divide by small differences or multiply long rows magnify such digits.
ULPS = 4.0


def other_data(arrays):
    """Other values in the same shapes, in the same order backward: whatever a rule asks of its operands still holds."""
    return [np.flip(a).copy() for a in arrays]


@pytest.mark.parametrize("case", traceable, ids=repr)
@settings(max_examples=3)
@given(data=st.data())
@np.errstate(all="ignore")
def test_compiled_is_eager(case: Case, data):
    arrays, options = data.draw(case.draw)
    seed = data.draw(st.integers(0, 2**16))
    dtype = data.draw(st.sampled_from([np.float64, np.float32]))
    function = value_and_gradients(case, options)
    compiled = tt.compile(function)

    def operands(values):
        return [tt.Tensor(np.asarray(a, dtype), requires_grad=True) for a in values]

    shape = case.ours(*operands(arrays), **options).shape
    arriving = np.random.default_rng(seed).uniform(0.5, 2.0, shape).astype(dtype)
    first = (arriving, *operands(arrays))
    second = (-arriving, *operands(other_data(arrays)))
    third = (np.flip(arriving).copy(), *operands([a * 0.984375 for a in arrays]))
    compiled(*first)  # eager itself; the source runs from the second call on
    ran = flat(compiled(*first))
    for number, given_now in enumerate((first, second, third)):
        assert_agree(flat(compiled(*given_now)), flat(function(*given_now)), ULPS, what=f"call {number}:")
    assert_same_bits(flat(compiled(*first)), ran)


@pytest.mark.parametrize("case", [case for case in CASES if case.name in NO_TRACE], ids=repr)
@settings(max_examples=1)
@given(data=st.data())
def test_what_no_trace_can_hold_is_refused(case: Case, data):
    arrays, options = data.draw(case.draw)
    with pytest.raises(tt.CompileError, match=r"depends on the data|reads a value"):
        tt.compile(lambda *xs: case.ours(*xs, **options))(*(tt.Tensor(a) for a in arrays))


def test_qr():
    def function(x):
        q, r = np.linalg.qr(x)
        return q, r, tt.grad((q * 2).sum() + (r**2).sum() * 0.5, x)[0]

    compiled = tt.compile(function)
    for k in range(4):
        x = tt.Tensor(np.random.default_rng(k).random((4, 3)), requires_grad=True)
        assert_agree(flat(compiled(x)), flat(function(x)), 16.0)


# ---------------------------------------------------------------------------------- random programs


@settings(max_examples=60)
@given(programs(max_nodes=30))
@np.errstate(all="ignore")
def test_drawn_programs_compiled(program):
    check_compiled(program)


@pytest.mark.parametrize("seed", range(8))
def test_seeded_programs_compiled(seed):
    with np.errstate(all="ignore"):
        for number in range(25):
            check_compiled(seeded_program(f"compiled-{seed}-{number}", 5, 40))


def test_a_gradient_that_is_nothing_but_rounding_compiles():
    """Each column of a softmax sums to 1: the gradient is 0 in mathematics, and rounding differs from call to call."""
    rng = np.random.default_rng(0)
    x, y = (tt.Tensor(rng.standard_normal(shape), requires_grad=True) for shape in [(3, 4), (3, 1)])

    def function(x, y):
        total = np.sum(tt.softmax(np.kron(x, y), axis=-2)) * -1.78
        return tt.grad(total, (x, y))

    compiled = tt.compile(function)
    for _ in range(3):
        for g in compiled(x, y):
            np.testing.assert_allclose(g.data if isinstance(g, tt.Tensor) else g, 0, atol=1e-14)
