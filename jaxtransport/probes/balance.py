r"""The potentials at which every source, drain and probe carries its given current.

    2 pi I_l(x) = 2 pi I_l^asked  for all middle reservoirs,     x_1 = delta_mu / 2,  x_N = -delta_mu / 2

Newton's method from the linear solution, with the Jacobian by automatic differentiation: dense for
short wires; for long ones Newton-Krylov, preconditioned with the O(N) linear solve. Where Newton fails,
continuation: the drive (delta_mu, I_g) grows from zero along the branch that is connected to the
linear solution, in steps that halve where Newton fails and double where it works. A branch that ends
at the band edge has no solution beyond, and says so.

A solution is accepted when a Newton step moves no potential by more than RELATIVE of the largest
potential, with all potentials in the band. Derivatives with respect to every parameter follow from the
implicit function theorem (optimistix), not from the iterations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
import optimistix as optx
from jax import lax
from jaxtyping import Array, Float, Int

from jaxtransport import linalg
from jaxtransport import status as codes
from jaxtransport.green.transmission import Transmission
from jaxtransport.probes.conductor import Conductor
from jaxtransport.reservoir import BAND_EDGE

RELATIVE = 1e-12  # of a Newton step at the end; the step before was about its square root
ROUGH = 1e-5  # of the search, which the final steps then square
FINAL_STEPS = 6
DENSE_SITES = 64  # beyond it, a matrix of all derivatives costs more than products with it
SMALLEST_STEP = 1e-4  # of the drive, where continuation gives up
MOST_CONTINUATIONS = 200
NEAR_EDGE = 0.02  # gamma_o: a branch that ends so close to the band edge ends there


@dataclass(frozen=True)
class Search:
    """How hard to look for the potentials."""

    newton_steps: int = 8
    continuation: bool = False
    tolerance: float = ROUGH  # of a step; the final steps, which carry the derivatives, square what is left
    final: bool = True  # False: no derivatives are wanted, the search itself goes all the way


def thorough(search: Search) -> Search:
    """The same search for a result without derivatives, in half the code to compile."""
    return replace(search, tolerance=RELATIVE, final=False)


class Balance(eqx.Module):
    """The potentials of one bias, and how they were found."""

    x: Float[Array, " site"]  # mu_l - mu_bar; 0 on bare sites
    status: Int[Array, ""]
    steps: Int[Array, ""]  # Newton steps in all


class Problem(eqx.Module):
    """What has to balance: a conductor, given currents and given lead potentials."""

    conductor: Conductor
    linear: Transmission  # at mu_bar: where Newton starts, and what preconditions it
    mu_bar: Float[Array, ""]
    length: Int[Array, ""]
    bounded: bool = eqx.field(static=True)  # potentials outside the band are no solution

    def start(self, delta_mu: Array, injected: Array) -> Array:
        """The linear solution for a bias and 2 pi I_g."""
        return self.linear.potentials(injected, delta_mu / 2, -delta_mu / 2)

    def misfit(self, x: Array, delta_mu: Array, injected: Array) -> Array:
        """2 pi (I_l - asked) of the middle reservoirs; what x misses at the leads; x on bare sites."""
        site = jnp.arange(x.shape[0])
        leads = jnp.where(site == 0, delta_mu / 2, jnp.where(site == self.length - 1, -delta_mu / 2, 0.0))
        unbalanced = self.conductor.exchange(x) - injected * self.linear.strength
        return jnp.where(self.linear.interior, unbalanced, x - leads)

    def inside(self, x: Array) -> Array:
        return jnp.all(jnp.abs(self.mu_bar + x) < BAND_EDGE) | (not self.bounded)


def balance(problem: Problem, delta_mu: Array, injected: Array, search: Search) -> Balance:
    """Find the potentials for a signed bias and 2 pi I_g of a unit strength.

    Where there is none to be found, x is that of I_g = 0, with finite derivatives, and the status says why.
    """
    frozen = jax.tree.map(lambda leaf: lax.stop_gradient(leaf) if eqx.is_array(leaf) else leaf, problem)
    drive = lax.stop_gradient((delta_mu, injected))
    found = _continued(frozen, *drive, search) if search.continuation else _newton(frozen, *drive, search)
    solved = found.status == codes.SOLVED
    if not search.final:
        return Balance(jnp.where(solved & jnp.isfinite(found.x), found.x, 0.0), found.status, found.steps)
    injected = jnp.where(solved, injected, 0.0)
    idle = lax.stop_gradient(problem.start(delta_mu, jnp.zeros_like(injected)))
    start = jnp.where(solved, found.x, idle)
    x, steps, ended = _solve(problem, start, delta_mu, injected, RELATIVE, FINAL_STEPS)
    ended &= jnp.all(jnp.isfinite(x)) & problem.inside(x)
    status = jnp.where(solved & ~ended, codes.STEP_LIMIT, found.status)
    return Balance(jnp.where(jnp.isfinite(x), x, 0.0), status, found.steps + steps)


def _solve(problem: Problem, start, delta_mu, injected, tolerance, most_steps) -> tuple[Array, Array, Array]:
    """Newton's method, dense or Krylov by the size of the wire: (x, steps, whether it converged)."""
    scale = lax.stop_gradient(jnp.maximum(jnp.max(jnp.abs(start)), jnp.abs(delta_mu)))
    arguments = (problem, delta_mu, injected, scale)
    solver: lx.AbstractLinearSolver
    if start.shape[0] <= DENSE_SITES:
        fn: Callable = _scaled_misfit
        solver = linalg.LU()
    else:
        fn = _preconditioned_misfit
        solver = linalg.BiCGStab(rtol=1e-10, atol=1e-14, max_steps=200)
    # The misfit is met once a step has been small: only the step decides.
    newton: Any = optx.Newton(rtol=0.0, atol=tolerance, linear_solver=solver, norm=optx.max_norm)
    solution: Any = optx.root_find(
        fn,
        newton,
        start / scale,
        arguments,
        max_steps=most_steps,
        adjoint=optx.ImplicitAdjoint(linear_solver=solver),
        throw=False,
    )
    converged = jnp.asarray(solution.result == optx.RESULTS.successful)
    return solution.value * scale, solution.stats["num_steps"], converged


def _scaled_misfit(y, arguments):
    problem, delta_mu, injected, scale = arguments
    return problem.misfit(y * scale, delta_mu, injected) / scale


def _preconditioned_misfit(y, arguments):
    """The same seen through the linear solve: close to the distance of y from the solution."""
    problem, delta_mu, injected, scale = arguments
    misfit = problem.misfit(y * scale, delta_mu, injected) / scale
    last = jnp.take(misfit, problem.length - 1)
    settled = problem.linear.settle(misfit, misfit[0], last)
    site = jnp.arange(misfit.shape[0])
    lead = (site == 0) | (site == problem.length - 1)
    return jnp.where(problem.linear.interior | lead, settled, misfit)


def _newton(problem: Problem, delta_mu, injected, search: Search) -> Balance:
    start = problem.start(delta_mu, injected)
    x, steps, good = _attempt(problem, start, delta_mu, injected, search)
    code = jnp.where(jnp.all(jnp.isfinite(x)), codes.STEP_LIMIT, codes.DIVERGED)
    return Balance(x, jnp.where(good, codes.SOLVED, code), steps)


def _attempt(problem, guess, delta_mu, injected, search):
    x, steps, good = _solve(problem, guess, delta_mu, injected, search.tolerance, search.newton_steps)
    good &= jnp.all(jnp.isfinite(x)) & problem.inside(x)
    # A root farther from the guess than the guess from zero belongs to another branch.
    good &= jnp.max(jnp.abs(x - guess)) <= jnp.max(jnp.abs(guess))
    return x, steps, good


def _continued(problem: Problem, delta_mu, injected, search: Search) -> Balance:
    """Follow the branch of the linear solution from no drive to the whole one."""

    def going(state):
        reached, step, _, count, _ = state
        return (reached < 1) & (step > SMALLEST_STEP) & (count < MOST_CONTINUATIONS)

    def onward(state):
        reached, step, x, count, steps = state
        target = jnp.minimum(reached + step, 1.0)
        first = problem.start(target * delta_mu, target * injected)
        guess = jnp.where(reached > 0, x * target / jnp.where(reached > 0, reached, 1.0), first)
        new, more, good = _attempt(problem, guess, target * delta_mu, target * injected, search)
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
    at_edge = (jnp.max(jnp.abs(problem.mu_bar + x)) > BAND_EDGE - NEAR_EDGE) & problem.bounded
    stopped = jnp.where(step > SMALLEST_STEP, codes.STEP_LIMIT, codes.DIVERGED)
    ended = jnp.where(at_edge, codes.OUTSIDE_BAND, stopped)
    return Balance(x, jnp.where(reached >= 1, codes.SOLVED, ended), jnp.asarray(steps))
