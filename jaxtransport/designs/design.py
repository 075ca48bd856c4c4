"""Design of a wire: positions and couplings of its sources and drains (linear response).

    Delta I / I_g = 2 min(g / i, r),    r = sum_l s_l phi_l,    i = I_g / I_o

The profile phi assigns the roles (`designs.arrangement`), a descent optimises the couplings
(`designs.couplings`), alternating until neither helps. Standard layouts are among the candidates, so that
none of them is better than the result.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxtransport.arguments import (
    POSITIVE,
    REAL,
    Range,
    choice,
    number,
    pair,
    require_known,
    require_outside,
    show,
    whole,
)
from jaxtransport.band import CHAIN
from jaxtransport.compute.batches import multiple
from jaxtransport.compute.runtime import computing
from jaxtransport.designs import arrangement as arrangements
from jaxtransport.designs.arrangement import climb, leaders
from jaxtransport.designs.couplings import best_uniform, local_optimum, random_couplings, tune, uniform
from jaxtransport.designs.merit import (
    ASSIGNMENTS,
    Candidates,
    Task,
    count_ways,
    couplings_of,
    least,
    margin,
    rate,
    rate_wires,
    ways,
)
from jaxtransport.errors import InputError
from jaxtransport.green.chain import Chain
from jaxtransport.green.conserving import Conserving
from jaxtransport.hints import with_hints
from jaxtransport.layout import MOST_SITES, Layout
from jaxtransport.parameters import GAMMA, MU_BAR
from jaxtransport.search.barriers import extremes, is_barrier
from jaxtransport.wire import Wire

GOALS = ("nonreciprocity", "relative", "reciprocal")
RESERVOIRS = ("terminals", "everywhere")
SOLVES = 3_000_000  # of a wire, if all site sets are tried: some 5 s at N = 40 on two cores
SHARPEST = 8  # largest factor on the number of nodes of a window, for leads that reflect
FINENESS = (1, 4, 16)  # nodes of a window, relative to a clean wire: disorder makes narrow lines
SETTLED = 1e-4  # relative change of a mean with four times the nodes
UNIFORM = 7  # uniform couplings at which arrangements are searched
LEADING = 24  # candidates whose couplings are then optimised
CLIMBERS = 4  # starts from which reservoirs move one by one, with couplings on the bounds
ROUNDS = 10  # of couplings and arrangement in turn
STARTS = 12  # random sets from which arrangements are searched
SITES = 16  # arrays are padded to multiples of this, so that one compiled kernel serves many N


@dataclass(frozen=True)
class Standard:
    """Value of a standard layout for the same goal, in the unit of `Design.value`."""

    layout: Layout  # with probes on its other middle sites, if the design has them
    uniform: float  # value with its best uniform coupling within the bounds
    gamma: float  # this coupling
    tuned: float  # value with couplings optimised site by site; `uniform` where gamma is one number

    @property
    def pairs(self) -> int:
        """Number of sources."""
        return len(self.layout.sources)


@dataclass(frozen=True)
class Design:
    """The best arrangement found. Host data; sites count from 1."""

    layout: Layout
    gamma: np.ndarray  # gamma_1 ... gamma_N; 0 where there is no reservoir
    wire: Wire
    value: float  # of the goal: Delta I / I_g, Delta I / Ibar (/ i), or the root mean square
    exhaustive: bool  # every arrangement was tried, at each of the uniform couplings tried
    compared: dict[str, Standard]


@with_hints
def design(
    N: int,
    pairs: int,
    *,
    gamma: Any,
    mu_bar: Any,
    contact: Any = 1.0,
    goal: str = "nonreciprocity",
    reservoirs: str = "terminals",
    injection: float | None = None,
    onsite: Any = 0.0,
    hopping: Any = 1.0,
    restarts: int = 4,
    seed: int = 0,
) -> Design:
    """The best places for `pairs` sources and as many drains on a wire of N sites, in linear response.

    Args:
        N: number of sites, at least 2 `pairs` + 2.
        pairs: number of sources, and of drains.
        gamma: coupling of every reservoir but the leads; or (low, high), and couplings are optimised
            site by site within these bounds.
        mu_bar: energy, gamma_o; or (low, high), and the goal is averaged over this window.
        contact: coupling of the leads, one number or (gamma_1, gamma_N).
        goal: "nonreciprocity" makes Delta I / I_g large; "relative" Delta I / Ibar; "reciprocal" makes
            the root mean square of Delta I / I_g over the window of mu_bar small.
        reservoirs: "terminals", none but sources and drains; "everywhere", voltage probes (I = 0) on
            all other middle sites.
        injection: I_g / I_o > 0. Default: the limit of small I_g, where Delta I / I_g does not depend on
            I_g, and "relative" is (Delta I / Ibar) / (I_g / I_o).
        onsite: eps_l, one number or N.
        hopping: t_l, one number or N - 1.
        restarts: random couplings to start from, for each leading arrangement.
        seed: of everything random here; the same call gives the same design.

    Returns:
        The design, with the standard layouts in `compared`: "dimers" and "pair" wherever
        they exist, with the number of pairs they have; "spaced s" where it has `pairs` pairs. A layout
        with `pairs` pairs is never better than the design.

    Raises:
        InputError: wrong arguments, all of them reported.

    With more site sets than can be tried one by one, reservoirs move one at a time from several starts,
    and `exhaustive` is False. Optimised couplings are the best of many local optima.
    """
    require_outside("design")
    N, pairs, bounds, window, injection, restarts, seed = _check(
        N, pairs, gamma, mu_bar, goal, reservoirs, injection, restarts, seed
    )
    require_known("contact, onsite, hopping", contact, onsite, hopping)
    wire, how = (contact, onsite, hopping), (goal, reservoirs == "everywhere", injection)
    with computing():
        for fineness in FINENESS:
            found = _designed(N, pairs, bounds, window, wire, how, restarts, seed, fineness)
            if found is None:
                raise InputError(
                    f"gamma = {show(gamma)}: no arrangement has transmissions that a double can hold; "
                    "expected couplings closer to 1"
                )
            result, settled = found
            if settled:
                break
    return result


def _designed(N, pairs, bounds, window, wire, how, restarts, seed, fineness):
    """The design for a given fineness of the window, and whether more nodes leave its value unchanged."""
    (contact, onsite, hopping), (goal, everywhere, injection) = wire, how
    rng = np.random.default_rng(seed)
    make = lambda fineness: _task(
        N, pairs, window, contact, goal, everywhere, injection, onsite, hopping, fineness
    )
    task = make(fineness)
    pool, complete = _arrange(task, N, pairs, bounds, everywhere, rng)
    compared, rivals = _standards(task, N, pairs, bounds, everywhere, restarts, rng)
    pool = Candidates.join(pool, *rivals)
    if bounds[0] < bounds[1]:
        pool = _improve(task, N, pool, bounds, restarts, rng)
    merits, roles = rate(task, pool)
    if not np.isfinite(merits).any():
        return None
    best = leaders(task, pool, merits, 1)
    layout = _layout(N, pool.sites[best[0]], pool.gammas[best[0]], roles[best[0]])
    full = couplings_of(task, pool.take(best))
    strength = _strength(task, layout)
    value = rate_wires(task, full, strength)[0]
    finer = value if window[0] == window[1] else rate_wires(make(4 * fineness), full, strength)[0]
    full = full[0, :N]
    made = Wire.from_layout(layout, gamma=full, onsite=onsite, hopping=hopping)
    full.setflags(write=False)
    result = Design(layout, full, made, float(_sign(goal) * finer), complete, compared)
    return result, abs(finer - value) <= SETTLED * max(abs(finer), least(task) / 10)


def _sign(goal: str) -> float:
    """Value of a goal for a merit of 1."""
    return -1.0 if goal == "reciprocal" else 1.0


def _task(N, pairs, window, contact, goal, everywhere, injection, onsite, hopping, fineness) -> Task:
    """The wire and its energies as arrays, and the way to assign roles."""
    leads = Wire.from_layout(Layout(N, (), ()), gamma=1.0, contact=contact, onsite=onsite, hopping=hopping)
    low, high = window
    energies, weights = np.array([low]), np.array([1.0])
    if low < high:
        # Profiles oscillate like cos(2 N k), w = 2 cos k, and leads that reflect make that a comb of narrow
        # lines. In the coordinate of the band they have no square root at its edges.
        band = leads.reservoir.band
        ends = band.to([low, high])
        lines = np.clip(float(leads.coupling[0] * leads.coupling[-1]) ** -1, 1, SHARPEST)
        count = fineness * 8 * math.ceil((16 + N * (ends[1] - ends[0]) * lines) / 8)
        nodes, weights = np.polynomial.legendre.leggauss(count)
        energies = band.back(ends.mean() + nodes * (ends[1] - ends[0]) / 2)
        weights = weights * band.stretch(energies)
        weights = weights / weights.sum()
    weakest, highest = extremes(leads)
    barrier = is_barrier(weakest, highest, max(map(abs, window)))
    slots = multiple(N, SITES) - 2 if everywhere else 2 * pairs
    grows = goal != "reciprocal" and injection is None
    choice, table = "sorted", np.zeros((1, slots))
    if not grows and not (goal == "nonreciprocity" and low == high):
        terminals = N - 2 if everywhere else slots
        full = count_ways(terminals, pairs) <= ASSIGNMENTS
        choice = "table" if full else "swaps"
        table = ways(terminals, pairs, slots, full=full)
    return Task(
        empty=leads.pad(multiple(N, SITES)),
        energies=jnp.asarray(energies),
        weights=jnp.asarray(weights),
        injection=jnp.asarray(injection or 0.0, float),
        pairs=jnp.asarray(pairs),
        table=jnp.asarray(table),
        goal=goal,
        limit=injection is None,
        choice=choice,
        kernel=Conserving if barrier else Chain,
    )


def _slots(task: Task) -> np.ndarray:
    """Sites of a candidate with reservoirs everywhere: all middle ones, and padding."""
    return np.arange(1, task.empty.sites - 1)


def _arrange(task, N, pairs, bounds, everywhere, rng) -> tuple[Candidates, bool]:
    """The leading arrangements with uniform couplings, best first, and whether all were tried."""
    levels = np.geomspace(bounds[0], bounds[1], UNIFORM) if bounds[0] < bounds[1] else np.array(bounds[:1])
    levels, exact = np.clip(levels, *bounds), task.choice != "swaps"
    if everywhere:
        sites = _slots(task)
        return Candidates(np.tile(sites, (levels.size, 1)), np.outer(levels, sites < N - 1)), exact
    complete = math.comb(N - 2, 2 * pairs) * levels.size * task.energies.size <= SOLVES
    if complete:
        sets = arrangements.every_set(N, pairs)
    else:
        sets, levels = arrangements.some_sets(N, pairs, STARTS, rng), levels[:: max(1, levels.size // 2)]
    level = np.repeat(levels, len(sets))
    starts = Candidates(np.tile(sets, (levels.size, 1)), np.tile(level[:, None], (1, sets.shape[1])))
    pool = starts if complete else climb(task, N, starts)
    return pool.take(leaders(task, pool, rate(task, pool)[0], LEADING)), complete and exact


def _improve(task, N, pool, bounds, restarts, rng) -> Candidates:
    """Optimise couplings and arrangement alternately, from the leading arrangements."""
    more = random_couplings(pool.gammas, bounds, restarts, rng)
    pool = Candidates.join(pool, Candidates(np.repeat(pool.sites, restarts, axis=0), more))
    merits = rate(task, pool)[0]
    pool = tune(task, pool.take(leaders(task, pool, merits, LEADING)), bounds)
    merits = rate(task, pool)[0]
    for _ in range(ROUNDS):
        first = pool.take(leaders(task, pool, merits, CLIMBERS))
        found = tune(task, climb(task, N, first, bounds), bounds)
        values = rate(task, found)[0]
        improves = values.max() > merits.max() + margin(task, merits.max())
        pool, merits = Candidates.join(pool, found), np.concatenate([merits, values])
        if not improves:
            break
    return pool


def _strength(task: Task, layout: Layout) -> np.ndarray:
    return np.pad(layout.strength(), (0, task.empty.sites - layout.N))


def _standards(task, N, pairs, bounds, everywhere, restarts, rng):
    """Values of the standard layouts, and those with `pairs` pairs as candidates."""
    compared, rivals, sign = {}, [], _sign(task.goal)
    for name, layout in arrangements.standard_layouts(N, pairs).items():
        if everywhere:
            probes = tuple(sorted({*range(2, N)} - {*layout.terminals}))
            layout = Layout(N, layout.sources, layout.drains, probes)
        strength = _strength(task, layout)
        held = np.pad(layout.occupied(), (0, task.empty.sites - N))
        gamma = best_uniform(task, held, strength, bounds)
        tried = uniform(task, held, np.array([gamma]))
        plain = best = rate_wires(task, tried, strength)[0]
        if bounds[0] < bounds[1]:
            starts = np.concatenate(
                [tried, uniform(task, held, random_couplings(held[None], bounds, restarts, rng))]
            )
            tuned = np.stack([local_optimum(task, row, strength, bounds) for row in starts])
            tried = np.concatenate([tried, tuned])
            best = rate_wires(task, tried, strength).max()
        compared[name] = Standard(layout, float(sign * plain), gamma, float(sign * best))
        if len(layout.sources) == pairs:
            sites = np.tile(_slots(task) if everywhere else np.flatnonzero(held), (len(tried), 1))
            gammas = np.take_along_axis(np.where(held, tried, 0.0), sites, axis=1)
            rivals.append(Candidates(sites, gammas))
    return compared, rivals


def _layout(N: int, sites: np.ndarray, gammas: np.ndarray, roles: np.ndarray) -> Layout:
    at = lambda role: tuple(sorted(int(l) + 1 for l in sites[(gammas > 0) & (roles == role)]))
    return Layout(N, at(1), at(-1), at(0))


def _check(N, pairs, gamma, mu_bar, goal, reservoirs, injection, restarts, seed):
    """The checked arguments; raises `InputError` with every mistake in them."""
    wrong: list[str] = []

    def read(check, *arguments):
        try:
            return check(*arguments)
        except InputError as error:
            wrong.extend(error.mistakes)
            return None

    N, pairs = read(whole, "N", N, 4, MOST_SITES), read(whole, "pairs", pairs, 1)
    restarts, seed = read(whole, "restarts", restarts, 0), read(whole, "seed", seed, 0)
    if N is not None and pairs is not None and 2 * pairs > N - 2:
        wrong.append(
            f"pairs = {pairs}: {2 * pairs} sources and drains do not fit on {N - 2} middle sites (N = {N}); "
            f"expected at most {(N - 2) // 2}"
        )
    bounds, window = read(_range, GAMMA, gamma, POSITIVE), read(_range, MU_BAR, mu_bar, REAL)
    if window and (outside := CHAIN.outside(max(window, key=abs))):
        wrong.append(f"mu_bar = {show(mu_bar)}: {outside}")
    read(choice, "goal", goal, GOALS)
    read(choice, "reservoirs", reservoirs, RESERVOIRS)
    if isinstance(goal, str) and goal == "reciprocal" and window and window[0] == window[1]:
        wrong.append(f"mu_bar = {show(mu_bar)}: goal = 'reciprocal' requires a window; expected (low, high)")
    if injection is not None:
        read(require_known, "injection", injection)
        injection = read(number, "injection", injection, POSITIVE)
    if wrong:
        raise InputError(wrong)
    return N, pairs, bounds, window, None if injection is None else float(injection), restarts, seed


def _range(name: str, value: Any, allowed: Range) -> tuple[float, float]:
    """(low, high) of one number or of two in order."""
    require_known(name, value)
    if isinstance(value, list | tuple) or np.ndim(value):
        return pair(name, value, allowed)
    one = float(number(name, value, allowed))
    return one, one
