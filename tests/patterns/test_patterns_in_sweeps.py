"""Patterns in sweep files: what numbers are axes, what is refused and how, files of one sweep are alike."""

import numpy as np
import pytest
from support.patterned import SPEC

import jaxtransport as jt
from jaxtransport.models import parse, read, search
from jaxtransport.models.quantum import checks

DISORDER = 'onsite = { pattern = "disorder", width = 1.0, seed = 7 }'


def spec(wire, grid=""):
    return parse(SPEC.format(wire=wire, grid=grid))


def test_closed_forms_of_the_patterns():
    l = np.arange(1, 7)
    wire = lambda value: np.asarray(jt.Wire.pair(6, gamma=0.4, onsite=value).onsite)
    wave = {"pattern": "quasiperiodic", "amplitude": 0.4, "frequency": 0.618, "phase": 0.3}
    np.testing.assert_allclose(wire(wave), 0.4 * np.cos(2 * np.pi * 0.618 * l + 0.3), atol=1e-15)
    step = {"pattern": "step", "values": [0.0, 0.4, -0.1], "at": [3, 5]}
    np.testing.assert_array_equal(wire(step), [0, 0, 0.4, 0.4, -0.1, -0.1])
    slope = {"pattern": "gradient", "first": 0.0, "last": 0.3}
    np.testing.assert_allclose(wire(slope), np.linspace(0.0, 0.3, 6), atol=1e-16)
    np.testing.assert_allclose(wire([step, slope]), wire(step) + wire(slope), atol=1e-16)


def test_an_axis_may_be_the_only_place_of_a_number():
    """And files of one sweep have one fingerprint, whatever the table says of the number."""
    grid = '"onsite.seed" = [1, 2]'
    with_number = spec(f"N = 6\n{DISORDER}", grid)
    without = spec('N = 6\nonsite = { pattern = "disorder", width = 1.0, distribution = "box" }', grid)
    assert with_number.fingerprint == without.fingerprint
    assert with_number.fingerprint != spec(f"N = 6\n{DISORDER}", '"onsite.seed" = [1, 3]').fingerprint
    assert [axis.name for axis in without.axes] == ["onsite.seed"]
    listed = 'hopping = { pattern = "alternating", values = [1.0, 0.5] }'
    assert spec(f"N = 6\n{listed}", '"hopping.values[2]" = [0.3, 0.4]').axes[0].name == "hopping.values[2]"


TWO_STEPS = 'N = 6\nonsite = { pattern = "step", values = [0, 1, 2], at = [3, 3] }'
WRONG = {
    ('N = 6\nonsite = { pattern = "disorder", width = 1.0 }', ""): r"wire.onsite: seed: missing",
    ('N = 6\nonsite = { pattern = "disorder", width = -1.0, seed = 1 }', ""): r"wire.onsite: width: .*>= 0",
    ('N = 6\nonsite = { pattern = "disorder", width = 1.0, seed = 1.5 }', ""): r"wire.onsite: seed: .*whole",
    (f"N = 6\n{DISORDER}", '"onsite.sead" = [1]'): r"grid.onsite.sead: .*'onsite.seed'",
    (f"N = 6\n{DISORDER}", '"onsite.seed" = [1.5]'): r"grid.onsite.seed: .*whole",
    (f"N = 6\n{DISORDER}", '"onsite.width" = [-1.0]'): r"grid.onsite.width: .*>= 0",
    (f"N = 6\n{DISORDER}", '"hopping.width" = [1.0]'): r"grid.hopping.width: cannot be an axis",
    (
        'N = 6\nonsite = { pattern = "step", values = [0.0], at = [3] }',
        "",
    ): r"wire.onsite: values: .*got 1",
    (
        'N = 6\nonsite = { pattern = "step", values = [0, 1, 2], at = [3, 3] }',
        "",
    ): r"wire.onsite: at: .*ascending",
    ('N = 6\nhopping = { pattern = "disorder", width = 1.0, seed = 1 }', ""): r"wire.hopping: .*> 0.*-0.5",
    (
        'N = 6\nhopping = [{ pattern = "alternating", values = [1.0] }, '
        '{ pattern = "disorder", width = 1.0, seed = 1, distribution = "normal" }]',
        "",
    ): r"wire.hopping: normal disorder",
    (
        'N = 6\nhopping = [{ pattern = "alternating", values = [1.0] }, { pattern = "disorder", seed = 1 }]',
        '"hopping.2.width" = [1.0, 2.5]',
    ): r"wire.hopping: .*down to -0.25 at hopping.2.width = 2.5",
    ('N = 6\nhopping = { pattern = "gradient", first = 1.0, last = 0.0 }', ""): r"wire.hopping: last: .*> 0",
    ('N = 6\nonsite = [{ pattern = "gradient", first = 1.0 }]', ""): r"wire.onsite: 1.last: missing",
    ('N = 6\nonsite = [{ pattern = "gradient", first = 1.0, last = 2.0 }, 3.0]', ""): r"wire.onsite: .*alone",
}


@pytest.mark.parametrize(("wire", "grid"), WRONG)
def test_what_is_wrong_is_named(wire, grid):
    with pytest.raises(jt.InputError, match=WRONG[wire, grid]):
        spec(wire, grid)


@pytest.mark.slow
@pytest.mark.parametrize("kernel", ["chain", "dense"])
def test_disorder_over_lengths_seeds_and_widths(kernel, tmp_path):
    """Every point is the wire that Python makes, whatever shares its batch; stored to the bit."""
    grid = '"onsite.2.seed" = [0, 5]\nN = [5, 12]\n"onsite.2.width" = [0.5, 2.0]\ninjection = [0.1, 0.3]'
    slope, box = '{ pattern = "gradient", first = 0.0, last = 0.3 }', '{ pattern = "disorder" }'
    text = SPEC.format(wire=f"onsite = [{slope}, {box}]", grid=grid).replace("injection = 0.2\n", "")
    output = '[solve]\nkernel = "{}"\n[output]\nvariables = ["site_onsite", "nonreciprocity"]\n'
    (tmp_path / "s.toml").write_text(text + output.format(kernel))
    data = jt.run(tmp_path / "s.toml", tmp_path / "s.h5")
    assert data.attrs["patterns"] == "onsite=gradient (0, 0.3) + disorder (width, seed, box)"
    assert set(data.nonreciprocity.dims) == {"onsite.2.seed", "N", "onsite.2.width", "injection"}
    for seed in (0, 5):
        for N in (5, 12):
            for width in (0.5, 2.0):
                parts = [
                    {"pattern": "gradient", "first": 0.0, "last": 0.3},
                    {"pattern": "disorder", "width": width, "seed": seed},
                ]
                wire = jt.Wire.pair(N, gamma=0.4, onsite=parts)
                at = data.sel({"N": N, "onsite.2.seed": seed, "onsite.2.width": width, "injection": 0.3})
                np.testing.assert_allclose(at.site_onsite[:N], wire.onsite, rtol=0, atol=2e-16)
                assert np.isnan(at.site_onsite[N:]).all()
                expected = jt.nonreciprocity(wire, mu_bar=0.3, delta_mu=0.1, injection=0.3)
                np.testing.assert_allclose(at.nonreciprocity, expected, rtol=1e-11)


@pytest.mark.slow
def test_beyond_linear_response_and_in_a_search(tmp_path):
    text = SPEC.format(wire=f"N = 5\n{DISORDER}", grid='"onsite.seed" = [1, 2]')
    (tmp_path / "s.toml").write_text(
        text + '[solve]\nlaw = "series"\norder = 2\n[output]\nvariables = ["nonreciprocity", "site_onsite"]\n'
    )
    data = jt.run(tmp_path / "s.toml", tmp_path / "s.h5")
    for seed in (1, 2):
        wire = jt.Wire.pair(5, gamma=0.4, onsite={"pattern": "disorder", "width": 1.0, "seed": seed})
        at = data.sel({"onsite.seed": seed})
        np.testing.assert_array_equal(at.site_onsite, wire.onsite)
        expected = jt.nonreciprocity(wire, mu_bar=0.3, delta_mu=0.1, injection=0.2, law=jt.Series(2))
        np.testing.assert_allclose(at.nonreciprocity, expected, rtol=1e-10)


@pytest.mark.slow
def test_zeros_of_disordered_wires(tmp_path):
    """One search for each seed of a grid: the zeros of the wires that Python makes."""
    text = SPEC.format(wire=f"N = 6\n{DISORDER}", grid='"onsite.seed" = [1, 2]').replace("mu_bar = 0.3\n", "")
    found = search(parse(text + "[search]\nover = { mu_bar = [-1.9, 1.9] }\n"))
    for seed in (1, 2):
        wire = jt.Wire.pair(6, gamma=0.4, onsite={"pattern": "disorder", "width": 1.0, "seed": seed})
        alone = jt.find_zeros(wire, over={"mu_bar": (-1.9, 1.9)})
        here = found.mu_bar.values[found["onsite.seed"].values == seed]
        np.testing.assert_allclose(here, alone.mu_bar.values, atol=1e-12)
        assert len(here)


SLOPE_AND_DIP = (
    'hopping = [{ pattern = "gradient", first = 1.0, last = 0.2 }, '
    '{ pattern = "step", values = [0.0, -0.5, 0.0], at = [5, 6] }]'
)
SUMS = {
    (SLOPE_AND_DIP, "N = [4, 7, 100]"): r"wire.hopping: .*> 0 on every bond",
    (
        'N = 4\nhopping = [{ pattern = "alternating", values = [1.0] }, '
        '{ pattern = "quasiperiodic", amplitude = 1.05, frequency = 0.0 }]',
        '"hopping.2.phase" = { start = -1.5, stop = 4.78, num = 201 }',
    ): r"wire.hopping: .*down to -0.0.* at hopping.2.phase",
    (
        'N = 6\nonsite = { pattern = "step", values = [1.0, 2.0, 3.0], at = [3, 5] }',
        '"onsite.at[1]" = [2, 3, 5]',
    ): r"wire.onsite: at: expected sites in ascending order.* at onsite.at\[1\] = 5",
    (
        f"N = 6\n{DISORDER}",
        "onsite.width = [1.0, 2.0]",
    ): r'grid.onsite: put a name .* in quotes: "onsite.width"',
}


@pytest.mark.parametrize(("wire", "grid"), SUMS)
def test_numbers_that_do_not_go_together(wire, grid):
    with pytest.raises(jt.InputError, match=SUMS[wire, grid]):
        spec(wire, grid)


@pytest.mark.slow
def test_what_was_not_tried_has_a_status(tmp_path, monkeypatch):
    """A hopping below zero at points that nobody has looked at: status 4, the others as they are."""
    monkeypatch.setattr(checks, "MOST_TRIED", 2)
    wire = (
        'N = 4\nhopping = [{ pattern = "alternating", values = [1.0] }, '
        '{ pattern = "quasiperiodic", amplitude = 0.5, frequency = 0.0 }]'
    )
    grid = (
        '"hopping.2.phase" = { start = 0.0, stop = 6.28, num = 100 }\n"hopping.2.amplitude" = [0.5, 1.5, 0.6]'
    )
    (tmp_path / "s.toml").write_text(SPEC.format(wire=wire, grid=grid))
    data = jt.run(tmp_path / "s.toml", tmp_path / "s.h5")
    negative = 1 + data["hopping.2.amplitude"] * np.cos(data["hopping.2.phase"]) <= 0
    assert negative.any()
    np.testing.assert_array_equal(data.status, np.where(negative.transpose(*data.status.dims), 4, 0))


def test_new_keys_can_be_set(tmp_path):
    (tmp_path / "s.toml").write_text(
        SPEC.format(wire=f"N = 6\n{DISORDER}", grid='"onsite.width" = [1.0, 2.0]')
    )

    made = lambda *overrides: read(tmp_path / "s.toml", overrides=overrides)
    for key in ('grid."onsite.seed"', "grid.onsite.seed"):
        assert [axis.name for axis in made(f"{key}=[1, 2]").axes] == ["onsite.width", "onsite.seed"]
    assert made('grid."onsite.width"=').axes == ()
    single = made("wire.onsite.width=3.0")
    assert single.axes == ()
    assert single.tables["wire"].onsite["width"] == 3.0
    kind = made('reservoirs.leads.kind="wide"', "reservoirs.middle.kind=wide").tables["reservoirs"]
    assert kind.leads == kind.middle == {"kind": "wide"}
    with pytest.raises(jt.InputError, match=r"expected table.key=value"):
        made("wire..onsite=1")
    with pytest.raises(jt.InputError, match=r"wire.N: expected a table"):
        made("wire.N.width=1")


@pytest.mark.slow
def test_a_pattern_with_a_swept_number_is_not_one_number(tmp_path):
    wire = 'N = 4\nhopping = { pattern = "alternating", values = [1.0, 0.5] }'
    (tmp_path / "s.toml").write_text(SPEC.format(wire=wire, grid='"hopping.values[2]" = [0.3, 0.4]'))
    data = jt.run(tmp_path / "s.toml", tmp_path / "s.h5")
    assert "hopping" not in data.coords
    assert "hopping" in data.attrs["lists"].split()
    assert data.attrs["patterns"] == "hopping=alternating (1, values[2])"
