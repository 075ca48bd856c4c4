"""Parameters computed from others: columns of a result along what their formulas depend on."""

import numpy as np
import pytest
from support import swept
from support.swept import HEAD

import jaxtransport as jt
from jaxtransport.models import parse

DISORDER = HEAD.replace("gamma  = 0.5", 'gamma = 0.5\nonsite = { pattern = "disorder", width = 1.0 }')


def dimers(**values):
    return jt.Wire.dimers(**({"N": 8, "gamma": 0.5} | values))


def test_a_formula_of_fixed_numbers_is_one_number(tmp_path):
    data = swept.run(tmp_path, HEAD + '[derive]\ngamma = "hopping / (2 * mu_bar + N)"\n')
    assert data.gamma.dims == ()
    assert data.gamma.item() == 1 / (2 * 1.0 + 8)
    assert "gamma" not in data.attrs["lists"]
    assert swept.compare(data, dimers, "gamma") == 1


def test_a_formula_varies_along_the_axes_that_it_names(tmp_path):
    text = (
        HEAD
        + """
        [grid]
        mu_bar = [0.5, 1.0]
        N = [4, 8]
        delta_mu = [0.1, 0.2, 0.3]
        [derive]
        injection = "0.1 * delta_mu"
        gamma = "0.5 / sqrt(N) + 0.01 * mu_bar"
    """
    )
    data = swept.run(tmp_path, text)
    assert data.conductance.dims == ("mu_bar", "N", "delta_mu")
    assert data.injection.dims == ("delta_mu",)
    assert data.gamma.dims == ("mu_bar", "N")
    np.testing.assert_array_equal(data.injection, 0.1 * data.delta_mu)
    np.testing.assert_array_equal(data.gamma, (0.5 / np.sqrt(data.N) + 0.01 * data.mu_bar).T)
    assert data.gamma.attrs["long_name"] == "coupling of sources and drains"
    assert data.injection.attrs["units"] == "1"
    assert swept.compare(data, dimers, "gamma", "N") == 12


def test_an_injection_along_bias_and_length(tmp_path):
    """The bias costs nothing where the injection follows it alone, and one computation each where N does."""
    text = HEAD + '[grid]\ndelta_mu = [0.1, 0.4]\nN = [6, 4]\n[derive]\ninjection = "delta_mu * (N - 3)"\n'
    data = swept.run(tmp_path, text)
    assert data.injection.dims == ("delta_mu", "N")
    np.testing.assert_array_equal(data.injection, data.delta_mu * (data.N - 3))
    assert swept.compare(data, dimers, "N") == 4


def test_an_absolute_current_that_follows_the_bias(tmp_path):
    text = (
        HEAD.replace("injection = 0.3", "")
        + '[grid]\ndelta_mu = [0.1, 0.4]\n[derive]\nI_g = "delta_mu ** 2"\n'
    )
    data = swept.run(tmp_path, text)
    for at, one in swept.points(data, "delta_mu", "I_g"):
        assert at["I_g"] == pytest.approx(at["delta_mu"] ** 2, rel=1e-15)
        state = jt.solve(dimers(), mu_bar=1.0, delta_mu=at["delta_mu"], injection=2 * np.pi * at["delta_mu"])
        assert one.current_forward.item() == pytest.approx(float(state.current), rel=1e-12)


def test_lengths_seeds_and_numbers_of_patterns_are_derived(tmp_path):
    text = (
        DISORDER
        + """
        [grid]
        gamma = [0.25, 0.5, 0.75]
        [derive]
        N = "4 + 8 * gamma"
        "onsite.seed" = "N / 2 + 1"
        "onsite.width" = "2 * sqrt(onsite.seed) / N"
    """
    )
    data = swept.run(tmp_path, text)
    assert data.N.values.tolist() == [6, 8, 10]
    assert data.N.dtype == data["onsite.seed"].dtype == np.int64
    assert data["onsite.seed"].values.tolist() == [4, 5, 6]
    np.testing.assert_array_equal(data["onsite.width"], 2 * np.sqrt(data["onsite.seed"]) / data.N)

    def wire(N, gamma, **numbers):
        disorder = {"width": numbers["onsite.width"], "seed": numbers["onsite.seed"]}
        return dimers(N=N, gamma=gamma, onsite={"pattern": "disorder", **disorder})

    assert swept.compare(data, wire, "N", "gamma", "onsite.width", "onsite.seed") == 3


def test_formulas_of_formulas_in_any_order(tmp_path):
    text = (
        HEAD
        + """
        [grid]
        "mu_bar, N" = [[0.5, 4], [1.0, 6]]
        delta_mu = [0.1, 0.2]
        [derive]
        injection = "contact * delta_mu"
        contact = "2 * gamma"
        gamma = "mu_bar / N"
    """
    )
    data = swept.run(tmp_path, text)
    np.testing.assert_array_equal(data.gamma, data.mu_bar / data.N)
    assert data.contact.dims == ("mu_bar",)
    assert data.injection.dims == ("mu_bar", "delta_mu")
    np.testing.assert_array_equal(data.injection, 2 * data.gamma * data.delta_mu)
    wire = lambda N, gamma, contact: dimers(N=N, gamma=gamma, contact=contact)
    assert swept.compare(data, wire, "N", "gamma", "contact") == 4


def test_whole_numbers_forgive_rounding_and_no_more():
    spec = parse(HEAD + '[derive]\nN = "100 * 0.29 - 3"\n')  # 26 less a rounding
    assert 100 * 0.29 - 3 != 26
    assert spec.varied("N").values.item() == 26
    assert spec.varied("N").values.dtype == int


def test_minus_nought_is_nought():
    spec = parse(HEAD + '[grid]\nmu_bar = [0.0, 1.0]\n[derive]\nonsite = "-mu_bar"\n')
    assert not np.signbit(spec.varied("onsite").values[0])


# What is computed, and what --set makes of it

FORMULAS = """
[grid]
N = [4, 6]
[derive]
injection = "0.1 * (gamma + mu_bar)"
gamma = "0.5 / sqrt(N)"
"""
SAME = {
    "blanks": ('"0.5 / sqrt(N)"', '" .50/sqrt( N )"'),
    "needless parentheses": ('"0.5 / sqrt(N)"', '"(0.5) / (sqrt((N)))"'),
    "order of the keys": (
        'injection = "0.1 * (gamma + mu_bar)"\ngamma = "0.5 / sqrt(N)"',
        'gamma = "0.5 / sqrt(N)"\ninjection = "0.1 * (gamma + mu_bar)"',
    ),
    "what a formula overrides": ("gamma  = 0.5", "gamma  = 0.7"),
    "a literal text": ('"0.5 / sqrt(N)"', "'0.5 / sqrt(N)'"),
}
OTHER = {
    "another number": ("0.5 / sqrt(N)", "0.4 / sqrt(N)"),
    "another order of rounding": ("0.1 * (gamma + mu_bar)", "0.1 * gamma + 0.1 * mu_bar"),
    "a fixed number that a formula names": ("mu_bar    = 1.0", "mu_bar    = 0.9"),
    "a value of the axis": ("N = [4, 6]", "N = [4, 8]"),
    "one formula fewer": ('gamma = "0.5 / sqrt(N)"', ""),
}


@pytest.mark.parametrize("name", SAME)
def test_fingerprint_is_blind_to_how_a_formula_is_written(name):
    old, new = SAME[name]
    text = HEAD + FORMULAS
    assert old in text
    assert parse(text.replace(old, new)).fingerprint == parse(text).fingerprint


@pytest.mark.parametrize("name", OTHER)
def test_fingerprint_sees_what_a_formula_computes(name):
    old, new = OTHER[name]
    text = HEAD + FORMULAS
    assert old in text
    assert parse(text.replace(old, new)).fingerprint != parse(text).fingerprint


SET = {
    "a number": ("wire.gamma=0.4", None, [4, 6]),
    "another formula": ('derive.gamma="1 / N"', [0.25, 1 / 6], [4, 6]),
    "a formula without quotes": ("derive.gamma=1 / N", [0.25, 1 / 6], [4, 6]),
    "an axis": ("grid.gamma=[0.3, 0.2]", [0.3, 0.2], [4, 6]),
    "removed": ("derive.gamma=", None, [4, 6]),
    "another axis": ("grid.N=[4]", [0.25], [4]),
}


@pytest.mark.parametrize("name", SET)
def test_set_replaces_a_formula(name):
    override, gamma, N = SET[name]
    spec = parse(HEAD + FORMULAS, "sweep", [override])
    assert parse(spec.text).fingerprint == spec.fingerprint
    assert spec.axis("N").values.tolist() == N
    found = spec.varied("gamma")
    assert (None if found is None else found.values.tolist()) == gamma
    fixed = {"a number": 0.4, "removed": 0.5}.get(name)
    assert spec.canonical().get("wire.gamma") == fixed


def test_set_of_a_formula_replaces_an_axis():
    spec = parse(HEAD + FORMULAS, "sweep", ['derive.N="8"'])
    assert spec.axes == ()
    assert spec.varied("N").values.item() == 8
    assert spec.varied("gamma").values.item() == 0.5 / np.sqrt(8)


def test_set_of_a_number_in_a_pattern_replaces_its_formula():
    text = DISORDER + '[derive]\n"onsite.seed" = "N + 1"\n'
    assert parse(text).varied("onsite.seed").values.item() == 9
    spec = parse(text, "sweep", ["wire.onsite.seed=3"])
    assert spec.varied("onsite.seed") is None
    assert spec.tables["wire"].onsite["seed"] == 3
