"""Numbers of patterns as parameters of a search: the zeros that Python finds, files, what is refused."""

import jax
import numpy as np
import pytest
from support.patterned import SPEC

import jaxtransport as jt
from jaxtransport.models import parse, read, search
from jaxtransport.models.fixed import described
from jaxtransport.parameters import QUANTUM
from jaxtransport.plot.zeros import draw_search

DISORDER = 'onsite = { pattern = "disorder", seed = 1 }'
SSH = 'hopping = { pattern = "alternating", values = [1.0, 0.5] }'


def spec(wire, over, grid="", overrides=()):
    text = SPEC.format(wire=wire, grid=grid) + f"[search]\nover = {{ {over} }}\n"
    if "mu_bar" in over:
        text = text.replace("mu_bar = 0.3\n", "")
    return parse(text, overrides=overrides)


def pair(N, **pattern):
    return jt.Wire.pair(N, gamma=0.4, **pattern)


def disordered(N, width, seed):
    return pair(N, onsite={"pattern": "disorder", "width": width, "seed": seed})


@pytest.mark.slow
def test_widths_at_which_disordered_wires_are_reciprocal():
    """Over lengths and seeds: those of the function, and Delta I by itself changes its sign there."""
    grid = 'N = [7, 9]\n"onsite.seed" = [1, 2]'
    found = search(spec('onsite = { pattern = "disorder" }', '"onsite.width" = [0.1, 2.5]', grid))
    seen = 0
    for N in (7, 9):
        for seed in (1, 2):
            make = lambda width: disordered(N, width, seed)  # noqa: B023
            here = (found.N.values == N) & (found["onsite.seed"].values == seed)
            alone = jt.find_zeros(make, over={"width": (0.1, 2.5)}, mu_bar=0.3)
            zeros = found["onsite.width"].values[here]
            np.testing.assert_allclose(zeros, alone.width, rtol=1e-12)
            np.testing.assert_allclose(found.slope[here], 0.2 * alone.slope, rtol=1e-9)
            for zero in zeros:
                near = [make(width) for width in (zero - 1e-5, zero, zero + 1e-5)]
                below, at, above = (
                    float(jt.nonreciprocity(wire, mu_bar=0.3, delta_mu=0.1, injection=1.0)) for wire in near
                )
                assert abs(at) < 1e-14
                assert below * above < 0
            seen += len(zeros)
    assert seen == found.sizes["zero"] > 4
    (axes,) = draw_search(found, ("onsite.width",), x="onsite.seed").axes
    assert axes.get_ylabel() == r"$W$ ($\gamma_o$)"


@pytest.mark.slow
def test_curves_of_an_ssh_chain():
    """Over mu_bar and the second hopping: Delta I = 0 there, and as Python has them."""
    text = SPEC.format(wire=f"N = 9\n{SSH}", grid="").replace("mu_bar = 0.3\n", "")
    over = '[search]\nover = { mu_bar = [-1.9, 1.9], "hopping.values[2]" = [0.3, 1.5] }\n'
    found = search(parse(text + over))
    make = lambda t: pair(9, hopping={"pattern": "alternating", "values": [1.0, t]})
    alone = jt.find_zeros(make, over={"mu_bar": (-1.9, 1.9), "t": (0.3, 1.5)})
    assert found.sizes["line"] == alone.sizes["line"] > 2
    np.testing.assert_allclose(found["hopping.values[2]"], alone.t, rtol=1e-12)
    np.testing.assert_allclose(found.mu_bar, alone.mu_bar, rtol=0, atol=1e-12)
    at = jax.jit(
        jax.vmap(lambda t, mu_bar: jt.nonreciprocity(make(t), mu_bar=mu_bar, delta_mu=0.1, injection=0.2))
    )
    assert np.max(np.abs(at(found["hopping.values[2]"].values, found.mu_bar.values))) < 1e-13
    i, j = np.array([50, 7]), np.array([20, 150])
    values = at(found["hopping.values[2]_map"].values[j], found.mu_bar_map.values[i])
    np.testing.assert_allclose(found.nonreciprocity.values[i, j], values, rtol=1e-9)
    row = found["hopping.values[2]"].attrs
    assert row == {"units": "gamma_o", "long_name": "value 2, hopping amplitude", "symbol": "t_{2}"}
    assert found.attrs["patterns"] == "hopping=alternating (1, values[2])"
    assert "hopping" not in found.coords
    axes, _ = draw_search(found, ("mu_bar", "hopping.values[2]")).axes
    assert axes.get_ylabel() == r"$t_{2}$ ($\gamma_o$)"


@pytest.mark.slow
@pytest.mark.parametrize("law", ["series", "exact"])
def test_beyond_linear_response(law):
    text = SPEC.format(wire=f"N = 5\n{DISORDER}", grid="") + f'[solve]\nlaw = "{law}"\n'
    found = search(parse(text + '[search]\nover = { "onsite.width" = [0.1, 2.5] }\n'))
    kind = {"series": jt.Series(3), "exact": jt.Exact()}[law]
    assert found.sizes["zero"]
    drive = {"mu_bar": 0.3, "delta_mu": 0.1, "injection": 0.2, "law": kind}
    for width in found["onsite.width"].values:
        below, at, above = (
            float(jt.nonreciprocity(disordered(5, w, 1), **drive))
            for w in (width - 1e-4, width, width + 1e-4)
        )
        assert abs(at) < 1e-11  # accuracy of the exact law
        assert below * above < 0


@pytest.mark.slow
def test_two_numbers_of_a_sum():
    slope, box = '{ pattern = "gradient", first = 0.0 }', '{ pattern = "disorder", seed = 2 }'
    over = '"onsite.1.last" = [-1.0, 1.0], "onsite.2.width" = [0.1, 2.0]'
    found = search(spec(f"N = 8\nonsite = [{slope}, {box}]", over))
    for i in range(0, found.sizes["zero"], 30):
        last, width = (float(found[name][i]) for name in ("onsite.1.last", "onsite.2.width"))
        parts = [
            {"pattern": "gradient", "first": 0.0, "last": last},
            {"pattern": "disorder", "width": width, "seed": 2},
        ]
        value = jt.nonreciprocity(pair(8, onsite=parts), mu_bar=0.3, delta_mu=0.1, injection=0.2)
        assert abs(float(value)) < 1e-13
    assert found.sizes["line"]


def test_one_search_has_one_fingerprint():
    """Whatever the table says of the number that is searched, or nothing."""
    over = '"onsite.width" = [0.1, 2.0]'
    without = spec(f"N = 6\n{DISORDER}", over)
    with_number = spec('N = 6\nonsite = { pattern = "disorder", width = 0.7, seed = 1 }', over)
    assert without.fingerprint == with_number.fingerprint
    assert without.fingerprint != spec(f"N = 6\n{DISORDER}", '"onsite.width" = [0.1, 2.1]').fingerprint
    said = described(without, QUANTUM)
    assert said["searched"] == "onsite.width"
    assert said["patterns"] == "onsite=disorder (width, 1, box)"


def test_a_window_can_be_set(tmp_path):
    text = SPEC.format(wire=f"N = 6\n{DISORDER}", grid="")
    (tmp_path / "s.toml").write_text(text + '[search]\nover = { "onsite.width" = [0.1, 2.0] }\n')
    made = lambda *overrides: read(tmp_path / "s.toml", overrides=overrides).search
    assert made('search.over."onsite.width"=[0.5, 1.0]') == {"onsite.width": (0.5, 1.0)}
    assert made("search.over.onsite.width=[0.5, 1.0]") == {"onsite.width": (0.5, 1.0)}
    assert set(made("search.over.gamma=[0.5, 1.0]")) == {"onsite.width", "gamma"}
    assert made("search.over.onsite.width=", "search.over.gamma=[0.5, 1.0]", "wire.onsite.width=1.0") == {
        "gamma": (0.5, 1.0)
    }


CONSTANT = '{ pattern = "alternating", values = [1.0] }'
WRONG = {
    (DISORDER, '"onsite.width" = [-1.0, 2.0]'): r"onsite.width: expected \[low, high\], each a number >= 0",
    (DISORDER, '"onsite.width" = [2.0, 2.0]'): r"onsite.width: an empty window",
    (DISORDER, '"onsite.width" = [2.0]'): r"onsite.width: expected two numbers",
    ('onsite = { pattern = "disorder", width = 1.0 }', '"onsite.seed" = [0, 9]'): r"whole number.*an axis",
    (DISORDER, '"onsite.widht" = [0.1, 2.0], mu_bar = [0, 1]'): r"wire.onsite: width: missing",
    (SSH, '"hopping.values[3]" = [0.1, 2.0]'): r"'hopping.values\[3\]' cannot .*'hopping.values\[2\]'",
    (SSH, '"hopping.values[2]" = [0.0, 2.0]'): r"hopping.values\[2\]: .*a number > 0",
    ("", '"onsite.width" = [0.1, 2.0]'): r"'onsite.width' cannot be varied",
    (DISORDER, "onsite.width = [0.1, 2.0]"): r'in quotes: "onsite.width"',
    (
        f'hopping = [{CONSTANT}, {{ pattern = "disorder", seed = 1 }}]',
        '"hopping.2.width" = [1.0, 2.5]',
    ): r"wire.hopping: .*> 0 on every bond.* down to -0.25 at hopping.2.width = 2.5",
    (  # at both ends of the window all hoppings are positive
        f'hopping = [{CONSTANT}, {{ pattern = "quasiperiodic", amplitude = 1.1, frequency = 0.0 }}]',
        '"hopping.2.phase" = [-1.5, 5.0]',
    ): r"wire.hopping: .*> 0 on every bond.* at hopping.2.phase",
}


@pytest.mark.parametrize(("wire", "over"), WRONG)
def test_what_is_wrong_is_named(wire, over):
    with pytest.raises(jt.InputError, match=WRONG[wire, over]):
        spec(f"N = 6\n{wire}", over)


def test_a_number_is_not_searched_and_swept():
    with pytest.raises(jt.InputError, match=r"grid.onsite.width: .* also searched"):
        spec(f"N = 6\n{DISORDER}", '"onsite.width" = [0.1, 2.0]', '"onsite.width" = [1.0]')
