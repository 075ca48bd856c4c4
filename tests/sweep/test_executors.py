"""Blocks that fail: tried again, given up, or, where memory is short, cut into smaller batches."""

from collections import Counter

import h5py
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxtransport import status as codes
from jaxtransport.compute.batches import LANES
from jaxtransport.errors import InputError
from jaxtransport.store import files
from jaxtransport.store.store import Store
from jaxtransport.sweep.evaluator import Evaluator
from jaxtransport.sweep.executors import Local
from jaxtransport.sweep.grid import Axis, Grid
from jaxtransport.sweep.plan import Plan, make_plan
from jaxtransport.sweep.run import TRIES, execute
from jaxtransport.sweep.task import Task
from jaxtransport.variables import Variable

A = np.linspace(-1.0, 1.0, 96)
BLOCK = 32


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def square(point, free, shared):
    y = point["a"] ** 2 + 0 * free["_"]
    return {"y": y, "status": jnp.zeros(y.shape, jnp.int8)}


TASK = Task(Grid((Axis("a", A),)), (Variable("y", "1", "a square", "y"),), square)
PLAN = Plan({1: 32}, BLOCK, 1)


class Short(RuntimeError):
    def __init__(self):
        super().__init__("RESOURCE_EXHAUSTED: Out of memory allocating 123 bytes.")


@pytest.fixture
def run(tmp_path):
    """Runs into out.h5, or goes on there; the progress, y and status on file, and how often it halved."""
    path = tmp_path / "out.h5"

    def run(plan=PLAN):
        if not path.exists():
            files.create(path, TASK, {})
        with Store(path, TASK.grid, ["y"]) as store:
            progress = execute(TASK.grid, store, Local(TASK, plan.halved(store.halvings)))
        with h5py.File(path) as file:
            return progress, file["y"][()], file["status"][()], int(file["run/halvings"][()])

    return run


def failing(monkeypatch, name, error, times, first=BLOCK):
    """Have a method of the evaluator fail so often at the block that starts at `first`, or at each.

    Returns:
        How often it was called for which block.
    """
    really, calls = getattr(Evaluator, name), Counter()

    def method(self, what):
        start = (what if name == "start" else what.block).solve.start
        calls[start] += 1
        if first in (start, None) and calls[start] <= times:
            raise error
        return really(self, what)

    monkeypatch.setattr(Evaluator, name, method)
    return calls


@pytest.mark.parametrize("name", ["start", "finish"])
def test_a_block_that_fails_for_a_while_is_tried_again(name, run, monkeypatch):
    calls = failing(monkeypatch, name, RuntimeError("a bad moment"), TRIES - 1)
    progress, y, status, _ = run()
    assert calls == {0: 1, 32: 3, 64: 1}
    np.testing.assert_array_equal(y, A**2)
    assert np.all(status == 0)
    assert (progress.failed, progress.trouble) == (0, "")


@pytest.mark.parametrize("name", ["start", "finish"])
def test_a_block_that_fails_three_times_is_marked_and_the_sweep_goes_on(name, run, monkeypatch):
    with monkeypatch.context() as patch:
        calls = failing(patch, name, RuntimeError("a bad node\nand a long story"), 99)
        progress, y, status, _ = run()
    assert calls == {0: 1, 32: TRIES, 64: 1}
    assert set(status[32:64]) == {codes.CRASHED}
    assert np.all(np.isnan(y[32:64]))
    assert np.all(np.delete(status, np.s_[32:64]) == 0)
    assert (progress.done, progress.failed) == (96, 32)
    assert progress.trouble == "a block of 32 points failed 3 times: RuntimeError: a bad node"
    # The next run tries them once more.
    progress, y, status, _ = run()
    assert (progress.resumed, progress.failed) == (64, 0)
    np.testing.assert_array_equal(y, A**2)
    assert np.all(status == 0)


def test_a_sweep_in_which_nothing_works_is_broken_and_says_why(run, monkeypatch, tmp_path):
    failing(monkeypatch, "finish", ZeroDivisionError("a slip"), 99, first=None)
    with pytest.raises(ZeroDivisionError, match="a slip"):
        run()
    with h5py.File(tmp_path / "out.h5") as file:
        assert np.all(file["status"][()] == codes.NOT_COMPUTED)


def test_wrong_input_is_not_tried_again(run, monkeypatch):
    calls = failing(monkeypatch, "finish", InputError("a worker of another version"), 99, first=32)
    with pytest.raises(InputError, match="another version"):
        run()
    assert calls == {0: 1, 32: 1}


@pytest.mark.parametrize("name", ["start", "finish"])
def test_without_memory_batches_are_halved_and_that_is_remembered(name, run, monkeypatch):
    seen = []
    batches = Evaluator._batches

    def noting(self, compiled, batch_of, rows, pending):
        seen.append(batch_of(1))
        return batches(self, compiled, batch_of, rows, pending)

    monkeypatch.setattr(Evaluator, "_batches", noting)
    with monkeypatch.context() as patch:
        failing(patch, name, Short(), 2, first=0)
        progress, y, status, halvings = run()
    assert halvings == 2
    assert min(seen) == 8
    assert seen[0] == 32
    np.testing.assert_array_equal(y, A**2)
    assert np.all(status == 0)
    assert progress.failed == 0
    # Whoever resumes begins with the small batches.
    seen.clear()
    assert run()[3] == 2
    assert PLAN.halved(2).batch == {1: 8}


def test_two_blocks_on_their_way_halve_once(run, monkeypatch):
    """The second was cut by the old plan: that it failed too says nothing of the new one."""
    really, count = Evaluator.finish, []

    def finish(self, pending):
        count.append(1)
        if len(count) <= 2:
            raise Short
        return really(self, pending)

    monkeypatch.setattr(Evaluator, "finish", finish)
    _, y, _, halvings = run()
    assert halvings == 1
    np.testing.assert_array_equal(y, A**2)


def test_memory_that_is_never_enough_is_a_message(run, monkeypatch):
    monkeypatch.setattr(Evaluator, "start", lambda self, block: (_ for _ in ()).throw(Short()))
    with pytest.raises(InputError, match=f"memory: {LANES} points at once do not fit .*RESOURCE_EXHAUSTED"):
        run()


def test_plans_halve_down_to_whole_vector_registers():
    plan = Plan({8: 1024, 64: 24, 128: 8}, 5000, 3)
    assert plan.halved(0) == plan
    assert plan.halved().batch == {8: 512, 64: 8, 128: 8}
    assert plan.halved(2) == plan.halved().halved()
    assert plan.halved(99).batch == {8: 8, 64: 8, 128: 8}
    assert plan.halved(99).halved() == plan.halved(99)
    assert (plan.halved().solve_step, plan.halved().free_step) == (5000, 3)


def test_batches_shrink_with_the_memory_of_the_device():
    many = Task(Grid((Axis("a", np.arange(1e6)),)), TASK.variables, square, size=1024)
    large, small = (make_plan(many, "gpu", memory).batch[1024] for memory in (2**36, 2**28))
    assert large > small >= LANES
    kept = 8 * 24 * 1024  # bytes that a kernel keeps of a point
    assert small * kept < 2**28 / 4
    assert large * kept < 2**36 / 4
    assert make_plan(many, "gpu", None).batch[1024] >= large
