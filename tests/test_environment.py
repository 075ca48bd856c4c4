"""What users have around the package: variables of JAX, forks, systems without locks, compiled programs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

import jaxtransport as jt
from jaxtransport.compute import runtime

PACKAGE = Path(jt.__file__).parents[1]
SPEC = """
[wire]
layout = "dimers"
gamma = 0.5
[drive]
mu_bar = 0.5
delta_mu = 0.1
injection = 0.3
[grid]
N = [4, 6]
[output]
variables = ["nonreciprocity", "potential_forward"]
"""


def python(program, folder, *arguments, **environment):
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PACKAGE), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


COMMAND = "from jaxtransport.__main__ import main; main()"


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [("run", "spec.toml", "-o", "out.h5"), ("info",), ("info", "--json")])
def test_the_variable_that_keeps_jax_from_starting_is_named(arguments, tmp_path):
    (tmp_path / "spec.toml").write_text(SPEC)
    done = python(COMMAND, tmp_path, *arguments, JAX_PLATFORM_NAME="gpu", XLA_FLAGS="", JAX_PLATFORMS="")
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("error: JAX_PLATFORM_NAME = 'gpu': JAX cannot start")
    assert "XLA_FLAGS" not in done.stderr  # those are ours
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.slow
def test_nan_is_meant_where_nothing_is(tmp_path):
    (tmp_path / "spec.toml").write_text(SPEC)
    done = python(COMMAND, tmp_path, "run", "spec.toml", "-o", "out.h5", "--json", JAX_DEBUG_NANS="1")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["status"] == {"solved": 2}
    with jax.debug_nans(True):
        state = jt.solve(jt.Wire.pair(6, gamma=0.5), mu_bar=0.5, delta_mu=0.1, injection=0.3)
        assert jax.config.jax_debug_nans
    assert np.isnan(state.potentials[2])


FORK = """
import multiprocessing, sys, warnings
warnings.simplefilter("ignore")
import jax
jax.config.update("jax_enable_x64", True)
import jaxtransport as jt

def current(gamma):
    wire = jt.Wire.pair(6, gamma=gamma)
    return float(jt.solve(wire, mu_bar=1.0, delta_mu=0.1, injection=0.1).left_current)

if __name__ == "__main__":
    if sys.argv[1] == "after":
        current(0.3)
    with multiprocessing.get_context("fork").Pool(1) as pool:
        try:
            print(pool.map(current, [0.2, 0.3]))
        except RuntimeError as error:
            print("RuntimeError:", error)
"""


@pytest.mark.slow
def test_a_fork_of_jax_is_refused_before_it_waits_for_ever(tmp_path):
    done = python(FORK, tmp_path, "after")
    assert done.stdout.startswith("RuntimeError: this process was forked"), done.stderr
    assert 'get_context("spawn")' in done.stdout


@pytest.mark.slow
def test_a_fork_before_jax_has_started_computes(tmp_path):
    done = python(FORK, tmp_path, "before")
    wanted = jt.solve(jt.Wire.pair(6, gamma=0.3), mu_bar=1.0, delta_mu=0.1, injection=0.1).left_current
    np.testing.assert_allclose(json.loads(done.stdout)[1], wanted, rtol=1e-12)


@pytest.mark.slow
def test_where_there_are_no_locks_a_sentence_says_so(tmp_path):
    (tmp_path / "spec.toml").write_text(SPEC)
    without = f"import sys; sys.modules['fcntl'] = None; {COMMAND}"
    done = python(without, tmp_path, "run", "spec.toml")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "on Windows, use it inside WSL" in done.stderr
    assert python(without, tmp_path, "validate", "spec.toml").returncode in (0, 2)  # no traceback


KEPT = """
import sys
import jax
jax.config.update("jax_enable_x64", True)
import jaxtransport as jt
from jax._src import monitoring
hits = []
monitoring.register_event_listener(lambda event, **_: hits.append(event.rsplit("/", 1)[-1]))
before = jax.config.jax_compilation_cache_dir
wire = jt.Wire.dimers(6, gamma=0.4)
value = jt.nonreciprocity(wire, mu_bar=0.7, delta_mu=0.1, injection=0.1, law=jt.Series(2))
assert jax.config.jax_compilation_cache_dir == before
print(repr(float(value)), hits.count("cache_hits"), hits.count("cache_misses"))
"""


@pytest.mark.slow
def test_programs_of_python_functions_are_kept_on_disk(tmp_path):
    """The second process compiles none of them, and has the same number."""
    first, second = (python(KEPT, tmp_path, XDG_CACHE_HOME=str(tmp_path)).stdout.split() for _ in range(2))
    assert first[0] == second[0]
    assert int(first[2]) > 0
    assert int(second[1]) > 0
    assert int(second[2]) == 0


def test_settings_are_changed_once_and_put_back_by_the_last(tmp_path, monkeypatch, no_cache_of_tests):
    """As threads do it: the second begins before the first has ended."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    before = jax.config.jax_compilation_cache_dir
    first, second = runtime.computing(), runtime.computing()
    first.__enter__()
    inside = jax.config.jax_compilation_cache_dir
    second.__enter__()
    first.__exit__(None, None, None)
    assert jax.config.jax_compilation_cache_dir == inside
    second.__exit__(None, None, None)
    assert jax.config.jax_compilation_cache_dir == before


def test_a_call_of_a_known_kind_changes_no_settings(monkeypatch, no_cache_of_tests):
    calls = []
    program = runtime.kept(jax.jit(lambda x: x + 1))
    program(np.ones(3))
    monkeypatch.setattr(runtime, "_configure", calls.append)
    program(np.zeros(3))
    assert calls == []
    program(np.zeros(4))
    assert calls


@pytest.mark.slow
def test_double_precision_for_the_whole_process(tmp_path):
    """`use_double`, and the error that names it."""
    code = """
import jaxtransport as jt
try:
    jt.Wire.pair(6, gamma=0.4)
except jt.PrecisionError as error:
    assert "jaxtransport.use_double()" in str(error)
jt.use_double()
print(jt.Wire.pair(6, gamma=0.4).onsite.dtype)
"""
    assert python(code, tmp_path).stdout.strip() == "float64"
