"""Lengths of wires at which Delta I vanishes, or between which it changes sign."""

import re

import numpy as np
import pytest
from support import engine, reference
from support.wires import make

import jaxtransport as jt
from jaxtransport import layout as layouts
from jaxtransport.closed_forms import pair
from jaxtransport.errors import InputError
from jaxtransport.search import families


def one_pair(N, gamma=0.5):
    return make(layouts.pair(N), gamma=gamma)


@pytest.mark.slow
def test_one_pair_at_mu_bar_one_is_reciprocal_at_every_third_length():
    found = jt.find_zeros(one_pair, over={"N": (4, 40)}, mu_bar=1.0)
    np.testing.assert_array_equal(found["N"], np.arange(6, 40, 3))
    assert np.all(found["exact"] == 1)
    assert np.all(found["family"] == families.FIRST)
    assert np.all(found["residual"] < 1e-14)  # sums of N transmissions
    np.testing.assert_array_equal(found["length"], np.arange(4, 41))
    exact = [pair.nonreciprocity(N, 1.0, 0.5) for N in range(4, 41)]
    np.testing.assert_allclose(found["nonreciprocity"], exact, rtol=0, atol=1e-13)
    assert found.message == "Delta I vanishes at 12 lengths in 4 <= N <= 40"


@pytest.mark.slow
def test_between_other_lengths_delta_I_changes_sign_and_the_nearer_one_is_told():
    found = jt.find_zeros(one_pair, over={"N": (4, 40)}, mu_bar=0.3)
    values, lengths = found["nonreciprocity"].values, found["length"].values
    crossing = np.flatnonzero(values[1:] * values[:-1] < 0)
    assert len(crossing) > 1
    nearer = {lengths[i + (abs(values[i + 1]) < abs(values[i]))] for i in crossing}
    assert found["N"].values.tolist() == sorted(nearer)
    assert np.all(found["exact"] == 0)
    assert np.all(found["family"] == 0)
    for N, slope, residual in zip(
        found["N"].values, found["slope"].values, found["residual"].values, strict=True
    ):
        here = reference.nonreciprocity(reference.chain_of(one_pair(N)), 0.3, 0.1, 1.0)
        np.testing.assert_allclose(residual, abs(here), rtol=0, atol=1e-12)  # roundings of a dense inverse
        if N < 40:
            following = reference.nonreciprocity(reference.chain_of(one_pair(N + 1)), 0.3, 0.1, 1.0)
            np.testing.assert_allclose(slope, following - here, rtol=0, atol=1e-12)


def test_lengths_that_make_no_wire_are_passed_over():
    found = jt.find_zeros(lambda N: make(layouts.dimers(N), gamma=0.5), over={"N": (4, 40)}, mu_bar=1.0)
    np.testing.assert_array_equal(found["length"], np.arange(4, 41, 2))
    assert found.sizes["zero"] == 0
    assert "no zero of Delta I in 4 <= N <= 40" in found.message
    assert "18 lengths allow no wire and were skipped" in found.message
    wire = make(layouts.dimers(8), gamma=0.5)
    at_eight = found["nonreciprocity"].values[2]
    np.testing.assert_allclose(
        at_eight, engine.nonreciprocity(wire, "chain", 1.0, 0.1, 1.0), rtol=0, atol=1e-14
    )


def test_a_wire_that_is_flat_at_every_length():
    probes = lambda N: make(layouts.custom(N, probes=[2]), gamma=0.5)
    found = jt.find_zeros(probes, over={"N": (4, 40)}, mu_bar=1.0)
    assert found.sizes["zero"] == 0
    assert found.message.startswith("flat: Delta I vanishes at every length in 4 <= N <= 40: no source")


def not_a_wire(N):
    return N


def fails(N):
    raise ZeroDivisionError("of its own")


@pytest.mark.parametrize(
    ("wire", "over", "drive", "says"),
    [
        (one_pair(4), {"N": (4, 8)}, {"mu_bar": 1.0}, "expected a function from N to a wire"),
        ([one_pair(4)], {"N": (4, 8)}, {"mu_bar": 1.0}, "expected a function from N to a wire"),
        (one_pair, {"N": (4, 8), "gamma": (0.1, 1)}, {"mu_bar": 1.0}, "'N' must be searched alone"),
        (one_pair, {"N": (4.5, 8)}, {"mu_bar": 1.0}, "two whole numbers"),
        (one_pair, {"N": (8, 4)}, {"mu_bar": 1.0}, "low < high"),
        (one_pair, {"N": 8}, {"mu_bar": 1.0}, "expected two numbers"),
        (one_pair, {"N": (4, np.nan)}, {"mu_bar": 1.0}, "each a finite number"),
        (one_pair, {"N": (4, np.inf)}, {"mu_bar": 1.0}, "each a finite number"),
        (one_pair, {"N": (True, 8)}, {"mu_bar": 1.0}, "expected two numbers"),
        (one_pair, {"N": (4, 10**7)}, {"mu_bar": 1.0}, "expected at most"),
        (one_pair, {"N": (4, 8)}, {}, "mu_bar: missing"),
        (one_pair, {"N": (2, 3)}, {"mu_bar": 1.0}, "expected N >= 4"),
        (not_a_wire, {"N": (4, 8)}, {"mu_bar": 1.0}, "the function gives 4 at N = 4"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_call(wire, over, drive, says):
    with pytest.raises(InputError, match=re.escape(says)):
        jt.find_zeros(wire, over=over, **drive)


def test_an_error_of_the_function_itself_comes_through():
    with pytest.raises(ZeroDivisionError, match="of its own"):
        jt.find_zeros(fails, over={"N": (4, 8)}, mu_bar=1.0)
