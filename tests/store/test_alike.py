"""The same values of an axis in several files."""

import numpy as np
import pytest

from jaxtransport.store.alike import places, union


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ([0.3, 0.5, 0.7], [0.7, 0.4, 0.3], [2, -1, 0]),
        ([4, 8], [8, 6, 4, 8], [1, -1, 0, 1]),
        ([2.0, 4.0], [4, 2], [1, 0]),
        (0.1 * np.arange(4), [0.0, 0.1, 0.2, 0.3], [0, 1, 2, 3]),  # 0.1 * 3 is 0.30000000000000004
        ([1e-17, 1.0], [0.0, 1.0], [0, 1]),
        ([0.3], [0.3 * (1 + 1e-13)], [-1]),
        ([1e-16, 2e-16, 1.0], [2e-16, 3e-16, 1.0], [1, -1, 2]),  # told apart by the files themselves
        ([2**60 + 1], [2**60, 2**60 + 1], [-1, 0]),
    ],
)
def test_places(old, new, expected):
    np.testing.assert_array_equal(places([np.array(old)], [np.array(new)]), expected)


def test_coordinates_along_an_axis_belong_to_its_values():
    """As of axes that vary together: the same gamma may come twice."""
    gamma, mu = np.array([0.1, 0.1, 0.2]), np.array([1.0, 2.0, 1.0])
    asked = np.array([0.2, 0.1, 0.1, 0.2]), np.array([2.0, 2.0, 1.0, 1.0])
    np.testing.assert_array_equal(places([gamma, mu], asked), [-1, 1, 0, 2])


def test_unions():
    one, other = np.array([0.1, 0.3]), np.array([0.2, 0.1 * 3])
    np.testing.assert_array_equal(union([one, other]), [0.1, 0.2, 0.3])
    np.testing.assert_array_equal(union([one[::-1], other]), [0.3, 0.2, 0.1])
    np.testing.assert_array_equal(union([np.array([8, 4, 6]), np.array([5])]), [8, 6, 5, 4])
    assert union([np.array([4]), np.array([6])]).dtype == int
