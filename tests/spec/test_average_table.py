"""Averages over axes: what is stored of the members, and what makes two averages the same computation."""

import numpy as np
import pytest
from support import swept
from support.swept import HEAD

from jaxtransport.errors import InputError
from jaxtransport.models import parse, read

DISORDER = HEAD.replace("gamma  = 0.5", 'gamma = 0.5\nonsite = { pattern = "disorder", width = 1.0 }')
GRID = """
[grid]
"onsite.seed" = { start = 1, stop = 20, step = 1 }
gamma = [0.2, 0.5]
delta_mu = [0.1, 0.2]
"""
OUTPUT = """
[output]
variables = ["conductance", "nonreciprocity", "potential_forward"]
"""
ALL = 'statistics = ["mean", "error", "variance", "typical", "quantiles"]\n'


def compare(averaged, members, dims, names):
    """Compare statistics with those of NumPy, of every member in a file of its own."""
    size = int(np.prod([members.sizes[dim] for dim in dims]))
    assert (averaged.members == size).all()
    assert (averaged.failed == 0).all()
    near = {"rtol": 1e-12, "atol": 1e-14}
    for name in names:
        x = members[name]
        kept = [dim for dim in x.dims if dim not in dims]
        assert averaged[name].dims == tuple(kept)
        x = x.transpose(..., *kept)
        np.testing.assert_allclose(averaged[name], x.mean(dims), **near)
        variance = x.var(dims, ddof=1)
        np.testing.assert_allclose(averaged[f"{name}_variance"], variance, **near)
        np.testing.assert_allclose(averaged[f"{name}_error"], np.sqrt(variance / size), **near)
        np.testing.assert_allclose(averaged[f"{name}_typical"], np.exp(np.log(abs(x)).mean(dims)), **near)
        quantiles = averaged[f"{name}_quantiles"]
        assert quantiles.dims == (*kept, "quantile")
        expected = x.quantile(averaged["quantile"].values, dims).transpose(..., "quantile")
        np.testing.assert_allclose(quantiles, expected, **near)


@pytest.fixture(scope="module")
def members(tmp_path_factory):
    return swept.run(tmp_path_factory.mktemp("members"), DISORDER + GRID + OUTPUT)


def test_an_axis_is_reduced_to_statistics(tmp_path, members):
    table = f'[average]\nover = "onsite.seed"\n{ALL}quantiles = [0.0, 0.25, 0.5, 1.0]\n'
    data = swept.run(tmp_path, DISORDER + GRID + OUTPUT + table)
    assert data.conductance.dims == data.status.dims == ("gamma", "delta_mu")
    assert "onsite.seed" not in data.variables
    assert "onsite.seed" not in data.dims
    assert data["quantile"].values.tolist() == [0.0, 0.25, 0.5, 1.0]
    assert data.attrs["averaged"] == "onsite.seed (20)"
    assert data.members.dtype == data.failed.dtype == np.int64
    assert data.conductance_variance.attrs["units"] == "(e^2/h)^2"
    compare(data, members, ["onsite.seed"], ["conductance", "nonreciprocity", "potential_forward"])


def test_several_axes_are_reduced_together(tmp_path, members):
    data = swept.run(
        tmp_path, DISORDER + GRID + OUTPUT + f'[average]\nover = ["delta_mu", "onsite.seed"]\n{ALL}'
    )
    assert data.conductance.dims == ("gamma",)
    assert "I_o" not in data.variables  # it varies along the bias
    assert data["quantile"].values.tolist() == [0.05, 0.5, 0.95]
    compare(data, members, ["onsite.seed", "delta_mu"], ["conductance", "nonreciprocity"])


def test_all_axes_may_be_reduced(tmp_path, members):
    axes = '["gamma", "delta_mu", "onsite.seed"]'
    data = swept.run(tmp_path, DISORDER + GRID + OUTPUT + f"[average]\nover = {axes}\n{ALL}")
    assert data.conductance.dims == ()
    assert data.members.item() == 80
    compare(data, members, ["onsite.seed", "gamma", "delta_mu"], ["nonreciprocity"])


def test_by_default_mean_and_error(tmp_path, members):
    data = swept.run(tmp_path, DISORDER + GRID + OUTPUT + '[average]\nover = "onsite.seed"\n')
    names = {"conductance", "nonreciprocity", "potential_forward"}
    more = {f"{name}_error" for name in names} | {"members", "failed", "status"}
    assert set(data.data_vars) == names | more
    error = members.nonreciprocity.std("onsite.seed", ddof=1) / np.sqrt(20)
    np.testing.assert_allclose(data.nonreciprocity_error, error, rtol=1e-12)


def test_columns_along_an_averaged_axis_are_not_stored(tmp_path):
    grid = """
        [grid]
        "onsite.seed, mu_bar" = [[1, 0.5], [2, 0.6], [3, 0.7]]
        "gamma, N" = [[0.2, 4], [0.5, 8]]
        [derive]
        "onsite.width" = "0.1 * onsite.seed"
        injection = "0.2 * gamma"
    """
    table = '[average]\nover = "onsite.seed"\nstatistics = ["mean", "variance"]\n'
    every = swept.run(tmp_path, DISORDER + grid, name="members")
    data = swept.run(tmp_path, DISORDER + grid + table)
    assert every["onsite.width"].dims == every.mu_bar.dims == ("onsite.seed",)
    assert {"onsite.seed", "mu_bar", "onsite.width"}.isdisjoint(data.variables)
    assert data.N.dims == data.injection.dims == ("gamma",)
    for name in ("conductance", "nonreciprocity"):
        np.testing.assert_allclose(data[name], every[name].mean("onsite.seed"), rtol=1e-12)
        variance = every[name].var("onsite.seed", ddof=1)
        np.testing.assert_allclose(data[f"{name}_variance"], variance, rtol=1e-12)


def test_wires_shorter_than_others_have_no_mean_beyond_their_end(tmp_path):
    text = HEAD + '[grid]\nN = [4, 8]\ngamma = [0.2, 0.5]\n[output]\nvariables = ["potential_forward"]\n'
    every = swept.run(tmp_path, text, name="members")
    data = swept.run(tmp_path, text + '[average]\nover = "N"\n')
    assert np.isfinite(data.potential_forward).sum("site").values.tolist() == [4, 4]
    expected = every.potential_forward.mean("N", skipna=False)
    np.testing.assert_allclose(data.potential_forward, expected, rtol=1e-12)


@pytest.mark.parametrize("model", ["classical", "circuit"])
def test_every_model_is_averaged(tmp_path, model):
    axis = {"classical": "p = [0.3, 0.6, 0.9]", "circuit": "sigma = [0.5, 1.0, 3.0]"}[model]
    drive = {"classical": "delta_rho = 0.3\n", "circuit": ""}[model]
    text = f'model = "{model}"\n[wire]\nlayout = "dimers"\n[drive]\n{drive}injection = 0.2\n'
    text += f"[grid]\nN = [4, 6, 10]\n{axis}\n"
    name = axis.split()[0]
    every = swept.run(tmp_path, text, name="members")
    data = swept.run(tmp_path, text + f'[average]\nover = "{name}"\n{ALL}')
    compare(data, every, [name], ["conductance", "nonreciprocity"])


def test_members_without_a_result_are_left_out_and_counted(tmp_path):
    """Potentials outside the band: the exact law has no current there."""
    text = (
        HEAD.replace("dimers", "pair").replace("8", "4")
        + """
        [solve]
        law = "exact"
        [grid]
        injection = [0.1, 90.0, 0.2, 95.0]
        mu_bar = [0.3, 0.9]
        [output]
        variables = ["conductance"]
    """
    )
    every = swept.run(tmp_path, text, name="members")
    assert every.status.values.tolist() == [[0, 0], [5, 5], [0, 0], [5, 5]]
    data = swept.run(tmp_path, text + '[average]\nover = "injection"\n')
    assert data.members.values.tolist() == data.failed.values.tolist() == [2, 2]
    assert data.status.values.tolist() == [0, 0]
    expected = every.conductance.isel(injection=[0, 2]).mean("injection")
    np.testing.assert_allclose(data.conductance, expected, rtol=1e-12)
    none = swept.run(tmp_path, text + '[average]\nover = "injection"\n', "grid.injection=[90.0, 95.0]")
    assert none.members.values.tolist() == [0, 0]
    assert none.status.values.tolist() == [5, 5]  # that of the first
    assert np.isnan(none.conductance).all()


# What is computed, and what --set makes of it

TABLE = '[average]\nover = ["onsite.seed", "gamma"]\nstatistics = ["mean", "error", "quantiles"]\n'
TEXT = DISORDER + GRID + TABLE
SAME = {
    "order of the statistics": ('["mean", "error", "quantiles"]', '["quantiles", "mean", "error"]'),
    "order of the axes in over": ('["onsite.seed", "gamma"]', '["gamma", "onsite.seed"]'),
    "default quantiles spelt out": ('"quantiles"]\n', '"quantiles"]\nquantiles = [0.05, 0.5, 0.95]\n'),
    "an averaged axis behind those that stay": (
        "gamma = [0.2, 0.5]\ndelta_mu = [0.1, 0.2]",
        "delta_mu = [0.1, 0.2]\ngamma = [0.2, 0.5]",
    ),
}
OTHER = {
    "no average": (TABLE, ""),
    "one axis fewer": ('["onsite.seed", "gamma"]', '"onsite.seed"'),
    "another axis": ('["onsite.seed", "gamma"]', '"delta_mu"'),
    "more statistics": ('"quantiles"]', '"quantiles", "typical"]'),
    "other quantiles": ('"quantiles"]\n', '"quantiles"]\nquantiles = [0.05, 0.5, 0.9]\n'),
    "an end": ('"quantiles"]\n', '"quantiles"]\nuntil = { error = 1e-3, of = "conductance" }\n'),
    "more members": ("stop = 20", "stop = 21"),
}  # fmt: skip


def changed(old, new):
    assert old in TEXT
    return parse(TEXT.replace(old, new)).fingerprint


@pytest.mark.parametrize("name", SAME)
def test_fingerprint_is_blind_to_what_is_not_computed(name):
    assert changed(*SAME[name]) == parse(TEXT).fingerprint


@pytest.mark.parametrize("name", OTHER)
def test_fingerprint_sees_what_is_averaged(name):
    assert changed(*OTHER[name]) != parse(TEXT).fingerprint


def test_an_end_of_an_average_is_part_of_what_is_computed():
    ends = [f'{TEXT}until = {{ error = {error}, of = "{of}" }}\n' for error, of in (
        ("1e-3", "conductance"), ("2e-3", "conductance"), ("1e-3", "nonreciprocity"))]  # fmt: skip
    assert len({parse(text).fingerprint for text in ends}) == 3


SET = {
    "another axis": ("average.over=delta_mu", ("delta_mu",), ["mean", "error", "quantiles"]),
    "several": ('average.over=["gamma", "delta_mu"]', ("delta_mu", "gamma"), ["mean", "error", "quantiles"]),
    "statistics": ('average.statistics=["typical"]', ("gamma", "onsite.seed"), ["typical"]),
    "more members": ("grid.onsite.seed=[1, 2]", ("gamma", "onsite.seed"), ["mean", "error", "quantiles"]),
    "no average": ("average=", (), None),
}


@pytest.mark.parametrize("name", SET)
def test_set_changes_an_average(name):
    override, over, statistics = SET[name]
    spec = parse(TEXT, "sweep", [override])
    assert parse(spec.text).fingerprint == spec.fingerprint
    assert spec.averaged == over
    assert spec.tables["average"].statistics == statistics


def test_an_average_over_what_set_fixed_says_so():
    with pytest.raises(InputError, match=r"average.over: 'gamma' is no axis; known: onsite.seed, delta_mu"):
        parse(TEXT, "sweep", ["wire.gamma=0.3"])


def test_the_spec_in_a_result_is_that_of_the_average(tmp_path):
    data = swept.run(tmp_path, TEXT.replace("stop = 20", "stop = 2"))
    again = parse(data.attrs["spec"])
    assert again.fingerprint == data.attrs["fingerprint"]
    assert again.averaged == read(tmp_path / "sweep.toml").averaged
