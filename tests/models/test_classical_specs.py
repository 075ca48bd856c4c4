"""Sweep files of the classical models: every mistake named, every stored number that of its point."""

import numpy as np
import pytest
import tomlkit
from support.checks import close

import jaxtransport as jt
from jaxtransport.errors import InputError
from jaxtransport.models import parse
from jaxtransport.variables import CIRCUIT, CLASSICAL, per_point

CLASSICAL_BASE = {
    "model": "classical",
    "wire": {"layout": "dimers", "N": 8, "p": 0.5},
    "drive": {"rho_0": 0.2, "delta_rho": 0.3, "injection": 0.4},
}
CIRCUIT_BASE = {
    "model": "circuit",
    "wire": {"layout": "dimers", "N": 8, "sigma": 2.0},
    "drive": {"voltage": 1.5, "injection": 0.4},
}
CUSTOM = {
    "model": "circuit",
    "wire": {"layout": "custom", "positions": [0.7, 0.2], "strengths": [-1.0, 1.0]},
    "drive": {"injection": 0.4},
}


def changed(base, changes):
    """TOML of a spec with "table.key" -> value; None leaves a key out."""
    document = {k: dict(v) if isinstance(v, dict) else v for k, v in base.items()}
    for key, value in changes.items():
        *tables, name = key.split(".")
        here = document
        for table in tables:
            here = here.setdefault(table, {})
        if value is None:
            here.pop(name)
        else:
            here[name] = value
    return tomlkit.dumps(document)


MISTAKES = [
    (CLASSICAL_BASE, {"wire.p": 0.0}, "wire.p", "0 < p <= 1"),
    (CLASSICAL_BASE, {"wire.p": 1.01}, "wire.p", "0 < p <= 1"),
    (CLASSICAL_BASE, {"wire.p": True}, "wire.p", "0 < p <= 1"),
    (CLASSICAL_BASE, {"wire.p": None}, "wire.p", "missing; expected the probability"),
    (CLASSICAL_BASE, {"drive.rho_0": -0.1}, "drive.rho_0", ">= 0"),
    (CUSTOM, {"wire.N": "x"}, "wire.N", "expected a whole number"),
    (CLASSICAL_BASE, {"wire.N": None}, "wire.N", "missing"),
    (CLASSICAL_BASE, {"wire.N": 7}, "wire.N", "expected an even N"),
    (CLASSICAL_BASE, {"wire.gamma": 0.5}, "wire.gamma", "unknown"),
    (CLASSICAL_BASE, {"wire.spacing": 3}, "wire.spacing", "requires layout"),
    (
        CLASSICAL_BASE,
        {"wire.strengths": [1.0]},
        "wire.strengths",
        "one number for each of 6 sources and drains, in order along the wire, got 1",
    ),
    (CLASSICAL_BASE, {"drive.delta_rho": 0.0}, "drive.delta_rho", "> 0"),
    (CLASSICAL_BASE, {"drive.delta_rho": None}, "drive.delta_rho", "missing"),
    (CLASSICAL_BASE, {"drive.injection": None}, "drive.injection", "missing"),
    (CLASSICAL_BASE, {"drive.injection": float("nan")}, "drive.injection", "finite number"),
    (CLASSICAL_BASE, {"drive.mu_bar": 1.0}, "drive.mu_bar", "unknown"),
    (CLASSICAL_BASE, {"solve.law": "linear"}, "solve", "unknown"),
    (CLASSICAL_BASE, {"grid.gamma": [0.1]}, "grid.gamma", "cannot be an axis"),
    (CLASSICAL_BASE, {"grid.p": []}, "grid.p", "an empty axis"),
    (CLASSICAL_BASE, {"grid.N": [4, 6, 7]}, "grid.N", "expected an even N"),
    (
        CLASSICAL_BASE,
        {"output.variables": ["heat_forward"]},
        "output.variables",
        "unknown variable 'heat_forward'; did you mean 'current_forward'?",
    ),
    (CIRCUIT_BASE, {"wire.sigma": 0.0}, "wire.sigma", "> 0"),
    (CIRCUIT_BASE, {"wire.N": None}, "wire.N", "missing"),
    (CIRCUIT_BASE, {"wire.N": 5}, "wire.N", "expected an even N"),
    (CIRCUIT_BASE, {"wire.layout": None}, "wire.layout", "missing"),
    (CIRCUIT_BASE, {"wire.positions": [0.5]}, "wire.positions", "requires layout"),
    (
        CIRCUIT_BASE,
        {"wire.strengths": [-1.0] * 6},
        "wire.strengths",
        "entry 1: expected a number > 0, got -1.0",
    ),
    (CIRCUIT_BASE, {"drive.voltage": -1.0}, "drive.voltage", "> 0"),
    (CIRCUIT_BASE, {"drive.injection": None}, "drive.injection", "missing"),
    (CUSTOM, {"wire.N": 4}, "wire.N", "positions give the nodes"),
    (CUSTOM, {"grid.N": [4, 6]}, "grid.N", "positions give the nodes"),
    (CUSTOM, {"wire.positions": None}, "wire.positions", "missing"),
    (CUSTOM, {"wire.strengths": None}, "wire.strengths", "missing"),
    (
        CUSTOM,
        {"wire.positions": [0.0, 0.2]},
        "wire.positions",
        "entry 1: expected a fraction of the length, 0 < x < 1, got 0.0",
    ),
    (
        CUSTOM,
        {"wire.positions": [0.2, 1.0]},
        "wire.positions",
        "entry 2: expected a fraction of the length, 0 < x < 1, got 1.0",
    ),
    (CUSTOM, {"wire.positions": [0.2, 0.2]}, "wire.positions", "duplicate position 0.2"),
    (CUSTOM, {"wire.strengths": [1.0]}, "wire.strengths", "one number for each of 2 positions, got 1"),
]


@pytest.mark.parametrize(("base", "changes", "key", "message"), MISTAKES)
def test_a_mistake_is_named(base, changes, key, message):
    with pytest.raises(InputError) as caught:
        parse(changed(base, changes))
    assert [line.split(": ")[0] for line in caught.value.mistakes] == [key]
    assert message in caught.value.mistakes[0]


def test_all_mistakes_at_once():
    with pytest.raises(InputError) as caught:
        parse(changed(CLASSICAL_BASE, {"wire.p": -1.0, "wire.N": 7, "drive.delta_rho": "x", "grid.q": [1]}))
    keys = {line.split(": ")[0] for line in caught.value.mistakes}
    assert keys == {"wire.p", "wire.N", "drive.delta_rho", "grid.q"}


@pytest.mark.parametrize(("base", "known"), [(CLASSICAL_BASE, CLASSICAL), (CIRCUIT_BASE, CIRCUIT)])
def test_everything_of_one_number_is_stored_by_default(base, known):
    assert parse(changed(base, {})).variables == per_point(known)


@pytest.fixture
def sweep(tmp_path):
    def run(base, changes):
        path = tmp_path / "sweep.toml"
        path.write_text(changed(base, changes))
        return jt.run(path, tmp_path / "out.h5", force=True)

    return run


@pytest.mark.slow
def test_classical_sweep(sweep):
    """Every variable at every point of a grid with all axes, against `steady_state` of that point."""
    axes = {"grid.N": [4, 6, 12], "grid.p": [0.3, 1.0], "grid.delta_rho": [0.3, 0.5]}
    axes |= {"grid.injection": [0.0, -0.6], "grid.rho_0": [0.0, 0.2]}
    data = sweep(CLASSICAL_BASE, {**axes, "output.variables": list(CLASSICAL)})
    assert (data.status == 0).all()
    fields = ["density_right", "density_left", "bond_current", "current", "right_current"]
    for N in data.N.values:
        for p in data.p.values:
            lattice = jt.Lattice.dimers(int(N), p=p)
            for i in data.injection.values:
                for delta_rho in data.delta_rho.values:
                    here = data.sel(N=N, p=p, delta_rho=delta_rho, injection=i, rho_0=0.2)
                    states = {
                        bias: jt.steady_state(lattice, delta_rho=sign * delta_rho, rho_0=0.2, injection=i)
                        for bias, sign in (("forward", 1), ("reverse", -1))
                    }
                    for bias, state in states.items():
                        for name in fields:
                            expected = np.asarray(getattr(state, name))
                            stored = here[f"{name}_{bias}"].values
                            # The same sums in arrays of another length: some roundings.
                            close(stored[: len(expected)] if stored.ndim else stored, expected, 1e-14)
                            assert not stored.ndim or np.isnan(stored[len(expected) :]).all()
                    I = {bias: abs(float(state.current)) for bias, state in states.items()}
                    close(here.nonreciprocity.item(), I["reverse"] - I["forward"], 1e-14, 1.0)
                    assert here.residual < 1e-13


@pytest.mark.slow
def test_circuit_sweep(sweep):
    axes = {"grid.N": [4, 6, 12], "grid.sigma": [1.0, 2.0], "grid.voltage": [1.0, 3.0]}
    data = sweep(CIRCUIT_BASE, {**axes, "grid.injection": [0.0, 0.7], "output.variables": list(CIRCUIT)})
    assert (data.status == 0).all()
    for N in data.N.values:
        for voltage in data.voltage.values:
            here = data.sel(N=N, voltage=voltage, sigma=2.0, injection=0.7)
            for bias, sign in (("forward", 1), ("reverse", -1)):
                circuit = jt.Circuit.dimers(int(N))
                state = jt.solve_circuit(circuit, voltage=sign * voltage, injection=0.7)
                close(here[f"voltage_{bias}"].values[:N], state.voltage, 1e-14)
                close(here[f"bond_current_{bias}"].values[: N - 1], state.bond_current, 1e-14)
                close(here[f"heat_{bias}"].values[: N - 1], state.heat, 1e-14)
                close(here[f"current_{bias}"].item(), state.current, 1e-14)
            close(here.position.values[:N], np.arange(N) / (N - 1), 1e-15)
            close(here.conductance.item(), 2.0 / (N - 1), 1e-15)


def test_custom_circuit_in_any_order(sweep):
    data = sweep(CUSTOM, {"output.variables": ["voltage_forward", "position", "current_forward"]})
    circuit = jt.Circuit.custom([0.2, 0.7], [1.0, -1.0])
    state = jt.solve_circuit(circuit, injection=0.4)
    close(data.position.values, [0.0, 0.2, 0.7, 1.0], 0.0)
    close(data.voltage_forward.values, state.voltage, 1e-15)
    close(data.current_forward.item(), 1 - 0.4 * 0.5, 1e-15)


@pytest.mark.parametrize("base", [CLASSICAL_BASE, CIRCUIT_BASE, CUSTOM])
def test_one_point_without_a_grid(base, sweep):
    data = sweep(base, {})
    assert data.nonreciprocity.shape == ()
    assert data.attrs["model"] == base["model"]
