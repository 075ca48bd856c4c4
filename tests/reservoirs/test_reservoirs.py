"""Self-energy of a semi-infinite chain (Eq. B14)."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import checks
from support.checks import close
from support.wires import PROPERTY

from jaxtransport.band import CHAIN as BAND
from jaxtransport.reservoirs import CHAIN

broadening = CHAIN.broadening
level_shift = lambda gamma, w: CHAIN.at(w).dress(gamma)[0]

energies = st.floats(-1.999, 1.999)
couplings = st.floats(1e-3, 3.0)


@PROPERTY
@given(energies, couplings)
def test_self_energy_repeats_itself_along_the_chain(w, gamma):
    """Surface g = 1 / (w - g), Sigma = gamma^2 g: cutting one site off an endless chain changes nothing.

    1e-13: g has modulus 1, so that the fixed point is as well conditioned as a rotation.
    """
    surface = complex(level_shift(1.0, w)) - 0.5j * float(broadening(1.0, w))
    close(surface * (w - surface), 1.0, 1e-13, 1.0)
    sigma = complex(level_shift(gamma, w)) - 0.5j * float(broadening(gamma, w))
    close(sigma, gamma**2 * surface, 1e-15, gamma**2)


def test_self_energy_is_the_limit_of_a_finite_chain():
    """A chain of 4000 sites with a little damping eta; the rest is of order eta / sqrt(4 - w^2)."""
    w, eta, g = 0.7, 1e-2, 0.0
    for _ in range(4000):
        g = 1 / (w + 1j * eta - g)
    exact = complex(level_shift(1.0, w)) - 0.5j * float(broadening(1.0, w))
    assert abs(g - exact) < eta
    assert exact.imag < 0


@pytest.mark.parametrize("w", [1.99999, -1.99999, 2 - 1e-12, 1.0])
def test_band_edge_keeps_all_digits(w):
    checks.band_edge_keeps_its_digits(w)


@pytest.mark.parametrize("w", [-2.0, 2.0, 2.5, -7.0])
def test_no_current_and_finite_gradients_outside_the_band(w):
    assert float(broadening(0.7, w)) == 0
    assert not bool(BAND.holds(w))
    assert float(jax.grad(broadening, argnums=1)(0.7, w)) == 0
    assert float(jax.grad(broadening)(0.7, w)) == 0


def test_gradient_in_the_band():
    """dGamma/dw = -gamma^2 w / sqrt(4 - w^2), to rounding."""
    w = jnp.linspace(-1.9, 1.9, 7)
    close(jax.vmap(jax.grad(lambda w: broadening(0.6, w)))(w), -0.36 * w / np.sqrt(4 - w**2), 1e-14)
