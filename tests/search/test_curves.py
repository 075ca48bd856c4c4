"""Curves of zeros in a plane of two parameters: closed forms, and zeros along lines across the plane."""

import jax
import numpy as np
import pytest
from support import engine
from support.wires import make, mirrored

import jaxtransport as jt
from jaxtransport import layout as layouts
from jaxtransport.closed_forms import pair
from jaxtransport.coordinates import coordinate
from jaxtransport.search import families
from jaxtransport.search.follow import LONGEST

PLANE = {"gamma": (0.1, 1.0), "mu_bar": (-1.99, 1.99)}
ONSITE = {"onsite[4]": (-2.0, 2.0), "onsite[6]": (-2.0, 2.0)}
ROUNDING = 1e-13  # of delta I, as sums of N transmissions


def irregular(seed):
    """As in `test_zeros`; of two sources, two drains, a probe and a bare site, at random."""
    rng = np.random.default_rng(seed)
    return make(
        layouts.custom(8, [2, 5], [4, 7], [3]),
        gamma=rng.uniform(0.3, 1, 8),
        contact=rng.uniform(0.6, 1.2, 2),
        onsite=rng.uniform(-1, 1, 8),
        hopping=rng.uniform(0.7, 1.3, 7),
        strengths=rng.uniform(0.5, 1.5, 4),
    )


FOLDED, LOOP, TWO = (irregular(seed) for seed in (30, 20, 8))


def lines(data, names):
    """The points of every curve, (n, 2)."""
    points = np.stack([data[name].values for name in names], axis=1)
    return [points[data["curve"].values == i] for i in data["line"].values]


@pytest.mark.slow
def test_four_sites():
    """mu_bar^2 = 2 + gamma^2: two curves that leave the window at both ends."""
    found = jt.find_zeros(make(layouts.pair(4), gamma=0.5, sites=16), over=PLANE)
    assert found.sizes["line"] == 2
    # Newton's method on the curve leaves roundings of delta I, over its slope of .2 gamma^2 at least.
    np.testing.assert_allclose(found["mu_bar"] ** 2, 2 + found["gamma"] ** 2, rtol=0, atol=1e-10)
    assert np.all(found["residual"] <= ROUNDING)
    assert found["closed"].values.tolist() == [0, 0]
    assert found["whole"].values.tolist() == [1, 1]
    assert found["multiplicity"].values.tolist() == [1, 1]
    assert np.all(found["family"] == families.SECOND)
    for line in lines(found, PLANE):
        np.testing.assert_allclose(np.sort(line[[0, -1], 0]), [0.1, 1.0], rtol=0, atol=1e-12)
        assert np.max(np.linalg.norm(np.diff(line, axis=0), axis=1)) < 0.05  # no gaps


@pytest.mark.slow
def test_every_curve_of_nine_sites_and_the_double_line():
    found = jt.find_zeros(make(layouts.pair(9), gamma=0.5), over=PLANE)
    family, multiplicity = found["family"].values, found["multiplicity"].values
    assert sorted(family.tolist()) == 4 * [families.FIRST] + 6 * [families.SECOND] + [families.BOTH]
    np.testing.assert_array_equal(multiplicity, np.where(family == families.BOTH, 2, 1))
    first = pair.zeros_of_first_family(9)
    for line, kind in zip(lines(found, PLANE), family, strict=True):
        assert np.ptp(line[:, 0]) > 0.2
        if kind != families.SECOND:
            here = 0.0 if kind == families.BOTH else first[np.abs(first - line[0, 1]).argmin()]
            np.testing.assert_allclose(line[:, 1], here, rtol=0, atol=1e-10)
        else:
            for gamma, mu_bar in line[::10]:
                assert np.min(np.abs(pair.zeros_of_second_family(9, gamma) - mu_bar)) < 1e-10
    assert np.all(found["residual"] <= ROUNDING)


def crossings(line, axis, value):
    """How often a polyline crosses a coordinate line."""
    above = line[:, axis] > value
    return int(np.sum(above[1:] != above[:-1]))


def by_hand(wire, site, value):
    return jax.tree.map(
        np.asarray,
        type(wire)(
            np.where(np.arange(8) == site - 1, value, wire.onsite),
            wire.hopping,
            wire.coupling,
            wire.strength,
            wire.length,
        ),
    )


@pytest.mark.slow
@pytest.mark.parametrize("wire", [FOLDED, LOOP, TWO], ids=["fold", "loop", "two"])
def test_curves_cross_other_lines_as_often_as_there_are_zeros_on_them(wire):
    """Lines that the search itself does not scan, with one number put in by hand."""
    found = jt.find_zeros(wire, over=ONSITE, mu_bar=0.3)
    curves = lines(found, ONSITE)
    at = np.array([-0.567, 0.321, 1.457])
    along = jt.find_zeros([by_hand(wire, 4, value) for value in at], over={"onsite[6]": (-2, 2)}, mu_bar=0.3)
    for i, value in enumerate(at):
        assert sum(crossings(line, 0, value) for line in curves) == along["zeros"].values[i]
    assert along.sizes["zero"] > 0
    assert np.all(found["residual"] <= ROUNDING)
    assert np.all(found["whole"] == 1)
    for line in curves[:1]:
        for first, second in line[:: len(line) // 5]:
            by_two = by_hand(by_hand(wire, 4, first), 6, second)
            assert abs(engine.nonreciprocity(by_two, "chain", 0.3, 0.1, 1.0)) <= ROUNDING


@pytest.mark.slow
def test_a_loop_closes():
    found = jt.find_zeros(LOOP, over=ONSITE, mu_bar=0.3)
    assert found["closed"].values.tolist() == [1]
    assert "1 of them closed" in found.message
    (line,) = lines(found, ONSITE)
    np.testing.assert_array_equal(line[0], line[-1])
    # Once round: the direction turns by one full circle.
    angle = np.unwrap(np.arctan2(*np.diff(line, axis=0).T))
    np.testing.assert_allclose(abs(angle[-1] - angle[0]), 2 * np.pi, atol=0.3)  # but for one step
    # Inside it Delta I has the other sign.
    inside = by_hand(by_hand(LOOP, 4, line[:, 0].mean()), 6, line[:, 1].mean())
    outside = by_hand(by_hand(LOOP, 4, 1.99), 6, -1.99)
    signs = [np.sign(engine.nonreciprocity(wire, "chain", 0.3, 0.1, 1.0)) for wire in (inside, outside)]
    assert signs[0] == -signs[1]


def test_a_fold_is_passed():
    found = jt.find_zeros(FOLDED, over=ONSITE, mu_bar=0.3)
    (line,) = lines(found, ONSITE)
    turns = lambda axis: np.sum(np.diff(np.sign(np.diff(line[:, axis]))) != 0)
    assert turns(0) + turns(1) > 0
    scanned = [coordinate(name).scan.to(line[:, i]) for i, name in enumerate(ONSITE)]
    whole = [np.ptp(coordinate(name).scan.to(window)) for name, window in ONSITE.items()]
    steps = np.diff(scanned, axis=1) / np.array(whole)[:, None]
    assert np.max(np.linalg.norm(steps, axis=0)) < 1.1 * LONGEST  # a little more where the corrector adds


def test_the_map_is_delta_I():
    found = jt.find_zeros(TWO, over=ONSITE, mu_bar=0.3)
    i, j = 40, 101
    at = [found[f"{name}_map"].values[k] for name, k in zip(ONSITE, (i, j), strict=True)]
    by_two = by_hand(by_hand(TWO, 4, at[0]), 6, at[1])
    np.testing.assert_allclose(
        found["nonreciprocity"].values[i, j],
        engine.nonreciprocity(by_two, "chain", 0.3, 0.1, 1.0),
        rtol=0,
        atol=ROUNDING,
    )


@pytest.mark.slow
def test_no_curve_and_a_flat_plane():
    none = jt.find_zeros(make(layouts.pair(4), gamma=0.5, sites=16), over={**PLANE, "mu_bar": (-1.0, 1.2)})
    assert none.sizes["line"] == none.sizes["zero"] == 0
    assert none.message.startswith("no zero of Delta I in 0.1 <= gamma <= 1 and -1 <= mu_bar <= 1.2")
    flat = jt.find_zeros(mirrored(1, 4, sites=16), over=PLANE)
    assert flat.sizes["line"] == 0
    assert flat.message.startswith("flat: Delta I vanishes throughout 0.1 <= gamma <= 1")
    assert "mirror image" in flat.message


@pytest.mark.slow
def test_a_curve_that_leaves_near_a_corner_ends_on_the_curve():
    wire = make(layouts.dimers(4), gamma=0.5)
    found = jt.find_zeros(wire, over={"gamma": (0.1, 1.4), "mu_bar": (-1.99, 1.99)})
    np.testing.assert_allclose(found["mu_bar"] ** 2, 2 + found["gamma"] ** 2, rtol=0, atol=1e-10)
    assert np.all(found["family"] == 2)
