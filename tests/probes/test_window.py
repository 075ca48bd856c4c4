"""Integrals over energies from values at Chebyshev nodes: against quadrature, cold and warm."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from checks import close
from scipy.integrate import quad_vec

from jaxtransport.probes.window import Window

LOW, HIGH = -0.4, 1.2


def smooth(w):
    """Like a transmission: the square root of the band, and a pole at an imaginary distance of .9."""
    return np.sqrt(4 - w * w) / (4 + np.sin(3 * w))


def by_quadrature(function, low, high):
    """int function dw, in k so that the band edge has no root."""
    of_k = lambda k: function(2 * np.cos(k)) * 2 * np.sin(k)
    return quad_vec(of_k, np.arccos(high / 2), np.arccos(low / 2), epsabs=1e-15, epsrel=1e-14, limit=500)[0]


def interpolated(window, energies):
    return smooth(np.asarray(window.energies)) @ np.asarray(window.integrals(jnp.asarray(energies)))


def test_error_falls_geometrically():
    """A factor of 80 at least for every four nodes more, down to rounding."""
    exact = by_quadrature(smooth, -0.2, 1.1)
    errors = []
    for count in (4, 8, 12, 16, 20, 24):
        start, end = interpolated(Window.of(jnp.asarray(LOW), jnp.asarray(HIGH), count), [-0.2, 1.1])
        errors.append(abs(end - start - exact))
    assert errors[-1] < 2e-12
    assert (np.diff(np.log(errors)) < -np.log(9)).all(), errors


def test_to_the_band_edges():
    """The square root at the edges is no trouble, and the window is clipped there."""
    window = Window.of(jnp.asarray(-7.0), jnp.asarray(2.5), 96)
    low, high = window.ends()
    close([low, high], [-2.0, 2.0], 1e-15)
    start, end = interpolated(window, [-2.0, 2.0])
    close(end - start, by_quadrature(smooth, -2.0, 2.0), 1e-13)
    beyond = interpolated(window, [2.0, 2.7])  # nothing is transmitted beyond
    assert beyond[0] == beyond[1]


@pytest.mark.parametrize("temperature", [1e-4, 0.01, 0.05, 0.3])
def test_thermal_integrals(temperature):
    """int T f dw with the tails clipped to the band; the step of f is taken out for the quadrature."""
    window = Window.of(jnp.asarray(-2.0), jnp.asarray(2.0), 96)
    mu = np.array([-0.3, 1.5])
    values = smooth(np.asarray(window.energies)) @ np.asarray(
        window.thermal_integrals(jnp.asarray(mu), jnp.asarray(temperature))
    )
    fermi = lambda w, m: 0.5 * (1 - np.tanh((w - m) / (2 * temperature)))
    total = 0.0
    cuts = np.unique(np.clip([-2, *(m + s * temperature for m in mu for s in (-40, -8, 0, 8, 40)), 2], -2, 2))
    for low, high in itertools.pairwise(cuts):
        total += by_quadrature(lambda w: smooth(w) * (fermi(w, mu[1]) - fermi(w, mu[0])), low, high)
    close(values[1] - values[0], total, 1e-11)  # of the quadrature: f is a step of 1e-4


@pytest.mark.parametrize("temperature", [1e-7, 1e-4, 1e-3, 0.02])
def test_many_nodes_on_a_narrow_window(temperature):
    """Polynomials of degree 400 overflow outside their window, where nothing may ask for them."""
    reach = 0.2 + 37 * temperature
    window = Window.of(jnp.asarray(0.3 - reach), jnp.asarray(0.3 + reach), 400)
    weights = smooth(np.asarray(window.energies))
    mu = jnp.asarray([0.15, 0.45])
    warm = weights @ np.asarray(window.thermal_integrals(mu, jnp.asarray(temperature)))
    cold = weights @ np.asarray(window.integrals(mu))
    assert np.isfinite(warm).all()
    slopes = (smooth(np.array([0.15, 0.45]) + 1e-5) - smooth(np.array([0.15, 0.45]) - 1e-5)) / 2e-5
    expected = np.pi**2 / 6 * temperature**2 * (slopes[1] - slopes[0])  # Sommerfeld
    close(warm[1] - warm[0] - (cold[1] - cold[0]), expected, 1e-12 + 5 * temperature**4, 1.0)


def test_temperature_vanishes_as_its_square():
    """W(T) - W(0) = (pi^2 / 6) T^2 times the slope of the transmission (Sommerfeld), then T^4."""
    window = Window.of(jnp.asarray(-2.0), jnp.asarray(2.0), 96)
    weights = smooth(np.asarray(window.energies))
    mu = jnp.asarray([0.4])
    cold = weights @ np.asarray(window.integrals(mu))
    slope = (smooth(0.4 + 1e-5) - smooth(0.4 - 1e-5)) / 2e-5
    for T in (0.04, 0.02, 0.01):
        warm = weights @ np.asarray(window.thermal_integrals(mu, jnp.asarray(T)))
        close((warm - cold) / T**2, [np.pi**2 / 6 * slope], 30 * T**2, abs(slope))
    zero = weights @ np.asarray(window.thermal_integrals(mu, jnp.asarray(0.0)))
    close(zero, cold, 0.0)


def test_derivative_is_the_integrand():
    """d/dmu of the integral is the function itself, and finite at and beyond the band edge."""
    window = Window.of(jnp.asarray(LOW), jnp.asarray(HIGH), 24)
    weights = jnp.asarray(smooth(np.asarray(window.energies)))
    slope = jax.vmap(jax.grad(lambda w: weights @ window.integrals(w)))
    at = jnp.asarray([-0.3, 0.5, 1.1])
    close(slope(at), smooth(np.asarray(at)), 1e-10)
    whole = Window.of(jnp.asarray(-2.0), jnp.asarray(2.0), 24)
    slope = jax.grad(lambda w: jnp.sum(whole.integrals(w)))
    assert all(np.isfinite(slope(w)) for w in (-2.0, 2.0, 2.5))


def test_last_coefficients_tell_the_error():
    for count in (8, 12, 16):
        window = Window.of(jnp.asarray(LOW), jnp.asarray(HIGH), count)
        values = smooth(np.asarray(window.energies)) * np.sqrt(1 - np.asarray(window.energies) ** 2 / 4)
        start, end = interpolated(window, [-0.2, 1.1])
        error = abs(end - start - by_quadrature(smooth, -0.2, 1.1))
        assert error < 4 * float(window.tail(values)) * float(window.half)
