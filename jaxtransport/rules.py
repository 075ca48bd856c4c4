r"""Rules of reservoirs: what is given of each, and what is found.

    rule        unknown                    condition
    potential   mu                         int I dw = given: sources, drains, voltage probes (leads: mu)
    dephasing   f(w) at each energy        I(w) = 0 at each energy
    white       n, the same at all w       int I dw = 0 over all energies
    fixed       none                       f = n at all energies: gain (1), loss (0), or any other occupation

Without `Rules` all reservoirs of a wire have potentials.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from jaxtransport.probe_rules import DEPHASING, FIXED, WHITE


class Rules(eqx.Module):
    """The rule of every site's reservoir, and the occupation of those where it is given."""

    code: Int[Array, " site"]  # one of `probe_rules`
    occupation: Float[Array, " site"]  # n of fixed ones, 0 elsewhere
    present: frozenset[int] = eqx.field(static=True)  # the codes that occur, or may

    @classmethod
    def of(cls, code: Any, occupation: Any) -> Rules | None:
        """Of codes that are known; None where all have potentials."""
        present = frozenset(np.unique(code).tolist()) - {0}
        return cls(jnp.asarray(code), jnp.asarray(occupation), present) if present else None

    @property
    def dephasing(self) -> Bool[Array, " site"]:
        """True where no current flows at any energy."""
        return self.code == DEPHASING

    @property
    def fixed(self) -> Bool[Array, " site"]:
        """True where the occupation is given."""
        return self.code == FIXED

    @property
    def constant(self) -> Bool[Array, " site"]:
        """True where the occupation is the same at all energies, given or found."""
        return (self.code == WHITE) | self.fixed

    @property
    def any_constant(self) -> bool:
        """Whether there may be one whose occupation is the same at all energies."""
        return bool(self.present & {WHITE, FIXED})

    @property
    def any_dephasing(self) -> bool:
        """Whether there may be a dephasing probe."""
        return DEPHASING in self.present

    @property
    def any_white(self) -> bool:
        """Whether there may be a probe whose constant occupation is to be found."""
        return WHITE in self.present

    def pad(self, more: int) -> Rules:
        """With `more` entries, of no meaning."""
        along = (jnp.pad(self.code, (0, more)), jnp.pad(self.occupation, (0, more)))
        return Rules(*along, self.present)


def has_potential(rules: Rules | None, reservoir: Bool[Array, " site"]) -> Bool[Array, " site"]:
    """True where a reservoir has a potential, given or found."""
    return reservoir if rules is None else reservoir & (rules.code == 0)


def balances(rules: Rules | None, middle: Bool[Array, " site"]) -> Bool[Array, " site"]:
    """True where one number is found so that a current is as given: of `middle` reservoirs that conduct."""
    return middle if rules is None else middle & ~rules.dephasing & ~rules.fixed


def occupations(rules: Rules, x: Float[Array, " site"]) -> Float[Array, " site"]:
    """n of the reservoirs whose occupation is the same at all energies: as given, or as found in x."""
    return jnp.where(rules.fixed, rules.occupation, x)


def alike(all_rules: Sequence[Rules | None], sites: Sequence[int]) -> list[Rules | None]:
    """Rules of several wires, of as many sites, of one structure: None for all, or for none."""
    present = frozenset().union(*(rules.present for rules in all_rules if rules is not None))
    if not present:
        return list(all_rules)
    none: Callable[[int], Rules] = lambda n: Rules(jnp.zeros(n, jnp.int8), jnp.zeros(n), present)
    return [
        none(n) if rules is None else Rules(rules.code, rules.occupation, present)
        for rules, n in zip(all_rules, sites, strict=True)
    ]
