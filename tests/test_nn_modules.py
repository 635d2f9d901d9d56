"""Modules: what they find in themselves, and a state that goes to PyTorch and back."""

import copy
import io
import pickle

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


class Net(nn.Module):
    """Everything that parameters may hide in; no super().__init__()."""

    def __init__(self):
        self.scale = parameter(1.0)
        self.layers = [nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1, bias=False)]
        self.pair = (parameter(2.0), [parameter(3.0)])
        self.heads = {"a": nn.Linear(1, 1), "b": {"deep": parameter(4.0)}}
        self.mean = tt.Tensor([5.0])
        self.again = self.layers[0]
        self.twice = self.scale
        self.cached = self.scale * 2
        self.number, self.text, self.array = 1, "text", np.ones(3)


NET = ["scale", "layers.0.weight", "layers.0.bias", "layers.2.weight", "pair.0", "pair.1.0", "heads.a.weight",
       "heads.a.bias", "heads.b.deep"]  # fmt: skip


# ---------------------------------------------------------------------------------- what is inside


def test_parameters_are_found_everywhere_in_order_each_once():
    net = Net()
    assert names(net) == NET
    assert [id(p) for p in net.parameters()] == [id(p) for _, p in net.named_parameters()]
    assert all(p.requires_grad and p.is_leaf for p in net.parameters())


def test_a_parameter_frozen_later_is_no_longer_given():
    net = Net()
    net.layers[0].weight.requires_grad = False
    assert names(net) == [name for name in NET if name != "layers.0.weight"]
    assert "layers.0.weight" in net.state_dict()


def test_zero_grad_forgets_gradients():
    layer = nn.Linear(2, 1)
    layer([[1.0, 2.0]]).sum().backward()
    assert layer.weight.grad.tolist() == [[1.0, 2.0]]
    layer.zero_grad()
    assert layer.weight.grad is None
    assert layer.bias.grad is None


def test_modules_and_children():
    net = Net()
    assert [name for name, _ in net.named_modules()] == ["", "layers.0", "layers.1", "layers.2", "heads.a"]
    assert list(net.modules()) == [net, *net.layers, net.heads["a"]]
    assert list(net.children()) == [*net.layers, net.heads["a"], net.layers[0]]


def test_train_and_eval_reach_every_module():
    net = Net()
    assert net.training
    assert net.eval() is net
    assert [module.training for module in net.modules()] == [False] * 5
    assert net.train() is net
    assert [module.training for module in net.modules()] == [True] * 5


def test_modules_and_lists_in_a_circle():
    net, child = nn.Sequential(nn.Linear(1, 1)), nn.Linear(1, 1)
    net.child, child.parent = child, net
    net.notes = [parameter(1.0)]
    net.notes.append(net.notes)
    assert names(net) == ["0.weight", "0.bias", "child.weight", "child.bias", "notes.0"]
    assert list(net.state_dict()) == names(net)
    assert net.eval().child.training is False
    assert "(parent): Sequential(…)" in repr(net)


def test_two_tensors_under_one_name_are_an_error():
    net = nn.Module()
    net.heads = {1: parameter(1.0), "1": parameter(2.0)}
    with pytest.raises(ValueError, match=r"two tensors have the name 'heads\.1'"):
        net.state_dict()


def test_a_module_can_be_copied_and_pickled():
    model = nn.MLP(2, [3, 1], dropout=0.5, generator=rng()).eval()
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(other([1.0, 2.0]).data, model([1.0, 2.0]).data)
        other.layers[0].weight.data += 1
        assert not np.array_equal(other.layers[0].weight.data, model.layers[0].weight.data)


class Inner(nn.Module):
    def __init__(self):
        self.weight = tt.zeros((30, 40), requires_grad=True)
        self.norm = tt.zeros(7)


class Outer(nn.Module):
    def __init__(self):
        self.inner = Inner()
        self.blocks = [nn.Sequential(nn.Linear(1, 1), nn.Dropout(0.25)), nn.Softmax()]


def test_repr_is_a_tree_with_counts():
    assert repr(Outer()) == (
        "Outer(\n"
        "  (inner): Inner()  # 1,200 parameters, 7 frozen\n"
        "  (blocks.0): Sequential(\n"
        "    (0): Linear(in_features=1, out_features=1, bias=True)  # 2 parameters\n"
        "    (1): Dropout(p=0.25)\n"
        "  )  # 2 parameters\n"
        "  (blocks.1): Softmax(axis=-1)\n"
        ")  # 1,202 parameters, 7 frozen"
    )


def test_repr_counts_a_shared_module_once():
    layer = nn.Linear(1, 1)
    assert repr(nn.Sequential(layer, layer)).endswith(")  # 2 parameters")
    assert repr(nn.Linear(0, 1, bias=False)) == "Linear(in_features=0, out_features=1, bias=False)"
    assert repr(nn.Linear(1, 1, bias=False)).endswith("# 1 parameter")


# --------------------------------------------------------------------------------- state, and torch


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
    net = Net()
    state = net.state_dict()
    assert set(state) == {*NET, "mean", "again.weight", "again.bias", "twice"}
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


def test_load_copies_and_keeps_tensors_and_layout():
    layer, weight = nn.Linear(3, 2), np.ones((3, 2), np.float32).T
    before = layer.weight
    layer.load_state_dict({"weight": weight, "bias": np.zeros(2)})
    assert layer.weight is before
    assert before.requires_grad
    assert before.data.flags.c_contiguous
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
