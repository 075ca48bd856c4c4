"""Merit of an arrangement of sources and drains, and the best assignment of roles.

    r = delta I / I_g = sum_l s_l phi_l,      s_l = +1 source, -1 drain, 0 probe

phi_l is the profile without injected currents between leads at x_1 - x_N = 1. It depends on sites and
couplings, not on the roles of the reservoirs; so one solve serves every assignment of roles, and the
largest r has the sources where phi is highest and the drains where it is lowest. With g = 2 pi G and
i = I_g / I_o, at every energy of a window and averaged over it:

    nonreciprocity   Delta I / I_g = 2 sgn(r) min(g / i, |r|)                   -> 2 r     for i -> 0
    relative         Delta I / Ibar = 2 sgn(r) min(g, i |r|) / max(g, i |r|)    -> 2 r / g (per i)
    reciprocal       root mean square of Delta I / I_g, to be made small

A candidate is a row of `sites` (from 0) that hold a reservoir and a row of `gammas`, their couplings.
Entries that only pad a row have the coupling 0.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int

from jaxtransport.compute.batches import in_batches
from jaxtransport.green.chain import Chain
from jaxtransport.green.conserving import Conserving
from jaxtransport.wire import Wire

ASSIGNMENTS = 3_000  # assignments of roles that are tried exhaustively, where sorting does not give the best
FEW, MANY = 64, 2048  # candidates in one batch: two shapes, so two compilations
ROUGH = 1e-12  # values that differ by less than this share count as equal: rounding differs among machines


class Task(eqx.Module):
    """The design problem. `choice`: how roles are assigned, see `choose`."""

    empty: Wire  # with its leads, and no other reservoir
    energies: Float[Array, " energy"]
    weights: Float[Array, " energy"]  # of the mean over the window; their sum is 1
    injection: Float[Array, ""]  # I_g / I_o; 0 for the limit of small I_g
    pairs: Int[Array, ""]
    table: Float[Array, "way slot"]  # roles to try, or to start from
    goal: str = eqx.field(static=True)
    limit: bool = eqx.field(static=True)  # i -> 0
    choice: str = eqx.field(static=True)  # "sorted", "table" or "swaps"
    kernel: type[Chain] = eqx.field(static=True)


class Candidates(NamedTuple):
    """Rows of arrangements with their couplings."""

    sites: np.ndarray
    gammas: np.ndarray

    def take(self, rows) -> Candidates:
        return Candidates(self.sites[rows], self.gammas[rows])

    @classmethod
    def join(cls, *parts: Candidates) -> Candidates:
        return cls(*(np.concatenate(rows) for rows in zip(*parts, strict=True)))


def merit(task: Task, r: Array, g: Array) -> Array:
    """The value of the goal, negated for "reciprocal", so that larger is always better."""
    i, size = task.injection, jnp.abs(r)
    if task.goal == "relative":
        values = (
            2 * r / g if task.limit else jnp.sign(r) * 2 * jnp.minimum(g, i * size) / jnp.maximum(g, i * size)
        )
    else:
        values = 2 * r if task.limit else jnp.sign(r) * 2 * jnp.minimum(g / i, size)
    if task.goal == "reciprocal":
        # The slope of a root has no value at 0, where this goal is met.
        square = jnp.sum(task.weights * values**2, axis=-1)
        return -jnp.where(square > 0, jnp.sqrt(jnp.where(square > 0, square, 1.0)), 0.0)
    return jnp.sum(task.weights * values, axis=-1)


def profile(task: Task, sites: Array, gammas: Array) -> tuple[Array, Array]:
    """phi on `sites`, shape (energy, slot), and g, shape (energy,).

    Behind barriers all phi are nearly equal, and differences alone count: there they are those to the first
    slot, each as the r of a source here and a drain there.
    """
    empty = task.empty
    coupling = jnp.zeros(empty.sites).at[sites].set(gammas)
    coupling = jnp.where(empty.coupling > 0, empty.coupling, coupling)
    wire = replace(empty, coupling=coupling)

    def at(energy):
        chain = task.kernel.at(wire, energy)
        g = chain.lead_response().conductance
        if not isinstance(chain, Conserving):
            return chain.potentials(jnp.zeros(()), 0.5, -0.5)[sites], g
        one = lambda site: jax.nn.one_hot(site, empty.sites, dtype=energy.dtype)
        return jax.vmap(lambda site: chain.drawn_by(one(site) - one(sites[0])))(sites), g

    return jax.vmap(at)(task.energies)


def choose(task: Task, phi: Array, g: Array, held: Array) -> Array:
    """Roles s of the slots that are best for this profile.

    sorted   sources on the highest, drains on the lowest: exact where the goal grows with every phi_l s_l
    table    every assignment is tried
    swaps    from each row of the table two roles are swapped, as long as that helps
    """
    if task.choice == "sorted":
        weights = task.weights / g if task.goal == "relative" else task.weights
        height = jnp.where(held, weights @ phi, -jnp.inf)
        rank = jnp.argsort(jnp.argsort(-height))
        held_sites = jnp.sum(held)
        drains = (rank >= held_sites - task.pairs) & (rank < held_sites)
        return jnp.where(rank < task.pairs, 1.0, jnp.where(drains, -1.0, 0.0))
    value = lambda roles: merit(task, phi @ roles, g)
    ways = task.table
    if task.choice == "swaps":
        ways = jax.vmap(lambda roles: _swap(task, roles, phi, g, held))(ways)
    return ways[jnp.argmax(jax.vmap(value)(ways))]


def _swap(task: Task, roles: Array, phi: Array, g: Array, held: Array) -> Array:
    slots = roles.shape[0]
    both = held[:, None] & held

    def better(state):
        return state[1]

    def step(state):
        roles, _, here = state
        gain = (roles[None, :] - roles[:, None]) * (phi[:, :, None] - phi[:, None, :])
        r = (phi @ roles)[:, None, None] + gain
        values = jnp.where(both, jax.vmap(jax.vmap(lambda r: merit(task, r, g), 1), 2)(r), -jnp.inf)
        a, b = jnp.unravel_index(jnp.argmax(values), (slots, slots))
        best = values[a, b]
        swapped = roles.at[a].set(roles[b]).at[b].set(roles[a])
        improves = best > here + ROUGH * jnp.abs(here)
        return jnp.where(improves, swapped, roles), improves, jnp.maximum(best, here)

    start = (roles, jnp.asarray(True), merit(task, phi @ roles, g))
    return lax.while_loop(better, step, start)[0]


@jax.jit
def _rate_all(task: Task, sites: Array, gammas: Array) -> tuple[Array, Array]:
    def one(sites, gammas):
        phi, g = profile(task, sites, gammas)
        roles = choose(task, phi, g, gammas > 0)
        return merit(task, phi @ roles, g), roles

    return jax.vmap(one)(sites, gammas)


def rate(task: Task, candidates: Candidates) -> tuple[np.ndarray, np.ndarray]:
    """Merit of every candidate, -inf where it is not finite, and its best roles."""
    rows, slots = candidates.sites.shape
    work = task.energies.size * slots * (1 if task.choice == "sorted" else len(task.table))
    batch = FEW if rows <= 8 * FEW else int(np.clip(2**20 // work, FEW, MANY))
    if task.choice == "swaps":
        batch = FEW
    merit, roles = in_batches(lambda some: _rate_all(task, *candidates.take(some)), rows, batch)
    return np.where(np.isfinite(merit), merit, -np.inf), roles


def couplings_of(task: Task, candidates: Candidates) -> np.ndarray:
    """gamma of every site of the padded wire, leads included, one candidate a row."""
    lead = np.asarray(task.empty.coupling)
    out = np.zeros((len(candidates.sites), lead.size))
    np.put_along_axis(out, candidates.sites, candidates.gammas, axis=1)
    return np.where(lead > 0, lead, out)


def merit_of_wire(task: Task, coupling: Array, strength: Array) -> Array:
    """Merit by the response of the leads to the injected currents, for given roles."""
    empty = task.empty
    wire = replace(empty, coupling=coupling, strength=strength)
    g, r = jax.vmap(lambda energy: task.kernel.at(wire, energy).lead_response()[:2])(task.energies)
    return merit(task, r, g)


@jax.jit
def _rate_wires(task: Task, couplings: Array, strength: Array) -> Array:
    return jax.vmap(lambda coupling: merit_of_wire(task, coupling, strength))(couplings)


def rate_wires(task: Task, couplings: np.ndarray, strength: np.ndarray) -> np.ndarray:
    """`merit_of_wire` of every row of couplings; -inf where it is not finite."""
    merit = in_batches(lambda rows: _rate_wires(task, couplings[rows], strength), len(couplings), FEW)
    return np.where(np.isfinite(merit), merit, -np.inf)


def margin(task: Task, merit: np.ndarray | float) -> np.ndarray:
    """Smallest significant difference of two merits."""
    return ROUGH * np.maximum(np.abs(merit), least(task))


def least(task: Task) -> float:
    """Merits below this are rounding errors, unless the kernel keeps their digits."""
    return 0.0 if issubclass(task.kernel, Conserving) else 0.01


def ways(terminals: int, pairs: int, slots: int, *, full: bool) -> np.ndarray:
    """Assignments of `pairs` sources and drains to the first `terminals` of `slots`, one per row.

    `full`: all of them. Otherwise a few to start from: alternating, grouped, and mirror images.
    """
    rows: list[tuple[Sequence[int], Sequence[int]]] = []
    if full:
        for sources in itertools.combinations(range(terminals), pairs):
            rest = [l for l in range(terminals) if l not in sources]
            rows += [(sources, drains) for drains in itertools.combinations(rest, pairs)]
    else:
        even = np.linspace(0, terminals - 1, 2 * pairs).round().astype(int).tolist()
        rows = [(even[0::2], even[1::2]), (even[:pairs], even[pairs:])]
        if pairs % 2 == 0:
            half = pairs // 2
            outer, inner = ([*range(a, a + half)] for a in (0, half))
            mirror = lambda slots: [*slots, *(terminals - 1 - slot for slot in slots)]
            rows.append((mirror(outer), mirror(inner)))
    table = np.zeros((len(rows), slots))
    for row, (at_sources, at_drains) in zip(table, rows, strict=True):
        row[list(at_sources)], row[list(at_drains)] = 1.0, -1.0
    return table


def count_ways(terminals: int, pairs: int) -> int:
    """Number of assignments of sources and drains to `terminals` reservoirs."""
    return math.comb(terminals, pairs) * math.comb(terminals - pairs, pairs)
