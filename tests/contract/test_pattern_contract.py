"""What every pattern owes: finite numbers on any index, a table that comes back, the wire of its list."""

import numpy as np
import pytest

import jaxtransport as jt
from jaxtransport.models import parse, read
from jaxtransport.patterns import PATTERNS, pattern_of

# Numbers of each pattern, fit for a hopping.
EXAMPLES = {"alternating": {"values": [1.0, 0.5, 0.8]}}
pytestmark = pytest.mark.parametrize("name", PATTERNS)


def table(name):
    assert name in EXAMPLES, f"give {name} an example here"
    return {"pattern": name, **EXAMPLES[name]}


def in_toml(name):
    values = ", ".join(f"{key} = {value}" for key, value in table(name).items() if key != "pattern")
    return f'{{ pattern = "{name}", {values} }}'


def test_its_table_comes_back(name):
    assert pattern_of("hopping", table(name)).to_table() == table(name)


def test_numbers_are_finite_beyond_the_wire_too(name):
    pattern = pattern_of("hopping", table(name))
    assert np.all(np.isfinite(pattern.along(np.arange(50), 7)))
    np.testing.assert_array_equal(pattern.along(np.arange(50), 7)[:7], pattern.along(np.arange(7), 7))


def test_a_wire_has_the_numbers_of_the_list(name):
    wire = jt.Wire.pair(9, gamma=0.4, hopping=table(name), onsite=table(name))
    for key, count in (("hopping", 8), ("onsite", 9)):
        listed = pattern_of(key, table(name)).along(np.arange(count), count)
        np.testing.assert_array_equal(getattr(wire, key), listed)


def test_what_is_wrong_is_named(name):
    with pytest.raises(jt.InputError, match=r"hopping.nothing"):
        jt.Wire.pair(9, gamma=0.4, hopping=table(name) | {"nothing": 1.0})
    for key in EXAMPLES[name]:
        with pytest.raises(jt.InputError, match=rf"hopping.{key}"):
            jt.Wire.pair(9, gamma=0.4, hopping={k: v for k, v in table(name).items() if k != key})


@pytest.mark.slow
def test_a_sweep_over_N_is_that_of_lists(name, tmp_path):
    drive = "[drive]\nmu_bar = 0.3\ndelta_mu = 0.1\ninjection = 0.2\n"
    text = f'[wire]\nlayout = "pair"\ngamma = 0.4\nhopping = {in_toml(name)}\n{drive}[grid]\nN = [4, 9]\n'
    (tmp_path / "sweep.toml").write_text(text)
    spec = read(tmp_path / "sweep.toml")
    assert spec.fingerprint == parse(text).fingerprint
    data = jt.run(tmp_path / "sweep.toml", tmp_path / "out.h5")
    for N in (4, 9):
        listed = pattern_of("hopping", table(name)).along(np.arange(N - 1), N - 1).tolist()
        wire = jt.Wire.pair(N, gamma=0.4, hopping=listed)
        expected = jt.nonreciprocity(wire, mu_bar=0.3, delta_mu=0.1, injection=0.2)
        np.testing.assert_allclose(data.nonreciprocity.sel(N=N), expected, rtol=1e-12)
    assert name in data.attrs["patterns"]
