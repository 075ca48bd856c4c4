r"""Integrals of a Fermi function times what a panel's nodes carry.

    D_j(x) = int l_j(w) [f(w - mu_bar - x) - f(w - mu_bar)] dw            sum_j T(w_j) D_j(x)

the weights of potential x = mu - mu_bar against mu_bar, l_j the polynomials that are 1 at node j and 0 at the
others, in the coordinate of `probes.panels`. Currents see differences of D alone, and D itself is formed
without a subtraction: it keeps its digits where x is tiny.

    T = 0         int_0^x l_j dw, with u the share of the panel that lies between mu_bar and x,
                  u Q_j(u) a polynomial without constant
    short panel   w_j [f(w_j - mu_bar - x) - f(w_j - mu_bar)], as a product (`_fall`)
    long panel    Gauss nodes in the window |w - mu| < 30 T, where f is neither 0 nor 1

Where an occupation n is the same at all energies (`rules`), D_j(n) = n w_j - int l_j f(w - mu_bar) dw.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int

from jaxtransport.budget import NODES, TAIL
from jaxtransport.probes.panels import (
    AT,
    COEFFICIENTS,
    SHORT,
    WEIGHT,
    Nodes,
    Panels,
    nodes,
)
from jaxtransport.reservoirs.energies import Energies

COLDEST = 1e-80  # stands for T = 0 where T divides; x / T^2 is a double still, for derivatives
SATURATED = 300.0  # of exponents: f is 0 or 1 long before
MET, MET_AT_ALL = 2, 12  # panels from LONG on, and from SHORT on, that a step within its tails meets at most
STEP_NODES = 36  # Gauss nodes of a Fermi function within its tails, in asinh: poles at i pi are far there


class Steps(NamedTuple):
    """Contributions of steps on the long panels that they meet: of all potentials, and last of mu_bar."""

    panel: Int[Array, "step met"]
    D: Float[Array, "step met node"]
    slope: Any  # dD / dx, or None

    @classmethod
    def of(
        cls,
        energies: Energies,
        panels: Panels,
        x: Float[Array, " site"],
        temperature: Array,
        *,
        slopes: bool,
        fitted: bool,
    ) -> Steps:
        """On all panels. Where |x| <= T it is the difference to the step of mu_bar.

        `fitted`: panels are those of this temperature, so that there are none between SHORT and LONG.
        """
        T = jnp.maximum(temperature, COLDEST)
        is_long = panels.length > SHORT * T
        met = min(MET if fitted else MET_AT_ALL, len(is_long))
        panel = jnp.zeros((len(x) + 1, met), int)
        values = jnp.zeros((len(x) + 1, met, NODES))
        nothing = cls(panel, values, values if slopes else None)
        found = lambda: cls(*_met(energies, panels.start, panels.end, is_long, x, T, met, slopes))
        return lax.cond(jnp.any(is_long), found, lambda: nothing)

    def on(self, number: Int[Array, " panel"]) -> Weights:
        """D and its slope on some of the panels, (step, panel, node)."""
        here = (self.panel[..., None] == number).astype(float)
        back = lambda values: jnp.einsum("skn,skp->spn", values, here)
        return Weights(*jax.tree.map(back, (self.D, self.slope)))


class Weights(NamedTuple):
    """Of potentials x at the nodes of some panels, arrays of shape (site, panel, node)."""

    D: Array
    slope: Any  # dD / dx, or None

    @classmethod
    def of(
        cls,
        energies: Energies,
        panels: Panels,
        number: Array,
        x: Float[Array, " site"],
        temperature: Array | None,
        steps: Steps | None,
        *,
        slopes: bool,
    ) -> Weights:
        """On the panels of some numbers.

        Args:
            temperature: None is zero, known beforehand.
            steps: of these potentials; None at zero temperature.
            slopes: whether to compute them.
        """
        start, end = panels.some(number)
        as_asked: Callable[[Array, Array | None], Weights] = lambda D, slope: cls(
            D, slope if slopes else None
        )
        if temperature is None or steps is None:
            return as_asked(*_cold(energies, start, end, x))
        T = jnp.maximum(temperature, COLDEST)
        at = nodes(energies, start, end)
        is_long = (jnp.sum(at.weight, 1) > SHORT * T)[:, None]
        short: Callable[[], Weights] = lambda: as_asked(*_short(at, x, T))

        def mixed() -> Weights:
            long = as_asked(*_long(energies, start, end, x, T, *steps.on(number)))
            return jax.tree.map(lambda long, short: jnp.where(is_long, long, short), long, short())

        return lax.cond(jnp.any(is_long), mixed, short)


def filled(
    energies: Energies, panels: Panels, number: Array, temperature: Array | None, steps: Steps | None
) -> tuple[Array, Array]:
    """int l_j f(w - mu_bar) dw and w_j on the panels of some numbers, each (panel, node)."""
    start, end = panels.some(number)
    at = nodes(energies, start, end)
    whole = jnp.where(start + end < 0, 1.0, 0.0)[:, None] * at.weight
    if temperature is None or steps is None:
        return whole, at.weight
    T = jnp.maximum(temperature, COLDEST)
    is_long = (jnp.sum(at.weight, 1) > SHORT * T)[:, None]
    long = whole + steps.on(number).D[-1]
    return jnp.where(is_long, long, at.weight / (1 + _exp(at.above / T))), at.weight


def _cold(energies: Energies, start: Array, end: Array, x: Array) -> tuple[Array, Array]:
    """The panel that x lies in is cut there; those between it and mu_bar count in full."""
    sigma = energies.offset(x)[:, None]
    right, length = start + end > 0, end - start
    safe = jnp.where(length > 0, length, 1.0)
    u = jnp.where(right, sigma - start, end - sigma) / safe  # from the end next to mu_bar
    here = (start <= sigma) & (sigma < end)
    share = jnp.sum(jnp.where(here, u, 0.0), 1)
    integral, value = _along(share, jnp.any(here & right, 1))
    scale = nodes(energies, start, end).slope
    whole = jnp.where(right, 1.0, -1.0) * (u >= 1)
    covered = jnp.where(here[..., None], integral[:, None], whole[..., None] * WEIGHT)
    of_x = energies.stretch(sigma)
    rate = jnp.where(here & (of_x > 0), 1 / jnp.where(of_x > 0, of_x, 1.0), 0.0)
    return covered * scale * (length / 2)[:, None], value[:, None] * scale * rate[..., None]


def _short(at: Nodes, x: Array, T: Array) -> tuple[Array, Array]:
    """exp(w - x) as a product of one factor a node and one a site."""
    centre = jnp.mean(at.above, 1)[:, None]
    x = x[:, None, None]
    of_node, of_site, of_mean = (_exp(z / T) for z in (at.above - centre, centre - x, centre))
    u, u_mean = of_node * of_site, of_node * of_mean
    weight = at.weight
    return weight * _fall(u, u_mean, x / T), weight * u / (1 + u) ** 2 / T


def _with_mu_bar(x: Array, T: Array) -> tuple[Array, Array]:
    """The steps of all potentials and of mu_bar, and whether each is taken relative to that of mu_bar."""
    return jnp.append(x, 0.0), jnp.append(jnp.abs(x) <= T, False)


def _long(
    energies: Energies, start: Array, end: Array, x: Array, T: Array, step: Array, slope: Array | None
) -> tuple[Array, Array | None]:
    """Steps where they are, and what lies between their tails and mu_bar as at T = 0."""
    everyone, relative = _with_mu_bar(x, T)
    flat = jnp.where(relative, 0.0, jnp.sign(everyone) * jnp.maximum(jnp.abs(everyone) - TAIL * T, 0.0))
    step = step + _cold(energies, start, end, flat)[0]
    D = jnp.where(relative[:-1, None, None], step[:-1], step[:-1] - step[-1:])
    return D, None if slope is None else slope[:-1]


def _met(
    energies: Energies, start: Array, end: Array, is_long: Array, x: Array, T: Array, most: int, slopes: bool
) -> tuple[Array, Array, Array | None]:
    """The long panels that steps meet, and what they do there, 0 on others; shapes (step, met[, node])."""
    x, relative = _with_mu_bar(x, T)
    tail: Callable[[int], Array] = lambda side: energies.offset(x + side * TAIL * T)[:, None]
    meets = is_long & (tail(1) > start) & (tail(-1) < end)  # (step, panel)
    # The first, the second ... that is met: `lax.top_k` would take longer than all the rest.
    so_far, number = jnp.cumsum(meets, 1), np.arange(1, most + 1)[:, None]
    panel = jnp.minimum(jnp.sum(so_far[:, None] < number, -1), len(start) - 1)
    counts = so_far[:, -1:] >= number[:, 0]
    each: Callable[[Array], Array] = lambda of_step: jnp.repeat(of_step, most)
    added = _added(energies, start[panel.ravel()], end[panel.ravel()], each(x), each(relative), T, slopes)
    of_steps = lambda of: jnp.where(counts[..., None], of.reshape(*panel.shape, NODES), 0.0)
    D, slope = jax.tree.map(of_steps, added)
    return panel, jnp.where(T > COLDEST, D, 0.0), slope  # at T = 0 a step has no tails


def _added(
    energies: Energies, start: Array, end: Array, x: Array, relative: Array, T: Array, slopes: bool
) -> tuple[Array, Array | None]:
    """Of int l_j [f(w - x) - (w < 0)] dw, or of f(w - x) - f(w) if `relative`, what |w - x| < 30 T adds.

    And int l_j (-f'(w - x)) dw. Energies from mu_bar. One panel for each x; results have shape (x, node).
    """
    low, high = (jnp.arcsinh(jnp.clip((energies.above(e) - x) / T, -TAIL, TAIL) / 2) for e in (start, end))
    at, weight = (values[:, None] for values in np.polynomial.legendre.leggauss(STEP_NODES))
    grown = jnp.exp((low + high) / 2 + (high - low) / 2 * at)
    y = grown - 1 / grown  # (w - x) / T, twice the sinh
    sigma = energies.offset(x + T * y)
    local = energies.stretch(sigma)
    dsigma = (high - low) / 2 * weight * (grown + 1 / grown) * T
    dsigma = jnp.where(local > 0, dsigma / jnp.where(local > 0, local, 1.0), 0.0)

    # Without reservoirs at mu_bar there is 0 right of it, 1 left of it: a step far away.
    far = jnp.where(start + end > 0, SATURATED, -SATURATED)
    other = jnp.where(relative, x / T, far)
    u = _exp(y)
    length = end - start
    safe = jnp.where(length > 0, length, 1.0)
    s = jnp.clip((2 * sigma - (start + end)) / safe, -1.0, 1.0)
    falls = dsigma * _fall(u, u * jnp.exp(other), other)
    peaks = (dsigma * u / (1 + u) ** 2 / T,) if slopes else ()
    scale = nodes(energies, start, end).slope
    of_nodes = [m.T @ COEFFICIENTS * scale for m in _moments(s, falls, *peaks)]
    return of_nodes[0], of_nodes[1] if slopes else None


def _exp(z: Array) -> Array:
    return jnp.exp(jnp.clip(z, -SATURATED, SATURATED))


def _fall(u: Array, v: Array, shift: Array) -> Array:
    """f(z) - f(z + shift) with f = 1 / (1 + u), u = exp(z), v = exp(z + shift), to its last digit.

    = f(z) [1 - f(z + shift)] [1 - exp(-shift)]  for shift > 0, and likewise for shift < 0.
    """
    f, g = 1 / (1 + u), 1 / (1 + v)
    above, below = jnp.expm1(-jnp.maximum(shift, 0.0)), jnp.expm1(jnp.minimum(shift, 0.0))
    return below * (u * f * g) - above * (f * v * g)


def _along(u: Array, right: Array) -> tuple[Array, Array]:
    """The share u of a panel of half-length 1 from its end next to mu_bar, which is the left end if `right`.

    Returns int l_j up to there, negative left of mu_bar, and l_j there; (..., node).
    """
    P = _legendre(2 * u - 1)
    right = right[..., None]
    mirrored: Callable[[Array], Array] = lambda values: jnp.where(right, values, values[..., ::-1])
    integral = u[..., None] * jnp.einsum("n...,nj->...j", P, _AVERAGE)
    value = jnp.einsum("n...,nj->...j", P, COEFFICIENTS)
    return mirrored(integral) * jnp.where(right, 1.0, -1.0), mirrored(value)


def _legendre(s: Array) -> Array:
    """P_0 ... P_15 at s, first axis."""
    return _recursion(s, lambda P: P)


def _moments(s: Array, *weights: Array) -> tuple[Array, ...]:
    """sum_m weight_m P_n(s_m) over the first axis, n = 0 ... 15 first."""
    return _recursion(s, lambda P: tuple(jnp.sum(weight * P, 0) for weight in weights))


def _recursion(s: Array, of: Callable[[Array], Any]) -> Any:
    """of(P_n(s)) for n = 0 ... 15, first axis."""

    def step(before: tuple[Array, Array], n: Any) -> tuple[tuple[Array, Array], Any]:
        last, here = before
        return (here, ((2 * n + 1) * s * here - n * last) / (n + 1)), of(here)

    return lax.scan(step, (jnp.zeros_like(s), jnp.ones_like(s)), np.arange(NODES, dtype=float))[1]


def _averages() -> np.ndarray:
    """Q_j of int_0^u l_j = u Q_j(u) along a panel of half-length 1, in P_n(2u - 1), shape (n, node)."""
    values = np.zeros((NODES, NODES))
    for i, u in enumerate((1 + AT) / 2):
        along = np.polynomial.legendre.legvander(u * (1 + AT) - 1, NODES - 1)
        values[i] = WEIGHT @ along @ COEFFICIENTS
    return COEFFICIENTS @ values


_AVERAGE = _averages()
