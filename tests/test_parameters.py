"""What a search may vary: names, windows, and the coordinate that is scanned."""

import re

import numpy as np
import pytest

from jaxtransport.coordinates import DRIVE, PER_SITE, UNIFORM, Coordinate, coordinate, window
from jaxtransport.errors import InputError
from jaxtransport.parameters import QUANTUM


@pytest.mark.parametrize("name", DRIVE + UNIFORM)
def test_a_name_without_a_site(name):
    assert coordinate(name) == Coordinate(QUANTUM[name])
    assert coordinate(name).name == name
    assert coordinate(name).label == (QUANTUM[name].unit, QUANTUM[name].long_name, QUANTUM[name].symbol)


@pytest.mark.parametrize("quantity", PER_SITE)
def test_a_name_with_a_site(quantity):
    one = coordinate(f"{quantity}[12]")
    assert one == Coordinate(QUANTUM[quantity], 12)
    assert one.name == f"{quantity}[12]"
    unit, long_name, symbol = one.label
    assert unit == QUANTUM[quantity].unit
    assert long_name.endswith("bond 12" if quantity == "hopping" else "site 12")
    assert symbol.endswith("_{12}")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("mubar", "did you mean 'mu_bar'?"),
        ("gama", "did you mean 'gamma'?"),
        ("gama[2]", "did you mean 'gamma'?"),
        ("strength", "did you mean 'strength[site]'?"),
        ("mu_bar[2]", "'mu_bar[2]' cannot be varied"),
        ("gamma[-1]", "cannot be varied"),
        ("gamma[1.5]", "cannot be varied"),
        ("gamma[]", "cannot be varied"),
        ("contact[1]", "cannot be varied"),
        ("length of the wire", "expected one of mu_bar, delta_mu"),
        ("", "expected one of"),
        (None, "None cannot be varied"),
        (3, "3 cannot be varied"),
    ],
)
def test_a_name_that_there_is_not(name, says):
    with pytest.raises(InputError, match=re.escape(says)):
        coordinate(name)


def test_sites_may_be_left_out():
    with pytest.raises(InputError, match=re.escape("'gamma[2]' cannot be varied")):
        coordinate("gamma[2]", per_site=False)


SCANNED = {
    "mu_bar": (np.array([-1.9, 0.0, 1.0]), np.arcsin([-0.95, 0.0, 0.5])),
    "gamma": (np.array([0.01, 0.1, 1.0]), np.log([0.01, 0.1, 1.0])),
    "gamma[3]": (np.array([0.1, 0.7]), np.log([0.1, 0.7])),
    "contact": (np.array([0.1, 0.7]), np.log([0.1, 0.7])),
    "hopping": (np.array([0.1, 0.7]), np.log([0.1, 0.7])),
    "onsite": (np.array([-3.0, 0.0, 0.7]), np.arcsinh([-3.0, 0.0, 0.7])),
    "onsite[3]": (np.array([-3.0, 0.0, 0.7]), np.arcsinh([-3.0, 0.0, 0.7])),
    "strength[3]": (np.array([-3.0, 0.0]), np.array([-3.0, 0.0])),
    "injection": (np.array([-0.3, 0.0]), np.array([-0.3, 0.0])),
    "delta_mu": (np.array([0.1, 0.2]), np.array([0.1, 0.2])),
    "temperature": (np.array([0.0, 0.1]), np.array([0.0, 0.1])),
}


@pytest.mark.parametrize("name", SCANNED)
def test_the_coordinate_that_is_scanned(name):
    one, (value, u) = coordinate(name), SCANNED[name]
    np.testing.assert_array_equal(one.scan.to(value), u)
    # There and back: two roundings, which log and arcsin stretch by at most 5 here.
    np.testing.assert_allclose(one.scan.back(u), value, rtol=1e-15, atol=1e-15)
    step = 1e-6
    slope = (one.scan.back(u + step) - one.scan.back(u - step)) / (2 * step)
    # Central difference: step^2 / 6 and 1e-16 / step.
    np.testing.assert_allclose(one.scan.stretch(value), slope, rtol=1e-8)


def test_the_edges_of_the_band_are_those_of_the_coordinate():
    """arcsin loses half its digits there, where they mean nothing: mu_bar is flat in u."""
    mu_bar, edges = coordinate("mu_bar"), np.array([-2.0, 2.0])
    np.testing.assert_allclose(mu_bar.scan.to(edges), [-np.pi / 2, np.pi / 2], rtol=1e-15)
    assert mu_bar.scan.back(mu_bar.scan.to(edges)).tolist() == [-2, 2]
    assert mu_bar.scan.stretch(edges).tolist() == [0, 0]


@pytest.mark.parametrize(
    ("name", "bounds"),
    [
        ("mu_bar", (-2, 2)),
        ("gamma", [0.1, 1]),
        ("temperature", (0, 0.1)),
        ("onsite[2]", (-3, 3)),
        ("injection", (np.float64(-1), 1)),
    ],
)
def test_a_window(name, bounds):
    assert window(coordinate(name), bounds) == tuple(bounds)
    assert all(type(bound) is float for bound in window(coordinate(name), bounds))


@pytest.mark.parametrize(
    ("name", "bounds", "says"),
    [
        ("mu_bar", 1.0, "expected two numbers, (low, high)"),
        ("mu_bar", (1.0,), "expected two numbers, (low, high)"),
        ("mu_bar", (0, 1, 2), "expected two numbers, (low, high)"),
        ("mu_bar", "ab", "expected two numbers, (low, high)"),
        ("mu_bar", None, "expected two numbers, (low, high)"),
        ("gamma", (0.1, None), "expected two numbers, (low, high)"),
        ("gamma", (0.1, np.nan), "(low, high), each a number > 0"),
        ("onsite", (-np.inf, 1), "(low, high), each a finite number"),
        ("injection", (False, True), "expected two numbers, (low, high)"),
        ("gamma", (0.9, 0.1), "(low, high) with low < high"),
        ("gamma", (0.5, 0.5), "an empty window"),
        ("mu_bar", (-2.1, 1), "outside the band"),
        ("mu_bar", (0, 2.0001), "outside the band"),
        ("gamma", (0.0, 1), "each a number > 0"),
        ("gamma[3]", (-0.5, 1), "each a number > 0"),
        ("contact", (0.0, 1), "each a number > 0"),
        ("hopping", (-1, 1), "each a number > 0"),
        ("delta_mu", (0, 0.1), "each a number > 0"),
        ("temperature", (-0.1, 0.1), "each a number >= 0"),
    ],
)
def test_a_wrong_window(name, bounds, says):
    with pytest.raises(InputError, match=re.escape(says)) as error:
        window(coordinate(name), bounds)
    assert name in str(error.value)
