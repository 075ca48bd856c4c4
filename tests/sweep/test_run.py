"""The loop, with a parabola for physics: every point computed, stored, counted, compiled once."""

from collections import Counter
from dataclasses import replace

import h5py
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxtransport.compute import batches, runtime
from jaxtransport.models import parse
from jaxtransport.models.quantum.task import make_task
from jaxtransport.store import files, results
from jaxtransport.store import store as stores
from jaxtransport.sweep.evaluator import Evaluator
from jaxtransport.sweep.executors import Local
from jaxtransport.sweep.grid import Axis, Grid, blocks
from jaxtransport.sweep.plan import Plan, make_plan
from jaxtransport.sweep.run import Progress, execute
from jaxtransport.sweep.task import Task
from jaxtransport.variables import Variable

# Whole and dyadic numbers: all results are exact, so fused or not they are numpy's.
N = Axis("N", np.array([5, 3, 12, 8, 2]))
A = Axis("a", np.array([-2.0, 0.5, 3.0]), "m", "a length", "a")
B = Axis("b", np.array([1.0, 4.0, -0.25, 7.0]))
F = Axis("f", np.array([0.0, 1.0, 2.0, 8.0, -3.0]))
G = Axis("g", np.array([0.5, -0.5]))
BAD = 3.0  # the value of a at which f = 8 fails


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def parabola(point, free, shared):
    """y = a^2 + N b + f g, the same along sites, and a status that fails where it is told to."""
    a, b, N = point.get("a", 1.0), point.get("b", 2.0), point.get("N", 4)
    f = free.get("f", jnp.zeros_like(free["_"]))
    g = free.get("g", jnp.ones_like(free["_"]))
    y = a * a + N * b + f * g
    row = y[:, None] + shared["site"]
    return {
        "y": y,
        "row": jnp.where(shared["site"] <= N, row, jnp.nan),
        "flag": (y > 20).astype(jnp.int8),
        "status": jnp.where((a == BAD) & (f == 8.0), 3, 0).astype(jnp.int8),
    }


def expected(grid):
    """The same by numpy, on the whole grid at once."""
    fixed = {"a": 1.0, "b": 2.0, "N": 4.0, "f": 0.0, "g": 1.0}
    values = {name: np.full(grid.shape, value) for name, value in fixed.items()}
    mesh = np.meshgrid(*(axis.values for axis in grid.axes), indexing="ij")
    values.update(zip([axis.name for axis in grid.axes], mesh, strict=True))
    a, b, N, f, g = (values[name] for name in fixed)
    y = a * a + N * b + f * g
    site = np.arange(1, LONGEST + 1)
    return {
        "y": y,
        "row": np.where(site <= N[..., None], y[..., None] + site, np.nan),
        "flag": (y > 20).astype(np.int8),
        "status": np.where((a == BAD) & (f == 8.0), 3, 0).astype(np.int8),
    }


LONGEST = 12
VARIABLES = (
    Variable("y", "m^2", "a parabola", "y"),
    Variable("row", "m^2", "a parabola along sites", "y_l", dims=("site",)),
    Variable("flag", "1", "above 20", "f", dtype="i1"),
)


def make(axes, sizes=None):
    grid = Grid(tuple(axes), frozenset("fg"))
    swept = any(a.name == "N" for a in axes)
    return Task(
        grid=grid,
        variables=VARIABLES,
        evaluate=parabola,
        shared=lambda size: {"site": np.arange(1, size + 1)},
        extra=(Axis("site", np.arange(1, LONGEST + 1)),),
        size_axis="N" if swept else None,
        sizes=sizes or {2: 8, 3: 8, 5: 8, 8: 8, 12: 16},
        size=8,
    )


def run(task, plan, path):
    """Run into a new file; the progress, the reports and what is on file."""
    files.create(path, task, {})
    reports = []
    with stores.Store(path, task.grid, [v.name for v in task.variables]) as store:
        progress = execute(task.grid, store, Local(task, plan), lambda p: reports.append(replace(p)))
    return progress, reports, contents(path)


def contents(path):
    """Every variable over the grid, and the status."""
    with h5py.File(path) as file:
        return {name: data[()] for name, data in file.items() if name in {"y", "row", "flag", "status"}}


GRIDS = {
    "no axis": [],
    "one solve axis": [A],
    "one free axis": [F],
    "solve then free": [A, B, F, G],
    "free first": [F, A, G, N],
    "ragged": [A, N, B],
    "ragged with free axes between": [F, N, G, A],
}


@pytest.mark.parametrize("name", GRIDS)
@pytest.mark.parametrize("steps", [(11, 3), (1000, 10)])
def test_results_are_those_of_numpy_exactly(name, steps, tmp_path):
    task = make(GRIDS[name])
    free_step = min(steps[1], task.grid.free_axes.size)
    plan = Plan({8: 8, 16: 16}, steps[0], free_step)
    progress, reports, got = run(task, plan, tmp_path / "out.h5")
    wanted = expected(task.grid)
    if "N" not in [a.name for a in task.grid.axes]:
        wanted["row"][..., 4:] = np.nan  # N = 4, in arrays of 8 where 12 are stored
    for variable, values in wanted.items():
        np.testing.assert_array_equal(got[variable], values, err_msg=variable)
        assert got[variable].dtype == values.dtype
    assert progress.failed == np.count_nonzero(wanted["status"])
    assert progress.total == progress.done == task.grid.size
    done = [report.done for report in reports]
    blocks = -(-task.grid.solve_axes.size // steps[0]) * -(-task.grid.free_axes.size // free_step)
    assert done[0] == progress.resumed == 0
    assert done == sorted(done)
    assert len(done) == blocks + 1


def test_failed_points_are_counted_and_the_others_kept(tmp_path):
    task = make([A, F])
    path = tmp_path / "out.h5"
    progress, _, got = run(task, make_plan(task), path)
    assert progress.failed == 1
    assert got["status"][2, 3] == 3
    assert results.count_statuses(path) == {0: 14, 3: 1}


def test_a_second_run_finds_nothing_to_do(tmp_path):
    task = make([A, N, F])
    plan = Plan({8: 8, 16: 8}, 8, 2)
    first, _, got = run(task, plan, tmp_path / "out.h5")
    calls = []

    def counting(point, free, shared):
        calls.append(1)
        return parabola(point, free, shared)

    reports = []
    with stores.Store(tmp_path / "out.h5", task.grid, [v.name for v in task.variables]) as store:
        second = execute(task.grid, store, Local(replace(task, evaluate=counting), plan), reports.append)
    assert not calls
    assert len(reports) == 1
    assert second.resumed == second.total == second.done
    assert second.failed == first.failed
    for name, values in contents(tmp_path / "out.h5").items():
        np.testing.assert_array_equal(values, got[name])


@pytest.mark.slow
def test_values_do_not_depend_on_which_blocks_were_left(tmp_path):
    """Irrational numbers this time: blocks computed alone equal those of a whole run bit for bit."""

    def curve(point, free, shared):
        y = jnp.sin(point["a"]) / (free["f"] + 10.1) * jnp.exp(-point["b"] / 3)
        return {"y": y, "status": jnp.zeros(y.shape, jnp.int8)}

    axes = [Axis("a", np.linspace(0, 3, 13)), F, Axis("b", np.linspace(-1, 1, 7))]
    task = replace(make(axes), evaluate=curve, variables=VARIABLES[:1], extra=())
    plan = Plan({8: 16}, 20, 2)
    paths = [tmp_path / "whole.h5", tmp_path / "holes.h5"]
    for path in paths:
        files.create(path, task, {})
        with stores.Store(path, task.grid, ["y"]) as store:
            execute(task.grid, store, Local(task, plan))
    with h5py.File(paths[1], "r+") as file:
        whole = file["y"][()]
        for hole in (np.s_[0, 0, 3], np.s_[7, :, :], np.s_[12, 4, 6]):
            file["status"][hole] = -1
            file["y"][hole] = np.nan
    with stores.Store(paths[1], task.grid, ["y"]) as store:
        progress = execute(task.grid, store, Local(task, plan))
    assert 0 < progress.resumed < progress.total
    with h5py.File(paths[1]) as file:
        np.testing.assert_array_equal(file["y"][()], whole)
        assert np.all(file["status"][()] == 0)


def test_progress_tells_rate_and_time_left():
    progress = Progress(total=100, done=40, resumed=20, seconds=4.0)
    assert (progress.rate, progress.seconds_left) == (5.0, 12.0)
    assert Progress(total=100, done=20, resumed=20).seconds_left == np.inf


def quantum(grid, wire="", injection="injection = 0.3"):
    """The task of a small quantum sweep."""
    text = f"""
        output.variables = ["nonreciprocity"]
        [wire]
        layout = "pair"
        gamma = 0.5
        {wire}
        [drive]
        mu_bar = 1.0
        delta_mu = 0.1
        {injection}
        [grid]
        {grid}
    """
    return make_task(parse(text))


def traces(task, plan, path):
    """How often a task is traced for each padded size, and how many blocks it ran in."""
    traced = Counter()

    def evaluate(point, free, shared):
        traced[shared["size"].shape[0]] += 1
        return task.evaluate(point, free, shared["all"])

    def shared(size):
        return {"all": task.shared(size), "size": np.zeros(size)}

    with runtime.computing():
        reports = run(replace(task, evaluate=evaluate, shared=shared), plan, path)[1]
    assert results.count_statuses(path) == {0: task.grid.size}
    return traced, len(reports) - 1


@pytest.mark.slow
def test_sixty_lengths_are_traced_once_for_each_padded_size(tmp_path, monkeypatch):
    monkeypatch.setattr(batches, "COMPILE_COST", 0)  # as if every length had many points
    task = quantum("mu_bar = [0.1, 0.4, 1.0]\nN = {start = 4, stop = 63, step = 1}\ndelta_mu = [0.1, 0.2]")
    sizes = set(task.sizes.values())
    assert sizes == {8, 16, 32, 64}
    plan = Plan(dict.fromkeys(sizes, 8), 32, 1)
    traced, blocks = traces(task, plan, tmp_path / "out.h5")
    assert traced == dict.fromkeys(sizes, 1)
    assert blocks == 12


def test_a_sweep_of_one_length_is_traced_once(tmp_path):
    task = quantum("mu_bar = {start = 0.0, stop = 1.0, num = 50}\ninjection = [0.1, 0.2]", "N = 9")
    traced, blocks = traces(task, Plan({9: 8}, 8, 2), tmp_path / "out.h5")
    assert traced == {9: 1}
    assert blocks == 7


def test_parameters_are_arguments_and_not_constants_of_the_kernel(tmp_path):
    """Blocks differ in every parameter and share one trace: nothing is closed over."""
    grid = "gamma = [0.3, 0.5, 0.7]\ncontact = [0.9, 1]\nonsite = [0, 1]\nhopping = [1, 2]\nI_g = [0.1, 0]"
    task = quantum(grid, "N = 6", injection="")
    traced, blocks = traces(task, Plan({6: 8}, 8, 1), tmp_path / "out.h5")
    assert traced == {6: 1}
    assert blocks == 6  # 3 of solve points, for each I_g


def test_evaluator_returns_a_block_of_the_stored_shape():
    task = make([N, F])
    evaluator = Evaluator(task, Plan({8: 8, 16: 8}, 8, 2))
    block = next(iter(blocks(task.grid, 4, 2)))
    got = evaluator(block)
    assert {name: values.shape for name, values in got.items()} == {
        "y": (4, 2), "row": (4, 2, LONGEST), "flag": (4, 2), "status": (4, 2),
    }  # fmt: skip
    assert {name: values.dtype for name, values in got.items()} == {
        "y": float, "row": float, "flag": np.int8, "status": np.int8,
    }  # fmt: skip
