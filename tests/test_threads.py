"""BLAS threads: as many as cores are free, and hands off where someone else decides."""

from __future__ import annotations

import pytest
import threadpoolctl

from tests.test_blas import in_child
from tinytensor import threads


class Machine:
    """A machine with `cores`, on which we have `threads` and others run `others`."""

    def __init__(self, cores=4, others=0):
        self.threads, self.cores, self.others, self.now, self.held = cores, cores, others, 0.0, False
        self.share = threads.Share(
            lambda: self.threads,
            self.put,
            cores,
            lambda: self.threads + self.others,
            lambda: self.now,
            lambda: self.held,
        )

    def put(self, threads):
        self.threads = threads

    def train(self, looks=40, others=None):
        if others is not None:
            self.others = others
        for _ in range(looks):
            self.now += threads.PERIOD
            self.share()
        return self.threads


def test_a_lone_training_keeps_all_cores():
    assert Machine().train() == 4


def test_a_training_that_starts_in_a_crowd_gives_way_at_once():
    assert Machine(cores=2, others=2).train(looks=1) == 1


def test_cores_are_given_back_and_taken_again():
    machine = Machine()
    assert machine.train() == 4
    assert machine.train(others=1) == 3
    assert machine.train(others=9) == 1
    assert machine.train(others=2) == 2
    assert machine.train(others=0) == 4


def test_a_moment_of_others_is_no_reason():
    machine = Machine()
    machine.train()
    for _ in range(20):
        assert machine.train(looks=1, others=1) == 4
        assert machine.train(looks=9, others=0) == 4


def test_two_trainings_settle():
    machine = Machine(others=4)
    other = threads.Share(lambda: machine.others, lambda n: setattr(machine, "others", n), 4, lambda: machine.threads + machine.others,
                          lambda: machine.now, lambda: False)  # fmt: skip
    for _ in range(100):
        machine.train(looks=1)
        other()
    assert machine.threads + machine.others == 4
    assert machine.train(looks=1) == machine.threads


def test_between_two_looks_nothing_is_read():
    machine = Machine(others=4)
    machine.train(looks=1)
    machine.threads = 4
    machine.share()
    assert machine.threads == 4


def test_a_number_set_by_others_is_left():
    machine = Machine(cores=4)
    machine.train()
    machine.threads = 3  # threadpoolctl
    assert machine.train(others=4) == 3
    machine.threads = 4  # and its end
    assert machine.train() == 1


def test_a_limit_that_is_held_is_not_raised():
    machine = Machine(others=4)
    assert machine.train() == 1
    machine.held = True
    assert machine.train(others=0) == 1
    machine.held = False
    assert machine.train() == 4


def test_the_search_for_limits_takes_little_of_the_time():
    seconds, searches, running = [0.0], [], [9]
    number = [2]

    def held():
        searches.append(seconds[0])
        seconds[0] += 0.03
        return True

    share = threads.Share(
        lambda: number[0], lambda n: number.__setitem__(0, n), 2, lambda: running[0], lambda: seconds[0], held
    )
    share()
    running[0] = 1
    while seconds[0] < 30:
        seconds[0] += 0.01
        share()
    assert number == [1]
    assert 15 <= len(searches) <= 21  # 30 ms of each 1.5 s


def test_a_machine_that_does_not_tell_is_left():
    def nothing():
        raise OSError

    machine = Machine()
    share = threads.Share(lambda: 4, machine.put, 4, nothing, lambda: 0.0)
    share()
    share()
    assert machine.threads == 4


def test_threadpoolctl_limits_are_seen():
    assert not threads.limit_is_held()
    with threadpoolctl.threadpool_limits(1):
        assert threads.limit_is_held()
    with threadpoolctl.ThreadpoolController().limit(limits=1):
        assert threads.limit_is_held()
    assert not threads.limit_is_held()


def test_threadpoolctl_has_the_last_word():
    code = """
import json, threadpoolctl, tinytensor as tt
from tinytensor import threads
openblas = threads.find_openblas()
if openblas is None:
    print(json.dumps([1, 1, 2])); raise SystemExit
openblas.set_threads(2)
load, now, seen = [2], [0.0], []
share = threads.Share(openblas.get_threads, openblas.set_threads, 2, lambda: load[0], lambda: now[0])
def train():
    for _ in range(20):
        now[0] += 1
        share()
    seen.append(openblas.get_threads())
load[0] = 4
train()
with threadpoolctl.threadpool_limits(1, user_api="blas"):
    load[0] = 1
    train()
train()
print(json.dumps(seen))
"""
    assert in_child(code) == [1, 1, 2]


@pytest.mark.parametrize("name", threads.VARIABLES)
def test_a_number_in_the_environment_is_left(name):
    code = "import json, tinytensor.threads as t; print(json.dumps([t.reason_to_leave(t.find_openblas()), t.share is t._leave]))"
    reason, left = in_child(code, **{name: "1"})
    assert left
    assert reason in (f"{name}=1", "NumPy's BLAS is not OpenBLAS")


def test_the_switch_leaves_threads_too():
    code = "import json, tinytensor.threads as t; print(json.dumps(t.share is t._leave))"
    assert in_child(code, TINYTENSOR_BLAS="leave") is True


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"pthreads": False}, "OpenBLAS has OpenMP's threads"),
        ({"get_threads": lambda: 1}, "one thread was set"),
    ],
)
def test_reasons_to_leave_threads(changes, reason):
    fields = {"config": "", "kernel": "", "pthreads": True, "get_threads": lambda: 2, "set_threads": print, **changes}
    assert threads.reason_to_leave(threads.OpenBlas(**fields), {}) == reason


def test_a_part_of_the_machine_is_left(monkeypatch):
    openblas = threads.OpenBlas("", "", True, lambda: 2, print)
    monkeypatch.setattr(threads.sys, "platform", "darwin")
    assert threads.reason_to_leave(openblas, {}) == "only Linux tells what runs"
    monkeypatch.setattr(threads.sys, "platform", "linux")
    monkeypatch.setattr(threads.os.path, "exists", lambda path: True)
    monkeypatch.setattr(threads.os, "cpu_count", lambda: 10**6)
    monkeypatch.setattr(threads.os, "sched_getaffinity", lambda pid: {0}, raising=False)
    assert threads.reason_to_leave(openblas, {}) == "this process may use only a part of the machine"
    monkeypatch.setattr(threads.os, "cpu_count", lambda: 1)
    monkeypatch.setattr(threads, "quota", lambda: "200000")
    assert threads.reason_to_leave(openblas, {}) == "this process may use only a part of the machine"
    monkeypatch.setattr(threads, "quota", lambda: "max")
    assert threads.reason_to_leave(openblas, {}) is None
