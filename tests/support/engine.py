"""The package as the suite calls it: compiled once for every kernel and array shape, and called often.

Arguments go in as plain numbers and NumPy arrays; results come back as NumPy.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import jax
import numpy as np

import jaxtransport as jt
from jaxtransport.green.dense import Dense
from support.wires import stack

KERNELS = ("chain", "long", "dense")
_COMPILED: dict[str, Callable] = {}


def compiled(name: str, function: Callable) -> Callable:
    """`jax.jit(function)`, one for every name for as long as the entry stands."""
    if name not in _COMPILED:
        _COMPILED[name] = jax.jit(lambda *arguments: function(*arguments))
    run = _COMPILED[name]
    return lambda *arguments: jax.tree.map(np.asarray, run(*arguments))


def solve(wire: jt.Wire, kernel: str, mu_bar: float, delta_mu: float, injection: float) -> jt.State:
    """`jaxtransport.solve`."""
    call = lambda wire, m, d, i: jt.solve(wire, mu_bar=m, delta_mu=d, injection=i, kernel=kernel)
    return compiled(f"solve {kernel}", call)(wire, float(mu_bar), float(delta_mu), float(injection))


def solve_batch(wires: Sequence[jt.Wire], kernel: str, energies: Sequence[float]) -> jt.State:
    """`jaxtransport.solve` under `vmap`, over wires of equally many entries and energies together."""
    call = lambda wire, m: jt.solve(wire, mu_bar=m, delta_mu=-0.1, injection=0.2, kernel=kernel)
    return compiled(f"batch {kernel}", jax.vmap(call))(stack(wires), np.asarray(energies, float))


def nonreciprocity(wire: jt.Wire, kernel: str, mu_bar: float, delta_mu: float, injection: float) -> float:
    """`jaxtransport.nonreciprocity`."""
    call = lambda wire, m, d, i: jt.nonreciprocity(wire, mu_bar=m, delta_mu=d, injection=i, kernel=kernel)
    return compiled(f"Delta I {kernel}", call)(wire, float(mu_bar), float(delta_mu), float(injection))


def respond(wire: jt.Wire, kernel: str, mu_bar: float) -> tuple[float, float]:
    """(g, r) of 2 pi I_1 = g (x_1 - x_N) - r."""
    call = lambda wire, w: jt.transmission(wire, w, kernel=kernel).lead_response()[:2]
    g, r = compiled(f"respond {kernel}", call)(wire, float(mu_bar))
    return float(g), float(r)


def profile(wire: jt.Wire, kernel: str, mu_bar: float) -> np.ndarray:
    """phi_l: the profile of x_1 = 1, x_N = 0 without injection; padding cut off."""
    call = lambda wire, w: jt.transmission(wire, w, kernel=kernel).potentials(0 * w, 1 + 0 * w, 0 * w)
    return compiled(f"profile {kernel}", call)(wire, float(mu_bar))[: int(wire.length)]


def matrix(wire: jt.Wire, mu_bar: float) -> np.ndarray:
    """T_ll', the diagonal included; padding cut off."""
    run = compiled("matrix", lambda wire, w: jt.transmission(wire, w, kernel="dense").matrix)
    N = int(wire.length)
    return run(wire, float(mu_bar))[:N, :N]


def products(wire: jt.Wire, kernel: str, x: np.ndarray) -> tuple[np.ndarray, ...]:
    """product, exchange, spread and bonds of any potentials x, at the energy 0.4."""

    def call(wire, x):
        t = jt.transmission(wire, 0.4, kernel=kernel)
        return t.product(x), t.currents_into(x), t.heat_sums(x), t.bonds(x)

    return compiled(f"products {kernel}", call)(wire, x)


@dataclasses.dataclass(frozen=True)
class DenseNumbers:
    """The matrices that `Dense.of` makes of a Hamiltonian."""

    leads: tuple[int, int]
    x: np.ndarray  # some potentials
    green: np.ndarray
    inverse: np.ndarray
    broadening: np.ndarray
    matrix: np.ndarray
    bond_matrix: np.ndarray
    currents_into: np.ndarray  # of x


def _dense_arguments(H, coupling, strength, w):
    return np.asarray(H, complex), *(np.asarray(v, float) for v in (coupling, strength, w))


def dense_of(H, coupling, strength, w: float, leads: tuple[int, int] = (0, 2)) -> DenseNumbers:
    """`Dense.of` for any Hermitian H."""

    def call(H, coupling, strength, w, first, last, x):
        d = Dense.of(H, coupling, w, leads=(first, last), strength=strength)
        return d.green, d.inverse, d.broadening, d.matrix, d.bond_matrix, d.currents_into(x)

    x = np.random.default_rng(0).normal(size=len(coupling))
    arguments = _dense_arguments(H, coupling, strength, w)
    return DenseNumbers(leads, x, *compiled("Dense.of", call)(*arguments, *leads, x))


def dense_answers(H, coupling, strength, w: float, leads: tuple[int, int] = (0, 2)) -> tuple[np.ndarray, ...]:
    """What `Dense.of` answers for any Hermitian H.

    Returns:
        Potentials with the leads at .3 and -.2 and injection .7; potentials with the leads at 1 and 0
        and no injection; (g, r).
    """

    def call(H, coupling, strength, w, first, last):
        d = Dense.of(H, coupling, w, leads=(first, last), strength=strength)
        return d.potentials(0.7, 0.3, -0.2), d.potentials(0.0, 1.0, 0.0), d.lead_response()[:2]

    return compiled("Dense.of answers", call)(*_dense_arguments(H, coupling, strength, w), *leads)


def trimmed(state: jt.State, N: int) -> dict[str, np.ndarray]:
    """The fields of a state on the sites and bonds of the wire; all else has to be NaN."""
    fields = {}
    for field in dataclasses.fields(state):
        value = np.asarray(getattr(state, field.name))
        if value.ndim:
            end = N - 1 if field.name == "bond_current" else N
            assert np.all(np.isnan(value[end:])), f"{field.name}: numbers beyond the wire"
            value = value[:end]
        fields[field.name] = value
    return fields
