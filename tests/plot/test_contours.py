"""Zero contours: where grids cannot tell by signs alone."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.contour import ContourSet

from jaxtransport.plot import contours
from jaxtransport.plot.panels import edges


def drawn(x, y, values):
    """The points of all contours."""
    with mpl.rc_context({"backend": "agg"}):
        figure, axes = mpl.pyplot.subplots()
        contours.draw_zeros(axes, x, y, values)
        paths = [path for found in axes.findobj(ContourSet) for path in found.get_paths()]
        mpl.pyplot.close(figure)
    return np.concatenate([path.vertices for path in paths]) if paths else np.zeros((0, 2))


X, Y = np.linspace(-1, 1, 41), np.linspace(0.1, 1, 10)


def test_a_plain_change_of_sign_is_where_it_is():
    points = drawn(X, Y, X[None, :] - 0.3 * Y[:, None])
    np.testing.assert_allclose(points[:, 0], 0.3 * points[:, 1], rtol=0, atol=1e-12)
    assert np.ptp(points[:, 1]) == pytest.approx(0.9)


@pytest.mark.parametrize("sign", [1, -1])
def test_rounding_noise_where_the_values_touch_zero_is_no_contour(sign):
    """x^2 on a grid with x = 0, whose value there is noise of either sign."""
    values = sign * np.broadcast_to(X**2, (10, 41)).copy()
    values[:, 20] = 1e-18 * (-1.0) ** np.arange(10)
    assert np.abs(X[20]) < 1e-15
    assert len(drawn(X, Y, values)) == 0


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("inside", [0.012, 0.02, 0.04])
def test_two_zeros_between_grid_points_are_found(inside, turned):
    """Half a cell is .025: cos has its lines 2 `inside` apart, at x = .325 +- inside, between two columns."""
    x = X
    period = 0.5
    depth = np.cos(2 * np.pi * inside / period)
    values = np.broadcast_to(depth - np.cos(2 * np.pi * (x - 0.325) / period), (41, 41))
    points = drawn(X, X, values.T if turned else values)
    across = points[:, 1 if turned else 0]
    near = across[np.abs(across - 0.325) < 0.1]
    # A tenth of a cell: roots of cubics where both zeros are in one cell, else of straight lines.
    np.testing.assert_allclose(np.abs(near - 0.325), inside, rtol=0, atol=5e-3)
    along = points[np.abs(across - 0.325) < 0.1][:, 0 if turned else 1]
    assert (along.min(), along.max()) == (-1, 1)


def test_a_minimum_above_zero_is_no_contour():
    for above in (1e-2, 1e-4, 1e-6, 0.0):
        values = np.broadcast_to(1 + above - np.cos(4 * np.pi * (X - 0.325)), (10, 41))
        assert len(drawn(X, Y, values)) == 0, above


def test_points_without_a_number_leave_a_gap():
    values = np.broadcast_to(X - 0.01, (10, 41)).copy()
    values[4:6] = np.nan
    points = drawn(X, Y, values)
    np.testing.assert_allclose(points[:, 0], 0.01, atol=1e-12)
    assert not np.any((points[:, 1] > Y[3]) & (points[:, 1] < Y[6]))


def test_cells_end_half_way_to_their_neighbours():
    np.testing.assert_allclose(edges(np.array([1.0, 2.0, 4.0])), [0.5, 1.5, 3.0, 5.0])
    np.testing.assert_allclose(edges(np.array([0.1, 1.0, 10.0, 100.0])), 10.0 ** np.arange(-1.5, 3))
    np.testing.assert_allclose(edges(np.array([3.0])), [2.5, 3.5])


def test_two_zeros_are_found_on_a_logarithmic_axis_too():
    x = np.geomspace(0.1, 10, 41)
    u = (np.log10(x) - 0.325) * 2 * np.pi * 2  # period .5 in log10 x, as above
    values = np.broadcast_to(np.cos(2 * np.pi * 0.02 / 0.5) - np.cos(u), (10, 41))
    across = np.log10(drawn(x, Y, values)[:, 0])
    near = across[np.abs(across - 0.325) < 0.1]
    assert near.size
    np.testing.assert_allclose(np.abs(near - 0.325), 0.02, rtol=0, atol=5e-3)
