"""The couplings that serve an arrangement best, between bounds.

Descent in log gamma (L-BFGS-B) from many starts: optima often lie on the bounds, and this method
reaches them. Roles are fixed during a descent and assigned anew after it, until they no longer change.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from scipy.optimize import minimize

from jaxtransport.designs.merit import Candidates, Task, couplings_of, margin, merit_of_wire, rate, rate_wires

Bounds = tuple[float, float]
GRID, ZOOMS = 33, 4  # of the best uniform coupling: to 1e-5 of the range of log gamma
TURNS = 4  # of couplings and roles


@jax.jit
def _slope(task: Task, log_gamma, free, coupling, strength):
    """Merit for given roles, and its slope in the log gamma of the `free` sites."""

    def value(log_gamma):
        return merit_of_wire(task, jnp.where(free, jnp.exp(log_gamma), coupling), strength)

    return jax.value_and_grad(value)(log_gamma)


def descend(task: Task, coupling: np.ndarray, strength: np.ndarray, bounds: Bounds) -> np.ndarray:
    """Couplings of all sites of the padded wire that are locally best for given roles."""
    free = (coupling > 0) & (np.asarray(task.empty.coupling) == 0)
    low, high = np.log(bounds)

    def cost(part):
        full = np.zeros(free.size)
        full[free] = part
        value, slope = (np.asarray(v) for v in _slope(task, full, free, coupling, strength))
        good = np.isfinite(value) and np.isfinite(slope).all()
        return (-float(value), -slope[free]) if good else (1e300, np.zeros(part.size))

    found = minimize(
        cost,
        np.clip(np.log(coupling[free]), low, high),
        jac=True,
        method="L-BFGS-B",
        bounds=[(low, high)] * int(free.sum()),
        options={"maxiter": 300, "ftol": 1e-15, "gtol": 1e-10},
    )
    out = coupling.copy()
    out[free] = _within(found.x, bounds)
    return out


def _within(log_gamma: np.ndarray, bounds: Bounds) -> np.ndarray:
    """Couplings of given logarithm; the bounds themselves, where exp(log(bound)) differs by rounding."""
    low, high = np.log(bounds)
    inside = np.where(log_gamma <= low, bounds[0], np.exp(log_gamma))
    return np.where(log_gamma >= high, bounds[1], inside)


def local_optimum(task: Task, coupling: np.ndarray, strength: np.ndarray, bounds: Bounds) -> np.ndarray:
    """`descend`, repeated after single couplings are moved onto bounds, until that does not help."""
    best = -np.inf
    while True:
        coupling = descend(task, coupling, strength, bounds)
        here = rate_wires(task, coupling[None], strength)[0]
        if not here > best + margin(task, here):
            return coupling
        best = here
        coupling = _throw(task, coupling, here, strength, bounds)


def _throw(task: Task, coupling: np.ndarray, here: float, strength: np.ndarray, bounds: Bounds) -> np.ndarray:
    """Take the best change of one coupling to a bound, repeatedly until none helps."""
    free = np.flatnonzero((coupling > 0) & (np.asarray(task.empty.coupling) == 0))
    while True:
        thrown = np.tile(coupling, (2 * free.size, 1))
        thrown[np.arange(2 * free.size), np.tile(free, 2)] = np.repeat(bounds, free.size)
        merits = rate_wires(task, thrown, strength)
        best = int(np.argmax(merits))
        if not merits[best] > here + margin(task, here):
            return coupling
        coupling, here = thrown[best], merits[best]


def tune(task: Task, starts: Candidates, bounds: Bounds) -> Candidates:
    """`starts`, followed by the same arrangements with locally optimal couplings."""
    found = Candidates(starts.sites, starts.gammas.copy())
    roles = rate(task, starts)[1]
    active = np.arange(len(roles))
    for _ in range(TURNS):
        for row in active:
            strength = np.zeros(task.empty.sites)
            strength[found.sites[row]] = roles[row]
            coupling = couplings_of(task, found.take([row]))[0]
            held = found.gammas[row] > 0
            found.gammas[row, held] = descend(task, coupling, strength, bounds)[found.sites[row, held]]
        anew = rate(task, found)[1]
        active = np.flatnonzero((anew != roles).any(axis=1))
        roles = anew
    return Candidates.join(starts, found)


def random_couplings(gammas: np.ndarray, bounds: Bounds, count: int, rng: np.random.Generator) -> np.ndarray:
    """`count` random rows of couplings for each row of `gammas`, every second one on the bounds."""
    held = np.repeat(gammas, count, axis=0) > 0
    inside = np.exp(rng.uniform(np.log(bounds[0]), np.log(bounds[1]), held.shape))
    corner = np.where(rng.random(held.shape) < 0.5, *bounds)
    odd = (np.arange(len(held)) % 2 == 1)[:, None]
    return np.where(held, np.where(odd, corner, inside), 0.0)


def best_uniform(task: Task, held: np.ndarray, strength: np.ndarray, bounds: Bounds) -> float:
    """The one coupling of all reservoirs that is best for given roles; a grid, refined around its best."""
    if bounds[0] == bounds[1]:
        return bounds[0]
    low, high = np.log(bounds)
    centre, width = (low + high) / 2, high - low
    for _ in range(ZOOMS):
        grid = np.linspace(max(low, centre - width / 2), min(high, centre + width / 2), GRID)
        values = _within(grid, bounds)
        merits = rate_wires(task, uniform(task, held, values), strength)
        centre, width = grid[np.argmax(merits)], width * 4 / GRID
    return float(values[np.argmax(merits)])


def uniform(task: Task, held: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Couplings of the padded wire, a row for each row of `values`, on the sites that are `held`."""
    lead = np.asarray(task.empty.coupling)
    values = values if values.ndim == 2 else values[:, None]
    return np.where(lead > 0, lead, np.where(held, values, 0.0))
