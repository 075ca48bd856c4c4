"""Functions with known zeros on Chebyshev cells: where they are known, and where a zero may be."""

import numpy as np
import pytest

from jaxtransport.search.chebyshev_cover import cover, starting
from jaxtransport.search.isolate import brackets, refined
from jaxtransport.search.points import PART

FLOOR = 4e-16  # rounding of functions of size 1


def covered(*functions, low=-1.0, high=1.0, start=4):
    """Cells of several functions on one window."""
    n = len(functions)

    def values(whose, where):
        each = np.array([np.broadcast_to(f(where), where.shape) for f in functions])
        return each[whose, np.arange(len(where))]

    begin = starting(np.full(n, low), np.full(n, high), np.full(n, start))
    return cover(values, *begin, part=PART, floor=np.full(n, FLOOR))


def at(cells, row, where):
    """The series of one cell at `where`."""
    middle, half = (cells.low[row] + cells.high[row]) / 2, (cells.high[row] - cells.low[row]) / 2
    return np.polynomial.chebyshev.chebval((where - middle) / half, cells.coefficients[row])


@pytest.mark.parametrize(
    "function",
    [
        lambda u: np.sin(40 * u),
        lambda u: np.exp(3 * u),
        lambda u: 1 / (1 + ((u - 0.3123) / 1e-3) ** 2),
        lambda u: np.exp(-((u / 0.02) ** 2)) + 0.5,
    ],
    ids=["wave", "exponential", "resonance", "bump"],
)
def test_the_series_agree_with_the_function_and_leave_no_hole(function):
    cells = covered(function).cells
    order = np.argsort(cells.low)
    assert cells.low[order][0] == -1
    assert cells.high[order][-1] == 1
    np.testing.assert_array_equal(cells.low[order][1:], cells.high[order][:-1])
    for row in range(len(cells.whose)):
        where = np.linspace(cells.low[row], cells.high[row], 101)
        error = np.abs(at(cells, row, where) - function(where)).max()
        # PART bounds the last coefficients and the misfit at two points; between nodes it may be larger.
        assert error <= 20 * PART * max(np.abs(function(where)).max(), FLOOR)


def test_a_smooth_function_stays_on_its_first_cells_and_a_sharp_one_is_halved_where_it_is_sharp():
    seen = covered(lambda u: np.sin(3 * u), lambda u: 1 / (1 + ((u - 0.3123) / 1e-3) ** 2)).cells
    assert np.sum(seen.whose == 0) == 4
    narrow = (seen.high - seen.low < 0.01) & (seen.whose == 1)
    assert narrow.any()
    assert np.all(np.abs(seen.low[narrow] - 0.3123) < 0.1)


def test_functions_that_are_covered_together_stay_apart():
    together = covered(lambda u: np.sin(40 * u), lambda u: u - 0.2).cells
    alone = covered(lambda u: u - 0.2).cells
    rows = together.whose == 1
    np.testing.assert_array_equal(together.low[rows], alone.low)
    np.testing.assert_array_equal(together.coefficients[rows], alone.coefficients)


def test_where_a_function_has_no_value_there_is_a_gap():
    seen = covered(lambda u: np.where(u > 0.35, np.nan, np.sin(5 * u)))
    ((whose, low, high),) = seen.gaps
    # Ten halvings of a first cell of length .5; the cell that holds the end counts as unknown.
    assert whose == 0
    assert 0.35 - 0.5 / 2**10 <= low <= 0.35
    assert high == 1
    np.testing.assert_allclose(seen.cells.high.max(), low, rtol=1e-15)


def test_a_function_without_any_value_is_one_gap():
    seen = covered(lambda u: np.nan * u, np.cos)
    assert seen.gaps[0][0] == 0
    assert seen.gaps[0][1] == -1
    assert seen.gaps[-1][2] == 1
    assert {whose for whose, *_ in seen.gaps} == {0}
    assert not np.any(seen.cells.whose == 0)


def brackets_of(function, low=-1.0, high=1.0):
    cells, floor = covered(function, low=low, high=high).cells, np.array([FLOOR])
    known, delicate = refined(lambda whose, where: function(where), cells, floor)
    return brackets(known, delicate, floor)


def test_every_change_of_sign_has_a_bracket_of_its_own():
    found = brackets_of(lambda u: np.sin(40 * u), low=0.01, high=3.0)
    zeros = np.pi / 40 * np.arange(1, 39)
    assert np.all(found.order == 1)
    assert np.all((found.low <= zeros) & (zeros <= found.high))
    assert np.all(found.high[:-1] <= found.low[1:])
    # A start for Newton's method: off by what the series is off, least good next to the edges of cells.
    np.testing.assert_allclose(found.start, zeros, atol=100 * PART / 40)


@pytest.mark.parametrize("apart", [1e-2, 1e-4, 1e-6])
def test_two_close_changes_of_sign(apart):
    found = brackets_of(lambda u: (u - 0.3) * (u - 0.3 - apart))
    assert found.order.tolist() == [1, 1]
    assert found.low[0] < 0.3 < found.high[0] <= found.low[1] < 0.3 + apart < found.high[1]


def test_a_touch_is_of_order_two_and_a_shallow_dip_is_none():
    found = brackets_of(lambda u: (u - 0.3) ** 2 * np.exp(u))
    assert found.order.tolist() == [2]
    np.testing.assert_allclose(found.start, 0.3, rtol=0, atol=1e-7)  # roundings of f, by its curvature
    np.testing.assert_allclose(found.curvature, 2 * np.exp(0.3), rtol=1e-3)
    for depth in (1e-1, 1e-6, 1e-12):
        assert not len(brackets_of(lambda u: (u - 0.3) ** 2 + depth).order)  # noqa: B023


def test_a_triple_zero_is_of_order_three():
    found = brackets_of(lambda u: (u - 0.3) ** 3)
    assert found.order.tolist() == [3]
    np.testing.assert_allclose(found.start, 0.3, rtol=0, atol=1e-5)  # cubic root of roundings


@pytest.mark.parametrize("at", [0.0, 0.5, -0.5])
def test_a_zero_on_the_edge_between_two_cells_is_one(at):
    found = brackets_of(lambda u: (u - at) * np.exp(u))
    assert found.order.tolist() == [1]
    np.testing.assert_allclose(found.start, at, rtol=0, atol=10 * PART)


@pytest.mark.parametrize("at", [-1.0, 1.0])
def test_a_zero_on_the_edge_of_the_window_is_seen(at):
    found = brackets_of(lambda u: (u - at) * np.exp(u))
    assert found.order.tolist() == [1]
