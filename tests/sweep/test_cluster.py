"""Sweeps on a dask.distributed cluster over TCP: the same bytes, lost workers, blocks that fail."""

import contextlib
import functools
import gc
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

import jaxtransport as jt
from jaxtransport import status as codes
from jaxtransport.errors import InputError
from jaxtransport.jobs import worker
from jaxtransport.store import files, results
from jaxtransport.store.store import Store
from jaxtransport.sweep import cluster
from jaxtransport.sweep import plan as plans
from jaxtransport.sweep.cluster import Cluster, connected
from jaxtransport.sweep.grid import Axis, Grid
from jaxtransport.sweep.plan import Plan
from jaxtransport.sweep.run import execute
from jaxtransport.sweep.task import Task
from jaxtransport.variables import Variable

distributed = pytest.importorskip("distributed")
PACKAGE = Path(jt.__file__).parents[1]
VARIABLES = ["nonreciprocity", "potential_forward"]
SPEC = f"""\
output.variables = {VARIABLES}
[wire]
layout = "pair"
gamma = 0.5
[drive]
delta_mu = 0.1
injection = 0.3
[grid]
N = [12, 4, 7]
mu_bar = {{ start = -1.5, stop = 1.5, num = 99 }}
"""


@pytest.fixture(autouse=True)
def folder(small_blocks, monkeypatch, tmp_path):
    """A folder of its own for each test, with the spec."""
    monkeypatch.chdir(tmp_path)
    Path("spec.toml").write_text(SPEC)


class Processes:
    """A scheduler and its workers, as `dask scheduler` and `dask worker` start them."""

    def __init__(self, folder):
        self.folder, self.running = folder, contextlib.ExitStack()
        self.scheduler = self._start("scheduler", "--port", "0", "--host", "127.0.0.1", "--no-dashboard")
        self.workers = []
        self.address = self._address()

    def _address(self):
        """Of the scheduler, once it has written the whole of its file."""
        for _ in range(200):
            with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
                return json.loads((self.folder / "scheduler.json").read_text())["address"]
            time.sleep(0.1)
        self.close()
        raise TimeoutError("the scheduler does not say where it is")

    def _start(self, kind, *options):
        log = self.running.enter_context((self.folder / f"{kind}.log").open("ab"))
        command = [sys.executable, "-m", "distributed.cli.dask_" + kind, *options]
        command += ["--scheduler-file", str(self.folder / "scheduler.json")]
        paths = os.pathsep.join([str(PACKAGE), str(Path(__file__).parent)])
        environment = {**os.environ, "PYTHONPATH": paths}
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        self.running.callback(process.wait)
        self.running.callback(process.kill)
        return process

    def close(self):
        self.running.close()

    def add_worker(self, threads=1):
        options = ["--nthreads", str(threads), "--no-nanny", "--no-dashboard"]
        self.workers.append(self._start("worker", *options))


@pytest.fixture(scope="module")
def processes(tmp_path_factory):
    """A scheduler with two workers."""
    with contextlib.closing(Processes(tmp_path_factory.mktemp("dask"))) as made:
        made.add_worker()
        made.add_worker()
        yield made


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The result of this process alone."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "spec.toml").write_text(SPEC)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plans, "BLOCK_COST", 1)
        patch.setattr(plans, "BATCH_POINTS", dict.fromkeys(plans.BATCH_POINTS, 8))
        return jt.run(folder / "spec.toml", folder / "whole.h5", devices=1)


def equal(one, other):
    for name in (*VARIABLES, "status"):
        assert one[name].values.tobytes() == other[name].values.tobytes(), name


@pytest.mark.slow
def test_two_workers_give_the_bytes_of_this_process(processes, whole):
    equal(jt.run("spec.toml", "out.h5", scheduler=processes.address), whole)
    about = results.read_attributes("out.h5")
    assert about["device"] == "cpu: cpu"
    assert about["precision"] == "float64"
    assert about["jaxtransport_version"] == jt.__version__
    assert about["plan"] == whole.attrs["plan"]


@pytest.mark.slow
def test_workers_extend_a_file(processes, whole):
    """And compute what is left of blocks that are on file in part."""
    few = ["grid.mu_bar={start=-1.5, stop=1.5, num=50}", "grid.N=[7, 12]"]
    before = jt.run("spec.toml", "out.h5", overrides=few, devices=1)
    reports = []
    after = jt.run("spec.toml", "out.h5", extend=True, scheduler=processes.address, report=reports.append)
    equal(after, whole)
    assert reports[0].resumed == before.status.size == 100


@pytest.mark.slow
def test_workers_average(processes):
    """To the bytes of this process, also when interrupted and resumed here and there."""
    lines = SPEC.replace("[wire]", '[wire]\nonsite = { pattern = "disorder", width = 1.0 }')
    lines += (
        '"onsite.seed" = { start = 0, stop = 29, step = 1 }\n[average]\nover = ["onsite.seed", "mu_bar"]\n'
    )
    Path("average.toml").write_text(lines + 'statistics = ["error", "typical", "quantiles"]\n')
    here = jt.run("average.toml", "here.h5", devices=1)
    there = jt.run("average.toml", "there.h5", scheduler=processes.address)

    def report(progress):
        if progress.done > progress.resumed:
            raise KeyboardInterrupt

    for where in ({"scheduler": processes.address}, {"devices": 1}) * 2:
        with pytest.raises(KeyboardInterrupt):
            jt.run("average.toml", "both.h5", report=report, **where)
    both = jt.run("average.toml", "both.h5", scheduler=processes.address)
    assert here.sizes == {"N": 3, "quantile": 3, "site": 12}
    for name in here.data_vars:
        assert here[name].values.tobytes() == there[name].values.tobytes() == both[name].values.tobytes()


@pytest.mark.slow
def test_the_command_line_takes_a_scheduler(processes):
    command = [sys.executable, "-m", "jaxtransport", "run", "spec.toml", "--scheduler", processes.address]
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert "results/spec.h5: 297 points, 297 points in" in done.stdout
    # On a busy machine the workers take longer than progress waits for its first line.
    assert [line for line in done.stderr.splitlines() if " of 297 points (" not in line] == []


@pytest.mark.parametrize("name", ["address/", "without tcp", "scheduler file"])
def test_ways_to_name_a_scheduler(name, processes):
    given = {
        "address/": f"{processes.address}/",
        "without tcp": processes.address.removeprefix("tcp://"),
        "scheduler file": str(processes.folder / "scheduler.json"),
    }[name]
    with connected(given) as client:
        assert client.scheduler.address == processes.address


@pytest.mark.slow
def test_a_worker_that_is_killed_costs_at_most_its_blocks(processes, whole):
    """A third one, so that the others stay for the other tests."""
    processes.add_worker()
    with distributed.Client(processes.address, set_as_default=False) as client:
        client.wait_for_workers(3, timeout=600)
        killed = []

        def report(progress):
            if progress.done >= 64 and not killed:
                killed.append(processes.workers.pop())
                killed[0].kill()

        data = jt.run("spec.toml", "out.h5", report=report, scheduler=client)
        assert killed
        equal(data, whole)
        assert client.status == "running"  # it is the caller's


def fails_at_32(plan, block):
    """y = the number of the point; a plan with full batches does not fit, and one block never works."""
    if Plan.from_json(plan).batch[1] > 8:
        raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory")
    if block.solve.start == 32:
        raise ValueError("a bad block")
    y = np.array(block.solve, float)[:, None]
    return {"y": y, "status": np.zeros(y.shape, np.int8)}


@pytest.mark.slow
def test_blocks_that_fail_at_workers_are_halved_or_marked(processes):
    """The loop is the same as for local devices (see test_executors): errors come back as they are."""
    grid = Grid((Axis("a", np.arange(96.0)),))
    files.create(Path("out.h5"), Task(grid, (Variable("y", "1", "a number", "y"),), None), {})
    with (
        distributed.Client(processes.address, set_as_default=False) as client,
        Store(Path("out.h5"), grid, ["y"]) as store,
        contextlib.closing(Cluster(client, fails_at_32, Plan({1: 32}, 16, 1))) as executor,
    ):
        progress = execute(grid, store, executor)
        assert store.halvings == 2
    assert progress.failed == 16
    assert progress.trouble == "a block of 16 points failed 3 times: ValueError: a bad block"
    with h5py.File("out.h5") as file:
        status, y = file["status"][()], file["y"][()]
    assert np.all(status[32:48] == codes.CRASHED)
    kept = np.delete(np.arange(96), np.s_[32:48])
    np.testing.assert_array_equal(y[kept], kept)


def test_a_worker_of_another_version_is_refused(processes):
    made_by = dict.fromkeys(worker.SAME, "1")
    compute = functools.partial(worker.evaluate, SPEC, made_by)
    grid = Grid((Axis("a", np.arange(8.0)),))
    files.create(Path("out.h5"), Task(grid, (Variable("y", "1", "a number", "y"),), None), {})
    with (
        distributed.Client(processes.address, set_as_default=False) as client,
        Store(Path("out.h5"), grid, ["y"]) as store,
        contextlib.closing(Cluster(client, compute, Plan({1: 8}, 8, 1))) as executor,
        pytest.raises(InputError, match=r"a worker has jaxtransport_version .*, but the sweep began"),
    ):
        execute(grid, store, executor)


def test_workers_that_differ_are_refused():
    one = {
        "jaxtransport_version": jt.__version__, "revision": "a", "jax_version": "2", "precision": "float64",
        "platform": "cpu", "device_kind": "cpu", "device": "cpu: cpu", "devices": 2, "memory": None,
    }  # fmt: skip
    gpu = {**one, "device_kind": "gpu", "device": "gpu: A", "memory": 5}
    assert worker.agree([one, one]) == one
    both = worker.agree([gpu, {**gpu, "device": "gpu: B", "devices": 4, "memory": 3}])
    assert (both["device"], both["devices"], both["memory"]) == ("gpu: A, gpu: B", 4, 3)
    with pytest.raises(InputError, match=r"workers differ in device_kind \(cpu, gpu\)"):
        worker.agree([one, gpu])
    with pytest.raises(
        InputError, match=r"workers have jaxtransport 0.0, this process has .*; install the same version"
    ):
        worker.agree([{**one, "jaxtransport_version": "0.0"}])
    with pytest.raises(InputError, match=r"workers differ in jax_version \(2, 3\)"):
        worker.agree([one, {**one, "jax_version": "3"}])


@pytest.mark.slow
def test_a_scheduler_without_workers_and_one_that_is_lost(tmp_path, monkeypatch):
    """A run waits for the first worker and says so; without its scheduler it ends, and can go on."""
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 2.0)
    notes, killed = [], []

    def report(progress):
        notes.append(progress.note)
        if len(notes) == 1:
            made.add_worker(threads=2)
        if progress.done >= 64 and not killed:
            killed.append(made.scheduler)
            made.scheduler.kill()

    with (
        contextlib.closing(Processes(tmp_path)) as made,
        pytest.raises(
            InputError,
            match=r"scheduler: connection lost .* run the same command, without --force, to resume",
        ),
    ):
        jt.run("spec.toml", "out.h5", report=report, scheduler=made.address)
    assert notes[0] == f"no worker at {made.address}: waiting for one"
    kept = results.count_statuses("out.h5")
    assert set(kept) == {-1, 0}
    assert kept[0] >= 64


@pytest.mark.slow
def test_stopping_while_nobody_computes_does_not_wait(tmp_path):
    """What is on its way to no worker is given up."""
    grid = Grid((Axis("a", np.arange(96.0)),))
    files.create(Path("out.h5"), Task(grid, (Variable("y", "1", "a number", "y"),), None), {})
    asked = []
    with (
        contextlib.closing(Processes(tmp_path)) as made,
        distributed.Client(made.address, set_as_default=False) as client,
        Store(Path("out.h5"), grid, ["y"]) as store,
        contextlib.closing(Cluster(client, fails_at_32, Plan({1: 8}, 16, 1))) as executor,
    ):
        progress = execute(grid, store, executor, stop=lambda: len(asked) > 1, report=asked.append)
    assert progress.done == 0
    assert results.count_statuses("out.h5") == {-1: 96}


@pytest.mark.slow
@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense", "", 8786])
def test_an_address_where_nothing_answers_is_wrong_input(address, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 1.0)
    with pytest.raises(InputError, match="scheduler"):
        jt.run("spec.toml", "out.h5", scheduler=address)
    assert os.listdir() == ["spec.toml"]
    # None is left that would close itself while another starts, which is a deadlock in distributed.
    assert not [one for one in gc.get_objects() if type(one) is distributed.Client and one.status != "closed"]


def test_devices_are_of_this_machine_and_not_of_a_scheduler():
    with pytest.raises(InputError, match="devices: cannot be combined with a scheduler"):
        jt.run("spec.toml", "out.h5", scheduler="tcp://127.0.0.1:1", devices=2)


def cannot():
    raise ModuleNotFoundError("No module named 'jaxtransport.jobs.worker'")


@pytest.mark.slow
def test_workers_that_cannot_answer_are_told_and_not_waited_for(tmp_path):
    notes = []

    def note(text):
        notes.append(text)
        if len(notes) > 2 and len(made.workers) == 1:
            made.add_worker()

    with (
        contextlib.closing(Processes(tmp_path)) as made,
        distributed.Client(made.address, set_as_default=False) as client,
    ):
        made.add_worker()
        client.wait_for_workers(1, timeout=600)
        with pytest.raises(
            InputError, match=r"a worker cannot take part \(No module .*; install jaxtransport"
        ):
            cluster.ask_workers(client, cannot, note)
        once = tmp_path / "once"
        answers = cluster.ask_workers(client, functools.partial(dies_once, str(once)), note)
        assert answers == ["here"]
        assert notes[-1].startswith(("no worker at", "asking"))


def dies_once(path):
    if not os.path.exists(path):
        Path(path).touch()
        os._exit(1)
    return "here"


def test_a_client_that_is_closed_in_mid_run_is_a_message(processes):
    with distributed.Client(processes.address, set_as_default=False) as client:

        def report(progress):
            if progress.done >= 64:
                client.close()

        with pytest.raises(InputError, match="scheduler: connection lost"):
            jt.run("spec.toml", "out.h5", report=report, scheduler=client)
    assert results.count_statuses("out.h5")[0] >= 64
