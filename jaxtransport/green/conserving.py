r"""The chain whose sources and drains may balance behind barriers: currents by conservation of charge.

In `green.chain` a probe hands on b_l + Gamma_l rho_l, b_l = 2 pi I_l given. Behind weak contacts, weak bonds
or in a gap the two nearly cancel, and the small current through the barrier is lost in rounding. But charge
is conserved: all that eliminated reservoirs hand on to everything right of them is what they inject less
what went to the left lead,

    Q_l = rho_l (Gamma_l + R_l) = sum_{m<l} b_m - B_l

so every step has two forms. With h = Gamma / (Gamma + R) and f = R / (Gamma + R), shares of site and rest,

    b~ = b + h Q                  or  (Q + b) - f Q                 handed on from site l
    Q <- b~ sigma R q + f Q       or  Q + b - b~ tau q
    B <- B + b~ tau q;  at the right lead  B = sum b - Q            as it is, if that is sharper

and that of the smaller error is taken. Errors are carried along as bounds: each operation adds 2^-53 of
its terms. Q and the sums of b are pairs of doubles (Knuth's two-sum), so that they add none. The network
itself, sigma, tau, q and R, is that of `green.chain`, with the same error on narrow lines.

    x_l = q_l (b~_l / Gamma_l + sigma_l c + tau_l x_1)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from jaxtransport.compute.double import Double
from jaxtransport.green.along import each
from jaxtransport.green.chain import Chain, Given, network_error, sharp_error
from jaxtransport.green.transmission import EPS, TOLERATED, Drives, LeadResponse, Potentials, Scalar


class Handed(NamedTuple):
    """Currents that the sites so far pass on."""

    Q: Double  # to everything right of them
    given: Double  # sum of their b
    B: Double  # to the left lead
    Q_error: Array
    B_error: Array


class Conserving(Chain):
    """The O(N) kernel that stays accurate behind barriers. Made by `Conserving.at`."""

    tolerated = TOLERATED

    def lead_response(self) -> LeadResponse:
        plain = super().lead_response()
        _, _, (B, error), (Q, Q_error) = self._handed_on(self.strength)
        sharp = sharp_error(self.sharpness, self.length)
        network = network_error(self.length) + sharp
        # r moves with phi, whose differences are of the size of what passes the barriers: that of g.
        moved = sharp * plain.conductance * self.largest
        errors = error + network * jnp.abs(B) + moved, Q_error + network * jnp.abs(Q) + moved
        B_error, Q_error = map(lax.stop_gradient, errors)
        return plain._replace(injection=B, onward=Q, injection_error=B_error, onward_error=Q_error)

    def profile(self) -> Potentials:
        """The error is that of what is handed on, spread as potentials are, and that of the network."""
        onward, error, _, _ = self._handed_on(self.strength)
        given = (Given(None, 0.5, -0.5), Given(self._shift(onward)), Given(self._shift(error)))
        (phi, psi, _), (_, largest, spread) = self._back(*given)
        network = network_error(self.length) + sharp_error(self.sharpness, self.length)
        return Potentials(Drives(phi, psi), largest, lax.stop_gradient(spread + network * largest))

    def _shift(self, onward: Float[Array, " site"]) -> Float[Array, " site"]:
        """Shift of the potentials by what is handed on."""
        own = lambda here, onward, Gamma, q: onward / jnp.where(here, Gamma, 1.0) * q
        return each(own, self.interior, onward, self.broadening, self.eliminated.q)

    def drawn_by(self, given: Float[Array, " site"]) -> Float[Array, ""]:
        """Current that 2 pi I_l = `given` in between draw from the left lead, at equal lead potentials."""
        return self._handed_on(jnp.where(self.interior, given, 0.0))[2][0]

    def potentials(self, injection: Scalar, left: Scalar, right: Scalar) -> Float[Array, " site"]:
        onward, _, _, _ = self._handed_on(self.strength)
        return self._back(Given(self._shift(injection * onward), left, right))[0][0]

    def probe_potentials(
        self, currents: Float[Array, " site"], left: Scalar, right: Scalar
    ) -> Float[Array, " site"]:
        onward, _, _, _ = self._handed_on(jnp.where(self.interior, currents, 0.0))
        return self._back(Given(self._shift(onward), left, right))[0][0]

    def _handed_on(
        self, given: Float[Array, " site"]
    ) -> tuple[Array, Array, tuple[Array, Array], tuple[Array, Array]]:
        """b~ of every middle reservoir and its error; what arrives at either lead, each with its error."""
        probe = jnp.where(self.interior, self.broadening, 0.0)
        at = (given, probe, self.beyond.R, self.eliminated.to_right, self.eliminated.to_left)
        zero = jnp.zeros_like(self.tau)
        nothing = Handed(*(Double(zero, zero),) * 3, zero, zero)
        end, (onward, error) = lax.scan(_hand_on, nothing, at)
        less: Callable[[Double], Array] = lambda part: end.given.plus(-part.high).plus(-part.low).high
        sharper = end.Q_error < end.B_error  # both ends share one error: they sum to what is given
        least = jnp.minimum(end.Q_error, end.B_error)
        B = jnp.where(sharper, less(end.Q), end.B.high)
        Q = jnp.where(sharper, end.Q.high, less(end.B))
        return onward, error, (B, least), (Q, least)


def _hand_on(before: Handed, at: tuple[Array, ...]) -> tuple[Handed, tuple[Array, Array]]:
    """One site: its `Handed`; b~ and the error of b~."""
    b, Gamma, R, to_right, left = at
    Q, total = before.Q, Gamma + R
    seen = total > 0  # all is 0 beyond the wire, where Q and the sums pass through
    total = jnp.where(seen, total, 1.0)
    h, f = Gamma / total, R / total
    amount = jnp.abs(Q.high)
    both = Q.plus(b)

    share, kept = b + h * Q.high, both.plus(-f * Q.high).high
    share_error = EPS * (jnp.abs(b) + 2 * h * amount) + h * before.Q_error
    kept_error = before.Q_error + EPS * (jnp.abs(kept) + 2 * f * amount)
    onward, error = _sharper(share, share_error, kept, kept_error)
    onward, error = jnp.where(Gamma > 0, onward, 0.0), jnp.where(Gamma > 0, error, 0.0)

    right = to_right * R  # shares of b~: this, and `left`
    lost, lost_error = onward * left, left * error + 3 * EPS * jnp.abs(onward * left)
    to_right = jnp.abs(onward) * right
    sum_error = error * right + f * before.Q_error + 3 * EPS * (to_right + f * amount)
    rest, rest_error = both.plus(-lost), before.Q_error + lost_error
    by_sum = sum_error < rest_error
    added = onward * right + f * Q.high
    Q = Double(jnp.where(by_sum, added, rest.high), jnp.where(by_sum, 0.0, rest.low))
    after = Handed(
        Double(*(jnp.where(seen, new, old) for new, old in zip(Q, before.Q, strict=True))),
        before.given.plus(b),
        before.B.plus(lost),
        lax.stop_gradient(jnp.where(seen, jnp.where(by_sum, sum_error, rest_error), before.Q_error)),
        lax.stop_gradient(before.B_error + lost_error),
    )
    return after, (onward, lax.stop_gradient(error))


def _sharper(one: Array, one_error: Array, other: Array, other_error: Array) -> tuple[Array, Array]:
    first = one_error <= other_error
    return jnp.where(first, one, other), jnp.where(first, one_error, other_error)
