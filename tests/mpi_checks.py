"""What several ranks do together: ``mpiexec -n 4 python -m tests.mpi_checks FOLDER``; each rank writes what it found.

One start of the ranks serves all checks, since a start takes seconds. The tests know a check by its name. A check compares
when all sending is done, so that one that fails leaves the ranks in step.
"""

import json
import os
import sys
import traceback
import warnings
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported

import numpy as np

import tinytensor as tt
from tinytensor import io, mpi

CHECKS = {}
OPTIMIZERS = {
    "sgd": lambda parameters: tt.optim.SGD(parameters, lr=0.05, momentum=0.9, nesterov=True, weight_decay=1e-3),
    "adam": lambda parameters: tt.optim.Adam(parameters, lr=0.003),
    "adamw": lambda parameters: tt.optim.AdamW(parameters, lr=0.003, weight_decay=0.1),
}


def check(function):
    CHECKS[function.__name__] = function
    return function


# ------------------------------------------------------------------------------------ the two trainings


def data(n):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(n, 12)).astype(np.float32)
    return X, np.abs(X[:, :3]).argmax(axis=1)


def network(seed=0):
    return tt.nn.MLP(12, [16, 8, 3], generator=np.random.default_rng(seed))


def weights(model):
    return np.concatenate([np.ravel(p.data) for p in model.parameters()])


def alone(n, kind, clip=None, epochs=2):
    """One process on batches of 256, with nothing of MPI."""
    X, y = data(n)
    model = network()
    optimizer = OPTIMIZERS[kind](model.parameters())
    schedule = tt.optim.ExponentialLR(optimizer, gamma=0.5)
    batches = tt.data.batches(X, y, 256, rng=np.random.default_rng(7))
    for _ in range(epochs):
        for xb, yb in batches:
            optimizer.zero_grad()
            tt.nn.cross_entropy(model(xb), yb).backward()
            if clip:
                tt.optim.clip_grad_norm(optimizer.parameters, clip)
            optimizer.step()
        schedule.step()
    return weights(model)


def together(n, kind, clip=None, epochs=2, compiled=False):
    """The same on all ranks, each with its part of the 256."""
    X, y = data(n)
    model = network(seed=mpi.rank())  # rank 0's become those of all
    optimizer = mpi.DistributedOptimizer(OPTIMIZERS[kind](model.parameters()))
    schedule = tt.optim.ExponentialLR(optimizer, gamma=0.5)

    def gradients(x, y):
        optimizer.zero_grad()
        loss = tt.nn.cross_entropy(model(x), y)
        loss.backward()
        return loss

    if compiled:
        gradients = tt.compile(gradients)
    batches = mpi.batches(X, y, 256 // mpi.size(), seed=7)
    for _ in range(epochs):
        for xb, yb in batches:
            if len(xb):
                gradients(xb, yb)
            if clip:
                optimizer.synchronize(samples=len(xb))
                tt.optim.clip_grad_norm(optimizer.parameters, clip)
                optimizer.step()
            else:
                optimizer.step(samples=len(xb))
        schedule.step()
    assert optimizer.steps == epochs * len(batches) == epochs * -(-n // 256)
    optimizer.finish()
    return weights(model)


def gathered(array):
    """What all ranks have, along a new first axis."""
    array = np.ascontiguousarray(array)
    found = np.empty((mpi.size(), *array.shape), array.dtype)
    mpi.world.communicator().Allgather(array, found)
    return found


def compare(n, kind, compiled=False, **options):
    """Equal to rounding, which is 1e-7 of a weight of 1, beside the way that the weights went in the training."""
    everyone = gathered(together(n, kind, compiled=compiled, **options))
    assert (everyone == everyone[0]).all(), "the ranks have different weights"
    expected = alone(n, kind, **options)
    error = np.max(np.abs(everyone[0] - expected)) / np.max(np.abs(expected - weights(network())))
    assert error < 1e-4, f"off by {error:.1e} of the way that the weights went"


@check
def whole_batches():
    compare(1024, "sgd")


@check
def unequal_last_batch():
    compare(768 + 70 + 1, "sgd")


@check
def ranks_without_samples():
    compare(513, "adam")  # the last batch is one row, for rank 0


@check
def weight_decay():
    compare(600, "adamw")


@check
def clipping_between():
    compare(600, "sgd", clip=0.1)


@check
def compiled_gradients():
    compare(1200, "adam", compiled=True)


# ------------------------------------------------------------------------------------ single steps


def one_weight(values, dtype=np.float32):
    return tt.Tensor(np.array(values, dtype), requires_grad=True)


@check
def weighted_by_samples():
    """Rank r has r samples, and the gradient r: the mean is Σr² / Σr."""
    r, p = mpi.rank(), mpi.size()
    w = one_weight([0.0, 0.0])
    optimizer = mpi.DistributedOptimizer(tt.optim.SGD([w], lr=1.0))
    w.grad = np.full(2, r, np.float32)
    total = optimizer.synchronize(samples=r)
    found, expected = w.grad.copy(), sum(k * k for k in range(p)) / sum(range(p))
    optimizer.step()
    optimizer.finish()
    assert total == sum(range(p))
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    np.testing.assert_allclose(w.data, -expected, rtol=1e-6)


@check
def dtypes_side_by_side():
    a, b = one_weight([1.0]), one_weight([[1e-9, 1.0]], np.float64)
    optimizer = mpi.DistributedOptimizer(tt.optim.SGD([a, b], lr=1.0))
    ((a * 3.0).sum() + (b.sum() * (1.0 + 1e-12))).backward()
    optimizer.synchronize(samples=5)
    assert (a.grad.dtype, b.grad.dtype) == (np.float32, np.float64)
    assert abs(b.grad[0, 0] - (1.0 + 1e-12)) < 1e-15
    optimizer.step()
    assert b.data.shape == (1, 2)
    optimizer.finish()


@check
def layouts_that_differ_between_ranks():
    """Rank 0's weight by rows, as one that was loaded, the others' by columns: the sums are of the same elements."""
    weight = tt.nn.Linear(3, 2, generator=np.random.default_rng(0)).weight
    weight.data = np.array(weight.data, order="C" if mpi.rank() == 0 else "F")
    start = weight.data.copy()
    optimizer = mpi.DistributedOptimizer(tt.optim.SGD([weight], lr=1.0))
    for step in (1.0, 2.0):
        weight.grad = np.arange(6.0, dtype=np.float32).reshape(2, 3) * step
        optimizer.step(samples=1)
    np.testing.assert_allclose(weight.data, start - 3 * np.arange(6.0).reshape(2, 3), rtol=1e-6)
    optimizer.finish()


@check
def extra_numbers():
    w = one_weight([1.0])
    optimizer = mpi.DistributedOptimizer(tt.optim.SGD([w], lr=0.1), extra=2)
    (w * w).sum().backward()
    optimizer.extra[...] = 1.0, mpi.rank()
    optimizer.step(samples=4)
    optimizer.finish()
    assert optimizer.extra.tolist() == [mpi.size(), sum(range(mpi.size()))]


@check
def gradients_on_some_ranks():
    """A parameter that rank 0 alone uses gets its gradient; one that nobody uses stays, weight decay or not."""
    used, unused = one_weight([1.0]), one_weight([1.0])
    optimizer = mpi.DistributedOptimizer(tt.optim.SGD([used, unused], lr=1.0, weight_decay=0.5))
    if mpi.rank() == 0:
        (used * float(mpi.size())).sum().backward()
    optimizer.synchronize(samples=1)
    grads = used.grad.copy(), unused.grad
    optimizer.step()
    optimizer.finish()
    assert grads[0] == 1.0
    assert grads[1] is None
    assert (used.data, unused.data) == (-0.5, 1.0)


@check
def state_of_rank_0_everywhere():
    """Parameters and buffers, such as Adam's after a restore on rank 0 only."""
    w = one_weight([float(mpi.rank())])
    inner = tt.optim.Adam([w], lr=0.1)
    if mpi.rank() == 0:
        w.grad = np.array([2.0], np.float32)
        inner.step()
    optimizer = mpi.DistributedOptimizer(inner)
    state = optimizer.state_dict()["state"]["0"]
    everyone = gathered(np.array([w.data[0], state["m"][0], state["step"]], np.float64))
    optimizer.finish()
    assert (everyone == everyone[0]).all()
    assert everyone[0][2] == 1


@check
def mean_over_samples():
    r, p = mpi.rank(), mpi.size()
    assert abs(mpi.mean(float(r), weight=r + 1) - sum(k * (k + 1) for k in range(p)) / sum(range(p + 1))) < 1e-12
    assert mpi.mean(float("nan"), weight=0) != mpi.mean(0.0, weight=0)  # nan: nobody has anything
    assert mpi.mean(float("nan") if r else 5.0, weight=0 if r else 3) == 5.0


@check
def parts_cover_every_batch():
    rows = np.arange(203)
    batches = mpi.batches(rows, batch_size=5, seed=3)
    for _ in range(2):
        mine = [set(rows.tolist()) for rows in batches]
        assert len(mine) == len(batches)
        counts = np.zeros(203)
        for some in mine:
            counts[list(some)] += 1
        assert (gathered(counts).sum(axis=0) == 1).all(), "a row is missed, or seen twice"


# ------------------------------------------------------------------------------------ refusals


def refusal(kind, function):
    try:
        function()
    except kind as error:
        return str(error)
    raise AssertionError(f"no {kind.__name__} on this rank")


@check
def shapes_differ():
    odd = mpi.rank() == mpi.size() - 1
    model = tt.nn.MLP(4, [5 if odd else 3, 2])
    text = refusal(ValueError, lambda: mpi.DistributedOptimizer(tt.optim.SGD(model.parameters(), lr=0.1)))
    last = mpi.size() - 1
    assert "Rank 0 has parameter 0 of shape (3, 4) and dtype float32" in text
    assert f"rank {last} has parameter 0 of shape (5, 4)" in text
    assert "alike on all ranks" in text


@check
def numbers_of_parameters_differ():
    model = tt.nn.MLP(4, [3, 2] if mpi.rank() else [2])
    text = refusal(ValueError, lambda: mpi.DistributedOptimizer(tt.optim.SGD(model.parameters(), lr=0.1)))
    assert "Rank 0 has 2 parameters, rank 1 has 4 parameters" in text


@check
def options_differ():
    w = one_weight([1.0])
    text = refusal(ValueError, lambda: mpi.DistributedOptimizer(tt.optim.SGD([w], lr=0.1 * (1 + mpi.rank()))))
    assert "Rank 0 has lr=0.1, rank 1 has lr=0.2" in text


@check
def data_differ():
    text = refusal(ValueError, lambda: mpi.batches(np.zeros((10 + mpi.rank(), 2))))
    assert "(10, 2)" in text
    assert "(11, 2)" in text


@check
def nobody_has_samples():
    optimizer = mpi.DistributedOptimizer(tt.optim.SGD([one_weight([1.0])], lr=0.1))
    assert "no rank has samples" in refusal(ValueError, lambda: optimizer.step(samples=0))
    optimizer.finish()


@check
def one_rank_makes_fewer_steps():
    w = one_weight([1.0])
    optimizer = mpi.DistributedOptimizer(tt.optim.SGD([w], lr=0.1))
    for _ in range(3):
        (w * w).sum().backward()
        optimizer.step(samples=1)
    if mpi.rank() == 1:
        text = refusal(RuntimeError, optimizer.finish)
        assert "rank 1 ended after 3 steps, while others make another" in text
    else:
        text = refusal(RuntimeError, lambda: optimizer.step(samples=1))
        assert f"1 of {mpi.size()} ranks ended after 3 steps" in text
    assert "same number of steps" in text


@check
def parameters_changed_by_hand():
    w = one_weight([1.0])
    optimizer = mpi.DistributedOptimizer(tt.optim.SGD([w], lr=0.1))
    (w * w).sum().backward()
    optimizer.step(samples=1)
    with tt.no_grad():
        w.data += float(mpi.rank())
    assert "the parameters differ between the ranks" in refusal(RuntimeError, optimizer.finish)


@check
def a_whole_compiled_step():
    """Refused on every rank, whichever optimizer is named; and what it says instead works."""
    model = network()
    inner = tt.optim.SGD(model.parameters(), lr=0.1)
    optimizer = mpi.DistributedOptimizer(inner)
    X, y = data(8)

    def step_by(make_step):
        @tt.compile
        def step(x, y):
            optimizer.zero_grad()
            tt.nn.cross_entropy(model(x), y).backward()
            make_step()

        return step

    text = refusal(tt.CompileError, lambda: step_by(lambda: optimizer.step(samples=8))(X, y))
    assert "can't hold what the ranks send each other" in text
    assert "optimizer.step(samples=len(x))" in text
    assert "part of a DistributedOptimizer" in refusal(RuntimeError, lambda: step_by(inner.step)(X, y))
    optimizer.finish()


# ------------------------------------------------------------------------------------ estimators


def fitted(callbacks, seed=0, resume=None, **options):
    from tinytensor.sklearn import MLPClassifier  # takes seconds, for which the other programs need not wait

    X, y = data(403)
    options = {
        "batch_size": 50,
        "max_iter": 6,
        "tol": 0.0,
        "random_state": seed,
        "hidden_layer_sizes": (12,),
        **options,
    }
    options.setdefault("learning_rate_init", 0.01)
    with warnings.catch_warnings(action="ignore"):  # it has not converged
        return MLPClassifier(**options, callbacks=callbacks).fit(X, y, validation_data=(X[:90], y[:90]), resume=resume)


def compare_fits(**options):
    alone, ours = fitted([], **options), fitted([mpi.DistributedFit()], **options)
    everyone = gathered(weights(ours.model_))
    curves = gathered(np.array([ours.loss_curve_, ours.train_scores_, ours.validation_scores_]))
    assert (everyone == everyone[0]).all()
    assert (curves == curves[0]).all(), "the ranks decide by different curves"
    assert np.max(np.abs(everyone[0] - weights(alone.model_))) < 2e-4
    np.testing.assert_allclose(ours.loss_curve_, alone.loss_curve_, rtol=1e-4)
    np.testing.assert_allclose(ours.train_scores_, alone.train_scores_, atol=0.01)
    assert ours.loss_curve_[-1] < 0.97 * ours.loss_curve_[0]


@check
def an_estimator():
    compare_fits(alpha=0.05)


@check
def an_estimator_with_weights_and_clipping():
    compare_fits(class_weight="balanced", alpha=0.05, clip_norm=0.5, learning_rate="cosine")


def resumed_fit_is_equal():
    """Rank 0's state after three epochs, given to all, leads to the same bits."""
    states, sizes = [], {"hidden_layer_sizes": (128, 64), "batch_size": 128}
    straight = fitted(
        [mpi.DistributedFit(), lambda estimator, epoch: states.append(estimator.training_state())], **sizes
    )
    state = mpi.state.tree_from(mpi.world.communicator(), 0, states[2])
    resumed = fitted([mpi.DistributedFit()], resume=state, **sizes)
    assert len(states) == len(resumed.loss_curve_) == 6
    assert (gathered(weights(resumed.model_)) == weights(straight.model_)).all()


@check
def an_estimator_that_compiles():
    """As longer trainings do; every rank has shapes of its own."""
    from tinytensor.sklearn import step

    before, step.WORTH = step.WORTH, 5
    compiled = []
    try:
        compare_fits(class_weight="balanced")
        fitted([mpi.DistributedFit(), lambda estimator, epoch: compiled.append(estimator._step.local._compiled[2])])
        resumed_fit_is_equal()
    finally:
        step.WORTH = before
    assert "matmul" in compiled[0].source


@check
def an_estimator_without_seed():
    text = refusal(ValueError, lambda: fitted([mpi.DistributedFit()], seed=None))
    assert "the order and random numbers" in text
    assert "random_state" in text


@check
def an_estimator_with_dropout():
    """The ranks draw masks of their own, and have the same weights all the same."""
    model = fitted([mpi.DistributedFit()], dropout=0.2)
    everyone = gathered(weights(model.model_))
    masks = gathered(next(m for m in model.model_.modules() if isinstance(m, tt.nn.Dropout)).generator.random(4))
    assert (everyone == everyone[0]).all()
    assert (masks[0] != masks[1]).all()


# ------------------------------------------------------------------------------------ checkpoints


class Dropping(tt.nn.Module):
    def __init__(self):
        self.drop = tt.nn.Dropout(0.5, generator=np.random.default_rng(0))
        self.linear = tt.nn.Linear(4, 2)

    def forward(self, x):
        return self.linear(self.drop(x))


@check
def restored_by_rank_0_for_all():
    """Only rank 0 sees the folder; all ranks end up with what it held, and with dropout of their own."""
    folder = FOLDER / f"only-{mpi.rank()}"
    model, rows = Dropping(), mpi.batches(np.arange(40), batch_size=2)
    optimizer = mpi.DistributedOptimizer(tt.optim.Adam(model.parameters()))
    parts = {"model": model, "optimizer": optimizer, "rows": rows}
    checkpoints = mpi.Checkpointer(folder)
    assert checkpoints.restore(**parts) is None
    for _ in zip(range(2), rows, strict=False):
        optimizer.zero_grad()
        model(np.ones((3, 4), np.float32)).sum().backward()
        optimizer.step(samples=3)
    checkpoints.save(2, values={"best": 0.5}, **parts)
    before, position = weights(model), rows.state_dict()["position"]
    for p in model.parameters():
        p.data = p.data * 0
    list(rows)
    found = checkpoints.restore(**parts)
    everyone = gathered(weights(model))
    masks = gathered(model.drop(np.ones(64, np.float32)).data)
    optimizer.finish()
    assert (found.step, found.values) == (2, {"best": 0.5})
    assert (everyone == before).all()
    assert rows.state_dict()["position"] == position == 2
    assert folder.exists() == (mpi.rank() == 0)
    assert all((masks[0] != mask).any() for mask in masks[1:])
    if mpi.rank() == 0:  # and without MPI
        plain, alone = Dropping(), tt.optim.Adam(Dropping().parameters())
        io.Checkpointer(folder).restore(model=plain, optimizer=alone, strict=False)
        assert (weights(plain) == before).all()


def main():
    global FOLDER
    FOLDER = Path(sys.argv[1])
    found = {}
    for name, function in CHECKS.items():
        try:
            function()
            found[name] = "passed"
        except Exception:  # whatever a check raises is its result
            found[name] = traceback.format_exc()
        mpi.barrier()
    (FOLDER / f"rank{mpi.rank()}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main()
