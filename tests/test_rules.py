"""Every rule against torch in float64: forward, gradient, second and third derivative."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import tinytensor as tt
from tinytensor import calls, engine
from tinytensor.rules.table import COMPOSED, RULES

from .cases import CASES, Case
from .strategies import lay_out, layouts

TOLERANCE = {"rtol": 1e-9, "atol": 1e-9}
every_case = pytest.mark.parametrize("case", CASES, ids=repr)


def upstream(shape, seed):
    """A random gradient, never all ones, which would hide a transposed one."""
    return np.random.default_rng(seed).uniform(0.5, 2.0, shape) * np.random.default_rng(seed + 1).choice([-1, 1], shape)


@every_case
@settings(max_examples=40)
@given(data=st.data())
def test_forward_and_gradient(case: Case, data):
    arrays, options = data.draw(case.draw)
    held = [lay_out(a, data.draw(layouts)) for a in arrays]
    ours = [tt.Tensor(a, requires_grad=True) for a in held]
    theirs = [torch.tensor(a, requires_grad=True) for a in arrays]
    out, expected = case.ours(*ours, **options), case.theirs(*theirs, **options)

    assert out.shape == tuple(expected.shape)
    assert out.dtype == np.float64
    np.testing.assert_allclose(out.data, expected.numpy(force=True), **TOLERANCE)

    g = upstream(out.shape, data.draw(st.integers(0, 2**16)))
    out.backward(g)
    expected.backward(torch.tensor(g))
    for ours_in, theirs_in, before, array in zip(ours, theirs, held, arrays, strict=True):
        wanted = np.zeros(array.shape) if theirs_in.grad is None else theirs_in.grad.numpy(force=True)
        assert isinstance(ours_in.grad, np.ndarray)
        assert ours_in.grad.shape == array.shape
        assert ours_in.grad.dtype == np.float64
        np.testing.assert_allclose(ours_in.grad, wanted, **TOLERANCE)
        np.testing.assert_array_equal(before, array)  # operands are left as they were


def zeros_for_none(grads, like, framework):
    return [framework.zeros(x.shape) if g is None else g for g, x in zip(grads, like, strict=True)]


@every_case
@settings(max_examples=15)
@given(data=st.data())
def test_higher_derivatives(case: Case, data):
    arrays, options = data.draw(case.draw)
    ours = [tt.Tensor(a, requires_grad=True) for a in arrays]
    theirs = [torch.tensor(a, requires_grad=True) for a in arrays]
    rng = np.random.default_rng(data.draw(st.integers(0, 2**16)))
    y, z = case.ours(*ours, **options), case.theirs(*theirs, **options)
    # The gradient that arrives is one more input: a rule is differentiable in it too.
    arriving = rng.uniform(0.5, 2.0, y.shape)
    ours, theirs = (
        [*ours, tt.Tensor(arriving, requires_grad=True)],
        [*theirs, torch.tensor(arriving, requires_grad=True)],
    )
    arrays = [*arrays, arriving]
    weights = [np.ones(y.shape)]
    ys, zs = [y * ours[-1]], [z * theirs[-1]]
    for order in range(case.orders):
        ours_sum = sum(((w * a).sum() for w, a in zip(weights, ys, strict=True)), start=tt.zeros(()))
        theirs_sum = sum((torch.tensor(w) * a).sum() for w, a in zip(weights, zs, strict=True))
        if not theirs_sum.requires_grad:
            # A derivative that torch has found constant is one that we must find to be 0.
            if not ours_sum.requires_grad:
                return
            ys = tt.grad(ours_sum, ours, create_graph=True, allow_unused=True)
            for g, a in zip(ys, arrays, strict=True):
                np.testing.assert_allclose(np.zeros(a.shape) if g is None else g.data, 0, **TOLERANCE)
            return
        zs = torch.autograd.grad(theirs_sum, theirs, create_graph=True, allow_unused=True)
        if ours_sum.requires_grad:
            ys = tt.grad(ours_sum, ours, create_graph=True, allow_unused=True)
        else:
            ys = [None] * len(ours)
        ys, zs = zeros_for_none(ys, ours, tt), zeros_for_none(zs, theirs, torch)
        for g, wanted in zip(ys, zs, strict=True):
            assert g.shape == tuple(wanted.shape), f"order {order + 1}"
            np.testing.assert_allclose(
                g.data, wanted.numpy(force=True), err_msg=f"order {order + 1}", rtol=1e-7, atol=1e-7
            )
        weights = [rng.uniform(0.5, 2.0, g.shape) for g in ys]


@every_case
@settings(max_examples=15)
@given(data=st.data())
def test_float32_stays_float32(case: Case, data):
    arrays, options = data.draw(case.draw)
    if case.name == "astype":
        return  # its purpose is another dtype; tests/test_tensor.py has its own
    ours = [tt.Tensor(a.astype(np.float32), requires_grad=True) for a in arrays]
    wide = [tt.Tensor(a, requires_grad=True) for a in arrays]
    out, expected = case.ours(*ours, **options), case.ours(*wide, **options)
    assert out.dtype == np.float32
    g = upstream(out.shape, 3)
    for node, arriving in engine.propagate(out, g.astype(np.float32)):
        assert node.dtype == np.float32, f"{node._op} computed in {node.dtype}"
        if node._function is None:
            continue
        row = RULES[node._function]  # the rules themselves, before the engine could cast their results
        for position, i, operand in calls.operands(node):
            vjp, where = row.vjps[position], {} if i is None else {"i": i}
            if vjp is not None and operand._requires_grad:
                part = vjp(arriving, node._data, *engine.plain_args(node), **node._kwargs, **where)
                assert part.dtype == np.float32, f"the rule of {node._op} computed in {part.dtype}"
    out.backward(g)
    expected.backward(g)
    for narrow, full in zip(ours, wide, strict=True):
        assert narrow.grad.dtype == np.float32
        np.testing.assert_allclose(narrow.grad, full.grad, rtol=2e-3, atol=2e-3)


@every_case
@settings(max_examples=10)
@given(data=st.data())
def test_the_same_tensor_twice(case: Case, data):
    arrays, options = data.draw(case.draw)
    if len(arrays) < 2 or len({a.shape for a in arrays}) > 1 or not arrays[0].size:
        return
    if case.name == "interp":  # its second operand has to increase
        arrays[0] = np.sort(arrays[0])
    x, y = tt.Tensor(arrays[0] + 0.05, requires_grad=True), torch.tensor(arrays[0] + 0.05, requires_grad=True)
    out, expected = case.ours(*[x] * len(arrays), **options), case.theirs(*[y] * len(arrays), **options)
    g = upstream(out.shape, 5)
    out.backward(g)
    expected.backward(torch.tensor(g))
    np.testing.assert_allclose(x.grad, y.grad.numpy(force=True), **TOLERANCE)


def test_every_row_has_a_property_test():
    covered = {function for case in CASES for function in case.covers}
    missing = [row for function, row in RULES.items() if function not in covered and not row.foreign]
    assert not missing, f"rows of the rule table without a property test: {missing}"


# Compositions of which the value is the whole point, tested in tests/test_tensor.py.
NOT_DIFFERENTIATED = {np.zeros_like, np.ones_like}


def test_every_composition_has_a_test():
    covered = {function for case in CASES for function in case.covers}
    aliases = {np.matrix_transpose, np.linalg.matrix_transpose, np.amax, np.amin}  # in tests/test_numpy.py
    missing = set(COMPOSED) - covered - NOT_DIFFERENTIATED - aliases
    assert not missing, f"compositions without a property test: {missing}"
