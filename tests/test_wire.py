"""Wires: what their arrays hold, padding, wrong parameters."""

import jax
import numpy as np
import pytest
from support.wires import make

import jaxtransport as jt
from jaxtransport import layout as layouts


def same(wire, other):
    for a, b in zip(jax.tree.leaves(wire), jax.tree.leaves(other), strict=True):
        np.testing.assert_array_equal(a, b)
        assert a.dtype == b.dtype


EXAMPLES = {
    "one gamma": (layouts.dimers(6), {"gamma": 0.4}),
    "gammas and their ends": (layouts.dimers(6), {"gamma": np.array([0.9, 0.1, 0.2, 0.3, 0.4, 1.1])}),
    "everything": (
        layouts.custom(6, [2], [5], [3]),
        {
            "gamma": np.array([1.0, 0.1, 0.2, 0.0, 0.4, 1.0]),
            "contact": np.array([0.5, 0.7]),
            "onsite": np.arange(6) / 10,
            "hopping": np.arange(1, 6) / 5,
            "strengths": np.array([0.5, 2.0]),
        },
    ),
    "flux": (layouts.pair(6), {"gamma": 0.4, "contact": 0.8, "hopping": np.exp(1j * np.arange(5))}),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_arrays_of_a_wire(name):
    """`Wire.from_layout` against the plain NumPy maker that the suite uses, padded and not."""
    layout, parameters = EXAMPLES[name]
    wire = jt.Wire.from_layout(layout, **parameters)
    gamma = parameters["gamma"]
    ends = np.asarray(gamma)[[0, -1]] if np.ndim(gamma) else 1.0
    parameters = {"contact": ends} | parameters
    same(wire, make(layout, **parameters))
    same(wire.pad(9), make(layout, **parameters, sites=9))
    same(wire.pad(6), wire)
    assert (wire.sites, wire.pad(9).sites) == (6, 9)


def test_layouts_by_name():
    same(jt.Wire.dimers(6, gamma=0.4), make(layouts.dimers(6), gamma=0.4))
    same(jt.Wire.pair(6, gamma=0.4), make(layouts.pair(6), gamma=0.4))
    same(jt.Wire.spaced(6, 3, gamma=0.4, contact=0.3), make(layouts.spaced(6, 3), gamma=0.4, contact=0.3))
    custom = {"sources": [2], "drains": [4], "probes": [5]}
    same(jt.Wire.custom(6, **custom, gamma=0.4), make(layouts.custom(6, **custom), gamma=0.4))


def test_lists_and_tuples_are_numbers_too():
    """As they come from a sweep file; a warning here is an error of a later JAX."""
    parameters = {
        "gamma": [1.0, 0.1, 0.2, 0.3, 0.4, 1.0],
        "contact": (0.5, 0.7),
        "onsite": [0.0, 0.1, 0.2, 0.3, 0.4, 0.5],
        "hopping": [1.0, 0.9, 0.8, 0.9, 1.0],
        "strengths": [1, 2, 2, 1],
    }
    arrays = {name: np.asarray(value, float) for name, value in parameters.items()}
    same(jt.Wire.dimers(6, **parameters), jt.Wire.dimers(6, **arrays))


def test_parameters_may_be_traced():
    """gamma, onsite, hopping and contact as arguments of a compiled function."""

    @jax.jit
    def coupling(gamma, contact):
        return jt.Wire.dimers(6, gamma=gamma, contact=contact, onsite=gamma, hopping=1 + gamma).coupling

    np.testing.assert_array_equal(coupling(0.4, 0.7), [0.7, 0.4, 0.4, 0.4, 0.4, 0.7])


nan, inf = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("parameters", "names"),
    [
        ({"gamma": -0.5}, ["gamma = -0.5", "> 0"]),
        ({"gamma": 0.0}, ["gamma = 0.0", "> 0"]),
        ({"gamma": nan}, ["gamma = nan"]),
        ({"gamma": np.full(5, 0.5)}, ["gamma", "(5,)", "6 numbers"]),
        ({"gamma": np.array([1, 0.5, -0.5, 0.0, 0.5, 1])}, ["gamma[3] = -0.5", "> 0"]),
        ({"gamma": np.array([1, 0.5, 0.5, 0.5, 0.5, 1])}, ["gamma[4] = 0.5", "probe"]),
        ({"contact": 0.0}, ["contact = 0.0", "> 0"]),
        ({"contact": np.array([1.0, -1.0])}, ["contact[2] = -1.0"]),
        ({"contact": np.array([1.0, 1.0, 1.0])}, ["contact", "(3,)", "2 numbers"]),
        ({"onsite": nan}, ["onsite = nan", "finite"]),
        ({"onsite": np.array([0, 0, nan, 0, 0, 0])}, ["onsite", "nan", "finite"]),
        ({"onsite": np.zeros(7)}, ["onsite", "(7,)", "6 numbers"]),
        ({"hopping": np.ones(6)}, ["hopping", "(6,)", "5 numbers"]),
        ({"hopping": 0.0}, ["hopping = 0.0", "> 0"]),
        ({"hopping": -1.0}, ["hopping = -1.0", "> 0"]),
        ({"hopping": inf}, ["hopping = inf", "> 0"]),
        ({"hopping": np.array([1, 1, nan, 1, 1]) * 1j}, ["hopping[3] = nan"]),
        ({"hopping": np.array([1, 0, 1, 1, 1]) * 1j}, ["hopping"]),
        ({"strengths": [1.0]}, ["strengths: expected one number for each of 3", "got 1"]),
        ({"strengths": [1.0, 0.0, 1.0]}, ["strengths[2] = 0.0", "> 0"]),
    ],
)
def test_a_wrong_parameter_is_named(parameters, names):
    """Reservoirs on 2, 3, 5 of 6 sites; site 4 is bare."""
    with pytest.raises(jt.InputError) as error:
        jt.Wire.custom(6, sources=[2, 5], drains=[3], **({"gamma": 0.5} | parameters))
    for name in names:
        assert name in str(error.value)


def test_wrong_layouts_through_wire():
    with pytest.raises(jt.InputError, match="N = 5"):
        jt.Wire.dimers(5, gamma=0.5)
    with pytest.raises(jt.InputError, match="sources: site 6"):
        jt.Wire.custom(6, sources=[6], gamma=0.5)
    with pytest.raises(jt.InputError, match="drains: site 2"):
        jt.Wire.custom(6, sources=[2], drains=[2], gamma=0.5)


def test_a_wire_is_not_padded_to_less():
    with pytest.raises(jt.InputError, match="sites = 5"):
        make(layouts.dimers(6), gamma=0.5).pad(5)
