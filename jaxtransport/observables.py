"""Everything that is read off a solved wire, from its response and profile.

    h_l = (1/4 pi) sum_l' T_ll' (mu_l' - mu_l)^2                                (Eq. B52)
    delta n_l = (1/2 pi) sum_l' |G_ll'|^2 Gamma_l' (mu_l' - mu_l) = -I_l/Gamma_l  (Eq. B50 corrected)
    Delta I = |I_1(reverse)| - |I_1(forward)|,   2 Ibar = |I_1(reverse)| + |I_1(forward)|

Names, units and dimensions are those of `jaxtransport.variables`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxtransport import status as codes
from jaxtransport.green.double import sums_along
from jaxtransport.green.transmission import EPS, TOLERATED, Transmission
from jaxtransport.probes.response import Profile, Response, profile, respond
from jaxtransport.reservoir import in_band
from jaxtransport.variables import LINEAR, Variable
from jaxtransport.wire import Wire

FORWARD, REVERSE = 1.0, -1.0
TINY = np.finfo(float).tiny  # a conductance below has lost its digits


class Solved(eqx.Module):
    """A wire solved in linear response at one mu_bar, ready for any bias and any injection."""

    mu_bar: Float[Array, ""]
    length: Int[Array, ""]
    transmission: Transmission
    response: Response
    profile: Profile | None

    @classmethod
    def of(cls, wire: Wire, mu_bar: Array, kernel: type[Transmission], *, with_profile: bool) -> Solved:
        """Solve `wire` with a kernel class; the profile costs a few more sweeps along the wire.

        Outside the band nothing couples and nothing can be solved: such a point is computed at the
        band centre, so that its gradients stay finite, and its status blanks it.
        """
        transmission = kernel.at(wire, jnp.where(in_band(mu_bar), mu_bar, 0.0))
        response = respond(transmission)
        along = profile(transmission, response, wire.length) if with_profile else None
        return cls(mu_bar, wire.length, transmission, response, along)

    def under(self, sign: float | Array, delta_mu: Array, injection: Array) -> Biased:
        """The wire under the bias `sign` * |delta_mu| with I_g = `injection` * I_o."""
        return Biased(self, jnp.asarray(sign, float), jnp.abs(delta_mu), injection)

    def status(self, delta_mu: Array, injection: Array) -> Int[Array, ""]:
        """Status code: outside the band, not finite, singular, not resolved, or solved.

        Transmissions or drives that are not finite are one failure. A balance that is not finite on
        finite transmissions is another: some reservoir is cut off from the others, or its transmissions
        are below the smallest double. Where rounding takes more of the conductance, of the currents
        or of the largest potential than the kernel tolerates, it is not resolved.
        """
        g, r = self.response.conductance, self.response.injection
        solution = [g, r]
        if self.profile is not None:
            solution += [self.profile.potential, self.profile.misfit]
        finite = jnp.all(jnp.stack([jnp.all(jnp.isfinite(x)) for x in solution]))
        given = jnp.isfinite(self.mu_bar) & jnp.isfinite(delta_mu) & (delta_mu != 0) & jnp.isfinite(injection)
        half = jnp.abs(delta_mu) / 2
        outside = ~(in_band(self.mu_bar - half) & in_band(self.mu_bar + half))
        code = jnp.where(self._resolved(injection), codes.SOLVED, codes.NOT_RESOLVED)
        # A wire that is cut carries nothing, but sources and drains may exchange with the lead on their side.
        carries = (g >= TINY) | ((g == 0) & (r != 0))
        empty = codes.NOT_RESOLVED if self.transmission.by_subtraction else codes.SINGULAR
        code = jnp.where(finite & carries, code, empty)
        code = jnp.where(self.transmission.finite & given, code, codes.NOT_FINITE)
        return jnp.where(outside & given, codes.OUTSIDE_BAND, code)

    def _resolved(self, injection: Array) -> Array:
        tolerated, size, response = self.transmission.tolerated, jnp.abs(injection), self.response
        good = response.conductance_error <= tolerated * response.conductance
        # I_1 by itself, where another kernel may know it better; the last cannot tell its zeros apart.
        others = response.mean_current if tolerated >= TOLERATED else response.least_current
        good &= response.current_error(injection) <= tolerated * others(injection)
        if self.profile is not None:
            if tolerated < TOLERATED:  # as for I_1
                good &= response.right_error(injection) <= tolerated * response.least_right_current(injection)
            largest = jnp.maximum(0.5, size * jnp.max(jnp.abs(self.profile.potential[1])))  # 0.5: the leads
            good &= size * self.profile.error <= tolerated * largest
        return good


def bond_currents(currents: Float[Array, " site"], length: Array) -> Float[Array, " bond"]:
    """J_l from site l to l + 1, by continuity: what is injected up to l, or leaves beyond it.

    Summed without loss from the end whose own current is smaller, and so better known: behind a barrier all
    but a small part of what sources inject goes to their drains.
    """
    from_left = sums_along(currents)[:-1]
    from_right = -sums_along(currents[::-1])[::-1][1:]
    return jnp.where(jnp.abs(currents[0]) <= jnp.abs(jnp.take(currents, length - 1)), from_left, from_right)


class Biased(eqx.Module):
    """A solved wire under one bias. Sites and bonds beyond the wire are NaN.

    Currents are those that were asked for, and that the leads carry. The potentials drive them up to the
    residual: of strongly coupled reservoirs behind a barrier, no doubles are near enough to drive them well.
    """

    solved: Solved
    sign: Array
    size: Array  # |delta mu|
    injection: Array  # I_g / I_o

    def _along(self):
        assert self.solved.profile is not None, "solved without its profile"
        return self.solved.profile.at(self.sign, self.injection)

    def _sites(self, values, *, bare):
        """Values of the wire's sites: `bare` where there is no reservoir, NaN beyond the wire."""
        site = jnp.arange(values.shape[0])
        held = jnp.where(self.solved.transmission.broadening > 0, values, bare)
        return jnp.where(site < self.solved.length, held, jnp.nan)

    def left_current(self):
        return self.solved.response.left_current(self.sign, self.injection)

    def right_current(self):
        return self.solved.response.right_current(self.sign, self.injection)

    def current_error(self):
        response = self.solved.response
        return jnp.maximum(response.current_error(self.injection), response.right_error(self.injection))

    def potential(self):
        x, _, _ = self._along()
        return self._sites(self.solved.mu_bar + self.size * x, bare=jnp.nan)

    def site_current(self):
        return self._sites(self._along()[1], bare=0.0)

    def bond_current(self):
        J = bond_currents(self._along()[1], self.solved.length)
        return jnp.where(jnp.arange(J.shape[0]) < self.solved.length - 1, J, jnp.nan)

    def heat(self):
        assert self.solved.profile is not None, "solved without its profile"
        x = self.size * self._along()[0]
        scale = jnp.maximum(1.0, jnp.max(jnp.abs(x)))  # the square of a large potential is no number any more
        heat = self.solved.transmission.spread(x / scale) * scale * scale / (4 * jnp.pi)
        # Of reservoirs behind a barrier the differences are roundings of x, and their square may be anything.
        power = jnp.sum(jnp.abs(self._along()[1] * self.size / (2 * jnp.pi) * x))
        rounding = EPS * jnp.max(jnp.abs(x))
        told = self.solved.profile.exchanged * rounding * rounding <= TOLERATED * power
        return self._sites(jnp.where(told, heat, jnp.nan), bare=0.0)

    def density(self):
        Gamma = self.solved.transmission.broadening
        current = self._along()[1] * self.size / (2 * jnp.pi)
        return self._sites(-current / jnp.where(Gamma > 0, Gamma, 1.0), bare=jnp.nan)

    def residual(self):
        return jnp.max(jnp.abs(self._along()[2]))

    def outside_band(self):
        return jnp.any(jnp.abs(self.potential()) >= 2).astype(jnp.int8)


def _both(get: Callable[[Biased], Any], merge=jnp.maximum) -> Callable:
    return lambda forward, reverse: merge(get(forward), get(reverse))


_LEADS: dict[str, Callable] = {
    "conductance": lambda f, r: f.solved.response.conductance,
    "injection_response": lambda f, r: f.solved.response.injection,
    "nonreciprocity": lambda f, r: f.solved.response.nonreciprocity(f.injection),
    "relative_nonreciprocity": lambda f, r: f.solved.response.relative_nonreciprocity(f.injection),
    "current_error": lambda f, r: f.current_error(),
    "residual": _both(Biased.residual),
    "outside_band": _both(Biased.outside_band),
}
_BIASED: dict[str, Callable] = {
    "current": Biased.left_current,
    "right_current": Biased.right_current,
    "potential": Biased.potential,
    "site_current": Biased.site_current,
    "bond_current": Biased.bond_current,
    "heat": Biased.heat,
    "density": Biased.density,
}


def observe(names: Iterable[str], solved: Solved, delta_mu: Array, injection: Array) -> dict[str, Array]:
    """The variables called `names`, and "status", for one delta_mu > 0 and one I_g / I_o.

    Where the status has no numbers (see `status`), floating ones are NaN.
    """
    forward = solved.under(FORWARD, delta_mu, injection)
    reverse = solved.under(REVERSE, delta_mu, injection)
    values = {}
    for name in names:
        if name in _LEADS:
            values[name] = _LEADS[name](forward, reverse)
        else:
            quantity, bias = name.rsplit("_", 1)
            values[name] = _BIASED[quantity](forward if bias == "forward" else reverse)
    status = without_overflow(solved.status(delta_mu, injection), values.values())
    return kept(values, status, LINEAR)


def without_overflow(status: Array, values: Iterable[Array]) -> Array:
    """The status; not finite, instead of solved, where a number does not fit in a double."""
    infinite = [jnp.any(jnp.isinf(value)) for value in values]
    overflow = jnp.any(jnp.stack(infinite)) if infinite else False
    return jnp.where(overflow & (status == codes.SOLVED), codes.NOT_FINITE, status)


def kept(values: Mapping[str, Array], status: Array, variables: Mapping[str, Variable]) -> dict[str, Array]:
    """Values as they are stored, nothing where the status has no numbers; and "status"."""
    out = {}
    for name, value in values.items():
        dtype = variables[name].dtype
        nothing = jnp.nan if dtype == "f8" else 0
        out[name] = jnp.where(codes.has_numbers(status), value, nothing).astype(dtype)
    return {**out, "status": status.astype(jnp.int8)}
