r"""A chain at an energy known to 32 digits: levels narrower than rounding.

Near a level of width Gamma_n a Green function in doubles is known to 1e-16 / Gamma_n: energies are rounded,
and so are pivots. Here both are pairs of doubles (`compute.double`), from a coordinate in which everything is
rational (`reservoirs.energies`). The corners are those of `green.chain`,

    g_l = 1 / d_l,      d_l = z_l - t_l^2 g_{l+1}            z_l = w - eps_l - Sigma_l

and the phase is that of `green.phase`. What comes of them, |G_ll'|^2, is a product of doubles again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from jaxtransport.compute.double import Double
from jaxtransport.green.dephasing import along_chain
from jaxtransport.green.pairs import Pairs
from jaxtransport.green.phase import Sight, Turning
from jaxtransport.wire import Wire


class _Corner(NamedTuple):
    """g = u - iv of what lies on one side of a site."""

    u: Double
    v: Double


class _Site(NamedTuple):
    x: Double  # Re z_l
    y: Double  # Im z_l
    left: Double  # |t|^2 to the site before
    right: Double  # ... and after
    inside: Array


class Fine(eqx.Module):
    """Transmissions and phase at one energy. Made by `Fine.at`; without derivatives."""

    broadening: Float[Array, " site"]
    ratio: Float[Array, " site"]  # as in `Chain`
    diagonal: Float[Array, " site"]
    phase: Float[Array, ""]

    @classmethod
    def at(cls, wire: Wire, energy: Double) -> Fine:
        """At an energy."""
        zero = jnp.zeros_like(energy.high)
        site = jnp.arange(wire.sites)
        square = Double.product(wire.coupling, wire.coupling)
        shift, half_width = wire.reservoir.finely(energy).dress(square, wire.leads.hold(site))
        t = wire.hopping
        hopping = Double.product(jnp.real(t), jnp.real(t)).add(Double.product(jnp.imag(t), jnp.imag(t)))
        x = Double(energy.high[None], energy.low[None]).plus(-wire.onsite).less(shift)
        padded: Callable[[int, int], Double] = lambda before, after: Double(
            *(jnp.pad(part, (before, after)) for part in hopping)
        )
        inside = site < wire.length
        sites = _Site(x, half_width, padded(1, 0), padded(0, 1), inside)

        nothing = _Corner(Double(zero, zero), Double(zero, zero))
        (_, turning), beyond = lax.scan(_from_right, (nothing, Turning.none(zero)), sites, reverse=True)
        _, diagonal = lax.scan(_from_left, nothing, (sites, beyond))
        last = site >= wire.length - 1
        reach = sites.right.high * (beyond.u.high**2 + beyond.v.high**2)
        return cls(
            broadening=2 * sites.y.high,
            ratio=jnp.where(last, 1.0, reach),
            diagonal=diagonal,
            phase=turning.angle(),
        )

    @property
    def sight(self) -> Sight:
        """The phase and R_l."""

        def step(weight: Array, at: tuple[Array, Array]) -> tuple[Array, Array]:
            ratio, broadening = at
            return broadening + ratio * weight, ratio * weight

        zero = jnp.zeros_like(self.phase)
        return Sight(self.phase, lax.scan(step, zero, (self.ratio, self.broadening), reverse=True)[1])

    def pairs(self, dephasing: Any = None) -> Pairs:
        """T_ll' between all reservoirs but dephasing probes."""
        return along_chain(self.broadening, self.ratio, self.diagonal, dephasing)


def _pivot(site: _Site, x: Double, y: Double) -> _Corner:
    """1 / (x + iy); 0 on the cut-off sites."""
    n = x.times(x).add(y.times(y))
    n = Double(jnp.where(site.inside, n.high, 1.0), jnp.where(site.inside, n.low, 0.0)).inverse()
    n = Double(*(jnp.where(site.inside, part, 0.0) for part in n))
    return _Corner(x.times(n), y.times(n))


def _from_right(before: tuple[_Corner, Turning], site: _Site) -> tuple[tuple[_Corner, Turning], _Corner]:
    beyond, turning = before
    x, y = site.x.less(site.right.times(beyond.u)), site.y.add(site.right.times(beyond.v))
    return (_pivot(site, x, y), turning.by(x.high, y.high, site.inside)), beyond


def _from_left(before: _Corner, at: tuple[_Site, _Corner]) -> tuple[_Corner, Array]:
    site, beyond = at
    x, y = site.x.less(site.left.times(before.u)), site.y.add(site.left.times(before.v))
    whole_x, whole_y = x.less(site.right.times(beyond.u)).high, y.add(site.right.times(beyond.v)).high
    diagonal = 1 / jnp.where(site.inside, whole_x**2 + whole_y**2, jnp.inf)
    return _pivot(site, x, y), diagonal
