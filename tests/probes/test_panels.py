"""Panels of energies: they cover a window once, keep the digits of small offsets, and no level hides."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from mpmath import mpf, sqrt, workdps
from support.checks import close
from support.engine import compiled

import jaxtransport as jt
from jaxtransport.probes.panels import LONG, SHORT, Panels, nodes
from jaxtransport.reservoirs import CHAIN

DIMERS = jt.Wire.dimers(12, gamma=0.5)


def panels(wire, mu_bar, low, high, temperature=None, most=128, fine=False):
    def call(wire, mu_bar, low, high, *T):
        found = Panels.of(wire, mu_bar, low, high, *T or (None,), most=most, fine=fine)
        start, end = found.some(jnp.arange(most))
        return found, nodes(found.energies, start, end)

    more = () if temperature is None else (float(temperature),)
    name = f"panels {wire.sites} {most} {fine} {len(more)}"
    return compiled(name, call)(wire, float(mu_bar), float(low), float(high), *more)


@pytest.mark.parametrize("mu_bar", [-1.9, 0.0, 0.3, 1.99])
@pytest.mark.parametrize("x", [1e-12, -3e-7, 1e-3, -0.009, 0.0099])
def test_offsets_keep_their_digits(mu_bar, x):
    """sigma of mu_bar + x, and x from it, however small x is, also 1e-4 beside the band edge (40 digits)."""
    energies = CHAIN.energies(jnp.asarray(mu_bar))
    sigma = float(energies.offset(jnp.asarray(x)))
    close(energies.above(jnp.asarray(sigma)), x, 2e-14)
    with workdps(40):
        s_of = lambda w: w / (2 + sqrt(4 - w * w))
        truth = s_of(mpf(mu_bar) + mpf(x)) - s_of(mpf(mu_bar))
        assert abs(mpf(sigma) - truth) <= abs(truth) * mpf("2e-14")


def test_a_window_is_covered_once():
    """Weights sum to its length, nodes are in it, and it ends with the band."""
    for low, high in ((-0.4, 0.9), (-2.3, 1.7), (-1e-8, 1e-8)):
        found, at = panels(DIMERS, 0.3, low, high)
        assert bool(found.enough)
        close(np.sum(at.weight), high - low, 1e-13)
        inside = np.asarray(at.above)[np.asarray(at.weight) > 0]
        assert inside.min() > low
        assert inside.max() < high


@pytest.mark.parametrize("temperature", [1e-5, 0.002, 0.05, 0.3])
@pytest.mark.parametrize("window", [1.0, 1e-13])
def test_panels_fit_the_temperature(temperature, window):
    """Each is so short that nodes carry f, or so long that few meet its step; not too many of either.

    Also in windows that are shorter than any panel is cut for its levels.
    """
    temperature *= window
    found, at = panels(DIMERS, 0.3, -window, window, temperature)
    lengths = np.asarray(at.weight.sum(1))[: int(found.count)]
    short, long = lengths <= SHORT * temperature * 1.000001, lengths >= LONG * temperature * 0.999999
    assert np.all(short | long)
    assert int(found.count) <= 8 + 4.0 * window / (SHORT * temperature)


@pytest.mark.parametrize("contact", [0.1, 1e-2, 1e-3, 1e-4])
def test_no_level_hides(contact):
    """A bare wire of five sites: nodes within a width of each of its five levels, wherever they are."""
    wire = jt.Wire.custom(5, contact=contact, gamma=1.0)
    levels = 2 * np.cos(np.pi * np.arange(1, 6) / 6)
    widths = contact**2 * np.sqrt(4 - levels**2) * 2 / 6 * 2 * np.sin(np.pi * np.arange(1, 6) / 6) ** 2
    found, at = panels(wire, 0.1, -2.05, 1.85, most=512, fine=True)
    assert bool(found.enough)
    w = 0.1 + np.asarray(at.above)[: int(found.count)].ravel()
    shifted = levels * (1 + contact**2)  # by Re Sigma, at most
    for level, moved, width in zip(levels, shifted, widths, strict=True):
        assert np.min(np.abs(w - level)) < width + 2 * abs(moved - level)
    assert int(found.count) <= 30 + 5 * 2 * np.log2(4 / widths.min()) * 1.2


def test_a_dark_state_ends_the_bisection():
    """Beside a probe in the middle, two levels of contacts 1e-9: one of them has no more width than those."""
    wire = jt.Wire.custom(3, probes=[2], contact=1e-9, gamma=0.3)
    found, _ = panels(wire, 0.1, -1.0, 1.0, most=512, fine=True)
    assert bool(found.enough)
    assert float(found.hidden) < 1e-20


def test_without_room_it_says_so():
    found, at = panels(jt.Wire.custom(9, contact=1e-3, gamma=1.0), 0.1, -1.0, 1.0, most=16)
    assert not bool(found.enough)
    close(np.sum(at.weight), 2.0, 1e-13)


def test_a_batch_of_windows_is_one_program():
    """Under `vmap` each window has its own panels."""
    mu = jnp.array([-0.7, 0.3, 1.2])
    one = lambda m: Panels.of(DIMERS, m, jnp.asarray(-0.5), jnp.asarray(0.5), None, most=64)
    counts = jax.jit(jax.vmap(one))(mu).count
    alone = [int(panels(DIMERS, float(m), -0.5, 0.5, most=64)[0].count) for m in mu]
    np.testing.assert_array_equal(counts, alone)
