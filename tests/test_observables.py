"""What is read off a solved wire: every variable by name, sum rules, definitions."""

import numpy as np
import pytest
from support import checks, engine, reference
from support.checks import close
from support.engine import KERNELS
from support.wires import disordered

from jaxtransport.green.kernels import KERNELS as CLASSES
from jaxtransport.linear import LinearResponse
from jaxtransport.variables import LINEAR


def observed(wire, kernel, mu_bar, delta_mu, injection):
    """All variables at one point, compiled; NumPy, padding cut off."""

    def run(wire, mu_bar, delta_mu, injection):
        solved = LinearResponse.of(wire, mu_bar, CLASSES[kernel], with_profile=True)
        return solved.observe(LINEAR, delta_mu, injection)

    out = engine.compiled(f"observe {kernel}", run)(wire, mu_bar, delta_mu, injection)
    N = int(wire.length)
    ends = {"site": N, "bond": N - 1}
    return {
        k: np.asarray(v)[: ends[LINEAR[k].dims[0]]] if np.ndim(v) else np.asarray(v) for k, v in out.items()
    }


@pytest.mark.slow
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(
    ("seed", "N", "injection"), [(70, 33, 0.4), (71, 64, -6.0), (72, 2, 0.3), (73, 3, 0.0)]
)
def test_every_variable_is_that_of_the_twin(seed, N, injection, kernel):
    """1e-11 on each variable's own scale, leads on the scale of the largest current."""
    wire = disordered(seed, N, sites=64)
    mu_bar, delta_mu = 0.35, 0.1
    got = observed(wire, kernel, mu_bar, delta_mu, injection)
    chain = reference.chain_of(wire)
    forward, reverse = (reference.solve(chain, mu_bar, d, injection) for d in (delta_mu, -delta_mu))
    current = max(np.max(np.abs(a)) for s in (forward, reverse) for a in (s.currents, s.bond_current))
    assert got["status"].dtype == got["outside_band"].dtype == np.int8
    assert got.pop("status") == 0
    close(got.pop("residual"), 0.0, 1e-11, current, "residual")
    assert 0 <= got.pop("current_error") < 1e-9 * current
    for bias, twin in (("forward", forward), ("reverse", reverse)):
        for quantity in ("current", "right_current", "site_current", "bond_current"):
            expected = getattr(twin, quantity)
            close(got.pop(f"{quantity}_{bias}"), expected, 1e-11, current, quantity)
        for quantity in ("heat", "density"):
            close(got.pop(f"{quantity}_{bias}"), getattr(twin, quantity), 1e-11, what=quantity)
        x = got.pop(f"potential_{bias}") - mu_bar
        close(x, twin.potentials - mu_bar, 1e-11, what="potential")
    close(got.pop("conductance"), (forward.left_current - reverse.left_current) / 2, 1e-11, current, "G")
    close(got.pop("injection_response"), forward.injection_response, 1e-11, max(1, current), "r")
    back, forth = abs(reverse.left_current), abs(forward.left_current)
    close(got.pop("nonreciprocity"), back - forth, 1e-11, current, "Delta I")
    close(
        got.pop("relative_nonreciprocity"),
        2 * (back - forth) / (back + forth),
        1e-11 * current / back,
        1.0,
        "rel",
    )
    potentials = np.abs(np.concatenate([forward.potentials, reverse.potentials]))
    assert got.pop("outside_band") == np.any(potentials[~np.isnan(potentials)] >= 2)
    assert not got


@pytest.mark.slow
@pytest.mark.parametrize("delta_mu", [0.1, -0.1])
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(("seed", "N"), [(74, 2), (75, 20), (76, 64)])
def test_heat_and_density(seed, N, kernel, delta_mu):
    """sum h_l = sum I_l mu_l (Eq. B52), h_l >= 0, delta n_l = -I_l / Gamma_l (Eqs. B50 and B51)."""
    wire = disordered(seed, N, sites=64)
    state = engine.solve(wire, kernel, 0.35, delta_mu, 0.8)
    checks.heat_is_paid_for(state, N, delta_mu)
    checks.density_follows_current(state, wire, 0.35, delta_mu)


@pytest.mark.slow
def test_heat_of_one_resistor():
    """Two leads and nothing between: each takes half of the power, h = T delta_mu^2 / 4 pi."""
    wire = disordered(77, 2, sites=64)
    state = engine.solve(wire, "chain", 0.35, 0.1, 0.0)
    close(state.heat[:2], np.full(2, float(state.conductance) * 0.1**2 / (4 * np.pi)), 1e-14)


def test_bare_sites_hold_no_number_but_zero_current_and_heat():
    wire = disordered(78, 40, sites=64, bare=0.6)
    state = engine.trimmed(engine.solve(wire, "chain", 0.35, 0.1, 0.3), 40)
    bare = np.asarray(wire.coupling[:40]) == 0
    assert bare.sum() > 10
    for name in ("potential", "density"):
        np.testing.assert_array_equal(np.isnan(state[name]), bare)
    for name in ("site_current", "heat"):
        assert np.all(state[name][bare] == 0)
