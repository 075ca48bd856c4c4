"""Sweeps beyond linear response: stored numbers are those of `solve`, hard points are finished apart."""

import dataclasses
import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import pytest
import tomlkit
from support.checks import close

import jaxtransport as jt
from jaxtransport.errors import InputError
from jaxtransport.models import make_task, parse
from jaxtransport.sweep.evaluator import Evaluator
from jaxtransport.sweep.plan import Plan

WIRE = {"layout": "dimers", "N": 4, "gamma": 0.5}
DRIVE = {"mu_bar": 1.0, "delta_mu": 0.1, "injection": 0.8}
FEW = ["current_forward", "right_current_reverse", "nonreciprocity", "relative_nonreciprocity", "conductance"]
ALONG = [
    "potential_forward",
    "site_current_reverse",
    "bond_current_forward",
    "heat_reverse",
    "density_forward",
]


def run(folder, wire=WIRE, drive=DRIVE, **tables):
    path = folder / "sweep.toml"
    path.write_text(tomlkit.dumps({"wire": wire, "drive": drive, **tables}))
    return jt.run(path, folder / "out.h5", force=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("solve", "law"),
    [
        ({"law": "series", "order": 3}, jt.Series(3)),
        ({"law": "exact"}, jt.Exact()),
        ({"law": "exact", "temperature": 0.03}, jt.Exact(temperature=0.03)),
    ],
    ids=["series", "exact", "warm"],
)
def test_stored_numbers_are_those_of_solve(tmp_path, solve, law):
    """Every kind of variable at both ends of a grid. 1e-11: solved to 1e-12 of the potentials each."""
    grid = {"injection": [0.3, 1.0], "gamma": [0.5, 0.8]}
    variables = [*FEW, *ALONG, "residual", "steps", "nodes", "outside_band"]
    data = run(tmp_path, solve=solve, grid=grid, output={"variables": variables})
    assert (data.status == 0).all()
    for i, gamma in ((0.3, 0.5), (1.0, 0.8)):
        here = data.sel(injection=i, gamma=gamma)
        at = {"mu_bar": 1.0, "injection": i, "law": law}
        forward, reverse = (jt.solve(jt.Wire.dimers(4, gamma=gamma), delta_mu=d, **at) for d in (0.1, -0.1))
        close(here.current_forward.item(), forward.left_current, 1e-11, 1.0)
        close(here.right_current_reverse.item(), reverse.right_current, 1e-11, 1.0)
        delta = abs(float(reverse.left_current)) - abs(float(forward.left_current))
        close(here.nonreciprocity.item(), delta, 1e-11, 1.0)
        close(here.conductance.item(), forward.conductance, 1e-11)
        close(here.potential_forward.values, forward.potentials, 1e-11)
        close(here.site_current_reverse.values, reverse.currents, 1e-11, 1.0)
        close(here.bond_current_forward.values, forward.bond_current, 1e-11, 1.0)
        close(here.heat_reverse.values, reverse.heat, 1e-10)
        close(here.density_forward.values, forward.density, 1e-10)
    assert data.residual.max() < 1e-12
    assert (data.outside_band == 0).all()


@pytest.mark.slow
def test_temperature_axis_starts_at_zero(tmp_path):
    """T = 0 on a temperature axis is the cold law, and the others tend to it as T^2."""
    data = run(
        tmp_path,
        solve={"law": "exact"},
        grid={"temperature": [0.0, 0.01, 0.02]},
        output={"variables": ["nonreciprocity"]},
    )
    cold = run(tmp_path, solve={"law": "exact"}, output={"variables": ["nonreciprocity"]})
    values = data.nonreciprocity.values
    close(values[0], cold.nonreciprocity.item(), 1e-11)
    ratio = (values[2] - values[0]) / (values[1] - values[0])
    assert ratio == pytest.approx(4, abs=0.1)


@pytest.mark.slow
def test_points_without_solution_have_a_status_and_good_neighbours(tmp_path):
    """gamma = .3, mu_bar = 1.52: no solution at I_g = 1.5 I_o. The command exits 1 and counts it."""
    document = {
        "wire": {**WIRE, "gamma": 0.3},
        "drive": {**DRIVE, "mu_bar": 1.52},
        "solve": {"law": "exact"},
        "grid": {"injection": [0.3, 1.5, 0.6]},
        "output": {"variables": ["relative_nonreciprocity"]},
    }
    (tmp_path / "end.toml").write_text(tomlkit.dumps(document))
    command = [sys.executable, "-c", "from jaxtransport.cli.commands import main; main()", "run", "end.toml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "1 of 3 points failed: 1 outside_band" in done.stderr
    data = jt.load(tmp_path / "results/end.h5")
    np.testing.assert_array_equal(data.status, [0, 5, 0])
    close(data.relative_nonreciprocity.values, [-0.006505, np.nan, -0.016139], 6e-7, 1.0)


@pytest.mark.slow
def test_series_keeps_values_outside_the_band_and_says_so(tmp_path):
    data = run(
        tmp_path,
        wire={**WIRE, "gamma": 0.3},
        drive={**DRIVE, "mu_bar": 1.52},
        solve={"law": "series"},
        grid={"injection": [0.3, 1.5]},
        output={"variables": ["relative_nonreciprocity", "outside_band"]},
    )
    np.testing.assert_array_equal(data.status, [0, 0])
    np.testing.assert_array_equal(data.outside_band, [0, 1])
    close(data.relative_nonreciprocity.values, [-0.006505, -0.104366], 6e-7, 1.0)


@pytest.mark.slow
def test_order_one_is_linear_response(tmp_path):
    first = run(tmp_path, solve={"law": "series", "order": 1}, output={"variables": FEW})
    linear = run(tmp_path, output={"variables": FEW})
    for name in FEW:
        close(first[name].item(), linear[name].item(), 1e-12, 1.0, name)


def test_unfinished_points_are_gathered_and_finished():
    """A toy: the first effort fails on odd points, the second on multiples of 3, the third on none."""
    text = tomlkit.dumps(
        {"wire": WIRE, "drive": DRIVE, "grid": {"mu_bar": {"start": 0, "stop": 1.9, "num": 20}}}
    )
    task = make_task(parse(text))
    calls = []

    def effort(fails, value):
        def evaluate(point, free, shared):
            calls.append(value)
            k = jnp.round(point["mu_bar"] * 10).astype(int)
            failed = fails(k)
            out = {v.name: jnp.where(failed, jnp.nan, k * 1.0)[None].astype(v.dtype) for v in task.variables}
            return {**out, "status": jnp.where(failed, 1, 0)[None].astype(jnp.int8)}

        return evaluate

    task = dataclasses.replace(
        task,
        evaluate=effort(lambda k: k % 2 == 1, 0),
        retries=(effort(lambda k: k % 3 == 0, 1), effort(lambda k: k < 0, 2)),
        unfinished=(1, 2),
    )
    from jaxtransport.sweep.grid import Block

    plan = Plan({4: 8}, 20, 1)
    out = Evaluator(task, plan)(Block(range(20), range(1)))
    assert (out["status"] == 0).all()
    np.testing.assert_array_equal(out["conductance"][:, 0], np.arange(20.0))
    assert calls == [0, 1, 2]  # each compiled once


MISTAKES = [
    ({"solve": {"law": "series", "order": 0}}, "solve.order", "from 1 to 9"),
    ({"solve": {"law": "series", "order": 10}}, "solve.order", "from 1 to 9"),
    ({"solve": {"law": "series", "temperature": 0.1}}, "solve.temperature", 'requires law = "exact"'),
    ({"solve": {"law": "exact", "order": 3}}, "solve.order", 'requires law = "series"'),
    ({"solve": {"law": "exact", "temperature": -0.1}}, "solve.temperature", ">= 0"),
    ({"solve": {"law": "cubic"}}, "solve.law", "expected one of linear, series, exact"),
    ({"grid": {"temperature": [0.1]}}, "grid.temperature", 'requires law = "exact"'),
    ({"solve": {"law": "exact"}, "grid": {"temperature": [0.1, -0.1]}}, "grid.temperature", ">= 0"),
    (
        {"solve": {"law": "exact"}, "output": {"variables": ["injection_response"]}},
        "output.variables",
        "'injection_response' requires law = \"linear\"",
    ),
    ({"output": {"variables": ["steps"]}}, "output.variables", "'steps' requires law"),
    (
        {"solve": {"law": "exact"}, "output": {"variables": ["roots_forward"]}},
        "output.variables",
        'require law = "series"',
    ),
    (
        {"wire": {"N": 6}, "solve": {"law": "series"}, "output": {"variables": ["roots_forward"]}},
        "output.variables",
        "two middle reservoirs",
    ),
]


@pytest.mark.parametrize(("tables", "key", "message"), MISTAKES)
def test_a_mistake_is_named(tables, key, message):
    document = {"wire": {**WIRE, **tables.get("wire", {})}, "drive": DRIVE}
    document |= {name: table for name, table in tables.items() if name != "wire"}
    with pytest.raises(InputError) as caught:
        parse(tomlkit.dumps(document))
    assert [line.split(": ")[0] for line in caught.value.mistakes] == [key]
    assert message in caught.value.mistakes[0]


def test_defaults_are_what_is_spelt_out():
    """order = 3 and temperature = 0 go without saying: the fingerprint is the same as when they are said."""
    base = {"wire": WIRE, "drive": DRIVE}
    for short, long in (
        ({"law": "series"}, {"law": "series", "order": 3}),
        ({"law": "exact"}, {"law": "exact", "temperature": 0.0}),
    ):
        a, b = (parse(tomlkit.dumps({**base, "solve": solve})) for solve in (short, long))
        assert a.fingerprint == b.fingerprint
        assert "injection_response" not in a.variables
        assert "steps" in a.variables


@pytest.mark.parametrize(
    ("law", "name"),
    [
        (lambda: jt.Series(0), "order"),
        (lambda: jt.Series(2.5), "order"),
        (lambda: jt.Series(True), "order"),
        (lambda: jt.Exact(temperature=-1.0), "temperature"),
        (lambda: jt.Exact(temperature=float("nan")), "temperature"),
        (lambda: jt.Exact(nodes=2), "nodes"),
        (lambda: jt.solve(jt.Wire.dimers(4, gamma=0.5), **DRIVE, law="exact"), "law"),
    ],
)
def test_a_wrong_law_is_named(law, name):
    with pytest.raises(InputError, match=f"^{name} = "):
        law()
