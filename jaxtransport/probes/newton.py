r"""Potentials that balance the exact law: Newton's method, and with two global searches as fallback.

    F_l(x) = 2 pi I_l(x) - asked_l = 0  for all middle reservoirs,    x_1 = delta_mu / 2,  x_N = -delta_mu / 2

I_l grows with x_l and falls with every other x (transmissions are positive): F is an M-function, which has
one zero in the band or none. In turn:

    Newton      from the linear solution
    cooling     currents are steps where levels are narrow, smooth where it is warm: the zero is followed down
                from a high temperature, in steps that shrink where Newton's method loses it
    rising      from a point with all F_l <= 0 the steps  x <- x - (1 / tau + dF/dx)^-1 F  (implicit Euler)
                lead upwards and keep all F_l <= 0, if tau is small enough. Started with all free potentials
                at the bottom of the band they stay below every zero and end at it. A drain with F_l > 0 waits
                at the bottom until the others have risen

What rises proves that there is no zero in two ways: a source has reached the top of the band and F_l < 0
still; or sum F_l > 0, a sum that grows with every x, as what the leads take does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array

from jaxtransport import status as codes
from jaxtransport.compute import linalg
from jaxtransport.probes.balance import Balance
from jaxtransport.probes.conductor import ExactConductor

RELATIVE = 1e-13  # of the last step, of the largest potential
ACCURATE = 1e-11  # ... where rounding lets steps shrink no more
ROUNDED = 1e-8  # ... likewise, for a value that is kept
BALANCED = 1e-12  # of the largest current: F counts as <= 0 up to this
NEAR = 1e-5  # of the largest current: from there on Newton's method again
FIRST_MOVE = 0.02  # gamma_o: of the first step upwards
GROWTH, CUT = 4.0, 0.1  # of tau, after a step that kept F <= 0 and after one that did not
AT_EDGE = 1e-9  # gamma_o
FAR = 1e3  # of the wire's numbers: the end of a band without edges

HOTTEST = 0.3  # k_B T in gamma_o where cooling begins
COLDEST = 1e-13  # ... and ends: narrower levels there are none
COOLER = 0.25  # of one stage
FOLLOWED = 1e-3  # of the temperature: a step of a stage that is done
STAGE_STEPS = 8
COOLING_STEPS = 300  # in all

NEWTON, COOLING, RISING, CLOSING = range(4)


class _State(NamedTuple):
    mode: Array
    x: Array  # the last point that counts
    F: Array  # there
    slopes: Array
    tau: Array  # of rising
    heat: Array  # temperature, of cooling
    anchor: Array  # potentials of the last stage that was done
    anchor_heat: Array
    candidate: Array
    steps: Array  # in all
    here: Array  # in this mode
    stage: Array  # in this stage of cooling
    moved: Array  # by the last step
    risen: Array  # whether the search from the bottom has been tried
    ended: Array  # a status, or -1


class _Equations(eqx.Module):
    """The equations F = 0, and steps of their solution."""

    conductor: ExactConductor
    interior: Array
    prescribed: Array
    start: Array
    bottom: Array  # of the band, from mu_bar; of an occupation that is the same at all energies, 0
    top: Array  # ... 1
    constant: Array | None  # True for those; None: there are none

    @property
    def own(self) -> Array:
        """The temperature of the wire."""
        return jnp.asarray(self.conductor.temperature)

    @property
    def unit(self) -> Array:
        return jnp.eye(self.start.shape[0])

    def residual(self, x: Array, heat: Array) -> tuple[Array, Array, Array]:
        """F, dF/dx and the largest current at temperature `heat`."""
        currents, slopes = replace(self.conductor, temperature=heat).residual(x)
        F = jnp.where(self.interior, currents - self.prescribed, 0.0)
        slopes = jnp.where(self.interior[:, None], slopes, self.unit)
        return F, slopes, jnp.maximum(jnp.max(jnp.abs(currents)), jnp.max(jnp.abs(self.prescribed)))

    def step(self, F: Array, slopes: Array, tau: Array) -> Array:
        lazy = jnp.where(self.interior, 1 / tau, 0.0)
        return -linalg.solve(slopes + jnp.diag(lazy), F)

    def towards(self, x: Array, step: Array) -> Array:
        """A step limited to half of the way to an edge of the band."""
        room = jnp.where(step > 0, self.top - x, x - self.bottom)
        most = jnp.where(self.interior, 0.5 * jnp.abs(room), jnp.inf)
        return x + jnp.sign(step) * jnp.minimum(jnp.abs(step), most)

    def scale(self, x: Array) -> Array:
        largest = self._largest(jnp.where(self.interior, x, self.start))
        return jnp.maximum(largest, self._largest(self.start))

    def _largest(self, x: Array) -> Array:
        """Of the potentials."""
        return jnp.max(jnp.abs(x if self.constant is None else jnp.where(self.constant, 0.0, x)))

    def moved(self, step: Array, x: Array) -> Array:
        """How far a step leads: of potentials relative to the largest, of occupations as it is."""
        scale = jnp.maximum(self.scale(x), jnp.finfo(float).tiny)
        unit = scale if self.constant is None else jnp.where(self.constant, 1.0, scale)
        return jnp.max(jnp.abs(step) / unit)

    def inside(self, x: Array) -> Array:
        return jnp.all(~self.interior | ((self.bottom <= x) & (x <= self.top)))

    def waits(self, x: Array, F: Array) -> Array:
        """Drains at the bottom of the band with more than their prescribed current."""
        return self.interior & (x <= self.bottom) & (F > 0)

    def lacks(self, x: Array, F: Array, largest: Array) -> Array:
        """Whether a source at the top of the band has less than its prescribed current."""
        return jnp.any(self.interior & (x >= self.top - AT_EDGE) & (-BALANCED * largest > F))


class _Point(NamedTuple):
    """The last point that counts, and the step from it."""

    accept: Array  # False if that is the one before
    x: Array
    F: Array
    slopes: Array
    tau: Array
    largest: Array  # current
    moving: Array  # F, without reservoirs that wait
    step: Array
    usable: Array  # the step is finite


class _Stage(NamedTuple):
    """State of cooling."""

    anchor: Array
    anchor_heat: Array
    heat: Array
    stage: Array
    again: Array  # from the anchor, half of the way
    done: Array
    lost: Array


def find(
    conductor: ExactConductor,
    interior: Array,
    prescribed: Array,
    start: Array,
    newton_steps: int,
    rising_steps: int | Array,
) -> Balance:
    """The potentials for 2 pi I_l = `prescribed` of the reservoirs in between.

    Args:
        conductor: one `for_search`, with a temperature, not `fitted`: it is heated.
        start: of Newton's method; the leads' potentials are taken from it.
        rising_steps: 0 for no search from the bottom of the band, which needs panels over all of it.
    """
    bottom, top = (jnp.broadcast_to(edge, start.shape) for edge in _ends(conductor))
    rules = conductor.wire.rules
    constant = rules.constant if rules is not None and rules.any_constant else None
    if constant is not None:
        bottom, top = jnp.where(constant, 0.0, bottom), jnp.where(constant, 1.0, top)
        start = jnp.where(constant, 0.5, start)
    start = jnp.where(interior, jnp.clip(start, bottom, top), start)
    problem = _Equations(conductor, interior, prescribed, start, bottom, top, constant)
    zero, infinite = jnp.asarray(0), jnp.asarray(jnp.inf)
    hot = jnp.maximum(problem.own, HOTTEST)
    first = _State(
        jnp.asarray(NEWTON), start, jnp.zeros_like(start), problem.unit, infinite, hot, start, 4 * hot,
        start, zero, zero, zero, infinite, jnp.asarray(False), jnp.asarray(-1),
    )  # fmt: skip
    onward = lambda s: _onward(problem, s, newton_steps, jnp.asarray(rising_steps))
    end = lax.while_loop(lambda s: s.ended < 0, onward, first)
    return Balance(end.x, end.ended, end.steps)


def _ends(conductor: ExactConductor) -> tuple[Array, Array]:
    """Bottom and top of where potentials in between may lie, from mu_bar.

    Without an edge, an energy at which nothing of the wire's scale is left counts as one.
    """
    wire = conductor.wire
    room = wire.reservoir.room(conductor.temperature)
    parts = wire.onsite, wire.hopping, wire.coupling**2
    far = FAR * (1 + sum(jnp.max(jnp.abs(part), initial=0.0) for part in parts))
    ends = room.bottom - conductor.mu_bar, room.top - conductor.mu_bar
    return jnp.maximum(ends[0], -far), jnp.minimum(ends[1], far)


def _onward(problem: _Equations, s: _State, newton_steps: int, rising_steps: Array) -> _State:
    """Look at the candidate, and on to the next one: in the same mode, or in another."""
    cooling, rising = s.mode == COOLING, s.mode == RISING
    closing_in = ~cooling & ~rising
    p = _looked_at(problem, s)
    scale, here = problem.scale(p.x), s.here + 1
    moved = problem.moved(p.step, p.x)
    finite_step = jnp.where(jnp.isfinite(p.step), p.step, 0.0)
    newton = jnp.where(p.usable, problem.towards(p.x, finite_step), p.x)

    small = (moved <= RELATIVE) | ((moved <= ROUNDED) & (moved >= s.moved / 2))
    solved = closing_in & p.usable & small & problem.inside(p.x)
    spent = closing_in & (~p.usable | (here >= newton_steps))
    cooled = _cooled(problem, s, newton, p.usable, moved * scale)
    too_much = jnp.sum(p.F) > BALANCED * p.F.shape[0] * p.largest
    none = rising & p.accept & (problem.lacks(p.x, p.F, p.largest) | too_much)
    near = rising & p.accept & (jnp.max(jnp.abs(p.moving)) <= NEAR * p.largest)

    to_cool = spent & (s.mode == NEWTON)
    to_rise = (cooled.lost | (spent & (s.mode == CLOSING) & ~s.risen)) & (rising_steps > 0)
    lost = (rising & (here >= rising_steps)) | ((spent | cooled.lost) & ~to_cool & ~to_rise)
    mode = jnp.where(near | cooled.done, CLOSING, s.mode)
    mode = jnp.where(to_cool, COOLING, jnp.where(to_rise, RISING, mode))

    up = jnp.minimum(p.x + jnp.maximum(p.step, 0.0), jnp.where(problem.interior, problem.top, jnp.inf))
    lowest = jnp.where(problem.interior, problem.bottom, problem.start)
    candidate = jnp.where(rising & ~near, up, newton)
    candidate = jnp.where(cooled.again, cooled.anchor, candidate)
    candidate = jnp.where(to_cool, problem.start, jnp.where(to_rise, lowest, candidate))

    ended = jnp.where(lost, codes.STEP_LIMIT, -1)
    ended = jnp.where(none, codes.OUTSIDE_BAND, ended)
    ended = jnp.where(solved, jnp.where(moved <= ACCURATE, codes.SOLVED, codes.NOT_RESOLVED), ended)
    return _State(
        mode=mode,
        x=p.x,
        F=p.F,
        slopes=p.slopes,
        tau=p.tau,
        heat=cooled.heat,
        anchor=jnp.where(to_cool, problem.start, cooled.anchor),
        anchor_heat=cooled.anchor_heat,
        candidate=candidate,
        steps=s.steps + 1,
        here=jnp.where(mode == s.mode, here, 0),
        stage=cooled.stage,
        moved=moved,
        risen=s.risen | to_rise,
        ended=ended,
    )


def _looked_at(problem: _Equations, s: _State) -> _Point:
    """The candidate, or where it does not count while rising, the point before with a smaller tau."""
    c, rising = s.candidate, s.mode == RISING
    F, slopes, largest = problem.residual(c, jnp.where(s.mode == COOLING, s.heat, problem.own))
    finite = jnp.all(jnp.isfinite(F)) & jnp.all(jnp.isfinite(slopes))
    # Rising: a point counts if no reservoir exceeds its prescribed current, except those that wait.
    below = jnp.all((BALANCED * largest >= F) | (c <= problem.bottom))
    accept = ~rising | (below & finite)
    kept: Callable[[Array, Array], Array] = lambda new, old: jnp.where(accept, new, old)
    x, F, slopes = kept(c, s.x), kept(F, s.F), kept(slopes, s.slopes)

    lacking = jnp.max(jnp.maximum(-F, 0.0))
    grown = jnp.where(accept, GROWTH, CUT) * s.tau
    tau = jnp.where(s.here == 0, FIRST_MOVE / jnp.maximum(lacking, 1e-300), grown)
    tau = jnp.where(rising, tau, jnp.inf)
    waits = rising & problem.waits(x, F)
    moving = jnp.where(waits, 0.0, F)
    step = problem.step(moving, jnp.where(waits[:, None], problem.unit, slopes), tau)
    usable = finite & jnp.all(jnp.isfinite(step))
    return _Point(accept, x, F, slopes, tau, largest, moving, step, usable)


def _cooled(problem: _Equations, s: _State, newton: Array, usable: Array, length: Array) -> _Stage:
    """On to the next stage of cooling, or half of the way back to the last; `length` of Newton's step."""
    cooling = s.mode == COOLING
    followed = cooling & usable & (length <= FOLLOWED * s.heat)
    again = cooling & ~followed & (~usable | (s.stage >= STAGE_STEPS))
    coldest = jnp.maximum(problem.own, COLDEST)
    colder = jnp.where(again, jnp.sqrt(s.heat * s.anchor_heat), s.heat)
    anchor_heat = jnp.where(followed, s.heat, s.anchor_heat)
    heat = jnp.where(followed, jnp.maximum(COOLER * s.heat, coldest), colder)
    return _Stage(
        anchor=jnp.where(followed, newton, s.anchor),
        anchor_heat=anchor_heat,
        heat=heat,
        stage=jnp.where(followed | again, 0, s.stage + 1),
        again=again,
        done=followed & (s.heat <= coldest),
        lost=cooling & ((again & (heat > 0.9 * s.anchor_heat)) | (s.here + 1 >= COOLING_STEPS)),
    )
