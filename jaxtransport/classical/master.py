r"""Right- and left-movers on a lattice that scatters where sources and drains are (Eqs. 1-5, C15-C18).

In every time step a charge moves to the next site, unless it sits where a source or drain is connected:
there it moves on with probability p and turns round with 1 - p. With w_l = p on such a site and 1 on
all others, and with s_l I_g injected there, one half into either species,

    rho+_l  ->  w_{l-1} rho+_{l-1} + (1 - w_l) rho-_l + s_l I_g / 2
    rho-_l  ->  w_{l+1} rho-_{l+1} + (1 - w_l) rho+_l + s_l I_g / 2

between reservoirs of given densities rho+_0 and rho-_{N+1}. In the steady state

    J_l = w_l rho+_l - w_{l+1} rho-_{l+1},           J_l - J_{l-1} = s_l I_g             (Eqs. A5-A7)
    w_l rho+_l = w_{l-1} rho+_{l-1} - (1 - w_l) J_l + s_l (1 - w_l / 2) I_g

so two running sums along the lattice solve it, in O(N). Each scatterer adds 1 - w_l to the resistance.

Units e = v_F = a = 1. Densities are in the unit of delta_rho, currents in e v_F |delta_rho|. J_l is
positive from site l to l + 1; currents at the ends are positive into the lattice. Sites from
`length` on are padding.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int

from jaxtransport import layout as layouts
from jaxtransport.arguments import (
    AMOUNT,
    NOT_NEGATIVE,
    NOT_ZERO,
    POSITIVE,
    PROBABILITY,
    REAL,
    fields,
    instance,
    is_traced,
    number,
    whole,
)
from jaxtransport.compute.precision import require_double
from jaxtransport.compute.runtime import kept
from jaxtransport.hints import with_hints
from jaxtransport.layout import Layout
from jaxtransport.probes.response import Response
from jaxtransport.renamed import Renamed


class Lattice(eqx.Module):
    """A lattice of `length` sites, in arrays of at least as many entries.

    Usually made by `Lattice.dimers`, `Lattice.pair`, `Lattice.spaced` or `Lattice.custom`.
    """

    hop: Float[Array, " site"]  # w_l: probability to move on; 1 where nothing is connected
    strength: Float[Array, " site"]  # injected current in I_g: + source, - drain
    length: Int[Array, ""]  # N

    @classmethod
    @with_hints
    def from_layout(cls, layout: Layout, *, p: Any, strengths: Sequence[float] | None = None) -> Lattice:
        """A lattice with the sources, drains and probes of `layout`.

        Args:
            layout: where they sit; a probe scatters and injects nothing.
            p: probability to move on at each of them, 0 < p <= 1; one number.
            strengths: injected currents in units of I_g, one positive number per source and drain in
                order along the lattice. Default: all 1.

        Raises:
            InputError: p outside 0 < p <= 1, or strengths that do not fit.
            PrecisionError: JAX is in single precision.
        """
        require_double()
        instance("layout", layout, Layout)
        layout.require_no_occupations("a lattice")
        p = number("p", p, PROBABILITY)
        if is_traced(p):
            p = jnp.where(PROBABILITY.holds(p), p, jnp.nan)
        return cls(
            hop=jnp.where(layout.occupied(), p, 1.0),
            strength=jnp.asarray(layout.strength(strengths)),
            length=jnp.asarray(layout.N),
        )

    @classmethod
    @with_hints
    def dimers(cls, N: int, *, p: Any, strengths: Sequence[float] | None = None) -> Lattice:
        """S, D, S, D ... on sites 2 ... N-1 (N even). Parameters: see `from_layout`."""
        return cls.from_layout(layouts.dimers(N), p=p, strengths=strengths)

    @classmethod
    @with_hints
    def pair(cls, N: int, *, p: Any, strengths: Sequence[float] | None = None) -> Lattice:
        """One source at site 2, one drain at N-1. Parameters: see `from_layout`."""
        return cls.from_layout(layouts.pair(N), p=p, strengths=strengths)

    @classmethod
    @with_hints
    def spaced(cls, N: int, spacing: int, *, p: Any, strengths: Sequence[float] | None = None) -> Lattice:
        """S, D, S, D ... every `spacing` sites from 2. Parameters: see `from_layout`."""
        return cls.from_layout(layouts.spaced(N, spacing), p=p, strengths=strengths)

    @classmethod
    @with_hints
    def custom(
        cls,
        N: int,
        *,
        p: Any,
        sources: Sequence[int] = (),
        drains: Sequence[int] = (),
        probes: Sequence[int] = (),
        strengths: Sequence[float] | None = None,
    ) -> Lattice:
        """Sources, drains and probes on any middle sites, from 1. Parameters: see `from_layout`."""
        return cls.from_layout(layouts.custom(N, sources, drains, probes), p=p, strengths=strengths)


class LatticeState(eqx.Module):
    """The steady state of a lattice under one bias. NaN beyond the lattice."""

    density_right: Float[Array, " site"]  # rho+_l, in the unit of delta_rho
    density_left: Float[Array, " site"]  # rho-_l
    bond_current: Float[Array, " bond"]  # J_l, positive from site l to l+1
    current: Float[Array, ""]  # I_1, positive into the lattice
    right_current: Float[Array, ""]  # I_N, positive into the lattice: minus what flows out
    residual: Float[Array, ""]  # largest change that one more time step would make, / |delta_rho|

    right = Renamed("density_right")
    left = Renamed("density_left")
    bond_currents = Renamed("bond_current")
    left_current = Renamed("current")


def step(
    lattice: Lattice, right: Array, left: Array, *, from_left: Any, from_right: Any, I_g: Any
) -> tuple[Array, Array]:
    """One time step of the densities, all sites at once (Eqs. 1-5, C15-C18).

    Args:
        lattice: the lattice.
        right, left: rho+_l and rho-_l, shape (site,).
        from_left, from_right: densities rho+_0 and rho-_{N+1} of the reservoirs.
        I_g: injected current in e v_F times the unit of density.

    Returns:
        rho+_l and rho-_l a time step later.
    """
    w = lattice.hop
    moved_right, moved_left = w * right, w * left
    site = jnp.arange(w.shape[0])
    into_right = jnp.where(site == 0, from_left, jnp.roll(moved_right, 1))
    into_left = jnp.where(site == lattice.length - 1, from_right, jnp.roll(moved_left, -1))
    injected = lattice.strength * I_g / 2
    return into_right + (1 - w) * left + injected, into_left + (1 - w) * right + injected


def response_of(lattice: Lattice) -> Response:
    """I_1 = +-g - i r in e v_F |delta_rho|, with i = I_g / (e v_F |delta_rho|): g and r of a lattice."""
    drawn, scattering = _drawn(lattice), jnp.sum(1 - lattice.hop)
    r = drawn / (1 + scattering)
    return Response(1 / (1 + scattering), r, jnp.sum(lattice.strength) - r)


def _drawn(lattice: Lattice) -> Array:
    """Decrease of rho+ from end to end for I_g = 1, with no current from the left."""
    w, s = lattice.hop, lattice.strength
    passed = jnp.cumsum(s)  # J_l without a current from the left
    return jnp.sum((1 - w) * passed - s * (1 - w / 2)) + passed[-1]


@with_hints
def steady_state(lattice: Lattice, *, delta_rho: Any, rho_0: Any = 0.0, injection: Any = 0.0) -> LatticeState:
    """The steady state between reservoirs of densities rho_0 and rho_0 + |delta_rho|.

    Args:
        lattice: the lattice.
        delta_rho: density of the left reservoir minus that of the right one; negative for a
            reverse bias, which has the denser reservoir on the right. Not 0.
        rho_0: the smaller of the two densities.
        injection: I_g / (e v_F |delta_rho|).

    Raises:
        InputError: numbers that are not finite, or delta_rho = 0. Where a traced number is not allowed, all
            of the state is NaN.
        PrecisionError: JAX is in single precision.
    """
    require_double()
    require_lattice(lattice)
    drive = (
        number("delta_rho", delta_rho, NOT_ZERO),
        number("rho_0", rho_0, NOT_NEGATIVE),
        number("injection", injection, AMOUNT),
    )
    return _steady_state(lattice, *drive)


def require_lattice(lattice: Any) -> None:
    """Raise `InputError` unless `lattice` is one lattice whose arrays fit together."""
    fields("lattice", lattice, Lattice, {"hop": 0, "strength": 0})


@kept
@jax.jit
def _steady_state(lattice: Lattice, delta_rho: Array, rho_0: Array, injection: Array) -> LatticeState:
    site, length = jnp.arange(lattice.hop.shape[0]), lattice.length
    good = (site >= length) | (PROBABILITY.holds(lattice.hop) & REAL.holds(lattice.strength))
    good = jnp.all(good) & (length >= 2) & (length <= site.size)
    good &= NOT_ZERO.holds(delta_rho) & NOT_NEGATIVE.holds(rho_0) & AMOUNT.holds(injection)
    plain = Lattice(
        hop=jnp.where(good, lattice.hop.astype(float), 1.0),
        strength=jnp.where(good, lattice.strength.astype(float), 0.0),
        length=jnp.where(good, length, site.size),
    )
    solved = _solved(
        plain, *(jnp.where(good, x, y) for x, y in ((delta_rho, 1.0), (rho_0, 0.0), (injection, 0.0)))
    )
    return jax.tree.map(lambda values: jnp.where(good, values, jnp.nan), solved)


def _solved(lattice: Lattice, delta_rho: Array, rho_0: Array, injection: Array) -> LatticeState:
    size = jnp.abs(delta_rho)
    I_g = injection * size
    from_left, from_right = rho_0 + jnp.maximum(delta_rho, 0.0), rho_0 + jnp.maximum(-delta_rho, 0.0)
    w, s = lattice.hop, lattice.strength
    response = response_of(lattice)
    left_current = response.left_current(jnp.sign(delta_rho), injection) * size
    J = left_current + I_g * jnp.cumsum(s)
    moving_right = from_left + jnp.cumsum(s * (1 - w / 2) * I_g - (1 - w) * J)
    # What moves left across a bond is what moves right across it, less the current.
    before = jnp.concatenate([from_left[None], moving_right[:-1]])
    moving_left = before - jnp.concatenate([left_current[None], J[:-1]])
    right, left = moving_right / w, moving_left / w
    after = step(lattice, right, left, from_left=from_left, from_right=from_right, I_g=I_g)
    site = jnp.arange(w.shape[0])
    inside = site < lattice.length
    change = jnp.maximum(jnp.abs(after[0] - right), jnp.abs(after[1] - left))
    return LatticeState(
        density_right=jnp.where(inside, right, jnp.nan),
        density_left=jnp.where(inside, left, jnp.nan),
        bond_current=jnp.where(site < lattice.length - 1, J, jnp.nan)[:-1] / size,
        current=left_current / size,
        right_current=response.right_current(jnp.sign(delta_rho), injection),
        residual=jnp.max(jnp.where(inside, change, 0.0)) / size,
    )


def relax(
    lattice: Lattice,
    *,
    from_left: Any,
    from_right: Any,
    I_g: Any = 0.0,
    tolerance: float = 1e-14,
    most_steps: int = 10**6,
) -> tuple[Array, Array, Array]:
    """Let the densities evolve from an empty lattice until a step changes none by more than `tolerance`.

    Takes of the order of N^2 / p steps; `steady_state` gives the end at once.

    Args:
        lattice: the lattice.
        from_left, from_right: densities of the reservoirs.
        I_g: injected current in e v_F times the unit of density.
        tolerance: largest change of a step at which to stop, relative to the largest density.
        most_steps: stop there in any case.

    Returns:
        rho+_l, rho-_l and the number of steps, which is `most_steps` if the change never was so small.
    """
    require_double()
    require_lattice(lattice)
    from_left = number("from_left", from_left, NOT_NEGATIVE)
    from_right = number("from_right", from_right, NOT_NEGATIVE)
    I_g = number("I_g", I_g, AMOUNT)
    tolerance = number("tolerance", tolerance, POSITIVE)
    most_steps = whole("most_steps", most_steps, 1)

    def change(state: tuple[Any, ...]) -> Array:
        _, _, largest, count = state
        return (largest > tolerance) & (count < most_steps)

    def advance(state: tuple[Any, ...]) -> tuple[Any, ...]:
        right, left, _, count = state
        new_right, new_left = step(lattice, right, left, from_left=from_left, from_right=from_right, I_g=I_g)
        moved = jnp.maximum(jnp.max(jnp.abs(new_right - right)), jnp.max(jnp.abs(new_left - left)))
        size = jnp.maximum(jnp.max(jnp.abs(new_right)), jnp.max(jnp.abs(new_left)))
        return new_right, new_left, moved / size, count + 1

    empty = jnp.zeros_like(lattice.hop)
    right, left, _, count = lax.while_loop(change, advance, (empty, empty, jnp.asarray(jnp.inf), 0))
    return right, left, jnp.asarray(count)
