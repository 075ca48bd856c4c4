r"""Potentials that balance the exact law: Newton's method, and behind it two searches that go a long way.

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

from dataclasses import replace
from typing import NamedTuple

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array

from jaxtransport import linalg
from jaxtransport import status as codes
from jaxtransport.probes.balance import Balance
from jaxtransport.probes.conductor import ExactConductor
from jaxtransport.reservoir import BAND_EDGE

RELATIVE = 1e-13  # of the last step, of the largest potential
ACCURATE = 1e-11  # ... where rounding lets steps shrink no more
ROUNDED = 1e-8  # ... likewise, for a value that is kept
BALANCED = 1e-12  # of the largest current: F counts as <= 0 up to this
NEAR = 1e-5  # of the largest current: from there on Newton's method again
FIRST_MOVE = 0.02  # gamma_o: of the first step upwards
GROWTH, CUT = 4.0, 0.1  # of tau, after a step that kept F <= 0 and after one that did not
AT_EDGE = 1e-9  # gamma_o

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


def find(
    conductor: ExactConductor,
    interior: Array,
    asked: Array,
    start: Array,
    newton_steps: int,
    rising_steps: int | Array,
) -> Balance:
    """The potentials for 2 pi I_l = `asked` of the reservoirs in between.

    Args:
        conductor: one `for_search`, with a temperature.
        start: of Newton's method; the leads' potentials are taken from it.
        rising_steps: 0 for no search from the bottom of the band, which needs panels over all of it.
    """
    bottom, top = -BAND_EDGE - conductor.mu_bar, BAND_EDGE - conductor.mu_bar
    start = jnp.where(interior, jnp.clip(start, bottom, top), start)
    scale_of = lambda x: jnp.maximum(jnp.max(jnp.abs(jnp.where(interior, x, start))), jnp.max(jnp.abs(start)))
    own = jnp.asarray(conductor.temperature)
    coldest = jnp.maximum(own, COLDEST)

    def misfit(x, heat):
        currents, slopes = replace(conductor, temperature=heat).misfit(x)
        F = jnp.where(interior, currents - asked, 0.0)
        slopes = jnp.where(interior[:, None], slopes, unit)
        largest = jnp.maximum(jnp.max(jnp.abs(currents)), jnp.max(jnp.abs(asked)))
        return F, slopes, largest

    unit = jnp.eye(start.shape[0])

    def step_from(F, slopes, tau):
        lazy = jnp.where(interior, 1 / tau, 0.0)
        return -linalg.solve(slopes + jnp.diag(lazy), F)

    def towards(x, step):
        """Not farther than half of the way to an edge of the band."""
        room = jnp.where(step > 0, top - x, x - bottom)
        most = jnp.where(interior, 0.5 * jnp.abs(room), jnp.inf)
        return x + jnp.sign(step) * jnp.minimum(jnp.abs(step), most)

    def onward(s: _State) -> _State:
        c = s.candidate
        cooling, rising = s.mode == COOLING, s.mode == RISING
        F, slopes, largest = misfit(c, jnp.where(cooling, s.heat, own))
        finite = jnp.all(jnp.isfinite(F)) & jnp.all(jnp.isfinite(slopes))
        first = rising & (s.here == 0)

        # Rising: a point counts if no reservoir has more than it is asked for, but those that wait.
        below = jnp.all((BALANCED * largest >= F) | (c <= bottom))
        accept = ~rising | (below & finite)
        kept = lambda new, old: jnp.where(accept, new, old)
        x, F, slopes = kept(c, s.x), kept(F, s.F), kept(slopes, s.slopes)
        grown = jnp.where(accept, GROWTH, CUT) * s.tau
        lacking = jnp.max(jnp.maximum(-F, 0.0))
        tau = jnp.where(first, FIRST_MOVE / jnp.maximum(lacking, 1e-300), grown)
        tau = jnp.where(rising, tau, jnp.inf)
        waits = rising & interior & (x <= bottom) & (F > 0)
        moving = jnp.where(waits, 0.0, F)
        step = step_from(moving, jnp.where(waits[:, None], unit, slopes), tau)
        usable = finite & jnp.all(jnp.isfinite(step))
        moved = jnp.max(jnp.abs(step)) / scale_of(x)
        newton = jnp.where(usable, towards(x, jnp.where(jnp.isfinite(step), step, 0.0)), x)

        small = (moved <= RELATIVE) | ((moved <= ROUNDED) & (moved >= s.moved / 2))
        inside = jnp.all(~interior | ((bottom <= x) & (x <= top)))
        solved = ((s.mode == NEWTON) | (s.mode == CLOSING)) & usable & small & inside
        here = s.here + 1
        spent = ((s.mode == NEWTON) | (s.mode == CLOSING)) & (~usable | (here >= newton_steps))

        # Cooling: on to the next stage, or half of the way back to the last.
        followed = cooling & usable & (moved * scale_of(x) <= FOLLOWED * s.heat)
        stuck_here = cooling & ~followed & (~usable | (s.stage >= STAGE_STEPS))
        anchor = jnp.where(followed, newton, s.anchor)
        anchor_heat = jnp.where(followed, s.heat, s.anchor_heat)
        colder = jnp.where(stuck_here, jnp.sqrt(s.heat * s.anchor_heat), s.heat)
        heat = jnp.where(followed, jnp.maximum(COOLER * s.heat, coldest), colder)
        stage = jnp.where(followed | stuck_here, 0, s.stage + 1)
        cooled = followed & (s.heat <= coldest)
        warm = cooling & ((stuck_here & (heat > 0.9 * s.anchor_heat)) | (here >= COOLING_STEPS))

        stuck = rising & accept & jnp.any(interior & (x >= top - AT_EDGE) & (-BALANCED * largest > F))
        none = stuck | (rising & accept & (jnp.sum(F) > BALANCED * F.shape[0] * largest))
        near = rising & accept & (jnp.max(jnp.abs(moving)) <= NEAR * largest)
        up = jnp.where(rising, jnp.minimum(x + jnp.maximum(step, 0.0), jnp.where(interior, top, jnp.inf)), x)

        to_cool = spent & (s.mode == NEWTON)
        may_rise = jnp.asarray(rising_steps) > 0
        to_rise = (warm | (spent & (s.mode == CLOSING) & ~s.risen)) & may_rise
        lost = (rising & (here >= rising_steps)) | (spent & ~to_cool & ~to_rise) | (warm & ~to_rise)
        mode = jnp.where(near | cooled, CLOSING, s.mode)
        mode = jnp.where(to_cool, COOLING, jnp.where(to_rise, RISING, mode))

        lowest = jnp.where(interior, bottom, start)
        candidate = jnp.where(rising & ~near, up, newton)
        candidate = jnp.where(stuck_here, anchor, candidate)
        candidate = jnp.where(to_cool, start, jnp.where(to_rise, lowest, candidate))
        anchor = jnp.where(to_cool, start, anchor)
        ended = jnp.where(lost, codes.STEP_LIMIT, -1)
        ended = jnp.where(none, codes.OUTSIDE_BAND, ended)
        ended = jnp.where(solved, jnp.where(moved <= ACCURATE, codes.SOLVED, codes.NOT_RESOLVED), ended)
        here = jnp.where(mode == s.mode, here, 0)
        return _State(
            mode, x, F, slopes, tau, heat, anchor, anchor_heat, candidate, s.steps + 1, here, stage, moved,
            s.risen | to_rise, ended,
        )  # fmt: skip

    N = start.shape[0]
    integer = lambda value: jnp.asarray(value, int)
    infinite, hot = jnp.asarray(jnp.inf), jnp.maximum(own, HOTTEST)
    first = _State(
        integer(NEWTON), start, jnp.zeros(N), unit, infinite, hot, start, 4 * hot,
        start, integer(0), integer(0), integer(0), infinite, jnp.asarray(False), integer(-1),
    )  # fmt: skip
    end = lax.while_loop(lambda s: s.ended < 0, onward, first)
    return Balance(end.x, end.ended, end.steps)
