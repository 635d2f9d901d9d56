"""Bad input as a table: each is refused with the operation, the shapes and the fix."""

from __future__ import annotations

import numpy as np
import pytest

import tinytensor as tt
from tinytensor.fused import linear


def leaf(shape=(2, 3), **options):
    return tt.Tensor(np.ones(shape), requires_grad=True, **options)


CASES = {
    "text": (lambda: tt.Tensor("abc"), TypeError, "not numbers"),
    "objects": (lambda: tt.Tensor([object()]), TypeError, "not numbers"),
    "ragged": (lambda: tt.Tensor([[1.0], [1.0, 2.0]]), TypeError, "not an array of numbers"),
    "none": (lambda: tt.Tensor(None), TypeError, "not numbers"),
    "dates": (lambda: tt.Tensor(np.array(["2026-01-01"], "M8[D]")), TypeError, "not numbers"),
    "bad dtype": (lambda: tt.Tensor([1.0], dtype="float31"), TypeError, "float31"),
    "integer gradient": (lambda: tt.Tensor([1, 2], requires_grad=True), TypeError, r"int64: write 1\.0 for 1"),
    "boolean gradient": (lambda: tt.Tensor([True], requires_grad=True), TypeError, "bool"),
    "complex gradient": (lambda: tt.Tensor([1j], requires_grad=True), TypeError, "complex128"),
    "late integer gradient": (lambda: setattr(tt.Tensor([1]), "requires_grad", True), TypeError, "int64"),
    "data of another shape": (lambda: setattr(leaf(), "data", np.ones(3)), ValueError, r"data: expected shape \(2, 3\), got \(3,\)"),
    "complex data": (lambda: setattr(leaf(), "data", np.ones((2, 3)) * 1j), TypeError, "expected float64, got complex128"),
    "float data for integers": (lambda: setattr(tt.Tensor([1]), "data", [1.5]), TypeError, "expected int64"),
    "grad of another shape": (lambda: setattr(leaf(), "grad", np.ones(3)), ValueError, r"grad: expected shape \(2, 3\)"),
    "seed": (lambda: tt.manual_seed("a"), TypeError, "int"),
    "generator": (lambda: tt.randn(2, generator=np.random), TypeError, r"np\.random\.default_rng"),
    "backward of many": (lambda: (leaf() * 2).backward(), RuntimeError, r"backward: the output has shape \(2, 3\)"),
    "backward without a graph": (lambda: tt.ones(1).backward(), RuntimeError, "requires_grad=True"),
    "gradient shape": (lambda: leaf().backward(np.ones(3)), ValueError, r"gradient: expected shape \(2, 3\), got \(3,\)"),
    "gradient text": (lambda: leaf().backward("a"), TypeError, "not numbers"),
    "grad of many": (lambda: tt.grad(leaf() * 2, leaf()), RuntimeError, "grad: the output has shape"),
    "grad of a constant": (lambda: tt.grad(leaf().sum(), tt.ones(2)), RuntimeError, "input 0 does not require"),
    "grad of an array": (lambda: tt.grad(leaf().sum(), [np.ones(2)]), RuntimeError, "input 0 does not require"),
    "item of many": (lambda: leaf().item(), ValueError, r"one element, got shape \(2, 3\)"),
    "truth of many": (lambda: bool(leaf()), ValueError, r"any\(\)"),
    "len of 0-d": (lambda: len(leaf(())), TypeError, "0-d"),
    "iteration of 0-d": (lambda: list(leaf(())), TypeError, "0-d"),
    "broadcast": (lambda: leaf((2, 3)) + leaf((2,)), ValueError, r"add\(\(2, 3\), \(2,\)\).*do not broadcast.*expand_dims"),
    "where shapes": (lambda: np.where(np.ones(4, bool), leaf((2,)), leaf((3,))), ValueError, "where.*do not broadcast"),
    "matmul inner": (lambda: leaf((2, 3)) @ leaf((4, 5)), ValueError, r"matmul\(\(2, 3\), \(4, 5\)\).*inner sizes differ, 3 against 4"),
    "matmul batch": (lambda: leaf((2, 3, 4)) @ leaf((3, 4, 5)), ValueError, "batch axes"),
    "matmul 0-d": (lambda: leaf((2, 3)) @ leaf(()), ValueError, r"multiply by a number with \*"),
    "matmul by a number": (lambda: leaf((2, 3)) @ 2.0, ValueError, "matmul"),
    "reshape": (lambda: leaf().reshape(4, 2), ValueError, r"reshape\(\(2, 3\), \(4, 2\)\)"),
    "axis": (lambda: leaf().sum(axis=2), np.exceptions.AxisError, r"sum\(\(2, 3\)\).*axis 2 is out of bounds"),
    "axis twice": (lambda: leaf().sum(axis=(0, 0)), ValueError, "sum.*duplicate"),
    "softmax axis": (lambda: leaf().softmax(axis=5), np.exceptions.AxisError, "softmax.*axis 5"),
    "transpose": (lambda: leaf().transpose(0, 0), ValueError, "transpose"),
    "squeeze": (lambda: leaf().squeeze(0), ValueError, "squeeze.*size not equal to one"),
    "index": (lambda: leaf()[5], IndexError, r"index of a tensor of shape \(2, 3\).*5 is out of bounds"),
    "too many indices": (lambda: leaf()[0, 0, 0], IndexError, r"shape \(2, 3\).*too many"),
    "float index": (lambda: leaf()[1.5], IndexError, r"shape \(2, 3\)"),
    "mask shape": (lambda: leaf()[np.ones(5, bool)], IndexError, r"shape \(2, 3\).*boolean"),
    "concatenate": (lambda: np.concatenate([leaf((2, 3)), leaf((2, 2))]), ValueError, r"concatenate\(\[\(2, 3\), \(2, 2\)\]"),
    "stack": (lambda: np.stack([leaf((2, 3)), leaf((3, 2))]), ValueError, r"stack\(\[\(2, 3\), \(3, 2\)\]"),
    "split": (lambda: np.split(leaf((3,)), 2), ValueError, "axis of size 3 has no 2 equal sections"),
    "split axis": (lambda: np.split(leaf((3,)), 3, axis=1), np.exceptions.AxisError, "axis 1"),
    "pad mode": (lambda: np.pad(leaf(), 1, mode="linear_ramp"), TypeError, "pad: mode='linear_ramp' has no rule"),
    "broadcast_to": (lambda: leaf((2, 3)).broadcast_to(3, 2), ValueError, r"broadcast_to\(\(2, 3\), \(3, 2\)\)"),
    "max of nothing": (lambda: leaf((0,)).max(), ValueError, r"max\(\(0,\)\).*zero-size"),
    "clip without bounds": (lambda: leaf().clip(), TypeError, "a_min, a_max"),
    "mT of a vector": (lambda: leaf((3,)).mT, ValueError, r"two axes or more, got shape \(3,\)"),
    "trace of a vector": (lambda: leaf((3,)).trace(), ValueError, r"trace.*\(3,\)"),
    "einsum diagonal": (lambda: np.einsum("ii->i", leaf((1, 3))), ValueError, r"repeated letter of 'ii' has two sizes in \(1, 3\)"),
    "grad of a number": (lambda: tt.grad(3.0, leaf()), TypeError, "the output is a float, not a Tensor"),
    "grad with respect to a number": (lambda: tt.grad(leaf().sum(), 3.0), TypeError, "sequence of them as inputs, got float"),
    "tensordot": (lambda: np.tensordot(leaf((2, 3)), leaf((2, 3)), 1), ValueError, "have sizes"),
    "tensordot axes": (lambda: np.tensordot(leaf((2, 3)), leaf((2, 3)), ([5], [0])), ValueError, "out of range"),
    "einsum count": (lambda: np.einsum("ij,jk", leaf()), ValueError, "2 operands are named, 1 given"),
    "einsum letters": (lambda: np.einsum("ijk->i", leaf()), ValueError, "names 3 axes|does not fit"),
    "einsum sizes": (lambda: np.einsum("ij,ij->i", leaf((2, 3)), leaf((2, 4))), ValueError, "'j' is 3 in one operand and 4"),
    "einsum output": (lambda: np.einsum("ij->iz", leaf()), ValueError, "output 'iz'"),
    "einsum lists": (lambda: np.einsum(leaf(), [0, 1]), TypeError, "subscripts as a string"),
    "linear": (lambda: linear(leaf((2, 3)), leaf((4, 2))), ValueError, r"linear.*\(2, 3\).*\(4, 2\)"),
    "linear bias": (lambda: linear(leaf((2, 3)), leaf((4, 3)), leaf((3,))), ValueError, r"bias.*\(3,\).*\(4,\)"),
    "no rule yet": (lambda: tt.primitive(lambda x: x)(leaf()), NotImplementedError, "has no gradient rule"),
    "einsum in-place": (lambda: np.einsum("i->", leaf((3,)), out=np.zeros(())), TypeError, "einsum.*out="),
}  # fmt: skip


@pytest.mark.parametrize(("call", "error", "message"), CASES.values(), ids=CASES)
def test_bad_input_is_refused(call, error, message):
    with pytest.raises(error, match=message) as raised:
        call()
    assert "\n" not in str(raised.value), "an error is one line"


def test_errors_of_a_users_primitive_keep_their_traceback():
    @tt.primitive
    def broken(x):
        raise ValueError("my own words")

    broken.defvjp(lambda g, out, x: g)
    with pytest.raises(ValueError, match="my own words") as raised:
        broken(leaf())
    assert raised.traceback[-1].name == "broken"
