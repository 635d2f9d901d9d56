"""The laws of the design, one test each or more."""

from __future__ import annotations

import copy
import gc
import sys
import threading
import tracemalloc
import weakref

import numpy as np
import pytest

import tinytensor as tt
from tinytensor import calls, engine
from tinytensor.fused import linear
from tinytensor.modes import mode
from tinytensor.rules.table import RULES, rule


def leaf(data, **options):
    return tt.Tensor(np.array(data, dtype=options.pop("dtype", float)), requires_grad=True, **options)


# -------------------------------------------------- law 1: exactly the shape and dtype of the tensor


def test_grad_is_an_ndarray_also_for_0d():
    x = leaf(3.0)
    for times in (1, 2):
        (x * x).backward()
        assert type(x.grad) is np.ndarray
        assert (x.grad.shape, x.grad.dtype) == ((), np.float64)
        assert x.grad == times * 6.0


def test_mixed_dtypes_each_get_their_own():
    a, b = leaf([1.0, 2.0], dtype=np.float32), leaf([[3.0], [4.0]])
    out = a * b
    assert out.dtype == np.float64
    out.sum().backward()
    assert a.grad.dtype == np.float32
    assert b.grad.dtype == np.float64
    assert out.grad.dtype == np.float64


def test_gradients_are_owned_and_never_shared():
    a, b = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    for result in (a + b, a.reshape(2, 1).ravel() + b, np.broadcast_to(a, (3, 2)).sum(0) + b):
        a.grad = b.grad = None
        result.backward(g := np.array([1.0, 1.0]))
        grads = [a.grad, b.grad, result.grad, g, a.data, b.data]
        for k, one in enumerate(grads):
            assert one.flags.writeable
            for other in grads[k + 1 :]:
                assert not np.shares_memory(one, other)


def test_a_gradient_that_the_rule_took_from_an_operand_is_copied():
    passes = tt.primitive(lambda x, slope: x * slope)
    passes.defvjp(lambda g, out, x, slope: slope, None)
    x, slope = leaf([1.0, 2.0]), np.array([5.0, 6.0])
    passes(x, slope).sum().backward()
    assert not np.shares_memory(x.grad, slope)
    del RULES[passes]


# ------------------------------------------- law 2: only what needs a gradient gets one computed


@pytest.fixture
def counted():
    """A product whose rules say when they run."""
    calls = []
    product = tt.primitive(lambda x, y: x * y)
    product.defvjp(
        lambda g, out, x, y: calls.append("x") or g * y,
        lambda g, out, x, y: calls.append("y") or g * x,
        broadcasts=True,
    )
    yield product, calls
    del RULES[product]


def test_rules_run_per_argument(counted):
    product, calls = counted
    x, y = leaf([1.0, 2.0]), tt.Tensor([3.0, 4.0])
    product(x, y).sum().backward()
    assert calls == ["x"]
    assert y.grad is None


def test_grad_computes_only_the_paths_to_its_inputs(counted):
    product, calls = counted
    x, y = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    tt.grad(product(x, y).sum(), y)
    assert calls == ["y"]
    assert x.grad is None
    assert y.grad is None


def test_the_first_layer_computes_no_gradient_of_its_input(monkeypatch):
    row, seen = RULES[linear], []
    spied = tuple(lambda *a, k=k, v=v, **kw: seen.append(k) or v(*a, **kw) for k, v in enumerate(row.vjps))
    monkeypatch.setattr(row, "vjps", spied)
    linear(np.ones((5, 3)), leaf(np.ones((2, 3))), leaf(np.zeros(2))).sum().backward()
    assert seen == [1, 2]


# ------------------------------------------------- law 3: iterative, and each node visited once


def test_a_chain_of_a_million_operations():
    x = y = leaf(1.0)
    for _ in range(1_000_000):
        y = y + 0.0
    y.backward()
    assert x.grad == 1.0


def test_each_node_is_visited_once(counted):
    product, calls = counted
    x = leaf(1.0)
    y = x
    for _ in range(30):  # 2^30 paths from y to x
        y = product(y, y)
    y.backward()
    assert len(calls) == 60
    assert x.grad == 2.0**30


def test_newest_first_is_a_reverse_topological_order():
    x = leaf([1.0, 2.0])
    a = x * 2
    b = (a + x).exp()
    root = (b * a).sum() + x.sum()
    order = engine.newest_first(root)
    place = {node: k for k, node in enumerate(order)}
    assert order[0] is root
    for node in order:
        assert all(place[operand] > place[node] for _, _, operand in calls.operands(node))


# -------------------------------------------------------- law 4: repeating backward is well defined


def test_leaves_accumulate_and_interior_gradients_are_fresh():
    x = leaf([1.0, 2.0])
    h = x * 3
    out = (h * h).sum()
    for times in (1, 2, 3):
        out.backward()
        np.testing.assert_array_equal(x.grad, times * 18 * x.data)
        np.testing.assert_array_equal(h.grad, 2 * h.data)
        assert out.grad == 1.0


def test_returned_gradients_are_the_callers_to_change():
    a, b = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    h = a + b
    for grads in (tt.grad(h, [a, b], [1.0, 1.0]), tt.grad(h.sum(), [h, a])):
        for g in grads:
            g.data *= 5.0
        assert [g.tolist() for g in grads] == [[5.0, 5.0], [5.0, 5.0]]


def test_two_roots_over_one_interior_node():
    x = leaf(2.0)
    h = x * x
    first, second = h * 3, h * 5
    first.backward()
    assert h.grad == 3.0
    second.backward()
    assert h.grad == 5.0
    assert x.grad == (3 + 5) * 4.0


def test_backward_from_a_leaf():
    x = leaf([1.0, 2.0])
    x.backward([3.0, 4.0])
    x.backward([3.0, 4.0])
    np.testing.assert_array_equal(x.grad, [6.0, 8.0])


# ------------------------------------------- law 5: .grad holds arrays; grad() returns the graphs


def test_grad_returns_tensors_and_stores_nothing():
    x = leaf([1.0, 2.0, 3.0])
    y = (x**3).sum()
    (first,) = tt.grad(y, x, create_graph=True)
    (second,) = tt.grad(first.sum(), [x], create_graph=True)
    (third,) = tt.grad(second.sum(), x)
    np.testing.assert_allclose(first.data, 3 * x.data**2)
    np.testing.assert_allclose(second.data, 6 * x.data)
    np.testing.assert_allclose(third.data, [6.0] * 3)
    assert x.grad is None
    assert first.requires_grad
    assert not third.requires_grad
    assert third.is_leaf


def test_grad_with_respect_to_interior_tensors_and_given_gradients():
    x = leaf([1.0, 2.0])
    h = x * x
    y = h * 3
    gh, gx = tt.grad(y, [h, x], grad_outputs=[1.0, 10.0])
    np.testing.assert_array_equal(gh.data, [3.0, 30.0])
    np.testing.assert_array_equal(gx.data, [6.0, 120.0])


def test_grad_outputs_may_carry_a_graph():
    x, v = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    (gx,) = tt.grad(x * x, x, grad_outputs=v, create_graph=True)
    (gv,) = tt.grad(gx.sum(), v)  # forward mode by two reverse modes
    np.testing.assert_array_equal(gv.data, 2 * x.data)


def test_grad_in_no_grad_mode_still_creates_the_graph_asked_for():
    x = leaf(2.0)
    y = x**3
    with tt.no_grad():
        (first,) = tt.grad(y, x, create_graph=True)
        assert not (x * 2).requires_grad
    assert tt.grad(first, x)[0].item() == 12.0


def test_unused_inputs():
    x, z = leaf(1.0), leaf(1.0)
    with pytest.raises(RuntimeError, match=r"input 1.*allow_unused"):
        tt.grad(x * 2, [x, z])
    assert tt.grad(x * 2, [x, z], allow_unused=True)[1] is None


# ------------------------------------------------ law 6: changed data are an error, never a number


@pytest.mark.parametrize(
    "change",
    [
        lambda t: setattr(t, "data", t.data * 2),
        lambda t: setattr(t, "data", t.data.__isub__(1.0)),
        lambda t: tt.no_grad()(lambda: t.__setitem__(0, 5.0))(),
    ],
    ids=["data =", "data -=", "x[i] ="],
)
def test_changed_data_are_named(change):
    w = leaf([1.0, 2.0], label="w1")
    loss = (w * w).sum()
    change(w)
    with pytest.raises(RuntimeError, match=r"multiply: an operand, the tensor 'w1'.*changed after.*forward again"):
        loss.backward()
    with pytest.raises(RuntimeError, match="multiply"):
        tt.grad(loss, w, create_graph=True)
    (w * w).sum().backward()  # a new forward is fine


def test_a_changed_result_is_named():
    x = leaf([1.0, 2.0])
    y = x.exp()
    y.data *= 2
    with pytest.raises(RuntimeError, match="exp: its result"):
        y.sum().backward()


def test_changed_constants_count_too():
    x, k = leaf([1.0, 2.0]), tt.Tensor([3.0, 4.0])
    out = (x * k).sum()
    k[0] = 100.0
    with pytest.raises(RuntimeError, match="multiply: an operand"):
        out.backward()


@pytest.mark.parametrize("share", [lambda w: w.detach(), copy.copy], ids=["detach", "copy"])
def test_a_change_through_shared_memory_is_noticed(share):
    w, p = leaf([1.0, 2.0]), leaf([1.0, 1.0])
    twin = share(w)
    loss = (p * twin).sum()
    w.data -= 10.0
    with pytest.raises(RuntimeError, match="multiply: an operand"):
        loss.backward()
    loss = (p * w).sum()
    with tt.no_grad():
        twin[0] = 5.0
    with pytest.raises(RuntimeError, match="multiply: an operand"):
        loss.backward()


def test_data_changed_before_the_forward_pass_are_fine():
    x = leaf([1.0, 2.0])
    x.data -= 1.0
    (x * x).sum().backward()
    np.testing.assert_array_equal(x.grad, [0.0, 2.0])


def test_a_list_that_grows_later_does_not_spoil_backward():
    x = leaf([1.0, 2.0])
    parts = [x, x * 2]
    out = np.concatenate(parts)
    parts.append(x * 100)
    parts[0] = None
    out.backward([1.0, 2.0, 3.0, 4.0])
    np.testing.assert_array_equal(x.grad, [7.0, 10.0])


# ------------------------------------------------------------- law 8: grad mode is per thread


def test_no_grad_nests_and_restores():
    x = leaf(1.0)
    with tt.no_grad():
        assert not (x * 2).requires_grad
        with tt.enable_grad():
            assert (x * 2).requires_grad
        assert not (x * 2).requires_grad
        with pytest.raises(KeyError), tt.enable_grad():
            raise KeyError
        assert not tt.is_grad_enabled()
    assert tt.is_grad_enabled()

    @tt.no_grad()
    def inference(depth):
        return inference(depth - 1) if depth else (x * 2).requires_grad

    assert inference(3) is False
    assert tt.is_grad_enabled()


def test_threads_have_their_own_mode():
    x, inside, outside, seen = leaf(1.0), threading.Event(), threading.Event(), {}

    @tt.no_grad()
    def silent(name):
        inside.set()
        outside.wait(10)
        seen[name] = (x * 2).requires_grad

    thread = threading.Thread(target=silent, args=("silent",))
    thread.start()
    inside.wait(10)
    seen["main"] = (x * 2).requires_grad
    outside.set()
    thread.join()
    assert seen == {"silent": False, "main": True}


def test_one_no_grad_in_two_threads():
    shared, first, second = tt.no_grad(), threading.Event(), threading.Event()

    def other():
        with shared:
            first.set()
            second.wait(10)

    thread = threading.Thread(target=other)
    with shared:
        thread.start()
        first.wait(10)
    assert tt.is_grad_enabled()
    second.set()
    thread.join()
    assert tt.is_grad_enabled()


def test_threads_add_up_in_one_leaf():
    x, interval = leaf(1.0), sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=lambda: [(x * 1.0).backward() for _ in range(500)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert x.grad == 2000.0


def test_threads_train_side_by_side():
    results, errors = {}, []

    def train(seed):
        try:
            rng = np.random.default_rng(seed)
            w, x = leaf(rng.normal(size=(4, 3))), rng.normal(size=(8, 3))
            for _ in range(50):
                w.grad = None
                linear(x, w).tanh().square().mean().backward()
                with tt.no_grad():
                    w.data -= 0.1 * w.grad
            results[seed] = w.data
        except Exception as error:  # a thread's own failure has to reach the test
            errors.append(error)

    threads = [threading.Thread(target=train, args=(seed,)) for seed in (1, 2, 1001, 1002)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    for seed in (1, 2):
        alone = dict(results)
        train(seed)
        np.testing.assert_array_equal(results[seed], alone[seed])


# -------------------------------------------------- no cycles: memory is freed without the collector


def test_graphs_are_freed_without_the_garbage_collector():
    gc.disable()
    try:
        x = leaf(np.ones(10))
        y = (x * 2).tanh()
        z = y.sum()
        z.backward()
        tt.grad((x * x).sum(), x, create_graph=True)
        alive = [weakref.ref(y), weakref.ref(z)]
        del y, z
        assert [ref() for ref in alive] == [None, None]
    finally:
        gc.enable()


def test_memory_is_flat_over_training_with_the_collector_off():
    w, x = leaf(np.ones((50, 50))), np.ones((50, 50))

    def step():
        w.grad = None
        loss = np.concatenate([(x @ w).tanh(), np.exp(-w)]).mean()
        loss.backward()
        w.data -= 0.1 * w.grad

    gc.disable()
    try:
        for _ in range(3):
            step()
        tracemalloc.start()
        step()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(50):
            step()
        after = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
        gc.enable()
    assert after - before < 20_000  # one array here is 20,000 bytes


# ------------------------------------------------------------- the one reduction hides no wrong rule


WRONG = {
    "transposed": lambda g, out, x, y: np.ones((3, 2)),
    "a stray leading axis": lambda g, out, x, y: np.ones((1, 2, 3)),
    "an axis lost": lambda g, out, x, y: np.ones(3),
    "too small": lambda g, out, x, y: np.ones((1, 1)),
    "the right rank": lambda g, out, x, y: np.ones((4, 3)),
}


@pytest.mark.parametrize("broadcasts", [True, False])
@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_a_misshapen_gradient_is_an_error(wrong, broadcasts):
    wrong_op = tt.primitive(lambda x, y: x * y)
    wrong_op.defvjp(wrong, wrong, broadcasts=broadcasts)
    x, y = leaf(np.ones((2, 3))), leaf(np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"rule for argument 0 returned a gradient of shape .*; expected \(2, 3\)"):
        wrong_op(x, y).sum().backward()
    del RULES[wrong_op]


def test_a_gradient_in_the_output_shape_needs_a_broadcasting_operation():
    copies = tt.primitive(lambda x, y: x * y)
    copies.defvjp(lambda g, out, x, y: g * y, lambda g, out, x, y: g * x)
    with pytest.raises(ValueError, match=r"expected \(3,\).*broadcasts=True"):
        copies(leaf(np.ones(3)), leaf(np.ones((2, 3)))).sum().backward()
    copies.defvjp(lambda g, out, x, y: g * y, lambda g, out, x, y: g * x, broadcasts=True)
    x = leaf(np.ones(3))
    copies(x, leaf(np.ones((2, 3)))).sum().backward()
    np.testing.assert_array_equal(x.grad, [2.0] * 3)
    del RULES[copies]


def test_matmul_sums_batch_axes_only():
    row = RULES[np.matmul]
    out = np.zeros((5, 2, 4))
    assert row.spread(0, out, np.zeros((2, 3)), np.zeros((5, 3, 4))) == (5, 2, 3)
    assert row.spread(1, out, np.zeros((2, 3)), np.zeros((5, 3, 4))) == (5, 3, 4)
    assert row.spread(0, np.zeros((5, 4)), np.zeros(3), np.zeros((5, 3, 4))) == (5, 3)


def test_without_the_reduction_shapes_are_wrong(monkeypatch):
    """The reduction is what makes broadcasting right: take it away and the gradient does not fit."""
    monkeypatch.setattr(engine, "unbroadcast", lambda g, shape: g)
    with pytest.raises(ValueError, match="add"):
        (leaf(np.ones(3)) + leaf(np.ones((2, 3)))).sum().backward()


# ----------------------------------------------------------------------- interior gradients, seeds


def test_interior_gradients_are_readable_after_backward():
    x = leaf([1.0, 2.0])
    h = x * 3
    y = h.exp()
    y.sum().backward()
    np.testing.assert_array_equal(y.grad, [1.0, 1.0])
    np.testing.assert_array_equal(h.grad, y.data)


def test_backward_with_a_given_gradient():
    x = leaf([1.0, 2.0])
    (x * x).backward(tt.Tensor([1.0, 10.0]))
    np.testing.assert_array_equal(x.grad, [2.0, 40.0])


def test_one_element_needs_no_gradient():
    x = leaf([[3.0]])
    (x * 2).backward()
    np.testing.assert_array_equal(x.grad, [[2.0]])


def test_a_rule_can_be_replaced_and_is_looked_up_when_it_runs():
    half = tt.primitive(lambda x: x / 2)
    half.defvjp(lambda g, out, x: g * 100)
    x = leaf(1.0)
    out = half(x)
    rule(half, lambda g, out, x: g / 2, forward=half.forward)
    out.backward()
    assert x.grad == 0.5
    del RULES[half]


# ------------------------------------------------------ law 11: a Value only among Values and numbers


@pytest.mark.parametrize("function", [np.add, np.multiply, np.maximum, np.hypot], ids=lambda f: f.__name__)
def test_a_value_with_a_tensor_is_a_tensor_on_either_side(function):
    value, tensor = tt.Value(2.0), leaf([1.0, 3.0])
    assert type(function(value, tensor)) is tt.Tensor
    assert type(function(tensor, value)) is tt.Tensor
    assert type(function(value, value)) is tt.Value
    assert type(function(value, 2.0)) is tt.Value


# ------------------------------------------------------------------------------------ what rules may return


def test_a_rule_that_is_gone_is_named_in_backward():
    @tt.primitive
    def doubled(x):
        return 2 * x

    doubled.defvjp(lambda g, out, x: 2 * g)
    y = doubled(tt.Tensor([1.0, 2.0], requires_grad=True)).sum()
    del RULES[doubled]
    with pytest.raises(NotImplementedError, match="doubled"):
        y.backward()


def test_a_rule_may_return_a_python_number():
    half = tt.primitive(lambda x: x / 2)
    half.defvjp(lambda g, out, x: 0.5)
    x = tt.Tensor(3.0, requires_grad=True)
    half(x).backward()
    assert isinstance(x.grad, np.ndarray)
    assert (x.grad.shape, x.grad.dtype, x.grad.item()) == ((), np.float64, 0.5)
    del RULES[half]


def test_interior_gradients_of_single_numbers_are_arrays():
    x = tt.Tensor([1.0, 2.0], requires_grad=True)
    total = x.sum()
    doubled = total * 2.0
    (doubled + total).backward()
    for node in (total, doubled):
        assert type(node.grad) is np.ndarray
    assert (total.grad.item(), doubled.grad.item()) == (3.0, 1.0)


def test_a_gradient_that_is_cast_has_a_second_derivative():
    x = tt.Tensor(np.array([2.0, 3.0], np.float32), requires_grad=True)
    (first,) = tt.grad((x.astype(np.float64) ** 3).sum(), x, create_graph=True)
    (second,) = tt.grad(first.sum(), x)
    assert first.dtype == second.dtype == np.float32
    np.testing.assert_array_equal(second.data, [12.0, 18.0])
    column = tt.Tensor(np.array([[2.0], [3.0]], np.float32), requires_grad=True)
    row = tt.Tensor(np.array([1.0, 2.0], np.float64), requires_grad=True)
    (first,) = tt.grad((column**2 * row).sum(), column, create_graph=True)
    (second,) = tt.grad(first.sum(), column)
    assert first.dtype == second.dtype == np.float32
    np.testing.assert_array_equal(second.data, [[6.0], [6.0]])


def test_values_keep_their_floats_in_a_graph_of_tensors():
    leaf = tt.Value(2.0)
    inner = leaf * 3.0
    (tt.Tensor([1.0, 2.0]) * inner).sum().backward()
    assert (type(inner.grad), inner.grad, type(leaf.grad), leaf.grad) == (float, 3.0, float, 9.0)


# ------------------------------------------------------------------------------------------ calls, and their operands


def counting(*shape):
    return tt.Tensor(np.arange(1.0, 1.0 + np.prod(shape)).reshape(shape), requires_grad=True)


def planted(function, *vjps):
    operation = tt.primitive(function)
    operation.defvjp(*vjps)
    return operation


def test_a_tensor_is_the_sequence_of_its_rows():
    for function in (np.concatenate, np.stack, np.hstack, np.vstack):
        x = counting(2, 3)
        y = function(x)
        y.backward(np.ones(y.shape))
        np.testing.assert_array_equal(x.grad, np.ones((2, 3)))


def test_the_result_is_of_the_most_general_class():
    for first, second in [(counting(2), tt.Value(3.0)), (tt.Value(3.0), counting(2))]:
        assert type(first * second) is tt.Tensor
    for first, second in [(tt.Tensor(2.0), tt.Value(3.0)), (tt.Value(3.0), tt.Tensor(2.0))]:
        assert type(first * second) is tt.Tensor
    assert type(tt.Value(1.0) * tt.Value(3.0)) is tt.Value


class Special(tt.Tensor):
    __slots__ = ()


def test_a_subclass_is_kept_only_among_itself():
    plain, special = counting(2), Special([1.0, 2.0])
    assert type(special * special) is Special
    for result in (special * plain, plain * special, np.multiply(plain, special)):
        assert type(result) is tt.Tensor


def second_slope(inner, x, y):
    """Of the sum over (xy)³, where x was copied: the slopes in x summed, then differentiated in each x once more."""
    return engine.unbroadcast(inner * y, x.shape)


def test_a_sum_over_copies_has_a_second_derivative():
    for shape in [(3,), (1, 3), (2, 1), (1, 1)]:
        x, y = counting(*shape), counting(2, 3)
        (first,) = tt.grad((x * x * x * y).sum(), x, create_graph=True)
        (second,) = tt.grad(first.sum(), x)
        np.testing.assert_allclose(second.data, engine.unbroadcast(6 * x.data * y.data, x.shape))
        (first,) = tt.grad(((x * y) ** 3).sum(), x, create_graph=True)  # here the arriving gradient depends on x
        (second,) = tt.grad(first.sum(), x)
        inner = 6 * x.data * y.data**2
        np.testing.assert_allclose(second.data, second_slope(inner, x.data, y.data))


def test_an_operand_that_was_copied_no_times():
    x = counting(1, 3)
    (x * np.ones((0, 3))).sum().backward()
    np.testing.assert_array_equal(x.grad, np.zeros((1, 3)))


def test_nothing_comes_back_through_a_rule_that_is_none():
    cut = planted(lambda x: x + 1, None)
    x = counting(2)
    inner = x * 2.0
    (cut(inner) + x).sum().backward()
    np.testing.assert_array_equal(x.grad, [1.0, 1.0])
    assert inner.grad is None
    del RULES[cut]


def test_a_tracer_is_told_where_the_walk_is():
    told = []

    class Tracer:
        def at(self, node, g):
            told.append((node._op, np.shape(g)))

        def done(self):
            told.append("done")

        def watched(self, function):
            return function

    y = (counting(2) * 3.0).sum()
    mode.tracer = Tracer()
    try:
        y.backward()
    finally:
        mode.tracer = None
    assert told == [("sum", ()), ("*", (2,)), ("", (2,)), "done"]


def test_arguments_without_a_rule():
    twice = planted(lambda x, k, *more: x * 2, lambda g, out, x, k, *more: g * 2)
    x = counting(2)
    np.testing.assert_array_equal(twice(x, tt.Tensor([5.0])).data, [2.0, 4.0])
    with pytest.raises(TypeError, match="no rule for argument 1"):
        twice(x, counting(1))
    del RULES[twice]


def test_keywords_keep_their_values_and_tensors_move_to_their_positions():
    seen = []

    def scaled(x, y, z=1.0, flag="plain"):
        seen.append((z, flag))
        return x * y

    operation = planted(
        scaled, lambda g, out, x, y, z=1.0, flag="plain": g * y, lambda g, out, x, y, z=1.0, flag="": g * x
    )
    x, y = counting(2), counting(2)
    operation(x, y=y, flag=None).sum().backward()
    operation(x, y, 2.0, "b", out=None)
    assert seen == [(1.0, None), (2.0, "b")]
    np.testing.assert_array_equal(y.grad, x.data)
    with pytest.raises(TypeError, match="z= by position"):
        operation(x, flag="a", z=y)
    product = planted(lambda x, y: x * y, lambda g, out, x, y: g * y, lambda g, out, x, y: g * x)
    np.testing.assert_array_equal(product(x, y=y).data, x.data * y.data)
    np.testing.assert_array_equal(np.add(x, y, out=None).data, x.data + y.data)
    del RULES[operation], RULES[product]


def test_operands_are_the_nodes_among_the_arguments():
    x, y = counting(2), counting(2)
    assert [(k, i) for k, i, _ in calls.operands(x * y)] == [(0, None), (1, None)]
    assert list(calls.operands(np.concatenate((np.ones(2), x, y)))) == [(0, 1, x), (0, 2, y)]


def test_a_sequence_beside_other_operands():
    def weighted(xs, k, shift=0.0):
        return sum(xs) * k + np.asarray(shift)

    both = planted(weighted, lambda g, out, xs, k, shift=0.0, i=0: g * k, lambda g, out, xs, k, shift=0.0: g * sum(xs))
    a, b, k = counting(2), counting(2), tt.Tensor([2.0, 3.0], requires_grad=True)
    both((a, b), k, tt.Tensor([1.0, 1.0])).sum().backward()
    np.testing.assert_array_equal(a.grad, [2.0, 3.0])
    np.testing.assert_array_equal(k.grad, a.data + b.data)
    rows = counting(2, 2)
    both(rows, k).sum().backward()
    np.testing.assert_array_equal(rows.grad, [[2.0, 3.0], [2.0, 3.0]])
    del RULES[both]


def test_what_arrives_is_prepared_once_for_all_operands():
    """A rule's `arriving` stands for g in each of its entries; the other arguments come as they are, on Tensors too."""
    seen = []

    def plain(*arrays):
        return [(a.data if isinstance(a, tt.Tensor) else a).tolist() for a in arrays]

    def arriving(g, out, x, y, scale=1.0):
        seen.append("arriving")
        return g * scale

    def entry(factor):
        def vjp(g, out, x, y, scale=1.0):
            seen.append([*plain(g, out, x, y), scale])
            return g * factor(x, y)

        return vjp

    def product(x, y, scale=1.0):
        return x * y * scale

    rule(product, entry(lambda x, y: y), entry(lambda x, y: x), forward=product, arriving=arriving)
    try:
        for create_graph in (False, True):
            seen.clear()
            x, y = leaf([2.0, 3.0]), leaf([5.0, 7.0])
            out = engine.apply(product, (x, y), {"scale": 10.0})
            gx, gy = tt.grad(out, (x, y), [1.0, -1.0], create_graph=create_graph)
            given = [[10.0, -10.0], [100.0, 210.0], [2.0, 3.0], [5.0, 7.0], 10.0]
            assert seen == ["arriving", given, given]
            assert (gx.tolist(), gy.tolist()) == ([50.0, -70.0], [20.0, -30.0])
    finally:
        del RULES[product]
