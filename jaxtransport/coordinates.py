"""Parameters that a search may vary: of the drive, of the whole wire, or of one of its sites.

    mu_bar  delta_mu  injection  I_g  temperature        the drive
    gamma  contact  onsite  hopping                      one number for all sites (ends, bonds) that have one
    gamma[5]  onsite[5]  hopping[5]  strength[5]         site 5 alone, counted from 1 (hopping: bond 5 to 6)
    onsite.width  hopping.values[2]                      a number of a pattern
    width ...                                            an argument of a function that makes the wire

Each name is one coordinate of a search: a parameter, as `parameters` has it, and perhaps a site; or a number
that the wire is built from. Host data.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from jaxtransport.arguments import pair, show
from jaxtransport.band import CHAIN, Band
from jaxtransport.errors import InputError
from jaxtransport.parameters import QUANTUM, Parameter, Scan

MOST_LENGTHS = 10_000  # of a search for lengths
VARIED = {row.name: row for row in QUANTUM.values() if row.scan is not None}
DRIVE = tuple(row.name for row in VARIED.values() if not row.array)
UNIFORM = tuple(row.name for row in VARIED.values() if row.array and row.axis)
PER_SITE = tuple(row.name for row in VARIED.values() if row.entry)


@dataclass(frozen=True)
class Coordinate:
    """One number that a search varies."""

    parameter: Parameter
    site: int | None = None  # from 1; None for the whole wire, or the drive
    band: Band = CHAIN  # of the leads
    built: bool = False  # whether the wire is built from it: a number of a pattern, or an argument

    @property
    def quantity(self) -> str:
        """Name of the parameter, whatever the site; "" for a number that the wire is built from."""
        return "" if self.built else self.parameter.name

    @property
    def name(self) -> str:
        return self.parameter.name if self.site is None else f"{self.quantity}[{self.site}]"

    @property
    def label(self) -> tuple[str, str, str]:
        """Unit, full name and symbol."""
        row = self.parameter
        if self.site is None:
            return row.unit, row.long_name, row.symbol
        where = f"bond {self.site}" if row.of_bonds else f"site {self.site}"
        return row.unit, f"{row.entry}, {where}", f"{row.symbol}_{{{self.site}}}"

    @property
    def scan(self) -> Scan | Band:
        """The coordinate u in which it is searched."""
        scan = self.parameter.scan
        assert scan is not None
        return self.band if scan is Scan.BAND else scan


def coordinate(
    name: Any,
    *,
    per_site: bool = True,
    of: str = "over",
    band: Band = CHAIN,
    built: Mapping[str, Parameter] = MappingProxyType({}),
) -> Coordinate:
    """The coordinate called `name`, such as "gamma" or "onsite[5]", in an argument called `of`.

    Args:
        built: numbers that the wire is built from, by their names.

    Raises:
        InputError: there is none of this name, or it is a whole number.
    """
    if isinstance(name, str) and name in built:
        if built[name].scan is None:
            raise InputError(f"{of}: {name!r} is a whole number, which no search varies; make it an axis")
        return Coordinate(built[name], band=band, built=True)
    match = re.fullmatch(r"(\w+)(?:\[(0|[1-9][0-9]*)\])?", name, re.ASCII) if isinstance(name, str) else None
    quantity, site = match.groups() if match else (show(name), None)
    if site is None and quantity in DRIVE + UNIFORM:
        return Coordinate(VARIED[quantity], band=band)
    if site is not None and len(site) < 16 and quantity in PER_SITE and per_site:
        return Coordinate(VARIED[quantity], int(site), band)
    known = [*DRIVE, *UNIFORM, *([f"{q}[site]" for q in PER_SITE] if per_site else [])]
    known += [path for path, row in built.items() if row.scan is not None]
    close = difflib.get_close_matches(name if "." in str(name) else quantity, known, 1)
    raise InputError(
        f"{of}: {show(name)} cannot be varied; "
        + (f"did you mean {close[0]!r}?" if close else f"expected one of {', '.join(known)}")
    )


def window(varied: Coordinate, bounds: Any) -> tuple[float, float]:
    """The window (low, high) of a coordinate, checked: finite, in order, within its domain."""
    name = f"over[{varied.name!r}]"
    low, high = pair(name, bounds, varied.parameter.domain)
    if low == high:
        raise InputError(f"{name} = {show(bounds)}: an empty window; expected (low, high) with low < high")
    band = varied.band
    if varied.scan is band and not (low >= band.bottom and high <= band.top):
        raise InputError(f"{name} = {show(bounds)}: {band.outside(max(low, high, key=abs))}")
    return low, high
