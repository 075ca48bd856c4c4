"""What every pattern owes: finite numbers on any index, a table that comes back, the wire of its list."""

import hashlib
import math

import numpy as np
import pytest

import jaxtransport as jt
from jaxtransport.models import parse, read
from jaxtransport.models.quantum.search import asked, wire_batch
from jaxtransport.parameters import QUANTUM
from jaxtransport.patterns import PATTERNS, paths, pattern_of
from jaxtransport.patterns.pattern import keys_of
from jaxtransport.search.current_difference import wires_at

# Numbers of each pattern, fit for a hopping.
EXAMPLES = {
    "alternating": {"values": [1.0, 0.5, 0.8]},
    "quasiperiodic": {"amplitude": 0.3, "frequency": 0.6180339887498949, "phase": 0.2},
    "disorder": {"width": 0.5, "seed": 7, "distribution": "box"},
    "step": {"values": [1.0, 0.6, 0.8], "at": [3, 6]},
    "gradient": {"first": 1.0, "last": 0.4},
}
CONSTANT = {"pattern": "alternating", "values": [1.0]}  # added to those that change their sign
pytestmark = pytest.mark.parametrize("name", PATTERNS)


def table(name):
    assert name in EXAMPLES, f"give {name} an example here"
    return {"pattern": name, **EXAMPLES[name]}


def hopping(name):
    """A sum that is positive, with the pattern in second place."""
    return [CONSTANT, table(name)]


def in_toml(value):
    if isinstance(value, list):
        return f"[{', '.join(map(in_toml, value))}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key} = {in_toml(part)}' for key, part in value.items())} }}"
    return f'"{value}"' if isinstance(value, str) else str(value)


def test_its_table_comes_back(name):
    assert pattern_of("hopping", table(name)).to_table() == table(name)


def test_numbers_are_finite_beyond_the_wire_too(name):
    pattern = pattern_of("hopping", table(name))
    assert np.all(np.isfinite(pattern.along(np.arange(50), 7)))
    np.testing.assert_array_equal(pattern.along(np.arange(50), 7)[:7], pattern.along(np.arange(7), 7))


def test_what_it_is_called_and_may_be(name):
    pattern = pattern_of("hopping", table(name))
    for path, row in paths.rows(QUANTUM["hopping"], pattern).items():
        assert row.name == path
        assert row.unit
        assert row.long_name
        assert row.symbol
    assert paths.numbers_of("hopping", pattern).keys() == paths.rows(QUANTUM["hopping"], pattern).keys()


def test_no_number_is_below_its_bound(name):
    pattern = pattern_of("hopping", table(name))
    assert np.all(pattern.along(np.arange(30), 30) >= np.min(pattern.lowest(30)))


def test_it_says_which_numbers_bend_it(name):
    """Where it is linear in a number, it is lowest at an end of a window, and checked there alone."""
    pattern = pattern_of("hopping", table(name))
    for path, row in paths.rows(QUANTUM["hopping"], pattern).items():
        old = paths.numbers_of("hopping", pattern)[path]
        tried = paths.within("hopping", pattern, path, old, old + 0.6)
        of = lambda value: paths.replaced("hopping", pattern, {path: value}).along(np.arange(9), 9)  # noqa: B023
        straight = np.allclose(of(old + 0.3), (of(old) + of(old + 0.6)) / 2, rtol=0, atol=1e-14)
        assert straight == (len(tried) == 2) or row.integer


def test_a_wire_has_the_numbers_of_the_list(name):
    wire = jt.Wire.pair(9, gamma=0.4, hopping=hopping(name), onsite=table(name))
    for key, value, count in (("hopping", hopping(name), 8), ("onsite", table(name), 9)):
        listed = pattern_of(key, value, of_bonds=key == "hopping").along(np.arange(count), count)
        np.testing.assert_array_equal(getattr(wire, key), listed)


def test_what_is_wrong_is_named(name):
    with pytest.raises(jt.InputError, match=r"onsite.nothing"):
        jt.Wire.pair(9, gamma=0.4, onsite=table(name) | {"nothing": 1.0})
    for key, needed in keys_of(PATTERNS[name]).items():
        without = {k: v for k, v in table(name).items() if k != key}
        if needed:
            with pytest.raises(jt.InputError, match=rf"onsite.{key}"):
                jt.Wire.pair(9, gamma=0.4, onsite=without)
        else:
            jt.Wire.pair(9, gamma=0.4, onsite=without)
    for key, number in PATTERNS[name].numbers.items():
        bad = [math.nan] * len(table(name)[key]) if number.listed else math.nan
        with pytest.raises(jt.InputError, match=r"onsite"):
            jt.Wire.pair(9, gamma=0.4, onsite=table(name) | {key: bad})


@pytest.mark.slow
def test_a_sweep_over_N_is_that_of_lists(name, tmp_path):
    data = run(tmp_path, name, "N = [4, 9]")
    for N in (4, 9):
        listed = pattern_of("hopping", hopping(name), of_bonds=True).along(np.arange(N - 1), N - 1).tolist()
        wire = jt.Wire.pair(N, gamma=0.4, hopping=listed)
        expected = jt.nonreciprocity(wire, mu_bar=0.3, delta_mu=0.1, injection=0.2)
        np.testing.assert_allclose(data.nonreciprocity.sel(N=N), expected, rtol=1e-12)
    assert name in data.attrs["patterns"]


@pytest.mark.slow
def test_its_numbers_are_axes(name, tmp_path):
    """Point by point the wire that Python makes, to the last bit of what is not a transcendental function."""
    pattern = pattern_of("hopping", hopping(name))
    for path, row in paths.rows(QUANTUM["hopping"], pattern).items():
        if path.startswith("hopping.1."):
            continue
        old = paths.numbers_of("hopping", pattern)[path]
        values = [old, old + 1 if row.integer else old * 0.9]
        if path.endswith("at[1]") or not row.integer or "seed" in path:
            data = run(tmp_path, name, f'N = [6, 9]\n"{path}" = {values}')
            assert data[path].attrs["units"] == row.unit
            for value in values:
                for N in (6, 9):
                    there = paths.replaced("hopping", pattern_of("hopping", hopping(name)), {path: value})
                    wire = jt.Wire.pair(N, gamma=0.4, hopping=there.to_table())
                    at = data.sel({"N": N, path: value})
                    np.testing.assert_allclose(at.bond_hopping[: N - 1], wire.hopping, rtol=3e-16)
                    assert np.isnan(at.bond_hopping[N - 1 :]).all()
                    expected = jt.nonreciprocity(wire, mu_bar=0.3, delta_mu=0.1, injection=0.2)
                    np.testing.assert_allclose(at.nonreciprocity, expected, rtol=1e-12)


def test_its_numbers_are_searched(name):
    """All but whole ones: at each value of a window the wire that Python makes."""
    pattern = pattern_of("hopping", hopping(name))
    for path, row in paths.rows(QUANTUM["hopping"], pattern).items():
        old = paths.numbers_of("hopping", pattern)[path]
        text = f'{wire_of(name)}[grid]\nN = [6, 9]\n[search]\nover = {{ "{path}" = [{0.9 * old}, {old}] }}\n'
        if row.integer:
            with pytest.raises(jt.InputError, match="whole number"):
                parse(text)
            continue
        spec = parse(text)
        _, model, _ = asked(spec)
        batch = wire_batch(spec, {"N": np.array([6, 9])}, np.arange(2))
        found = wires_at(model, batch, np.arange(2), np.array([[0.97, 0.92]]) * old)
        for i, (N, share) in enumerate([(6, 0.97), (9, 0.92)]):
            there = paths.replaced("hopping", pattern, {path: share * old})
            wire = jt.Wire.pair(N, gamma=0.4, hopping=there.to_table())
            np.testing.assert_allclose(found.hopping[: N - 1, i], wire.hopping, rtol=1e-15)
            np.testing.assert_array_equal(found.coupling[:N, i], wire.coupling)


DRIVE = "[drive]\nmu_bar = 0.3\ndelta_mu = 0.1\ninjection = 0.2\n"


def wire_of(name):
    return f'{DRIVE}[wire]\nlayout = "pair"\ngamma = 0.4\nhopping = {in_toml(hopping(name))}\n'


def run(tmp_path, name, grid):
    output = '[output]\nvariables = ["nonreciprocity", "bond_hopping"]\n'
    text = f"{wire_of(name)}{output}[grid]\n{grid}\n"
    path = tmp_path / f"{hashlib.sha256(text.encode()).hexdigest()[:8]}.toml"
    path.write_text(text)
    assert read(path).fingerprint == parse(text).fingerprint
    return jt.run(path, path.with_suffix(".h5"))
