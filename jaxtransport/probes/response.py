"""Linear response of a wire: two unit drives, from which every bias and every I_g follows.

With potentials x_l = mu_l - mu_bar the problem is linear, so its solution is a superposition of

    bias        x_1 = +1/2, x_N = -1/2, no injected current           phi_l,  g = 2 pi G
    injection   x_1 = x_N = 0, I_l = strength_l / 2 pi                psi_l,  r = delta I / I_g

In units of I_o = e |delta mu| / 2 pi and with i = I_g / I_o, forward (+) and reverse (-):

    x_l = |delta mu| (+-phi_l + i psi_l),        I_1 = +-g - i r        (Eqs. 18, B32-B33, C4)
                                                 I_N = -+g - i r',      r + r' = sum of the strengths

    Delta I = |I_1(-)| - |I_1(+)| = 2 sgn(g) sgn(i r) min(|g|, |i r|),      2 Ibar = 2 max(|g|, |i r|)

The last line subtracts nothing: Delta I keeps every digit of g and r. r itself is a sum over sources
and drains of either sign, and where those cancel (gamma -> 0) its error is 1e-16 of the terms.
"""

from __future__ import annotations

from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxtransport.green.along import highest
from jaxtransport.green.transmission import Drives, Scalar, Transmission
from jaxtransport.wire import Leads


class Response(eqx.Module):
    """Response of a wire at its leads at one energy, dimensionless."""

    conductance: Float[Array, ""]  # g, in e^2/h
    injection: Float[Array, ""]  # r = delta I / I_g
    onward: Float[Array, ""]  # r', what goes to the right lead instead; r + r' is the sum of the strengths
    conductance_error: Float[Array, ""] | float = 0.0  # by rounding
    injection_error: Float[Array, ""] | float = 0.0
    onward_error: Float[Array, ""] | float = 0.0

    def left_current(self, sign: Array | float, injection: Array | float) -> Array:
        """I_1 in I_o for bias `sign` and `injection` = I_g / I_o; positive into the wire."""
        return sign * self.conductance - injection * self.injection

    def right_current(self, sign: Array | float, injection: Array | float) -> Array:
        """I_N in I_o, positive into the wire: what the others inject leaves here."""
        return -sign * self.conductance - injection * self.onward

    def current_error(self, injection: Array | float) -> Array:
        """Bound of the rounding error of I_1 under either bias, in I_o."""
        return self.conductance_error + jnp.abs(injection) * self.injection_error

    def right_error(self, injection: Array | float) -> Array:
        """The same of I_N."""
        return self.conductance_error + jnp.abs(injection) * self.onward_error

    def nonreciprocity(self, injection: Array | float) -> Array:
        """Delta I = |I_1(reverse)| - |I_1(forward)| in I_o, without cancellation."""
        g, d = self.conductance, injection * self.injection
        # Two branches instead of sgn(d) min(|g|, |d|): at d = 0 that would lose the slope.
        return 2 * jnp.where(jnp.abs(d) <= jnp.abs(g), jnp.sign(g) * d, g * jnp.sign(d))

    def mean_current(self, injection: Array | float) -> Array:
        """Ibar, the mean of |I_1| over both biases, in I_o."""
        return jnp.maximum(jnp.abs(self.conductance), jnp.abs(injection * self.injection))

    def least_current(self, injection: Array | float) -> Array:
        """The smaller |I_1| of both biases, in I_o."""
        return jnp.abs(jnp.abs(self.conductance) - jnp.abs(injection * self.injection))

    def least_right_current(self, injection: Array | float) -> Array:
        """The smaller |I_N| of both biases, in I_o."""
        return jnp.abs(jnp.abs(self.conductance) - jnp.abs(injection * self.onward))

    def relative_nonreciprocity(self, injection: Array | float) -> Array:
        """Delta I / Ibar; 0 where no current flows at all."""
        mean = self.mean_current(injection)
        flows = mean > 0
        return jnp.where(flows, self.nonreciprocity(injection) / jnp.where(flows, mean, 1.0), 0.0)


class Profile(eqx.Module):
    """Potentials of the two unit drives along the wire, and the currents that they drive."""

    potential: Drives  # phi_l, psi_l per |delta mu|; 0 on bare sites
    driven: Drives  # 2 pi I_l that these potentials drive
    strength: Float[Array, " site"]
    leads: Leads
    response: Response
    largest: Float[Array, ""]  # of |psi|
    error: Float[Array, ""]  # of psi, by rounding

    @classmethod
    def of(cls, transmission: Transmission, response: Response) -> Profile:
        potential, largest, error = transmission.profile()
        return cls(
            potential=potential,
            driven=transmission.driven_by(potential),
            strength=transmission.strength,
            leads=transmission.leads,
            response=response,
            largest=largest,
            error=error,
        )

    def residual(self, sign: Scalar, injection: Scalar) -> Float[Array, ""]:
        """Largest |I_l(potentials) - asked| of all sites, in I_o."""
        return self._largest(lambda a, b: jnp.abs(sign * a + injection * b))

    def largest_residual(self, injection: Scalar) -> Float[Array, ""]:
        """The same of both biases: the larger of |a + b| and |a - b| is |a| + |b|."""
        return self._largest(lambda a, b: jnp.abs(a) + jnp.abs(injection) * jnp.abs(b))

    def _largest(self, of: Callable[[Array, Array], Array]) -> Float[Array, ""]:
        def at(site: Array, strength: Array, by_phi: Array, by_psi: Array) -> Array:
            of_bias, of_injection = self._asked(site, strength)
            return of(by_phi - of_bias, by_psi - of_injection)

        return highest(at, *self.sites(), *self.driven)

    def range(self, injection: Scalar, occupied: Array) -> tuple[Float[Array, ""], Float[Array, ""]]:
        """The highest and the lowest potential of both biases, per |delta mu|."""

        def at(phi: Array, psi: Array, held: Array) -> tuple[Array, Array]:
            far, shift = jnp.where(held, jnp.abs(phi), -jnp.inf), injection * psi
            return far + shift, far - shift

        upper, lower = highest(at, *self.potential, occupied)
        return upper, -lower

    def sites(self) -> tuple[Array, Array]:
        """Arguments of `asked`, of every site."""
        return jnp.arange(self.strength.shape[0]), self.strength

    def asked(self, sign: Scalar, injection: Scalar, site: Array, strength: Array) -> Array:
        """I_l in I_o that balance and conservation ask for under one bias."""
        of_bias, of_injection = self._asked(site, strength)
        return sign * of_bias + injection * of_injection

    def _asked(self, site: Array, strength: Array) -> tuple[Array, Array]:
        """2 pi I_l of the unit drives at a site."""
        response = self.response
        g, r, onward = response.conductance, response.injection, response.onward
        return self.leads.at(site, g, -g, 0.0), self.leads.at(site, -r, -onward, strength)


def response_of(transmission: Transmission) -> Response:
    """The response at the leads to a bias and to the given currents."""
    return Response(*transmission.lead_response())
