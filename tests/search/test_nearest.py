"""The nearest zero: a closed form at N = 4, a given conductance, and wires that need no change."""

import numpy as np
import pytest
from support.wires import make

import jaxtransport as jt
from jaxtransport import layout as layouts
from jaxtransport.errors import InputError

FOUR = make(layouts.dimers(4), gamma=0.5)
NINE = make(layouts.pair(9), gamma=0.5)


@pytest.mark.slow
def test_the_nearest_point_of_a_known_curve():
    found = jt.nearest_zero(FOUR, {"gamma": (0.1, 1.4), "mu_bar": (-1.99, 1.99)}, mu_bar=1.2)
    gamma = np.linspace(0.1, 1.4, 200_001)  # a step of 6.5e-6, and the distance is flat at its minimum
    mu_bar = np.sqrt(2 + gamma**2)
    change = np.hypot((gamma - 0.5) / 1.3, (mu_bar - 1.2) / 3.98)
    np.testing.assert_allclose(found["change"][0], change.min(), rtol=1e-9)
    np.testing.assert_allclose(found["gamma"][0], gamma[change.argmin()], rtol=0, atol=1e-5)
    assert np.all(found["residual"] < 1e-14)


@pytest.mark.slow
def test_a_zero_at_a_given_conductance():
    over = {f"onsite[{l}]": (-1, 1) for l in range(1, 9)}
    wire = make(layouts.dimers(8), gamma=0.5)
    found = jt.nearest_zero(wire, over, mu_bar=0.5, conductance=0.3, starts=4)
    changed = jt.vary(wire, {name: float(found[name][0]) for name in over})
    state = jt.solve(changed, mu_bar=0.5, delta_mu=0.1, injection=0.3)
    np.testing.assert_allclose(state.conductance, 0.3, rtol=1e-11)
    assert abs(float(jt.nonreciprocity(changed, mu_bar=0.5, delta_mu=0.1, injection=0.3))) < 1e-13


@pytest.mark.slow
def test_a_wire_that_is_reciprocal_has_no_way_to_go():
    found = jt.nearest_zero(NINE, {"gamma": (0.1, 1), "contact": (0.5, 1.5)}, mu_bar=1.0)
    assert found["change"].values.tolist() == [0.0]
    assert "the wire as it is" in found.message


def test_wrong_calls():
    with pytest.raises(InputError, match="seed = -1: expected a whole number >= 0"):
        jt.nearest_zero(NINE, {"mu_bar": (0, 1.5)}, mu_bar=1.0, seed=-1)
    with pytest.raises(InputError, match=r"the wire has 1\.2; expected a window that holds it"):
        jt.nearest_zero(NINE, {"mu_bar": (0, 1)}, mu_bar=1.2)
    with pytest.raises(InputError, match="values = None"):
        jt.vary(NINE, None)
