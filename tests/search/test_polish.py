"""From brackets to zeros, on plain functions whose zeros are known: none missed, none invented."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import brentq

from jaxtransport.search import points as points_module
from jaxtransport.search import polish as polish_module
from jaxtransport.search.chebyshev_cover import starting
from jaxtransport.search.points import zeros_on
from jaxtransport.search.polish import Zeros

FLOOR = 1e-15  # rounding of functions of size 1 to 4


def zeros_of(function, derivative, low=-1.0, high=1.0, floor=FLOOR):
    """Scan and polish, as `search.points` does it, for one function."""
    low, high, floor = np.array([low]), np.array([high]), np.array([floor])
    values = lambda whose, where: function(where)
    slopes = lambda whose, where: (function(where), derivative(where))
    *_, zeros = zeros_on(values, slopes, starting(low, high, np.array([4])), low, high, floor)
    return zeros


def polynomial(*roots):
    """The product of (u - root), whose rounding is a part of its value, and its derivative."""
    parts = lambda u: [u - root for root in roots]
    function = lambda u: np.prod(parts(u), axis=0)
    without = lambda u, i: np.prod([p for j, p in enumerate(parts(u)) if j != i], axis=0)
    return function, lambda u: np.sum([without(u, i) for i in range(len(roots))], axis=0)


def by_scan(function, low, high, points=400_001):
    """Zeros by brackets of a scan finer than anything in `function`."""
    u = np.linspace(low, high, points)
    value = function(u)
    return [brentq(function, u[j], u[j + 1], xtol=1e-16) for j in np.flatnonzero(value[1:] * value[:-1] < 0)]


def check_waves():
    zeros = zeros_of(lambda u: np.sin(40 * u), lambda u: 40 * np.cos(40 * u), 0.01, 3.0)
    n = np.arange(1, 39)
    assert len(zeros.where) == len(n)
    # sin rounds its argument, up to 120, to 2^-53 of it: 1e-14 / 40 in u.
    np.testing.assert_allclose(zeros.where, n * np.pi / 40, rtol=0, atol=1e-15)
    np.testing.assert_allclose(zeros.slope, 40.0 * (-1.0) ** n, rtol=1e-12)
    assert np.all(zeros.multiplicity == 1)


def check_double():
    zeros = zeros_of(*polynomial(-0.4, 0.3, 0.3, 0.7))
    np.testing.assert_array_equal(zeros.multiplicity, [1, 2, 1])
    # f' is exact to rounding, so that a double zero is as sharp as a simple one.
    np.testing.assert_allclose(zeros.where, [-0.4, 0.3, 0.7], atol=1e-14)
    assert zeros.slope[1] == 0


def test_a_wave():
    check_waves()


def test_a_double_zero_is_one_zero_of_multiplicity_two():
    check_double()


@pytest.mark.parametrize("apart", [1e-3, 1e-4, 1e-5, 1e-6])
def test_two_close_zeros_are_told_apart(apart):
    roots = [0.3, 0.3 + apart, 0.7]
    zeros = zeros_of(*polynomial(*roots))
    assert len(zeros.where) == 3
    # The product vanishes where a factor does: nothing but Newton's last step, 1e-9^2 / apart, is lost.
    np.testing.assert_allclose(zeros.where, roots, rtol=0, atol=1e-15 + 4e-18 / apart)
    assert np.all(zeros.multiplicity == 1)


@pytest.mark.parametrize("roots", [(-0.3, 0.4, 0.4, 0.4), (0.0, 0.0, 0.0, 0.7), (0.5, 0.5, 0.5)])
def test_a_triple_zero_is_one_zero(roots):
    """At the middle of a cell, and where two cells meet."""
    zeros = zeros_of(*polynomial(*roots))
    exact, order = np.unique(roots, return_counts=True)
    assert len(zeros.where) == len(exact)
    # f is below its rounding as far as the cubic root of it, 1e-5.
    np.testing.assert_allclose(zeros.where, exact, rtol=0, atol=2e-5)
    np.testing.assert_array_equal(zeros.multiplicity[order == 1], 1)
    assert set(zeros.multiplicity[order == 3].tolist()) <= {1, 3}


def test_three_close_zeros():
    roots = [0.3, 0.301, 0.302]
    np.testing.assert_allclose(zeros_of(*polynomial(*roots)).where, roots, rtol=0, atol=1e-14)
    # At 1e-6 apart f stays below 1e-18 between them: they are one of order 3, or keep at least the sign.
    near = zeros_of(*polynomial(0.3, 0.3 + 1e-6, 0.3 + 2e-6))
    assert np.sum(near.multiplicity) % 2 == 1
    np.testing.assert_allclose(near.where, 0.3, rtol=0, atol=2e-5)


def test_two_zeros_between_which_nothing_rises_above_rounding_are_one_double():
    """At 1e-8 apart f stays below .4 (5e-9)^2 = 1e-17 between them."""
    zeros = zeros_of(*polynomial(0.3, 0.3 + 1e-8, 0.7))
    np.testing.assert_array_equal(zeros.multiplicity, [2, 1])
    np.testing.assert_allclose(zeros.where, [0.3 + 5e-9, 0.7], rtol=0, atol=1e-8)


@pytest.mark.parametrize("depth", [1e-4, 1e-8, 1e-12])
def test_a_dip_that_stays_above_zero_is_no_zero(depth):
    assert not len(zeros_of(lambda u: (u - 0.3) ** 2 + depth, lambda u: 2 * (u - 0.3)).where)


def test_many_zeros_over_many_orders_of_magnitude():
    roots = np.linspace(-0.9, 0.9, 19)
    zeros = zeros_of(*polynomial(*roots), floor=1e-22)
    np.testing.assert_allclose(zeros.where, roots, rtol=0, atol=1e-15)


def test_small_waves_next_to_something_large():
    """Amplitude 1e-6 beside 1: cells measure a function by what is near."""
    small, width = 1e-6, 0.2
    bump = lambda u: np.exp(-(((u + 1.5) / width) ** 2))
    function = lambda u: small * np.sin(60 * u) + bump(u)
    slope = lambda u: 60 * small * np.cos(60 * u) - 2 * (u + 1.5) / width**2 * bump(u)
    exact = by_scan(function, -2.0, 2.0)
    zeros = zeros_of(function, slope, -2.0, 2.0)
    assert len(zeros.where) == len(exact) > 40
    np.testing.assert_allclose(zeros.where, exact, rtol=0, atol=1e-14)


@pytest.mark.parametrize("width", [1e-1, 1e-2, 1e-3])
@pytest.mark.parametrize("height", [0.5, 2.0])
def test_the_flanks_of_a_resonance(width, height):
    """Down to 1e-3 of a window of 4: its tails (width / u)^2 show from the nodes of the first cells."""
    away = lambda u: (u - 0.3123) / width
    function = lambda u: 0.1 * np.sin(3 * u + 0.2) + 0.05 - height / (1 + away(u) ** 2)
    slope = lambda u: 0.3 * np.cos(3 * u + 0.2) + 2 * height * away(u) / width / (1 + away(u) ** 2) ** 2
    exact = by_scan(function, -2.0, 2.0)
    zeros = zeros_of(function, slope, -2.0, 2.0)
    assert len(zeros.where) == len(exact)
    np.testing.assert_allclose(zeros.where, exact, rtol=0, atol=1e-14)


def check_edges():
    """The window has an edge at -1 and 1, and two cells meet at 0, where both see the zero."""
    zeros = zeros_of(*polynomial(-1.0, 0.0, 1.0))
    assert len(zeros.where) == 3
    np.testing.assert_allclose(zeros.where, [-1, 0, 1], rtol=0, atol=1e-15)


def test_zeros_on_the_edges_of_the_window_and_of_cells():
    check_edges()
    double = zeros_of(*polynomial(-1.0, -1.0, 0.5))
    np.testing.assert_allclose(double.where, [-1, 0.5], rtol=0, atol=1e-15)
    np.testing.assert_array_equal(double.multiplicity, [2, 1])


def check_outside():
    """Ends of the window are looked at from a little beyond."""
    zeros = zeros_of(*polynomial(-1.001, 0.2, 1.0001))
    assert len(zeros.where) == 1
    np.testing.assert_allclose(zeros.where, [0.2], rtol=0, atol=1e-15)


def test_zeros_outside_the_window_are_left_out():
    check_outside()


def test_zeros_where_the_function_is_known():
    known = lambda values: lambda u: np.where(u > 0.35, np.nan, values(u))
    zeros = zeros_of(known(lambda u: np.sin(5 * u)), known(lambda u: 5 * np.cos(5 * u)))
    np.testing.assert_allclose(zeros.where, [-np.pi / 5, 0.0], rtol=0, atol=1e-15)


def test_no_zero():
    zeros = zeros_of(lambda u: 2 + np.sin(u), np.cos)
    assert len(zeros.where) == len(zeros.slope) == len(zeros.multiplicity) == 0


# Faults: a slip in the search, and the check above that finds it


def _changed(module, name, change):
    """module.name becomes change(what it was)."""
    return lambda monkeypatch: monkeypatch.setattr(module, name, change(getattr(module, name)))


def _keep_all(old):
    return lambda whose, where, slope, multiplicity, *_: Zeros(whose, where, slope, multiplicity)


def _only_crossings(old):
    return lambda *arguments: (found := old(*arguments)).only(found.order == 1)


def _touches_as_crossings(old):
    return lambda *arguments: replace(found := old(*arguments), order=np.ones_like(found.order))


def _flipped(old):
    def crossings(*arguments):
        where, slope, good = old(*arguments)
        return where, -slope, good

    return crossings


@pytest.mark.parametrize(
    ("plant", "check"),
    [
        (_changed(points_module, "brackets", _only_crossings), check_double),
        (_changed(points_module, "brackets", _touches_as_crossings), check_double),
        (_changed(polish_module, "_in_order", _keep_all), check_outside),
        (_changed(polish_module, "_crossings", _flipped), check_waves),
    ],
    ids=[
        "touches not detected",
        "touches taken for crossings",
        "zeros beyond the window kept",
        "slope flipped",
    ],
)
def test_a_planted_fault_is_found(plant, check, monkeypatch):
    check()
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        check()
