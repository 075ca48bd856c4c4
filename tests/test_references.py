"""The references agree with each other before anything is measured by them."""

import numpy as np
import pytest
from mpmath import mpf, workdps
from support import precise, reference
from support.checks import close, close_digits
from support.wires import disordered, localized


@pytest.mark.parametrize(
    ("seed", "N", "flux"), [(0, 2, False), (1, 3, True), (2, 4, False), (3, 11, True), (4, 20, False)]
)
def test_banded_elimination_is_matrix_inversion_to_40_digits(seed, N, flux):
    chain = reference.chain_of(disordered(seed, N, flux=flux))
    dense, banded = precise.dense(chain, 0.37), precise.banded(chain, 0.37)
    with workdps(precise.DIGITS):
        assert abs(dense.g - banded.g) <= mpf(10) ** -40 * dense.g
        assert abs(dense.r - banded.r) <= mpf(10) ** -40 * max(dense.scale, 1)
        assert max(abs(x - y) for x, y in zip(dense.phi, banded.phi, strict=True)) <= mpf(10) ** -40


def test_forty_digits_are_left_where_most_is_subtracted():
    """Localized states: elimination loses 30 digits here, so 100 are taken and 60 more change nothing."""
    chain = reference.chain_of(localized(0, 101, 25, 5.0))
    short, long = precise.banded(chain, 0.3, 100), precise.banded(chain, 0.3, 160)
    with workdps(160):
        assert abs(short.g - long.g) <= mpf(10) ** -40 * long.g
        assert abs(short.r - long.r) <= mpf(10) ** -40 * long.scale


@pytest.mark.parametrize(("seed", "N"), [(5, 4), (6, 12), (7, 24)])
def test_numpy_twin_agrees_with_forty_digits(seed, N):
    """1e-12: double precision on matrices of condition number about 100."""
    chain = reference.chain_of(disordered(seed, N, flux=True))
    exact = precise.dense(chain, -0.8, 40)
    twin = reference.solve(chain, -0.8, 0.1, 0.0)
    close_digits(twin.conductance, exact.g, 1e-12, what="g")
    close_digits(twin.injection_response, exact.r, 1e-12, exact.scale, "r")
    held = chain.coupling > 0
    phi = np.array([float(p) for p in exact.phi])
    close((twin.potentials[held] + 0.8) / 0.1, phi[held] - 0.5, 1e-12, 1.0, "phi")
