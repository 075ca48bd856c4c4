r"""The potentials at which every source, drain and probe carries its given current, by the series.

    2 pi I_l(x) = 2 pi I_l^asked  for all middle reservoirs,     x_1 = delta_mu / 2,  x_N = -delta_mu / 2

Newton's method from the linear solution: for short wires with the matrix of derivatives (`probes.series`),
for long ones Newton-Krylov, preconditioned with the O(N) linear solve. Where Newton fails,
continuation: the drive (delta_mu, I_g) grows from zero along the branch that is connected to the
linear solution, in steps that halve where Newton fails and double where it works.

A solution is accepted when a Newton step moves no potential by more than RELATIVE of the largest
potential. Derivatives with respect to every parameter follow from the
implicit function theorem, not from the iterations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
from jax import lax
from jaxtyping import Array, Float, Int

from jaxtransport import status as codes
from jaxtransport.budget import Stage
from jaxtransport.compute import linalg
from jaxtransport.green.transmission import Scalar, Transmission
from jaxtransport.probes.conductor import Flows
from jaxtransport.probes.series import Expanded, SeriesConductor
from jaxtransport.wire import Wire

RELATIVE = 1e-12  # of a Newton step at the end; the step before was about its square root
KRYLOV = linalg.BiCGStab(rtol=1e-10, atol=1e-14, max_steps=200)
SMALLEST_STEP = 1e-4  # of the drive, where continuation gives up
MOST_CONTINUATIONS = 200


# The second and the third stage of the exact law differ in numbers alone: one program.
_NUMBERS = ("margin", "rising_steps")
jax.tree_util.register_dataclass(
    Stage, _NUMBERS, tuple(field.name for field in fields(Stage) if field.name not in _NUMBERS)
)


class Balance(eqx.Module):
    """The potentials of one bias, and how they were found."""

    x: Float[Array, " site"]  # mu_l - mu_bar; 0 on bare sites
    status: Int[Array, ""]
    steps: Int[Array, ""]  # Newton steps in all


class System(NamedTuple):
    """A wire whose potentials are sought, for one bias after the other."""

    wire: Wire
    kernel: type[Transmission]
    stage: Stage
    mu_bar: Array
    linear: Transmission  # at mu_bar
    network: Transmission  # the same, with the reservoirs that the law balances
    starts: Array  # linear potentials of either bias, (bias, site); 0 where they are not finite
    size: Array  # |delta_mu|
    temperature: Any  # None: zero, known beforehand


class Search(NamedTuple):
    """How a law finds the potentials of one bias, in two parts.

    Derivatives come in the second alone: JAX loses second derivatives by `jax.custom_jvp` in a loop, and the
    first part is in one.
    """

    find: Callable[..., Any]  # (bias, start, 2 pi I_g) -> what has been found, without derivatives
    complete: Callable[..., Balanced]  # (bias, 2 pi I_g, what has been found), with them


class Balanced(NamedTuple):
    """The potentials of one bias and what they drive."""

    balance: Balance
    flows: Flows
    error: Array  # of the currents, by energies that were left out; NaN where nobody knows
    nodes: Array  # energies at which transmissions are known, or the order


class Problem(eqx.Module):
    """The problem to solve: a conductor, given currents and given lead potentials."""

    conductor: SeriesConductor | Expanded
    linear: Transmission  # at mu_bar: where Newton starts, and what preconditions it
    mu_bar: Float[Array, ""]

    def start(self, delta_mu: Scalar, injected: Scalar) -> Array:
        """The linear solution for a bias and 2 pi I_g."""
        return self.linear.potentials(injected, delta_mu / 2, -delta_mu / 2)

    def for_search(self) -> Problem:
        """The same without derivatives with respect to anything but x."""
        frozen = jax.tree.map(lax.stop_gradient, self)
        return replace(frozen, conductor=frozen.conductor.for_search())

    def residual(self, x: Array, delta_mu: Scalar, injected: Scalar) -> Array:
        """2 pi (I_l - asked) of the middle reservoirs; what x misses at the leads; x on bare sites."""
        leads = self.linear.leads.put(delta_mu / 2, -delta_mu / 2, jnp.zeros_like(x))
        unbalanced = self.conductor.currents_into(x) - injected * self.linear.strength
        return jnp.where(self.linear.interior, unbalanced, x - leads)

    def inverse_slopes(self, x: Array, F: Array, scale: Array) -> Array:
        """(dF/dx)^-1 F for the derivatives of `residual`: by a matrix, or for long wires by products.

        Args:
            scale: of the potentials.
        """
        conductor, interior = self.conductor, self.linear.interior
        if isinstance(conductor, SeriesConductor):
            conductor = conductor.for_search()
        if isinstance(conductor, Expanded):
            slopes = jnp.where(interior[:, None], conductor.slopes(x), jnp.eye(x.shape[0]))
            return linalg.solve(slopes, F)
        _, change = jax.linearize(conductor.currents_into, x)
        product: Callable[[Array], Array] = lambda dx: self._settled(jnp.where(interior, change(dx), dx))
        operator = lx.FunctionLinearOperator(product, jax.eval_shape(lambda: x))
        return lx.linear_solve(operator, self._settled(F) / scale, KRYLOV, throw=False).value * scale

    def _settled(self, F: Array) -> Array:
        """F seen through the linear solve: close to the distance from the solution."""
        leads = self.linear.leads
        settled = self.linear.probe_potentials(F, *leads.of(F))
        return jnp.where(self.linear.interior | leads.hold(jnp.arange(F.shape[0])), settled, F)


def by_newton(system: System, order: int) -> Search:
    """How the series is balanced."""
    conductor = SeriesConductor(system.wire, system.mu_bar, system.kernel, order)
    problem = Problem(conductor, system.linear, system.mu_bar)
    searching = problem.for_search()  # once for both biases

    def complete(bias: Array, injected: Array, found: Balance) -> Balanced:
        found = with_derivatives(problem, found, bias, injected)
        return Balanced(found, conductor.flows(found.x), jnp.full_like(bias, jnp.nan), jnp.asarray(order))

    find = lambda bias, start, injected: search(searching, bias, injected, system.stage)
    return Search(find, complete)


def search(searching: Problem, delta_mu: Array, injected: Array, stage: Stage) -> Balance:
    """Find the potentials for a signed bias and 2 pi I_g of a unit strength, without derivatives.

    Args:
        searching: a problem made ready by `for_search`.
    """
    drive = lax.stop_gradient((delta_mu, injected))
    return _continued(searching, *drive, stage) if stage.continuation else _newton(searching, *drive, stage)


def with_derivatives(problem: Problem, found: Balance, delta_mu: Array, injected: Array) -> Balance:
    """A solution found without derivatives, with those of the implicit function theorem.

    Where there is none to be found, x is that of I_g = 0, with finite derivatives, and the status says why.
    """
    solved = (found.status == codes.SOLVED) & jnp.all(jnp.isfinite(found.x))
    injected = jnp.where(solved, injected, 0.0)
    idle = lax.stop_gradient(problem.start(delta_mu, jnp.zeros_like(injected)))
    x = _root(problem, delta_mu, injected, lax.stop_gradient(jnp.where(solved, found.x, idle)))
    status = jnp.where((found.status == codes.SOLVED) & ~solved, codes.DIVERGED, found.status)
    return Balance(x, status, found.steps)


@eqx.filter_custom_jvp
def _root(problem: Problem, delta_mu: Array, injected: Array, x: Array) -> Array:
    """x, where it brings the misfit to zero."""
    return x


@_root.def_jvp
def _root_and_tangent(primals: Any, tangents: Any) -> tuple[Array, Array]:
    """dF = 0:  dF/dx dx = -dF, all else moved and x held. Higher orders go through the x below."""
    x, (*rates, _) = _root(*primals), tangents
    of: Callable[..., Array] = lambda problem, *drive: problem.residual(x, *drive)
    _, moved = eqx.filter_jvp(of, primals[:3], tuple(rates))
    problem, delta_mu, _, _ = primals
    return x, -problem.inverse_slopes(x, moved, _scale(x, delta_mu))


def _scale(start: Array, delta_mu: Array) -> Array:
    return lax.stop_gradient(jnp.maximum(jnp.max(jnp.abs(start)), jnp.abs(delta_mu)))


def _solve(
    problem: Problem, start: Array, delta_mu: Array, injected: Array, tolerance: float, most_steps: int
) -> tuple[Array, Array, Array]:
    """Newton's method: (x, steps, whether it converged). Only the last step decides."""
    scale = _scale(start, delta_mu)

    def going(state: tuple[Array, Array, Array]) -> Array:
        _, moved, steps = state
        return (moved > tolerance) & (steps < most_steps)  # ends at NaN, too

    def onward(state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        x, _, steps = state
        step = problem.inverse_slopes(x, problem.residual(x, delta_mu, injected), scale)
        return x - step, jnp.max(jnp.abs(step)) / scale, steps + 1

    first = (start, jnp.full_like(scale, jnp.inf), jnp.zeros((), int))
    x, moved, steps = lax.while_loop(going, onward, first)
    return x, steps, moved <= tolerance


def _newton(problem: Problem, delta_mu: Array, injected: Array, stage: Stage) -> Balance:
    start = problem.start(delta_mu, injected)
    x, steps, good = _attempt(problem, start, delta_mu, injected, stage)
    code = jnp.where(jnp.all(jnp.isfinite(x)), codes.STEP_LIMIT, codes.DIVERGED)
    return Balance(x, jnp.where(good, codes.SOLVED, code), steps)


def _attempt(
    problem: Problem, guess: Array, delta_mu: Array, injected: Array, stage: Stage
) -> tuple[Array, Array, Array]:
    x, steps, good = _solve(problem, guess, delta_mu, injected, RELATIVE, stage.steps)
    good &= jnp.all(jnp.isfinite(x))
    # A root farther from the guess than the guess from zero belongs to another branch.
    good &= jnp.max(jnp.abs(x - guess)) <= jnp.max(jnp.abs(guess))
    return x, steps, good


def _continued(problem: Problem, delta_mu: Array, injected: Array, stage: Stage) -> Balance:
    """Follow the branch of the linear solution from no drive to the whole one."""

    def going(state: tuple[Any, ...]) -> Array:
        reached, step, _, count, _ = state
        return (reached < 1) & (step > SMALLEST_STEP) & (count < MOST_CONTINUATIONS)

    def onward(state: tuple[Any, ...]) -> tuple[Any, ...]:
        reached, step, x, count, steps = state
        target = jnp.minimum(reached + step, 1.0)
        first = problem.start(target * delta_mu, target * injected)
        guess = jnp.where(reached > 0, x * target / jnp.where(reached > 0, reached, 1.0), first)
        new, more, good = _attempt(problem, guess, target * delta_mu, target * injected, stage)
        return (
            jnp.where(good, target, reached),
            jnp.where(good, 2 * step, step / 2),
            jnp.where(good, new, x),
            count + 1,
            steps + more,
        )

    nothing = jnp.zeros_like(problem.linear.strength)
    one = jnp.ones_like(delta_mu)
    reached, step, x, _, steps = lax.while_loop(going, onward, (0 * one, one, nothing, 0, 0))
    ended = jnp.where(step > SMALLEST_STEP, codes.STEP_LIMIT, codes.DIVERGED)
    return Balance(x, jnp.where(reached >= 1, codes.SOLVED, ended), jnp.asarray(steps))
