"""What XLA is told before it starts, and that it listens."""

import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxtransport import models
from jaxtransport.compute import xla
from jaxtransport.models.quantum.task import make_task
from jaxtransport.store.results import load
from jaxtransport.sweep.evaluator import batch_by_batch

MINE = "--xla_backend_extra_options=xla_cpu_disable_slp_vectorizer"


@pytest.mark.parametrize(
    ("given", "then"),
    [
        (None, f"{xla.WHOLE_LOOPS} {xla.WIDEST}"),
        ("--xla_cpu_max_isa=AVX2", f"--xla_cpu_max_isa=AVX2 {xla.WHOLE_LOOPS} {xla.WIDEST}"),
        ("/etc/flags", "/etc/flags"),
        (f"{MINE} --xla_cpu_prefer_vector_width=128", f"{MINE} --xla_cpu_prefer_vector_width=128"),
    ],
)
def test_what_the_user_says_wins(monkeypatch, given, then):
    monkeypatch.delenv("XLA_FLAGS")
    monkeypatch.setattr(xla, "started", lambda: False)
    if given is not None:
        monkeypatch.setenv("XLA_FLAGS", given)
    for _ in range(2):
        xla.compile_whole_loops()
        assert os.environ["XLA_FLAGS"] == then
    assert xla.kind_of_cpu() == ("cpu with whole loops" if xla.WHOLE_LOOPS in then else "cpu")


def test_inner_loops_take_the_place_of_whole_ones_that_nobody_asked_for(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_cpu_max_isa=AVX2")
    monkeypatch.setattr(xla, "started", lambda: False)
    for inner, loops in ((False, xla.WHOLE_LOOPS), (True, xla.INNER_LOOPS), (False, xla.WHOLE_LOOPS)):
        xla.compile_whole_loops(inner=inner)
        assert set(os.environ["XLA_FLAGS"].split()) == {"--xla_cpu_max_isa=AVX2", xla.WIDEST, loops}
        assert xla.flags_of_user() == "--xla_cpu_max_isa=AVX2"
    monkeypatch.setenv("XLA_FLAGS", MINE)
    xla.compile_whole_loops(inner=True)
    assert xla.INNER_LOOPS not in os.environ["XLA_FLAGS"]


def test_a_jaxlib_that_was_not_tried_gets_no_flag_that_it_may_not_know(monkeypatch):
    monkeypatch.delenv("XLA_FLAGS")
    monkeypatch.setattr(xla, "started", lambda: False)
    monkeypatch.setattr(xla.importlib.metadata, "version", lambda name: "0.13.1")
    xla.compile_whole_loops()
    assert os.environ["XLA_FLAGS"] == xla.WHOLE_LOOPS


def test_whole_loops_are_known_from_their_limit(monkeypatch):
    option = f"{MINE},xla_cpu_small_while_loop_byte_threshold="
    for limit, kind in (("1024", "cpu"), ("999999999999", "cpu with whole loops"), ("many", "cpu")):
        monkeypatch.setenv("XLA_FLAGS", option + limit)
        assert xla.kind_of_cpu() == kind


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "value"),
    [("XLA_FLAGS", "--xla_force_host_platform_device_count=0"), ("JAX_PLATFORMS", "nowhere")],
)
def test_an_environment_that_jax_cannot_start_with_is_named(name, value, tmp_path):
    (tmp_path / "spec.toml").write_text(
        '[wire]\nlayout = "dimers"\nN = 4\ngamma = 0.3\n'
        "[drive]\ndelta_mu = 0.1\nmu_bar = 0.3\ninjection = 0.1\n"
    )
    command = [sys.executable, "-m", "jaxtransport", "run", "spec.toml", "-o", "out.h5"]
    environment = {**os.environ, "XLA_FLAGS": "", name: value}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 2, done.stderr
    assert f"error: {name} = '{value}" in done.stderr
    assert "JAX cannot start" in done.stderr
    assert not (tmp_path / "out.h5").exists()


def test_too_late_is_said(monkeypatch):
    jnp.zeros(1).block_until_ready()
    flags = os.environ["XLA_FLAGS"]
    xla.compile_whole_loops()  # asks for nothing new
    assert os.environ["XLA_FLAGS"] == flags
    monkeypatch.setenv("XLA_FLAGS", "")
    with pytest.raises(RuntimeError, match="JAX has started; call it before"):
        xla.compile_whole_loops()
    assert xla.kind_of_cpu() == "cpu"


def test_a_flag_that_a_newer_xla_may_not_know_is_left_out(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "")
    monkeypatch.setattr(xla, "started", lambda: False)
    monkeypatch.setattr(xla.importlib.metadata, "version", lambda name: "0.99.0")
    xla.compile_whole_loops()
    assert os.environ["XLA_FLAGS"] == xla.WHOLE_LOOPS


def test_a_sweep_is_compiled_as_one_function():
    spec = models.parse(
        'output.variables = ["nonreciprocity"]\n[wire]\nlayout = "dimers"\nN = 30\n'
        "[drive]\ndelta_mu = 0.1\ninjection = 0.05\n"
        "[grid]\nmu_bar = { start = -1.9, stop = 1.9, num = 100 }\ngamma = [0.3, 0.4]\n"
    )
    task = make_task(spec)
    point = {name: np.full((3, 16), 0.5) for name in ("mu_bar", "gamma", "_")}
    shared, free = jax.tree.map(jnp.asarray, (task.shared(task.size), {"_": np.zeros(1)}))
    compiled = batch_by_batch(task.evaluate).lower(point, 3, free, shared).compile()
    entry = compiled.as_text().split("\nENTRY")[1]
    assert 'xla_cpu_small_call="true"' in entry
    assert " while(" not in entry


@pytest.mark.slow
def test_a_number_does_not_depend_on_the_flags_beyond_rounding(tmp_path):
    """Without whole loops batches have another shape too; 1e-13 is some hundred roundings of 30 sites."""
    program = (
        "import sys, jaxtransport; from jaxtransport.store import results\n"
        "jaxtransport.run(sys.argv[1], sys.argv[2])\nprint(results.read_attributes(sys.argv[2])['plan'])"
    )
    spec = tmp_path / "spec.toml"
    spec.write_text(
        'output.variables = ["conductance", "nonreciprocity", "heat_forward"]\n'
        '[wire]\nlayout = "dimers"\nN = 30\n[drive]\ndelta_mu = 0.1\ninjection = 0.05\n'
        "[grid]\nmu_bar = { start = -1.9, stop = 1.9, num = 700 }\ngamma = [0.3, 0.4]\n"
    )
    plans, found = [], []
    for flags in ("", f"{xla.WHOLE_LOOPS} {xla.WIDEST}"):
        output = tmp_path / f"{len(plans)}.h5"
        done = subprocess.run(
            [sys.executable, "-c", program, spec, output],
            env={**os.environ, "XLA_FLAGS": flags, "XDG_CACHE_HOME": str(tmp_path)},
            capture_output=True, text=True, check=True, timeout=600,
        )  # fmt: skip
        plans.append(done.stdout)
        found.append(load(output))
    assert plans[0] != plans[1]
    for name in ("conductance", "nonreciprocity", "heat_forward"):
        np.testing.assert_allclose(found[0][name], found[1][name], rtol=1e-13, atol=0)
