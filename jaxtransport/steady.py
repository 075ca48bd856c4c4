"""The steady state of a wire under one bias and the quantities derived from it, for any law.

    h_l                    heat into reservoir l
    delta n_l              excess density over local equilibrium at mu_l
    Delta I = |I_1(reverse)| - |I_1(forward)|,   2 Ibar = |I_1(reverse)| + |I_1(forward)|

Names, units and dimensions are those of `variables`. `linear` and `nonlinear` make steady states.
"""

from __future__ import annotations

import abc
import functools
import operator
from collections.abc import Callable, Iterable, Mapping

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxtransport import status as codes
from jaxtransport.band import Band
from jaxtransport.compute.double import sums_along
from jaxtransport.green.along import each, highest
from jaxtransport.green.transmission import Transmission
from jaxtransport.variables import Variable
from jaxtransport.wire import Leads


class Steady(eqx.Module):
    """A wire under one bias, its potentials known. Currents in I_o; NaN beyond the wire."""

    network: eqx.AbstractVar[Transmission]  # at mu_bar
    mu_bar: eqx.AbstractVar[Float[Array, ""]]
    length: eqx.AbstractVar[Int[Array, ""]]
    band: eqx.AbstractVar[Band]  # of the sources, drains and probes
    size: eqx.AbstractVar[Float[Array, ""]]  # |delta_mu|

    @abc.abstractmethod
    def shifts(self) -> Float[Array, " site"]:
        """x_l = mu_l - mu_bar in gamma_o; anything on bare sites."""

    @abc.abstractmethod
    def carried(self) -> Float[Array, " site"]:
        """I_l: prescribed for sources, drains and probes, computed for the leads."""

    @abc.abstractmethod
    def left_current(self) -> Float[Array, ""]:
        """I_1."""

    @abc.abstractmethod
    def right_current(self) -> Float[Array, ""]:
        """I_N."""

    @abc.abstractmethod
    def heat(self) -> Float[Array, " site"]:
        """h_l in gamma_o^2 / hbar; 0 on bare sites."""

    @abc.abstractmethod
    def density(self) -> Float[Array, " site"]:
        """delta n_l; NaN on bare sites."""

    @abc.abstractmethod
    def residual(self) -> Float[Array, ""]:
        """Largest |I_l(potentials) - asked|."""

    def current_error(self) -> Float[Array, ""]:
        """Rounding error of I_1 and I_N; NaN if unknown."""
        return jnp.asarray(jnp.nan)

    def quadrature_error(self) -> Float[Array, ""]:
        """Error of the currents from the integrals over energy; NaN without integrals."""
        return jnp.asarray(jnp.nan)

    def potential(self) -> Float[Array, " site"]:
        """mu_l in gamma_o; NaN on bare sites."""
        return self._sites(each(lambda x: self.mu_bar + x, self.shifts()), empty=jnp.nan)

    def occupation(self) -> Float[Array, " site"]:
        """n_l where it is the same at all energies; NaN elsewhere."""
        return jnp.full(self.network.broadening.shape, jnp.nan)

    def site_current(self) -> Float[Array, " site"]:
        """I_l; 0 on bare sites."""
        return self._sites(self.carried(), empty=0.0)

    def bond_current(self) -> Float[Array, " bond"]:
        """J_l."""
        J = bond_currents(self.carried(), self.network.leads)
        return jnp.where(jnp.arange(J.shape[0]) < self.length - 1, J, jnp.nan)

    def outside_band(self) -> Int[Array, ""]:
        """1 if a potential left the band."""
        mu = (
            self.potential()
        )  # NaN, where there is none, is not outside; leads are inside, or nothing is solved
        return jnp.any(self.network.interior & ~self.band.holds(mu) & ~jnp.isnan(mu)).astype(jnp.int8)

    def _sites(self, values: Array, *, empty: float) -> Array:
        """Values of the wire's sites: `empty` where there is no reservoir, NaN beyond the wire."""
        return self._of_sites(lambda value: value, empty, values)

    def _of_sites(self, quantity: Callable[..., Array], empty: float, *along: Array) -> Array:
        """The same of a `quantity` of the entries of a site."""

        def at(site: Array, Gamma: Array, *entries: Array) -> Array:
            return jnp.where(site < self.length, jnp.where(Gamma > 0, quantity(*entries), empty), jnp.nan)

        broadening = self.network.broadening
        return each(at, jnp.arange(broadening.shape[0]), broadening, *along)

    def numbers(self) -> tuple[Array, ...]:
        """Quantities that may overflow: potentials, currents and heat."""
        return self.potential(), self.site_current(), self.heat(), self.density()


def bond_currents(currents: Float[Array, " site"], leads: Leads) -> Float[Array, " bond"]:
    """J_l from site l to l + 1, by continuity: what is injected up to l, or leaves beyond it.

    Summed without loss from the end whose own current is smaller, and so better known: behind a barrier all
    but a small part of what sources inject goes to their drains.
    """
    from_left = sums_along(currents)[:-1]
    from_right = -sums_along(currents[::-1])[::-1][1:]
    left, right = leads.of(currents)
    return jnp.where(jnp.abs(left) <= jnp.abs(right), from_left, from_right)


# Variables that are stored of either bias, as <name>_forward and <name>_reverse
OF_BIASES: dict[str, Callable[[Steady], Array]] = {
    "current": lambda steady: steady.left_current(),
    "right_current": lambda steady: steady.right_current(),
    "potential": Steady.potential,
    "site_current": Steady.site_current,
    "bond_current": Steady.bond_current,
    "heat": lambda steady: steady.heat(),
    "density": lambda steady: steady.density(),
    "occupation": lambda steady: steady.occupation(),
}
# ... and those of which the larger is stored
OF_WORSE: dict[str, Callable[[Steady], Array]] = {
    "residual": lambda steady: steady.residual(),
    "outside_band": Steady.outside_band,
    "current_error": lambda steady: steady.current_error(),
    "quadrature_error": lambda steady: steady.quadrature_error(),
}


def observe(
    names: Iterable[str],
    under: Callable[[Callable[[Steady], Array]], tuple[Array, Array]],
    of_both: Mapping[str, Array],
    status: Array,
    variables: Mapping[str, Variable],
) -> dict[str, Array]:
    """The variables called `names`, and "status". Where that has no numbers, floating ones are NaN.

    Args:
        names: names among `variables`.
        under: a quantity of a steady state, of the forward and of the reverse bias.
        of_both: variables that need both biases.
        status: of both.
        variables: what the law can store.
    """
    names, seen, values = tuple(names), {}, {}
    stems = [name.rsplit("_", 1)[0] for name in names]
    for stem, quantity in OF_BIASES.items():  # in a fixed order, since programs are cached on disk
        if stem in stems:
            seen[stem] = under(quantity)
    for name in names:
        if name in of_both:
            values[name] = of_both[name]
        elif name in OF_WORSE:
            values[name] = jnp.maximum(*under(OF_WORSE[name]))
        else:
            stem, bias = name.rsplit("_", 1)
            values[name] = seen[stem][0 if bias == "forward" else 1]
    return kept(values, without_overflow(status, values.values()), variables)


def without_overflow(status: Array, values: Iterable[Array]) -> Array:
    """The status; not finite, instead of solved, where a number does not fit in a double."""
    infinite: Callable[[Array], Array] = lambda value: jnp.isinf(value).astype(float)
    found = (jnp.any((highest(infinite, value) if value.ndim else infinite(value)) > 0) for value in values)
    overflow = functools.reduce(operator.or_, found, jnp.asarray(False))
    return jnp.where(overflow & (status == codes.SOLVED), codes.NOT_FINITE, status)


def kept(values: Mapping[str, Array], status: Array, variables: Mapping[str, Variable]) -> dict[str, Array]:
    """Values as stored, NaN where the status has no numbers; and "status"."""
    # XLA repeats what makes the status for every variable, unless it ends in what it takes to be expensive.
    has_numbers = jnp.sqrt(codes.has_numbers(status).astype(float)) > 0
    out = {}
    for name, value in values.items():
        variable = variables[name]
        nothing = jnp.nan if variable.dtype == "f8" else 0
        known = variable.of_every_point or has_numbers
        out[name] = jnp.where(known, value, nothing).astype(variable.dtype)
    return {**out, "status": status.astype(jnp.int8)}
