"""The program of a sweep is the same in every process, and compiled once for each of its devices."""

import os
import subprocess
import sys

import pytest

SPEC = """\
output.variables = [{variables}]
[wire]
layout = "pair"
N = 6
gamma = 0.5
[drive]
delta_mu = 0.1
injection = 0.05
[solve]
{solve}
[grid]
mu_bar = {{ start = -1.0, stop = 1.0, num = 4 }}
"""
BOTH = ["nonreciprocity", "conductance", "heat_forward", "heat_reverse", "potential_forward", "residual"]

# Prints a digest of the program that every device would run.
LOWERED = """\
import hashlib, sys, jax, numpy as np
from jaxtransport.compute import runtime
from jaxtransport.models import make_task
from jaxtransport import models
from jaxtransport.sweep.evaluator import batch_by_batch
task = make_task(models.read(sys.argv[1], ()))
with runtime.computing():
    point = {name: np.full((2, 8), 0.5) for name in ("mu_bar", "_")}
    for evaluate in (task.evaluate, *task.retries):
        program = batch_by_batch(evaluate, task.sequential, task.quickly)
        text = program.lower(point, 2, {"_": np.zeros(1)}, task.shared(task.size)).as_text()
        print(hashlib.sha256(text.encode()).hexdigest())
"""


@pytest.mark.slow
@pytest.mark.parametrize("solve", ["", 'law = "series"', 'law = "exact"', 'kernel = "dense"'])
def test_a_process_makes_the_program_of_any_other(solve, tmp_path):
    """Python orders a set of names anew in every process; a program in that order is never found on disk."""
    path = tmp_path / "spec.toml"
    path.write_text(SPEC.format(solve=solve, variables=", ".join(f'"{name}"' for name in BOTH)))
    found = set()
    for seed in ("1", "2", "3"):
        done = subprocess.run(
            [sys.executable, "-c", LOWERED, path],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True, text=True, check=True, timeout=600,
        )  # fmt: skip
        found.add(done.stdout)
    assert len(found) == 1
    assert done.stdout.count("\n") >= 2


@pytest.mark.slow
def test_a_second_device_costs_no_second_trace(tmp_path):
    path = tmp_path / "spec.toml"
    path.write_text(SPEC.format(solve='law = "exact"', variables='"nonreciprocity"'))
    command = [sys.executable, "-m", "jaxtransport", "run", path, "-o", tmp_path / "out.h5", "--devices", "2"]
    environment = {**os.environ, "JAX_LOG_COMPILES": "1", "XDG_CACHE_HOME": str(tmp_path)}
    environment.pop("JAX_NUM_CPU_DEVICES", None)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=600)
    lines = done.stderr.splitlines()
    assert sum(line.startswith("Finished tracing run ") for line in lines) == 1
    assert sum("XLA compilation of jit(run)" in line for line in lines) == 2
