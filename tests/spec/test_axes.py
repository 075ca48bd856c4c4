"""Axes that vary together: one dimension, the first name; the others are coordinates along it."""

import numpy as np
import pytest
from support import swept
from support.swept import HEAD

import jaxtransport as jt
from jaxtransport import models
from jaxtransport.errors import InputError
from jaxtransport.models import parse

THREE = """
[grid]
"gamma, mu_bar" = [[0.3, 1.0], [0.1, 1.0], [0.2, -0.4]]
delta_mu = [0.1, 0.2]
"""


def dimers(**values):
    return jt.Wire.dimers(**({"N": 8, "gamma": 0.5} | values))


def test_parameters_that_vary_together_share_a_dimension(tmp_path):
    data = swept.run(tmp_path, HEAD + THREE)
    assert data.conductance.dims == ("gamma", "delta_mu")
    assert data.gamma.values.tolist() == [0.3, 0.1, 0.2]  # in the order of the rows
    assert data.mu_bar.dims == ("gamma",)
    assert data.mu_bar.values.tolist() == [1.0, 1.0, -0.4]
    assert data.mu_bar.attrs["units"] == "gamma_o"
    assert data.mu_bar.attrs["long_name"] == "mean chemical potential of the leads"
    assert "mu_bar" not in data.data_vars
    assert swept.compare(data, dimers, "gamma") == 6
    row = swept.run(tmp_path, HEAD, "wire.gamma=0.2", "drive.mu_bar=-0.4", "drive.delta_mu=0.2", name="one")
    there = data.sel(gamma=0.2, delta_mu=0.2)
    assert there.nonreciprocity.item() == pytest.approx(row.nonreciprocity.item(), rel=1e-13)


def test_lengths_that_repeat_go_second(tmp_path):
    text = HEAD + '[grid]\n"gamma, N" = [[0.1, 8], [0.2, 4], [0.3, 8], [0.4, 4]]\n'
    data = swept.run(tmp_path, text + '[output]\nvariables = ["current_forward", "nonreciprocity", '
                     '"potential_forward", "bond_hopping"]\n')  # fmt: skip
    assert data.N.dims == ("gamma",)
    assert data.N.dtype == np.int64
    assert data.N.values.tolist() == [8, 4, 8, 4]
    assert data.potential_forward.dims == ("gamma", "site")
    assert data.sizes["site"] == 8
    held = np.isfinite(data.potential_forward).sum("site")
    assert held.values.tolist() == [8, 4, 8, 4]  # NaN beyond the end of a wire
    assert swept.compare(data, dimers, "gamma", "N") == 4


def test_three_parameters_with_numbers_of_patterns(tmp_path):
    onsite = 'onsite = [{ pattern = "gradient", first = 0.0 }, { pattern = "disorder", width = 1.0 }]'
    text = HEAD.replace("gamma  = 0.5", f"gamma = 0.5\n{onsite}") + (
        '[grid]\n"onsite.2.seed, onsite.1.last, N" = [[3, 0.1, 8], [5, 0.2, 6], [9, -0.3, 8]]\n'
    )
    data = swept.run(tmp_path, text)
    assert data.conductance.dims == ("onsite.2.seed",)
    assert {data[name].dims for name in ("onsite.1.last", "N")} == {("onsite.2.seed",)}

    def wire(N, **numbers):
        first = {"pattern": "gradient", "first": 0.0, "last": numbers["onsite.1.last"]}
        second = {"pattern": "disorder", "width": 1.0, "seed": numbers["onsite.2.seed"]}
        return dimers(N=N, onsite=[first, second])

    assert swept.compare(data, wire, "N", "onsite.1.last", "onsite.2.seed") == 3


def test_bias_and_potential_may_go_to_the_edge_of_the_band_together(tmp_path):
    """The rows are in the band; their product, (1.99, 3.8) among it, would not be."""
    rows = "[[0.0, 3.8], [1.99, 0.01], [-1.5, 0.9]]"
    data = swept.run(tmp_path, HEAD + f'[grid]\n"mu_bar, delta_mu" = {rows}\n')
    assert data.delta_mu.dims == ("mu_bar",)
    np.testing.assert_allclose(data.I_o, np.array([3.8, 0.01, 0.9]) / (2 * np.pi), rtol=1e-15)
    assert swept.compare(data, lambda: dimers()) == 3
    with pytest.raises(InputError, match=r"grid.mu_bar, delta_mu: .*delta_mu = 0.1 .*got 1.96"):
        parse(HEAD + '[grid]\n"mu_bar, delta_mu" = [[0.0, 3.8], [1.96, 0.1]]\n')
    with pytest.raises(InputError, match="outside the band"):
        parse(HEAD + "[grid]\nmu_bar = [0.0, 1.99, -1.5]\ndelta_mu = [3.8, 0.01, 0.9]\n")


def test_bonds_are_positive_in_the_rows_and_need_not_be_in_their_product():
    """1/2 - 0.4/2 and 2 - 3/2 are, 1/2 - 3/2 would not be. The rows of the least values are tried."""
    hopping = 'hopping = [{ pattern = "alternating", values = [1] }, { pattern = "disorder", seed = 1 }]'
    text = HEAD.replace("gamma ", f"{hopping}\ngamma ") + "[grid]\n"
    rows = [[0.5, 0.4], *([1.0 + 1e-4 * i, 1.5] for i in range(3000)), [2.0, 3.0]]
    together = '"hopping.1.values[1], hopping.2.width"'
    parse(text + f"{together} = {rows}\n")
    parse(
        text
        + '"hopping.1.values[1]" = [0.5, 2.0]\n[derive]\n"hopping.2.width" = "0.9 * hopping.1.values[1]"\n'
    )
    with pytest.raises(InputError, match=r"wire.hopping: expected a pattern > 0 on every bond.* to -1\b"):
        parse(text + '"hopping.1.values[1]" = [0.5, 2.0]\n"hopping.2.width" = [0.4, 3.0]\n')
    with pytest.raises(
        InputError, match=r"to -0\.15 at hopping.1.values\[1\] = 0.45 and hopping.2.width = 1.2"
    ):
        parse(text + f"{together} = {[*rows[:777], [0.45, 1.2], *rows[778:]]}\n")
    with pytest.raises(InputError, match=r"down to -0\.1 at hopping.2.width = 2.2"):
        parse(text + '[derive]\n"hopping.2.width" = "2.2"\n')


CLASSICAL = """
model = "classical"
[wire]
layout = "dimers"
[drive]
injection = 0.2
[grid]
"p, N, delta_rho" = [[0.5, 4, 0.3], [0.9, 10, 0.1], [1.0, 4, 0.2]]
rho_0 = [0.0, 0.5]
[derive]
injection = "0.1 * N * p"
"""
CIRCUIT = """
model = "circuit"
[wire]
layout = "dimers"
[grid]
"sigma, N" = [[1.0, 4], [2.0, 10], [0.5, 4]]
voltage = [1.0, 0.3]
[derive]
injection = "0.2 / sigma + 0.1 * voltage"
"""


def test_wires_of_the_master_equation(tmp_path):
    data = swept.run(tmp_path, CLASSICAL)
    assert data.injection.dims == ("p",)
    assert data.conductance.dims == ("p", "rho_0")
    found = 0
    for at, one in swept.points(data, "p", "N", "rho_0", "delta_rho", "injection"):
        lattice = jt.Lattice.dimers(at["N"], p=at["p"])
        drive = {name: at[name] for name in ("delta_rho", "injection")}
        state = jt.steady_state(lattice, **drive, rho_0=at["rho_0"])
        assert one.current_forward.item() == pytest.approx(float(state.current), rel=1e-12)
        assert at["injection"] == pytest.approx(0.1 * at["N"] * at["p"], rel=1e-15)
        found += 1
    assert found == 6


def test_resistive_wires(tmp_path):
    data = swept.run(tmp_path, CIRCUIT)
    assert data.injection.dims == ("sigma", "voltage")
    for at, one in swept.points(data, "sigma", "N", "voltage", "injection"):
        state = jt.solve_circuit(jt.Circuit.dimers(at["N"]), voltage=at["voltage"], injection=at["injection"])
        assert one.conductance.item() == pytest.approx(at["sigma"] / (at["N"] - 1), rel=1e-12)
        assert one.current_forward.item() == pytest.approx(float(state.current), rel=1e-12)
        assert at["injection"] == pytest.approx(0.2 / at["sigma"] + 0.1 * at["voltage"], rel=1e-15)


# What is computed, and what --set makes of it

SAME = {
    "blanks": ('"gamma, mu_bar"', '" gamma ,mu_bar"'),
    "whole numbers for numbers": ("[0.3, 1.0]", "[0.3, 1]"),
    "what rows override": ("gamma  = 0.5", "gamma  = 0.7"),
}
OTHER = {
    "another value": ("[0.2, -0.4]", "[0.2, -0.5]"),
    "another order of the rows": (
        "[[0.3, 1.0], [0.1, 1.0], [0.2, -0.4]]",
        "[[0.1, 1.0], [0.3, 1.0], [0.2, -0.4]]",
    ),
    "a product": (
        '"gamma, mu_bar" = [[0.3, 1.0], [0.1, 1.0], [0.2, -0.4]]',
        "gamma = [0.3, 0.1, 0.2]\nmu_bar = [1.0, 0.9, -0.4]",
    ),
    "another name of the dimension": (
        '"gamma, mu_bar" = [[0.3, 1.0], [0.1, 1.0], [0.2, -0.4]]',
        '"mu_bar, gamma" = [[1.0, 0.3], [0.9, 0.1], [-0.4, 0.2]]',
    ),
}


def changed(text, old, new):
    assert old in text
    return text.replace(old, new)


@pytest.mark.parametrize("name", SAME)
def test_fingerprint_is_blind_to_what_is_not_computed(name):
    text = HEAD + THREE
    assert parse(changed(text, *SAME[name])).fingerprint == parse(text).fingerprint


@pytest.mark.parametrize("name", OTHER)
def test_fingerprint_sees_what_varies_together(name):
    text = HEAD + THREE
    assert parse(changed(text, *OTHER[name])).fingerprint != parse(text).fingerprint


def test_fingerprint_sees_which_columns_go_with_which_axis():
    one = '[grid]\n"gamma, injection" = [[0.1, 0.1], [0.2, 0.2]]\nmu_bar = [0.1, 0.2]\n'
    other = '[grid]\ngamma = [0.1, 0.2]\n"mu_bar, injection" = [[0.1, 0.1], [0.2, 0.2]]\n'
    assert parse(HEAD + one).fingerprint != parse(HEAD + other).fingerprint


def test_the_order_of_the_other_columns_does_not_count():
    one = '[grid]\n"gamma, mu_bar, injection" = [[0.1, 0.5, 0.2], [0.2, 0.6, 0.3]]\n'
    other = '[grid]\n"gamma, injection, mu_bar" = [[0.1, 0.2, 0.5], [0.2, 0.3, 0.6]]\n'
    assert parse(HEAD + one).fingerprint == parse(HEAD + other).fingerprint


def varied(text, *overrides):
    """Axes and columns, with their values."""
    spec = parse(text, "sweep", overrides)
    assert parse(spec.text).fingerprint == spec.fingerprint
    axes = {axis.name: axis.values.tolist() for axis in spec.axes}
    return axes, {column.name: column.values.tolist() for column in spec.columns}


SET = {
    "the second": (["drive.mu_bar=0.5"], {"gamma": [0.3, 0.1, 0.2], "delta_mu": [0.1, 0.2]}, {}),
    "the first": (["wire.gamma=0.4"], {"mu_bar": [1.0, -0.4], "delta_mu": [0.1, 0.2]}, {}),  # each once
    "both": (["wire.gamma=0.4", "drive.mu_bar=0.5"], {"delta_mu": [0.1, 0.2]}, {}),
    "all of them": (
        ["grid.gamma, mu_bar=[[0.7, 0.1]]"],
        {"gamma": [0.7], "delta_mu": [0.1, 0.2]},
        {"mu_bar": [0.1]},
    ),
    "with other blanks and quotes": (
        ['grid."gamma,mu_bar"=[[0.7, 0.1]]'],
        {"gamma": [0.7], "delta_mu": [0.1, 0.2]},
        {"mu_bar": [0.1]},
    ),
    "removed": (["grid.gamma, mu_bar="], {"delta_mu": [0.1, 0.2]}, {}),
}  # fmt: skip


@pytest.mark.parametrize("name", SET)
def test_set_replaces_what_varies_together(name):
    overrides, axes, columns = SET[name]
    assert varied(HEAD + THREE, *overrides) == (axes, columns)
    assert list(varied(HEAD + THREE, *overrides)[0]) == list(axes)  # in their old order


def test_set_of_one_of_three_leaves_two():
    three = '[grid]\n"gamma, mu_bar, injection" = [[0.1, 0.5, 0.2], [0.2, 0.6, 0.3]]\nN = [4, 6]\n'
    axes = {"mu_bar": [0.5, 0.6], "N": [4, 6]}
    assert varied(HEAD + three, "wire.gamma=0.4") == (axes, {"injection": [0.2, 0.3]})


def test_rows_that_are_none_are_still_reported_after_set():
    with pytest.raises(InputError, match=r"grid.mu_bar: entry 2: expected a finite number, got \[0.2\]"):
        parse(HEAD + '[grid]\n"gamma, mu_bar" = [[0.1, 0.5], [0.2]]\n', "sweep", ["wire.gamma=0.4"])


# Searches


@pytest.mark.optimized
def test_a_search_along_them_finds_what_searches_one_by_one_find():
    search = "[search]\nover = { mu_bar = [-1.9, 1.9] }\n"
    head = '[wire]\nlayout = "pair"\ngamma = 0.5\n'
    rows = ((0.3, 7), (0.5, 6), (0.7, 7))
    listed = ", ".join(f"[{gamma}, {N}]" for gamma, N in rows)
    together = f'[grid]\n"gamma, N" = [{listed}]\n[derive]\nonsite = "0.1 * gamma"\n'
    found = models.search(parse(head + together + search))
    assert found.search_gamma.values.tolist() == [0.3, 0.5, 0.7]
    assert found.search_N.values.tolist() == [7, 6, 7]
    np.testing.assert_array_equal(found.search_onsite, 0.1 * found.search_gamma)
    for i, (gamma, N) in enumerate(rows):
        text = head.replace("0.5", f"{gamma}\nN = {N}\nonsite = {0.1 * gamma!r}")
        alone = models.search(parse(text + search))
        here = found.sel(zero=found.searched == i)
        assert len(alone.mu_bar) == found.zeros[i]
        assert len(alone.mu_bar) >= 4
        assert set(here.N.values) == {N}
        np.testing.assert_allclose(np.sort(here.mu_bar), np.sort(alone.mu_bar), atol=1e-12)
