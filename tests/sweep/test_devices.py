"""Several devices give the bytes of one; signals stop a run in good order."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

import jaxtransport as jt
from jaxtransport.errors import InputError

PACKAGE = Path(jt.__file__).parents[1]
SPEC = """\
output.variables = ["nonreciprocity", "conductance", "potential_forward"]
[wire]
layout = "pair"
gamma = 0.5
[drive]
delta_mu = 0.1
injection = 0.3
[grid]
N = [12, 4, 7]
mu_bar = { start = -1.5, stop = 1.5, num = 99 }
"""
# Small batches and blocks, so that eight devices have something to share; a signal after so many blocks.
CHILD = """
import os, signal, sys
from jaxtransport.cli import commands as cli
from jaxtransport.store import store
from jaxtransport.sweep import plan

plan.BLOCK_COST = 1
plan.BATCH_POINTS = dict.fromkeys(plan.BATCH_POINTS, 8)
number, after = int(sys.argv.pop()), int(sys.argv.pop())
write, written = store.Store.write, []

def announced(self, block, values):
    write(self, block, values)
    written.append(block)
    if number and len(written) == after:
        os.kill(os.getpid(), number)

store.Store.write = announced
cli.main()
"""


@pytest.fixture
def run(tmp_path):
    (tmp_path / "spec.toml").write_text(SPEC)

    def run(name, devices, number=0, after=0):
        command = [
            "run",
            "spec.toml",
            "-o",
            name,
            "--quiet",
            "--devices",
            str(devices),
            str(after),
            str(number),
        ]
        environment = {**os.environ, "PYTHONPATH": str(PACKAGE)}
        done = subprocess.run(
            [sys.executable, "-c", CHILD, *command],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        with h5py.File(tmp_path / name) as file:
            values = {name: file[name][()] for name in ("nonreciprocity", "conductance", "potential_forward")}
            return done, values, file["status"][()]

    return run


EXACT = SPEC.replace("[grid]", '[solve]\nlaw = "exact"\n[grid]').replace("num = 99", "num = 23")
FREE = (
    SPEC.partition("[grid]")[0]
    .replace("[wire]", "[wire]\nN = 12")
    .replace("[drive]", "[drive]\nmu_bar = 1.0")
    + """\
[grid]
delta_mu = [0.1, 0.2, 0.3]
injection = { start = 0.1, stop = 0.4, num = 40 }
"""
)


@pytest.mark.slow
@pytest.mark.parametrize("spec", [SPEC, EXACT, FREE], ids=["linear", "exact", "free axes alone"])
def test_eight_devices_give_the_bytes_of_one(spec, run, tmp_path):
    (tmp_path / "spec.toml").write_text(spec)
    one, values, status = run("one.h5", 1)
    eight, same, _ = run("eight.h5", 8)
    assert one.returncode == eight.returncode == 0, one.stderr + eight.stderr
    assert np.all(status == 0)
    for name in values:
        assert values[name].tobytes() == same[name].tobytes()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stores_what_is_in_flight_and_the_run_goes_on_later(run, number):
    _, whole, _ = run("whole.h5", 1)
    stopped, _, status = run("out.h5", 1, int(number), 2)
    assert stopped.returncode == 130
    assert stopped.stderr.splitlines()[0].startswith(f"{signal.Signals(number).name}: storing")
    assert "out.h5 keeps all finished points; run the same command again to resume" in stopped.stderr
    # Two blocks of 8 points, and the one that was on its way.
    assert np.count_nonzero(status == 0) == 24
    again, values, status = run("out.h5", 1)
    assert again.returncode == 0
    assert np.all(status == 0)
    for name in values:
        assert values[name].tobytes() == whole[name].tobytes()


def test_more_devices_than_there_are_is_a_wrong_input():
    from jaxtransport.compute import runtime

    with pytest.raises(InputError, match="devices = 99: JAX has"):
        runtime.devices(99)


LAWS = """\
output.variables = ["nonreciprocity"]
[wire]
layout = "pair"
N = 6
[drive]
mu_bar = 1.0
delta_mu = 0.1
[solve]
{solve}
[grid]
gamma = {{ start = 0.2, stop = 1.0, num = 30 }}
injection = {{ start = 0.05, stop = 0.5, num = 30 }}
"""


@pytest.mark.slow
@pytest.mark.parametrize("solve", ['law = "exact"', 'law = "series"', 'kernel = "dense"'])
def test_two_devices_do_not_wait_for_each_other_in_lapack(solve, tmp_path):
    """Also where XLA has no thread to spare (see `linalg`)."""
    (tmp_path / "spec.toml").write_text(LAWS.format(solve=solve))
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE)}
    environment.pop("JAX_NUM_CPU_DEVICES", None)
    environment["NPROC"] = "1"
    command = [sys.executable, "-m", "jaxtransport", "run", "spec.toml", "-o", "out.h5", "--devices", "2"]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stderr
    with h5py.File(tmp_path / "out.h5") as file:
        assert np.all(file["status"][()] == 0)
