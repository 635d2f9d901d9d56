"""Linear algebra at the edges: singular matrices, equal eigenvalues, kinks of norms, empty batches, bad input."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import tinytensor as tt
from tinytensor import engine
from tinytensor.functional.decompositions import EighResult, QRResult, SlogdetResult, SVDResult


def leaf(data, **options):
    return tt.Tensor(np.array(data, float), requires_grad=True, **options)


def random(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, shape)


# ------------------------------------------------------------------------- determinants of singular matrices

SINGULAR = {
    "rank 1 of 2": [[1.0, 2.0], [2.0, 4.0]],
    "rank 0 of 1": [[0.0]],
    "rank 0 of 2": np.zeros((2, 2)),
    "rank 0 of 3": np.zeros((3, 3)),
    "rank 1 of 3": np.ones((3, 3)),
    "rank 2 of 3": [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]],
    "rank 2 of 4": random(4, 2) @ random(2, 4, seed=1),
    "nearly singular": [[1.0, 2.0], [2.0, 4.0 + 1e-13]],
    "singular beside regular": np.stack([np.ones((3, 3)), np.diag([1.0, 2.0, 3.0])]),
}


def exact_det(x):
    """The determinant as a sum over permutations, by torch: a polynomial, with a gradient everywhere."""
    n = x.shape[-1]
    if n == 0:
        return torch.ones(x.shape[:-2], dtype=x.dtype)
    rest = [torch.cat([x[..., 1:, :k], x[..., 1:, k + 1 :]], -1) for k in range(n)]
    return sum((-1) ** k * x[..., 0, k] * exact_det(minor) for k, minor in enumerate(rest))


@pytest.mark.parametrize("matrix", SINGULAR.values(), ids=SINGULAR)
def test_determinant_of_singular_matrices_to_third_order(matrix):
    x, y = leaf(matrix), torch.tensor(np.array(matrix), dtype=torch.float64, requires_grad=True)
    ours, theirs = np.linalg.det(x), exact_det(y)
    np.testing.assert_allclose(ours.data, theirs.numpy(force=True), atol=1e-12)
    for order in range(3):
        weights = random(*ours.shape, seed=order)
        if not ours.requires_grad:  # the second derivative of the determinant of a number is 0
            assert x.shape[-1] == 1
            return
        (ours,) = tt.grad((ours * weights).sum(), x, create_graph=True)
        (theirs,) = torch.autograd.grad((theirs * torch.tensor(weights)).sum(), y, create_graph=True)
        np.testing.assert_allclose(ours.data, theirs.numpy(force=True), atol=1e-11)
        if not theirs.requires_grad:
            return


def test_second_derivative_of_a_determinant_is_accurate_at_every_condition():
    turn, _ = np.linalg.qr(random(3, 3))
    for smallest in 10.0 ** -np.arange(0, 17, 2):
        x = leaf(turn * [1.0, 2.0, smallest] @ turn.T)
        y = torch.tensor(x.data, requires_grad=True)
        weights = random(3, 3, seed=1)
        (first,) = tt.grad(np.linalg.det(x), x, create_graph=True)
        (second,) = tt.grad((first * weights).sum(), x)
        (wanted,) = torch.autograd.grad(exact_det(y), y, create_graph=True)
        (wanted,) = torch.autograd.grad((wanted * torch.tensor(weights)).sum(), y)
        np.testing.assert_allclose(second.data, wanted, atol=1e-6)


def test_slogdet_where_the_determinant_overflows():
    x = leaf(np.eye(200) * 1e5)
    sign, logarithm = np.linalg.slogdet(x)
    assert sign.item() == 1
    logarithm.backward()
    np.testing.assert_allclose(x.grad, np.eye(200) / 1e5)


# ----------------------------------------------------------------------------------- equal eigenvalues, values


def test_eigenvalues_that_coincide_have_gradients():
    turn, _ = np.linalg.qr(random(4, 4))
    x = leaf(turn * [1.0, 2.0, 2.0, 2.0] @ turn.T)
    np.sum(np.linalg.eigvalsh(x) ** 3).backward()  # the trace of x³
    np.testing.assert_allclose(x.grad, 3 * x.data @ x.data, atol=1e-12)
    x = leaf(2 * np.eye(3))
    np.sum(np.linalg.eigh(x)[0]).backward()
    np.testing.assert_array_equal(x.grad, np.eye(3))
    x = leaf(2 * np.eye(3, 2))
    (np.linalg.svd(x, full_matrices=False)[1] ** 2).sum().backward()
    np.testing.assert_array_equal(x.grad, 2 * x.data)


VECTORS = {
    "eigenvectors": lambda x: (np.linalg.eigh(x)[1] * random(3, 3)).sum(),
    "curvature of the eigenvalues": lambda x: (tt.grad((np.linalg.eigvalsh(x) ** 2).sum(), x, create_graph=True)[0] * random(3, 3)).sum(),
    "left singular vectors": lambda x: (np.linalg.svd(x)[0] * random(3, 3)).sum(),
    "right singular vectors": lambda x: (np.linalg.svd(x)[2] * random(3, 3)).sum(),
}  # fmt: skip


@pytest.mark.parametrize("function", VECTORS.values(), ids=VECTORS)
def test_vectors_of_equal_values_have_no_derivative_and_say_so_by_nan(function):
    x = leaf(2 * np.eye(3))
    function(x).backward()
    assert np.isnan(x.grad).all()


def test_other_matrices_of_a_batch_are_not_spoiled():
    x = leaf([2 * np.eye(2), [[1.0, 0.5], [0.5, 3.0]]])
    (np.linalg.eigh(x)[1] ** 3).sum().backward()
    assert np.isnan(x.grad[0]).all()
    assert np.isfinite(x.grad[1]).all()


def test_one_triangle_is_read_and_both_get_the_gradient():
    lower, upper = np.tril(random(3, 3)) + 4 * np.eye(3), np.triu(random(3, 3, seed=1), 1)
    full = np.tril(lower, -1).T + lower
    for function in (
        np.linalg.cholesky,
        np.linalg.eigvalsh,
        lambda x: np.linalg.eigvalsh(x.mT, UPLO="U"),
        lambda x: np.linalg.cholesky(x.mT, upper=True),
        lambda x: np.linalg.eigh(x)[1] ** 2,
    ):
        x, y = leaf(lower + upper), leaf(full)
        out, expected = function(x), function(y)
        np.testing.assert_array_equal(out.data, expected.data)
        g = random(*out.shape, seed=2)
        out.backward(g)
        expected.backward(g)
        np.testing.assert_array_equal(x.grad, y.grad)
        np.testing.assert_allclose(x.grad, x.grad.T, rtol=1e-12)


# ------------------------------------------------------------------------------------------- kinks of norms


def vectors(p):
    return lambda x: np.linalg.norm(x, p), lambda x: torch.linalg.vector_norm(x, p)


def of_matrices(p):
    return lambda x: np.linalg.norm(x, p), lambda x: torch.linalg.matrix_norm(x, p)


KINKS = {
    **{f"{p}-norm at {x}": (*vectors(p), x) for p in (0.5, 1, 1.5, 2, 3, math.inf) for x in ([0.0, 0.0], [0.0, 1.0, -2.0])},
    "-inf-norm with ties": (*vectors(-math.inf), [1.0, -1.0, 2.0]),
    "spectral norm at 0": (*of_matrices(2), np.zeros((3, 2))),
    "nuclear norm at 0": (*of_matrices("nuc"), np.zeros((3, 2))),
    "spectral norm with ties": (*of_matrices(2), 3 * np.eye(2)),
    "Frobenius norm at 0": (*of_matrices("fro"), np.zeros((2, 2))),
    "column sums with ties": (*of_matrices(1), [[1.0, 2.0], [1.0, 0.0]]),
    "row sums with ties": (*of_matrices(-math.inf), [[1.0, 2.0], [3.0, 0.0]]),
    "all elements at 0": (lambda x: np.linalg.norm(x), lambda x: torch.linalg.vector_norm(x), np.zeros((2, 2))),
}  # fmt: skip


@pytest.mark.parametrize(("ours", "theirs", "array"), KINKS.values(), ids=KINKS)
def test_kinks_of_norms_as_in_torch(ours, theirs, array):
    x, y = leaf(array), torch.tensor(np.array(array), dtype=torch.float64, requires_grad=True)
    out, expected = ours(x), theirs(y)
    np.testing.assert_allclose(out.data, expected.numpy(force=True))
    out.backward()
    expected.backward()
    np.testing.assert_allclose(x.grad, y.grad, atol=1e-15)


def test_norm_of_order_0_counts_and_has_no_slope():
    x = leaf([0.0, 3.0, -2.0])
    out = np.linalg.norm(x, 0)
    assert out.item() == 2
    out.backward()
    np.testing.assert_array_equal(x.grad, [0, 0, 0])


def test_a_matrix_with_an_order_and_no_axis_has_its_spectral_norm():
    a = random(3, 2)
    for ord in (2, -2, "nuc", "fro", "f", 1, -1, math.inf, -math.inf, None, np.float64(2), np.int64(1)):
        np.testing.assert_allclose(np.linalg.norm(leaf(a), ord).item(), np.linalg.norm(a, ord))


def test_norms_of_nothing():
    for ord in (None, 1, 2, 3, math.inf):
        assert np.linalg.norm(leaf(np.zeros(0)), ord).item() == 0
    assert np.linalg.norm(leaf(np.zeros((0, 3))), "nuc").item() == 0


# --------------------------------------------------------------------------- the answers are NumPy's, everywhere

CALLS = {
    "inv": np.linalg.inv,
    "det": np.linalg.det,
    "pinv": np.linalg.pinv,
    "cholesky": np.linalg.cholesky,
    "upper cholesky": lambda x: np.linalg.cholesky(x, upper=True),
    "eigvalsh": np.linalg.eigvalsh,
    "svdvals": np.linalg.svdvals,
    "singular values": lambda x: np.linalg.svd(x, compute_uv=False),
    "slogdet": lambda x: np.linalg.slogdet(x)[1],
    "sign": lambda x: np.linalg.slogdet(x).sign + 0 * x.sum(),
    "eigenvalues": lambda x: np.linalg.eigh(x).eigenvalues,
    "eigenvectors": lambda x: np.linalg.eigh(x).eigenvectors,
    "Q": lambda x: np.linalg.qr(x).Q,
    "R": lambda x: np.linalg.qr(x).R,
    "U": lambda x: np.linalg.svd(x).U,
    "Vh": lambda x: np.linalg.svd(x, full_matrices=False).Vh,
    "solve": lambda x: np.linalg.solve(x, x),
    "power": lambda x: np.linalg.matrix_power(x, 3),
    "inverse power": lambda x: np.linalg.matrix_power(x, -2),
    "power 0": lambda x: np.linalg.matrix_power(x, 0),
    "nuclear": lambda x: np.linalg.matrix_norm(x, ord="nuc"),
    "trace": np.linalg.trace,
    "diagonal": np.linalg.diagonal,
    "matmul": lambda x: np.linalg.matmul(x, x),
    "vecdot": lambda x: np.vecdot(x, x),
    "vector_norm": lambda x: np.linalg.vector_norm(x, axis=(-2, -1), keepdims=True),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (2, 3, 3), (0, 3, 3), (2, 0, 1, 1), (0, 0), (2, 0, 0)], ids=str)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_answers_are_numpys_and_gradients_have_the_shape(call, shape, dtype):
    a = random(*shape)
    a = ((a + np.swapaxes(a, -1, -2)) / 2 + np.eye(shape[-1]) * np.arange(3.0, 3.0 + shape[-1])).astype(dtype)
    x = tt.Tensor(a, requires_grad=True)
    out, expected = call(x), call(a)
    np.testing.assert_allclose(out.data, expected, rtol=1e-12 if dtype is np.float64 else 1e-4, atol=1e-6)
    assert out.dtype == dtype
    out.backward(np.ones(out.shape, dtype))
    assert x.grad.shape == shape
    assert x.grad.dtype == dtype
    assert np.isfinite(x.grad).all()


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (1, 3), (3, 1), (2, 3), (0, 2, 3)], ids=str)
def test_rectangles(shape):
    a = random(*shape)
    for function in (
        np.linalg.pinv,
        np.linalg.svdvals,
        lambda x: np.linalg.qr(x).Q,
        lambda x: np.linalg.qr(x, "r"),
        lambda x: np.linalg.svd(x, full_matrices=False).U,
        lambda x: np.linalg.svd(x, full_matrices=False).Vh,
    ):
        x = leaf(a)
        out = function(x)
        np.testing.assert_allclose(out.data, function(a), atol=1e-12)
        out.backward(np.ones(out.shape))
        assert x.grad.shape == shape


def test_results_are_named_as_numpys():
    x = leaf(np.diag([1.0, 2.0]))
    for result, kind, numpys in [
        (np.linalg.slogdet(x), SlogdetResult, np.linalg.slogdet(x.data)), (np.linalg.qr(x), QRResult, np.linalg.qr(x.data)),
        (np.linalg.eigh(x), EighResult, np.linalg.eigh(x.data)), (np.linalg.svd(x), SVDResult, np.linalg.svd(x.data)),
    ]:  # fmt: skip
        assert isinstance(result, kind)
        assert result._fields == numpys._fields
        for part, numpys_part in zip(result, numpys, strict=True):
            np.testing.assert_allclose(part.data, numpys_part)


def test_lstsq_gives_all_that_numpy_gives():
    for shape, right in [((4, 2), (4,)), ((4, 2), (4, 3)), ((2, 2), (2,)), ((2, 4), (2, 1))]:
        a, b = random(*shape), random(*right, seed=1)
        for ours, theirs in zip(np.linalg.lstsq(leaf(a), leaf(b)), np.linalg.lstsq(a, b), strict=True):
            np.testing.assert_allclose(ours.data if isinstance(ours, tt.Tensor) else ours, theirs)
    x, *_ = np.linalg.lstsq(a, leaf(b))  # an array on one side
    x.backward(np.ones(x.shape))


def test_power_0_is_the_identity_with_no_slope():
    x = leaf([[1.0, np.nan], [np.inf, 2.0]])
    out = np.linalg.matrix_power(x, 0)
    np.testing.assert_array_equal(out.data, np.eye(2))
    out.backward(np.ones((2, 2)))
    np.testing.assert_array_equal(x.grad, np.zeros((2, 2)))


def test_multi_dot_takes_the_cheapest_order():
    tall, wide, column = leaf(np.ones((50, 2))), leaf(np.ones((2, 50))), leaf(np.ones((50, 1)))
    out = np.linalg.multi_dot([tall, wide, tall, wide, column])
    shapes = [node.shape for node in engine.newest_first(out) if node._function is np.matmul]
    assert (50, 50) not in shapes
    np.testing.assert_allclose(out.data, np.linalg.multi_dot([tall.data, wide.data, tall.data, wide.data, column.data]))


def test_matrix_rank_is_plain():
    rank = np.linalg.matrix_rank(leaf(np.ones((2, 2))))
    assert not isinstance(rank, tt.Tensor)
    assert rank == 1


def test_cond_of_a_singular_matrix_is_infinite():
    assert np.linalg.cond(leaf([[1.0, 0.0], [0.0, 0.0]])).item() == math.inf
    assert np.linalg.cond(leaf([[1.0, 0.0], [0.0, 0.0]]), -2).item() == 0


def test_vectors_in_lists_and_arrays():
    x = leaf([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(np.cross(x, [0.0, 0.0, 1.0]).data, [2.0, -1.0, 0.0])
    np.testing.assert_array_equal(np.cross([0.0, 0.0, 1.0], x).data, [-2.0, 1.0, 0.0])
    assert np.vdot(x, np.ones(3)).item() == 6
    assert np.inner(np.ones(3), x).item() == 6


# --------------------------------------------------------------------------------------------------- bad input

ones = np.ones
BAD = {
    "inv of singular": (lambda: np.linalg.inv(leaf(ones((2, 2)))), np.linalg.LinAlgError, r"linalg\.inv\(\(2, 2\)\): Singular"),
    "solve of singular": (lambda: np.linalg.solve(leaf(ones((2, 2))), ones(2)), np.linalg.LinAlgError, r"linalg\.solve\(\(2, 2\), \(2,\)\): Singular"),
    "solve of shapes": (lambda: np.linalg.solve(leaf(np.eye(2)), leaf(ones((3, 2)))), ValueError, r"linalg\.solve\(\(2, 2\), \(3, 2\)\)"),
    "power of singular": (lambda: np.linalg.matrix_power(leaf(ones((2, 2))), -1), np.linalg.LinAlgError, r"linalg\.inv\(\(2, 2\)\): Singular"),
    "power of a rectangle": (lambda: np.linalg.matrix_power(leaf(ones((3, 2))), 2), np.linalg.LinAlgError, r"matrix_power\(\(3, 2\), 2\).*square"),
    "a broken power": (lambda: np.linalg.matrix_power(leaf(np.eye(2)), 0.5), TypeError, r"matrix_power.*integer, got 0\.5"),
    "cholesky of indefinite": (lambda: np.linalg.cholesky(leaf(-np.eye(2))), np.linalg.LinAlgError, r"linalg\.cholesky\(\(2, 2\)\).*positive definite"),
    "cholesky out": (lambda: np.linalg.cholesky(leaf(np.eye(2)), out=1), TypeError, "cholesky.*out"),
    "det of a rectangle": (lambda: np.linalg.det(leaf(ones((2, 3)))), np.linalg.LinAlgError, r"linalg\.det\(\(2, 3\)\).*square"),
    "slogdet of singular": (lambda: np.linalg.slogdet(leaf(ones((2, 2))))[1].backward(), np.linalg.LinAlgError, r"slogdet\(\(2, 2\)\).*no gradient"),
    "eigh of a vector": (lambda: np.linalg.eigh(leaf(ones(2))), np.linalg.LinAlgError, r"linalg\.eigh\(\(2,\)\).*two axes"),
    "eigh of a rectangle": (lambda: np.linalg.eigh(leaf(ones((2, 3)))), np.linalg.LinAlgError, r"eigh\(\(2, 3\).*square"),
    "eigh's triangle": (lambda: np.linalg.eigh(leaf(np.eye(2)), "X"), ValueError, "eigh.*UPLO"),
    "eig": (lambda: np.linalg.eig(leaf(np.eye(2))), NotImplementedError, r"linalg\.eig has no gradient rule"),
    "svd of nan": (lambda: np.linalg.svdvals(leaf([[np.nan]])), np.linalg.LinAlgError, r"svd\(\(1, 1\)\).*converge"),
    "full svd": (lambda: np.linalg.svd(leaf(ones((2, 3)))), TypeError, r"linalg\.svd.*\(2, 3\).*full_matrices=False"),
    "hermitian svd": (lambda: np.linalg.svd(leaf(np.eye(2)), hermitian=True), TypeError, r"svd.*hermitian.*eigh"),
    "hermitian pinv": (lambda: np.linalg.pinv(leaf(np.eye(2)), hermitian=True), TypeError, r"pinv.*hermitian="),
    "complete qr": (lambda: np.linalg.qr(leaf(ones((3, 2))), "complete"), TypeError, r"linalg\.qr: mode='complete'"),
    "lstsq of low rank": (lambda: np.linalg.lstsq(leaf(ones((3, 2))), ones(3)), np.linalg.LinAlgError, r"linalg\.lstsq\(\(3, 2\), \(3,\)\).*rank 1"),
    "lstsq of shapes": (lambda: np.linalg.lstsq(leaf(ones((3, 2))), ones(2)), np.linalg.LinAlgError, r"lstsq\(\(3, 2\), \(2,\).*Incompatible"),
    "tensorinv": (lambda: np.linalg.tensorinv(leaf(ones((2, 3))), 1), ValueError, r"tensorinv\(\(2, 3\), ind=1\).*2 by 3"),
    "tensorsolve": (lambda: np.linalg.tensorsolve(leaf(ones((2, 3))), ones(2)), np.linalg.LinAlgError, r"tensorsolve\(\(2, 3\), \(2,\)\).*square"),
    "cond of nothing": (lambda: np.linalg.cond(leaf(ones((0, 0)))), np.linalg.LinAlgError, r"cond\(\(0, 0\)\).*empty"),
    "norm of three axes": (lambda: np.linalg.norm(leaf(ones((2, 2, 2))), 2), ValueError, r"linalg\.norm\(\(2, 2, 2\)\).*got 3"),
    "norm's order": (lambda: np.linalg.norm(leaf(ones(3)), "fro"), ValueError, r"linalg\.norm: ord='fro'"),
    "matrix norm's order": (lambda: np.linalg.norm(leaf(ones((3, 3))), 3), ValueError, r"linalg\.norm: ord=3\.0.*matrix"),
    "norm's axis": (lambda: np.linalg.norm(leaf(ones(3)), axis=1), np.exceptions.AxisError, r"linalg\.norm\(\(3,\)\): axis=1"),
    "norm's axes": (lambda: np.linalg.norm(leaf(ones((3, 3))), axis=(0, 0)), ValueError, r"linalg\.norm\(\(3, 3\)\): axis=\(0, 0\)"),
    "inner": (lambda: np.inner(leaf(ones(3)), ones(2)), ValueError, r"inner\(\(3,\), \(2,\)\)"),
    "vdot": (lambda: np.vdot(leaf(ones(3)), ones(2)), ValueError, r"vdot\(\(3,\), \(2,\)\).*3 against 2"),
    "vecdot": (lambda: np.vecdot(leaf(ones(3)), ones(1)), ValueError, "vecdot"),
    "vecdot's axis": (lambda: np.vecdot(leaf(ones(3)), ones(3), axis=1), np.exceptions.AxisError, "vecdot: axis 1"),
    "vecdot out": (lambda: np.vecdot(leaf(ones(3)), ones(3), out=np.zeros(())), TypeError, "vecdot.*out="),
    "cross of 4": (lambda: np.cross(leaf(ones(3)), ones(4)), ValueError, r"cross\(\(3,\), \(4,\)\).*got 3 and 4"),
    "cross of a number": (lambda: np.cross(leaf(ones(3)), 2.0), ValueError, r"cross\(\(3,\), \(\)\)"),
    "cross's axis": (lambda: np.cross(leaf(ones(3)), ones(3), axis=2), np.exceptions.AxisError, "cross: axis 2"),
    "linalg.cross of 2": (lambda: np.linalg.cross(leaf(ones(2)), ones(2)), ValueError, r"linalg\.cross\(\(2,\), \(2,\)\)"),
    "linalg.outer of matrices": (lambda: np.linalg.outer(leaf(ones((2, 2))), ones(2)), ValueError, r"linalg\.outer\(\(2, 2\), \(2,\)\)"),
    "linalg.trace's dtype": (lambda: np.linalg.trace(leaf(np.eye(2)), dtype=np.float32), TypeError, r"linalg\.trace.*dtype="),
    "multi_dot's sizes": (lambda: np.linalg.multi_dot([leaf(ones((3, 2))), ones((3, 2))]), ValueError, r"multi_dot\(\[\(3, 2\), \(3, 2\)\]\)"),
    "multi_dot of one": (lambda: np.linalg.multi_dot([leaf(ones((3, 2)))]), ValueError, "two matrices or more"),
    "multi_dot out": (lambda: np.linalg.multi_dot([leaf(np.eye(2)), np.eye(2)], out=np.eye(2)), TypeError, "multi_dot.*out="),
}  # fmt: skip


@pytest.mark.parametrize(("call", "error", "message"), BAD.values(), ids=BAD)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.skipif(not hasattr(np, "matvec"), reason="NumPy 2.2")
def test_matvec_refuses_shapes():
    with pytest.raises(ValueError, match="matvec"):
        np.matvec(leaf(ones((3, 2))), ones(3))
    with pytest.raises(TypeError, match=r"vecmat.*out="):
        np.vecmat(leaf(ones(3)), ones((3, 2)), out=ones(2))
