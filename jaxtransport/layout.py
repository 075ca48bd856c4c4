"""Layouts: the sites of a wire with a source (S), a drain (D) or a probe.

    sites     1    2    3    4    5   ...  N-1   N
    dimers    L    S    D    S    D   ...   D    R     every middle site, S on even sites
    pair      L    S    .    .    .   ...   D    R     one pair, at 2 and N-1
    spaced    L    S    .    .    D   ...   .    R     S, D, S, D ... every `spacing` sites from 2
    probes    L    P    P    P    P   ...   P    R     a probe every `spacing` sites from 2, by default on all
    custom    L    wherever sources, drains, probes, gains and losses are put

Sites count from 1, as in the paper. Sites 1 and N hold the two leads in every layout. Gains, losses and
`occupations` are reservoirs whose occupation is given, the same at all energies: 1, 0, or any other.
Everything here is host data: no JAX, so that a sweep file is checked without importing it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from jaxtransport.arguments import (
    POSITIVE,
    Range,
    choice,
    number,
    numbers,
    require_known,
    show,
    whole,
    wholes,
    wrong,
)
from jaxtransport.errors import InputError
from jaxtransport.text import count

MOST_SITES = 10**7  # one wire of this length takes gigabytes
ROLES = ("sources", "drains", "probes", "gains", "losses")
SHARE = Range("a number from 0 to 1", 0.0, 1.0)  # of an occupation
ENDS = ("left", "right")  # names of the leads among `occupations`


@dataclass(frozen=True)
class Layout:
    """Sites (from 1) of the sources, drains and probes of a wire of `N` sites."""

    N: int
    sources: tuple[int, ...]
    drains: tuple[int, ...]
    probes: tuple[int, ...] = ()
    gains: tuple[int, ...] = ()
    losses: tuple[int, ...] = ()
    occupations: Mapping[Any, float] = field(default_factory=dict)  # n by site, or "left" and "right"

    def __post_init__(self) -> None:
        object.__setattr__(self, "N", whole("N", self.N, most=MOST_SITES))
        for role in ROLES:
            object.__setattr__(self, role, wholes(role, getattr(self, role), what="sites"))
        mistakes = []
        if self.N < 2:
            mistakes.append(f"N = {self.N}: expected N >= 2, for the two end sites")
        roles: dict[int, str] = {}
        for role in ROLES:
            for site in getattr(self, role):
                if not 2 <= site <= self.N - 1:
                    mistakes.append(
                        f"{role}: site {site} is not in the middle of the wire; "
                        f"expected sites from 2 to N - 1 = {self.N - 1} (1 and N hold the leads)"
                    )
                elif site in roles:
                    mistakes.append(
                        f"{role}: site {site} is already one of the {roles[site]}; a site holds one reservoir"
                    )
                roles.setdefault(site, role)
        occupations = by_site("occupations", self.occupations, self.N, "{5: 0.5}")
        for site, value in occupations.items():
            if site in roles:
                mistakes.append(f"occupations[{site}]: site {site} is already one of the {roles[site]}")
            require_known(f"occupations[{site}]", value)
            occupations[site] = float(number(f"occupations[{site}]", value, SHARE))
        object.__setattr__(self, "occupations", occupations)
        if mistakes:
            raise InputError(mistakes)

    def __hash__(self) -> int:
        return hash((self.N, *(getattr(self, role) for role in ROLES), *self.occupations.items()))

    def with_occupations(self, occupations: Any) -> Layout:
        """The same with reservoirs of these occupations, by their sites from 1, or "left" and "right"."""
        return replace(self, occupations=by_site("occupations", occupations, self.N, "{5: 0.5}"))

    def given_occupations(self) -> np.ndarray:
        """n of the reservoirs whose occupation is given, shape (N,); NaN on all other sites."""
        out = np.full(self.N, np.nan)
        for sites, n in ((self.gains, 1.0), (self.losses, 0.0)):
            out[[site - 1 for site in sites]] = n
        for site, n in self.occupations.items():
            out[site - 1] = n
        return out

    @property
    def terminals(self) -> tuple[int, ...]:
        """Sites of sources and drains, in order along the wire."""
        return tuple(sorted(self.sources + self.drains))

    def require_no_occupations(self, what: str) -> None:
        """Raise `InputError` where there are gains, losses or occupations, which `what` does not have."""
        if not np.all(np.isnan(self.given_occupations())):
            raise InputError(
                f"layout: gains, losses and occupations are those of a quantum wire, not of {what}"
            )

    def strength(self, strengths: Sequence[float] | None = None) -> np.ndarray:
        """Injected current of every site in units of I_g: + for a source, - for a drain.

        Args:
            strengths: one positive number for each source and drain, in order along the wire;
                all 1 if left out.

        Returns:
            Array of shape (N,); 0 on leads, probes and bare sites.

        Raises:
            InputError: `strengths` has another length, or an entry that is not positive.
        """
        sites = self.terminals
        values = np.ones(len(sites))
        if strengths is not None:
            require_known("strengths", strengths)
            values = numbers("strengths", strengths, POSITIVE)
            if values.ndim != 1:
                raise wrong("strengths", strengths, "a list of numbers > 0")
        if len(values) != len(sites):
            raise InputError(
                f"strengths: expected one number for each of {len(sites)} sources and drains, "
                f"in order along the wire, got {len(values)}"
            )
        sources = set(self.sources)
        out = np.zeros(self.N)
        for site, value in zip(sites, values, strict=True):
            out[site - 1] = value if site in sources else -value
        return out

    def occupied(self) -> np.ndarray:
        """True, shape (N,), where a middle reservoir sits."""
        out = np.zeros(self.N, bool)
        out[[site - 1 for role in ROLES for site in getattr(self, role)]] = True
        out[[site - 1 for site in self.occupations if 1 < site < self.N]] = True
        return out


def by_site(name: str, value: Any, N: int, example: str) -> dict[int, Any]:
    """Values by sites from 1, of a mapping from sites; "left" and "right" are the leads'.

    Raises:
        InputError: no mapping, a site that is not in the wire, or the same site twice.
    """
    if not isinstance(value, Mapping):
        raise wrong(name, value, f"values by site, such as {example}")
    out: dict[int, Any] = {}
    for key, entry in value.items():
        site = dict(zip(ENDS, (1, N), strict=True)).get(key) if isinstance(key, str) else key
        if isinstance(key, str) and key.isascii() and key.isdecimal() and len(key) < 16:
            site = int(key)
        site = whole(f"{name}: site {show(key)}", key if site is None else site)
        if not 1 <= site <= N or site in out:
            known = "a second value of this site" if site in out else f"expected sites from 1 to N = {N}"
            raise InputError(f"{name}: site {show(key)}: {known}")
        out[site] = entry
    return out


def _alternate(N: int, sites: Sequence[int]) -> Layout:
    return Layout(N, tuple(sites[0::2]), tuple(sites[1::2]))


def dimers(N: int) -> Layout:
    """S, D, S, D ... on sites 2 ... N-1; N even and at least 4."""
    return _alternate(N, _dimer_sites(N))


def _dimer_sites(N: int) -> range:
    N = whole("N", N, most=MOST_SITES)
    if N < 4 or N % 2:
        raise InputError(
            f"N = {N}: expected an even N >= 4, as dimers fill the N - 2 middle sites with pairs"
        )
    return range(2, N)


def pair(N: int) -> Layout:
    """One source at 2, one drain at N-1; N at least 4."""
    return _alternate(N, _pair_sites(N))


def _pair_sites(N: int) -> tuple[int, int]:
    N = whole("N", N, most=MOST_SITES)
    if N < 4:
        raise InputError(f"N = {N}: expected N >= 4, for a source at site 2 and a drain at N - 1")
    return 2, N - 1


def spaced(N: int, spacing: int) -> Layout:
    """S, D, S, D ... on sites 2, 2 + spacing, ... up to N-1; an even number of them."""
    return _alternate(N, _spaced_sites(N, spacing))


def _spaced_sites(N: int, spacing: int) -> range:
    N = whole("N", N, most=MOST_SITES)
    spacing = whole("spacing", spacing, 1)
    sites = range(2, N, spacing)
    if not sites or len(sites) % 2:
        raise InputError(
            f"spacing = {spacing}: puts {count(len(sites), 'reservoir')} between the leads of N = {N}; "
            "expected an even number of them, at least 2"
        )
    return sites


def probes(N: int, spacing: int = 1) -> Layout:
    """Probes on sites 2, 2 + spacing, ... up to N-1; none on a wire of two sites."""
    return Layout(N, (), (), tuple(_probe_sites(N, spacing)))


def _probe_sites(N: int, spacing: int = 1) -> range:
    return range(2, whole("N", N, 2, MOST_SITES), whole("spacing", spacing, 1))


def custom(
    N: int,
    sources: Iterable[int] = (),
    drains: Iterable[int] = (),
    probes: Iterable[int] = (),
    gains: Iterable[int] = (),
    losses: Iterable[int] = (),
) -> Layout:
    """Reservoirs wherever they are put; sources and drains need not balance."""
    return Layout(N, sources, drains, probes, gains, losses)  # type: ignore[arg-type]  # which makes them tuples


_MAKERS: dict[str, Callable[..., Layout]] = {
    "dimers": dimers,
    "pair": pair,
    "spaced": spaced,
    "probes": probes,
    "custom": custom,
}
NAMES = tuple(_MAKERS)
DRIVEN = tuple(name for name in NAMES if name != "probes")  # that have sources and drains
_SITES: dict[str, Callable[..., Any]] = {
    "dimers": _dimer_sites,
    "pair": _pair_sites,
    "spaced": _spaced_sites,
    "probes": _probe_sites,
}


def make(name: str, N: int, *, occupations: Any = None, **sites: Any) -> Layout:
    """The layout called `name`, one of `NAMES`, for N sites; with reservoirs of given `occupations`."""
    layout = _MAKERS[choice("layout", name, NAMES)](N, **sites)
    return layout if occupations is None else layout.with_occupations(occupations)


def check(name: str, N: int, *, occupations: Any = None, **sites: Any) -> None:
    """Raise what `make` would, in a time that does not grow with N unless there are occupations."""
    if occupations is not None:
        make(name, N, occupations=occupations, **sites)
        return
    _SITES.get(choice("layout", name, NAMES), custom)(N, **sites)
