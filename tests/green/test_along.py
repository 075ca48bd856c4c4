"""Quantities of every site: all at once, and site by site where loops are compiled as a whole."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxtransport.compute import xla
from jaxtransport.green import along

X, Y = np.array([1.0, -3.0, 2.0]), np.array([0.5, 0.25, -4.0])


@pytest.fixture(params=["at once", "site by site"])
def way(request, monkeypatch):
    monkeypatch.setattr(xla, "steps_are_calls", lambda: request.param == "at once")


def test_each(way):
    product, total = along.each(lambda x, y: (x * y, x + y), X, Y)
    np.testing.assert_array_equal(product, X * Y)
    np.testing.assert_array_equal(total, X + Y)


def test_highest_and_total(way):
    assert along.highest(jnp.abs, X) == 3.0
    assert along.total(lambda x, y: x * y, X, Y) == -8.25
    most, least = along.highest(lambda x, y: (x, -y), X, Y)
    assert (most, least) == (2.0, 4.0)


def test_nan_is_the_highest(way):
    assert np.isnan(along.highest(lambda x: x, np.array([1.0, np.nan, 2.0])))


def test_numbers_of_a_point_meet_arrays_along_its_wire(way):
    of_point = lambda x, scale: (along.each(lambda x: scale * x, x), along.highest(lambda x: scale * x, x))
    scaled, most = jax.vmap(of_point)(np.stack([X, Y]), np.array([2.0, 3.0]))
    np.testing.assert_array_equal(scaled, [2 * X, 3 * Y])
    np.testing.assert_array_equal(most, [4.0, 1.5])


def test_gradients(way):
    gradient = jax.grad(lambda x: along.highest(jnp.square, x) + along.total(jnp.square, x))(X)
    np.testing.assert_array_equal(gradient, [2.0, -12.0, 4.0])
