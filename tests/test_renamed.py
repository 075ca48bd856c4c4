"""Old names of attributes work for one more version, and warn with the new one."""

import pytest

import jaxtransport as jt

STATE = jt.solve(jt.Wire.pair(6, gamma=0.4), mu_bar=0.3, delta_mu=0.1, injection=0.2)
LATTICE = jt.steady_state(jt.Lattice.pair(6, p=0.5), delta_rho=0.3)
CIRCUIT = jt.solve_circuit(jt.Circuit.pair(6), injection=0.3)
NETWORK = jt.transmission(jt.Wire.pair(6, gamma=0.4), 0.3)

RENAMED = [
    (STATE, "bond_currents", "bond_current"),
    (LATTICE, "right", "density_right"),
    (LATTICE, "left", "density_left"),
    (LATTICE, "bond_currents", "bond_current"),
    (LATTICE, "left_current", "current"),
    (CIRCUIT, "voltages", "voltage"),
    (CIRCUIT, "bond_currents", "bond_current"),
    (CIRCUIT, "left_current", "current"),
]


@pytest.mark.parametrize(("owner", "old", "new"), RENAMED)
def test_old_names_warn(owner, old, new):
    with pytest.warns(DeprecationWarning, match=f"{type(owner).__name__}.{old} is called {new}"):
        assert getattr(owner, old) is getattr(owner, new)


@pytest.mark.parametrize(
    ("old", "new"), [("exchange", "currents_into"), ("spread", "heat_sums"), ("settle", "probe_potentials")]
)
def test_old_methods_warn(old, new):
    with pytest.warns(DeprecationWarning, match=f"{old} is called {new}"):
        assert getattr(NETWORK, old) == getattr(NETWORK, new)


def test_the_response_of_the_leads_by_its_old_name():
    with pytest.warns(DeprecationWarning, match="lead_response"):
        g, r = NETWORK.respond()
    assert (g, r) == NETWORK.lead_response()[:2]


def test_names_that_scripts_rely_on_do_not_warn(recwarn):
    assert STATE.potentials is STATE.potential
    assert STATE.currents is STATE.site_current
    assert STATE.left_current is STATE.current
    assert not recwarn
