"""A wire in linear response: solved once at one mu_bar, ready for any bias and any injection.

h_l = (1/4 pi) sum_l' T_ll' (mu_l' - mu_l)^2                                (Eq. B52)
delta n_l = (1/2 pi) sum_l' |G_ll'|^2 Gamma_l' (mu_l' - mu_l) = -I_l/Gamma_l  (Eq. B50 corrected)
"""

from __future__ import annotations

from collections.abc import Iterable

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxtransport import status as codes
from jaxtransport.band import Band
from jaxtransport.green.along import each, total
from jaxtransport.green.chain import Chain
from jaxtransport.green.dephasing import dephasing_sites
from jaxtransport.green.parallel_chain import ParallelChain
from jaxtransport.green.transmission import EPS, TOLERATED, Transmission
from jaxtransport.probes.response import Profile, Response, response_of
from jaxtransport.steady import Steady, observe
from jaxtransport.variables import LINEAR
from jaxtransport.wire import Wire, silenced

FORWARD, REVERSE = 1.0, -1.0
TINY = np.finfo(float).tiny  # a conductance below has lost its digits


class LinearResponse(eqx.Module):
    """A wire solved in linear response at one mu_bar."""

    mu_bar: Float[Array, ""]
    length: Int[Array, ""]
    network: Transmission
    response: Response
    profile: Profile | None
    band: Band = eqx.field(static=True)  # of the leads
    others: Band = eqx.field(static=True)  # of the sources, drains and probes
    dephasing: Array | None  # True at dephasing probes
    silent: Array  # whether a source or drain is outside of its band, and cannot carry its current

    @classmethod
    def of(
        cls, wire: Wire, mu_bar: Array, kernel: type[Transmission], *, with_profile: bool
    ) -> LinearResponse:
        """Solve `wire` with a kernel class; the profile costs a few more sweeps along the wire.

        Outside the band nothing couples and nothing can be solved: such a point is computed at the
        band centre, so that its gradients stay finite, and its status blanks it.
        """
        band, dephasing = wire.reservoir.band, dephasing_sites(wire)
        if dephasing is not None and kernel is ParallelChain:
            kernel = Chain  # which knows the heat beside dephasing probes in O(N)
        network = kernel.at(wire, jnp.where(band.holds(mu_bar), mu_bar, band.centre))
        response = response_of(network)
        along = Profile.of(network, response) if with_profile else None
        silent = silenced(wire, mu_bar)
        others = wire.reservoir.middle.band
        return cls(mu_bar, wire.length, network, response, along, band, others, dephasing, silent)

    def at_bias(self, sign: float | Array, delta_mu: Array, injection: Array) -> AtBias:
        """The wire under the bias `sign` * |delta_mu| with I_g = `injection` * I_o."""
        size, sign = jnp.abs(delta_mu), jnp.asarray(sign, float)
        return AtBias(
            network=self.network,
            mu_bar=self.mu_bar,
            length=self.length,
            band=self.others,
            size=size,
            response=self.response,
            profile=self.profile,
            sign=sign,
            injection=injection,
            dephasing=self.dephasing,
        )

    def observe(self, names: Iterable[str], delta_mu: Array, injection: Array) -> dict[str, Array]:
        """The variables called `names`, and "status", for one delta_mu > 0 and one I_g / I_o."""
        forward, reverse = (self.at_bias(sign, delta_mu, injection) for sign in (FORWARD, REVERSE))
        of_both = {
            "conductance": self.response.conductance,
            "injection_response": self.response.injection,
            "nonreciprocity": self.response.nonreciprocity(injection),
            "relative_nonreciprocity": self.response.relative_nonreciprocity(injection),
        }
        if self.profile is not None:
            of_both["residual"] = self.profile.largest_residual(injection)
            of_both["outside_band"] = self._outside_band(delta_mu, injection)
            of_both["heat_forward"], of_both["heat_reverse"] = heat_of(forward, reverse)
        under = lambda quantity: (quantity(forward), quantity(reverse))
        return observe(names, under, of_both, self.status(delta_mu, injection), LINEAR)

    def _outside_band(self, delta_mu: Array, injection: Array) -> Int[Array, ""]:
        """1 if a potential left the band, under either bias."""
        assert self.profile is not None
        size = jnp.abs(delta_mu)
        held = self.network.broadening > 0 if self.band == self.others else self.network.interior
        ends = self.profile.range(injection, held)
        inside = [self.others.holds(self.mu_bar + size * end) for end in ends]
        if self.band != self.others:  # of sources, drains and probes alone, if there are any
            inside = [holds | ~jnp.any(held) for holds in inside]
        return (~inside[0] | ~inside[1]).astype(jnp.int8)

    def status(self, delta_mu: Array, injection: Array) -> Int[Array, ""]:
        """Status code: outside the band, not finite, singular, not resolved, or solved.

        Transmissions or drives that are not finite are one failure. A balance that is not finite on
        finite transmissions is another: some reservoir is cut off from the others, or its transmissions
        are below the smallest double. Where rounding takes more of the conductance, of the currents
        or of the largest potential than the kernel tolerates, it is not resolved.
        """
        g, r = self.response.conductance, self.response.injection
        finite = jnp.isfinite(g) & jnp.isfinite(r)
        if self.profile is not None:  # a potential that is not finite drives such a current
            finite &= jnp.isfinite(self.profile.largest_residual(injection))
        given = jnp.isfinite(self.mu_bar) & jnp.isfinite(delta_mu) & (delta_mu != 0) & jnp.isfinite(injection)
        half = jnp.abs(delta_mu) / 2
        outside = ~(self.band.holds(self.mu_bar - half) & self.band.holds(self.mu_bar + half))
        code = jnp.where(self._resolved(injection), codes.SOLVED, codes.NOT_RESOLVED)
        # A wire that is cut carries nothing, but sources and drains may exchange with the lead on their side,
        # or with each other. Only careful kernels look for them: it takes another pass along the wire.
        if self.network.tolerated >= TOLERATED:
            carries = (g >= TINY) | ((g == 0) & jnp.any(self.network.strength != 0))
        else:
            carries = (g >= TINY) | (g == 0)
            code = jnp.where((g == 0) & (r == 0), codes.NOT_RESOLVED, code)
        empty = codes.NOT_RESOLVED if self.network.by_subtraction else codes.SINGULAR
        code = jnp.where(finite & carries, code, empty)
        code = jnp.where(self.network.finite & given, code, codes.NOT_FINITE)
        return jnp.where((outside | self.silent) & given, codes.OUTSIDE_BAND, code)

    def _resolved(self, injection: Array) -> Array:
        tolerated, size, response = self.network.tolerated, jnp.abs(injection), self.response
        good = response.conductance_error <= tolerated * response.conductance
        # I_1 by itself, where another kernel may be more accurate; the last kernel cannot resolve its zeros.
        others = response.mean_current if tolerated >= TOLERATED else response.least_current
        good &= response.current_error(injection) <= tolerated * others(injection)
        if self.profile is not None:
            if tolerated < TOLERATED:  # as for I_1
                good &= response.right_error(injection) <= tolerated * response.least_right_current(injection)
            largest = jnp.maximum(0.5, size * self.profile.largest)  # 0.5: the leads
            good &= size * self.profile.error <= tolerated * largest
        return good


class AtBias(Steady):
    """A wire in linear response under one bias.

    Currents are the prescribed ones, and those of the leads. The potentials drive them up to the residual:
    for strongly coupled reservoirs behind a barrier, potentials in doubles are not accurate enough.
    """

    network: Transmission
    mu_bar: Float[Array, ""]
    length: Int[Array, ""]
    band: Band = eqx.field(static=True)
    size: Float[Array, ""]
    response: Response
    profile: Profile | None
    sign: Float[Array, ""]
    injection: Float[Array, ""]  # I_g / I_o
    dephasing: Array | None  # True at dephasing probes

    def _profile(self) -> Profile:
        if self.profile is None:
            raise ValueError("solved without its profile")
        return self.profile

    def left_current(self) -> Float[Array, ""]:
        return self.response.left_current(self.sign, self.injection)

    def right_current(self) -> Float[Array, ""]:
        return self.response.right_current(self.sign, self.injection)

    def current_error(self) -> Float[Array, ""]:
        response = self.response
        return jnp.maximum(response.current_error(self.injection), response.right_error(self.injection))

    def shifts(self) -> Float[Array, " site"]:
        return each(self._x, *self._profile().potential)

    def _x(self, phi: Array, psi: Array) -> Array:
        """x_l of a site, from its potentials under the unit drives."""
        return self.size * (self.sign * phi + self.injection * psi)

    def potential(self) -> Float[Array, " site"]:
        return self._of_sites(
            lambda phi, psi: self.mu_bar + self._x(phi, psi), jnp.nan, *self._profile().potential
        )

    def _current(self, *at: Array) -> Array:
        """I_l at a site that is one of `Profile.sites`."""
        return self._profile().asked(self.sign, self.injection, *at)

    def carried(self) -> Float[Array, " site"]:
        return each(self._current, *self._profile().sites())

    def site_current(self) -> Float[Array, " site"]:
        return self._of_sites(self._current, 0.0, *self._profile().sites())

    def heat(self) -> Float[Array, " site"]:
        return heat_of(self)[0]

    def density(self) -> Float[Array, " site"]:
        unit = self.size / (2 * jnp.pi)

        def density(Gamma: Array, *at: Array) -> Array:
            return -unit * self._current(*at) / jnp.where(Gamma > 0, Gamma, 1.0)

        return self._of_sites(density, jnp.nan, self.network.broadening, *self._profile().sites())

    def residual(self) -> Float[Array, ""]:
        return self._profile().residual(self.sign, self.injection)


def _beside_dephasing(network: Transmission, dephasing: Array, sums: Array) -> Array:
    """`heat_sums` between all reservoirs but the dephasing probes, from those with voltage probes.

    The occupation of a dephasing probe is a mixture of steps. Its mean is the potential of a voltage probe,
    its variance v obeys sum_l' T_ll' (v_l - v_l') = sum_l' T_ll' (x_l' - x_l)^2, 0 at all others.
    """
    v = network.potentials_of(dephasing, sums)
    return jnp.where(dephasing, 0.0, sums + network.product(v))


def heat_of(*biases: AtBias) -> tuple[Float[Array, " site"], ...]:
    """h_l of one wire under each of some biases, in one go along it."""
    wire = biases[0]
    profile, network = wire._profile(), wire.network
    most = wire.size * (0.5 + jnp.abs(wire.injection) * profile.largest)  # of all |x|
    scale = jnp.maximum(1.0, most)  # the square of a large potential would overflow
    scaled = lambda phi, psi: tuple(bias._x(phi, psi) / scale for bias in biases)
    sums, exchanged = network.heats(scaled, *profile.potential)
    if wire.dephasing is not None:
        sums = tuple(_beside_dephasing(network, wire.dephasing, sum_of_one) for sum_of_one in sums)

    def power(phi: Array, psi: Array, *at: Array) -> tuple[Array, ...]:
        return tuple(jnp.abs(bias._current(*at) * bias._x(phi, psi)) for bias in biases)

    # Of reservoirs behind a barrier the differences are roundings of x, and their square may be anything.
    rounding, unit = exchanged * (EPS * most) ** 2, scale * scale / (4 * jnp.pi)

    def heat(bias: AtBias, of_sites: Array, power: Array) -> Array:
        told = rounding <= TOLERATED * bias.size / (2 * jnp.pi) * power
        factor = jnp.where(told, unit, jnp.nan)
        return bias._of_sites(lambda heat: factor * heat, 0.0, of_sites)

    powers = total(power, *profile.potential, *profile.sites())
    return tuple(map(heat, biases, sums, powers))
