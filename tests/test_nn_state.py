"""The state of modules: to PyTorch and back, copied, and never half loaded."""

import io

import numpy as np
import pytest
import torch

import tinytensor as tt
from tinytensor import nn


def rng(seed=0):
    return np.random.default_rng(seed)


def parameter(*values):
    return tt.Tensor(np.array(values), requires_grad=True)


def names(module):
    return [name for name, _ in module.named_parameters()]


def torch_mlp(dtype=torch.float32):
    class Twin(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = torch.nn.ModuleList(
                [torch.nn.Linear(*sizes, dtype=dtype) for sizes in [(4, 8), (8, 8), (8, 3)]]
            )

        def forward(self, x):
            x = torch.relu(self.layers[0](x))
            return self.layers[2](torch.relu(self.layers[1](x)))

    return Twin()


def torch_sequential(dtype=torch.float32):
    layers = [torch.nn.Linear(4, 8, dtype=dtype), torch.nn.Tanh(), torch.nn.Linear(8, 3, bias=False, dtype=dtype)]
    return torch.nn.Sequential(*layers)


def our_mlp(dtype=np.float32):
    return nn.MLP(4, [8, 8, 3], dtype=dtype, generator=rng(1))


def our_sequential(dtype=np.float32):
    layers = nn.Linear(4, 8, dtype=dtype, generator=rng(1)), nn.Linear(8, 3, False, dtype=dtype, generator=rng(2))
    return nn.Sequential(layers[0], nn.Tanh(), layers[1])


TWINS = {"MLP": (our_mlp, torch_mlp), "Sequential": (our_sequential, torch_sequential)}
DTYPES = {"float32": (np.float32, torch.float32, 1e-6), "float64": (np.float64, torch.float64, 1e-13)}


@pytest.mark.parametrize(("ours", "theirs"), TWINS.values(), ids=TWINS)
@pytest.mark.parametrize(("dtype", "torch_dtype", "tolerance"), DTYPES.values(), ids=DTYPES)
@pytest.mark.parametrize("direction", ["from torch", "to torch"])
def test_state_goes_both_ways_and_then_outputs_and_gradients_agree(
    ours, theirs, dtype, torch_dtype, tolerance, direction
):
    torch.manual_seed(0)
    model, twin = ours(dtype), theirs(torch_dtype)
    if direction == "from torch":
        assert model.load_state_dict(twin.state_dict()) == ([], [])
    else:
        twin.load_state_dict({name: torch.tensor(array) for name, array in model.state_dict().items()})
    x, labels = rng(3).normal(size=(16, 4)).astype(dtype), rng(4).integers(0, 3, 16)
    logits, expected = model(x), twin(torch.tensor(x))
    np.testing.assert_allclose(logits.data, expected.detach().numpy(), rtol=tolerance, atol=tolerance)
    nn.cross_entropy(logits, labels).backward()
    torch.nn.functional.cross_entropy(expected, torch.tensor(labels)).backward()
    gradients = dict(twin.named_parameters())
    assert names(model) == list(gradients)
    for name, tensor in model.named_parameters():
        assert (tensor.grad.shape, tensor.grad.dtype) == (tensor.shape, dtype)
        np.testing.assert_allclose(tensor.grad, gradients[name].grad.numpy(), rtol=tolerance, atol=tolerance)


def test_tied_weights_have_both_names_as_in_torch():
    class Tied(nn.Module):
        def __init__(self):
            self.a, self.b = nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False)
            self.b.weight = self.a.weight

    class TorchTied(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = torch.nn.Linear(2, 2, bias=False), torch.nn.Linear(2, 2, bias=False)
            self.b.weight = self.a.weight

    model, twin = Tied(), TorchTied()
    assert names(model) == [name for name, _ in twin.named_parameters()] == ["a.weight"]
    assert list(model.state_dict()) == list(twin.state_dict()) == ["a.weight", "b.weight"]
    assert model.load_state_dict(twin.state_dict()) == ([], [])
    np.testing.assert_array_equal(model.b.weight.data, twin.a.weight.detach().numpy())


def test_state_dict_keeps_copies_of_everything_frozen_too():
    net = nn.Sequential(nn.Linear(1, 1))
    net.scale, net.mean, net.cached = parameter(1.0), tt.Tensor([5.0]), parameter(1.0) * 2
    net.twice = net.scale
    state = net.state_dict()
    assert list(state) == ["0.weight", "0.bias", "scale", "mean", "twice"]
    assert state["mean"].tolist() == [5.0]
    net.scale.data += 1
    assert state["scale"].tolist() == [1.0]
    state["mean"][:] = 0
    assert net.mean.tolist() == [5.0]


def test_load_takes_lists_tensors_parameters_and_files():
    layer = nn.Linear(2, 1)
    layer.load_state_dict({"weight": [[1, 2]], "bias": torch.nn.Parameter(torch.tensor([3.0], dtype=torch.float64))})
    assert layer.weight.tolist() == [[1.0, 2.0]]
    assert layer.bias.tolist() == [3.0]
    assert layer.weight.dtype == layer.bias.dtype == np.float32
    layer.load_state_dict({"weight": parameter([4.0, 5.0]), "bias": tt.Tensor([6.0])})
    file = io.BytesIO()
    np.savez(file, **layer.state_dict())
    file.seek(0)
    other = nn.Linear(2, 1)
    with np.load(file) as state:
        other.load_state_dict(state)
    assert other.weight.tolist() == [[4.0, 5.0]]
    assert other.bias.tolist() == [6.0]


def test_frozen_tensors_of_other_dtypes_come_back():
    net = nn.Module()
    net.steps, net.phase, net.mask = tt.Tensor([3]), tt.Tensor([1j]), tt.Tensor([True])
    net.load_state_dict(net.state_dict() | {"steps": [4]})
    assert (net.steps.tolist(), net.phase.tolist(), net.mask.tolist()) == ([4], [1j], [True])
    with pytest.raises(ValueError, match="wrong dtype: steps: expected int64, got float64"):
        net.load_state_dict({"steps": [4.5]}, strict=False)


def test_scalar_values_are_parameters_too():
    net = nn.Module()
    net.w = [tt.Value(1.0), tt.Value(2.0)]
    (net.w[0] * net.w[1]).backward()
    net.load_state_dict({"w.0": 3.0, "w.1": np.float32(4)})
    net.zero_grad()
    assert [(v.data, v.grad) for v in net.parameters()] == [(3.0, 0.0), (4.0, 0.0)]


@pytest.mark.parametrize("order", ["C", "F"])
def test_load_copies_and_keeps_tensors_and_layout(order):
    layer, weight = nn.Linear(3, 2), np.ones((2, 3), np.float32, order="FC"[order == "F"])
    before = layer.weight
    before.data = np.array(before.data, order=order)
    layer.load_state_dict({"weight": weight, "bias": np.zeros(2)})
    assert layer.weight is before
    assert before.requires_grad
    assert before.data.flags[f"{order}_CONTIGUOUS"]
    weight[:] = 7
    assert before.data.max() == 1


def test_load_after_forward_makes_backward_an_error():
    layer = nn.Linear(2, 2)
    loss = layer(layer([1.0, 2.0])).sum()
    layer.load_state_dict(layer.state_dict())
    with pytest.raises(RuntimeError, match="changed after the forward pass"):
        loss.backward()


BAD_STATES = {
    "missing": lambda state: state.pop("layers.2.bias"),
    "unexpected": lambda state: state.update(extra=np.zeros(1)),
    "misshapen": lambda state: state.update({"layers.2.bias": np.zeros(4)}),
    "not numbers": lambda state: state.update({"layers.2.bias": ["a", "b", "c"]}),
}


@pytest.mark.parametrize("spoil", BAD_STATES.values(), ids=BAD_STATES)
def test_a_load_that_fails_changes_nothing(spoil):
    model = our_mlp()
    before = model.state_dict()
    state = {name: array + 1 for name, array in before.items()}
    spoil(state)
    with pytest.raises(ValueError, match="nothing was loaded"):
        model.load_state_dict(state)
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_load_not_strict_returns_the_names_it_ignored():
    layer = nn.Linear(2, 1)
    bias = layer.bias.tolist()
    assert layer.load_state_dict({"weight": [[1, 2]], "old": 0}, strict=False) == (["bias"], ["old"])
    assert layer.weight.tolist() == [[1.0, 2.0]]
    assert layer.bias.tolist() == bias
