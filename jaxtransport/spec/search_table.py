"""[search] of a sweep file: what `jaxtransport zeros` varies, and its windows.

[search]
over = { mu_bar = [-1.99, 1.99] }                       zeros on a line
over = { gamma = [0.1, 1.0], mu_bar = [-1.9, 1.9] }     curves of zeros
over = { N = [4, 40] }                                  lengths
over = { "onsite.width" = [0.1, 2.0] }                  a number of a pattern
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import PlainValidator

from jaxtransport.arguments import show
from jaxtransport.band import EVERYWHERE
from jaxtransport.coordinates import MOST_LENGTHS, Coordinate, coordinate, window
from jaxtransport.parameters import Parameter, Scan
from jaxtransport.spec.tables import Table
from jaxtransport.spec.values import list_of, reworded, whole

if TYPE_CHECKING:
    from jaxtransport.spec.spec import Spec

# Measured (`scripts/memory.py`): the program, and the bytes per site of a search on a line.
PROGRAM_BYTES, SITE_BYTES = 480_000_000, 3_400


def searches(spec: Spec) -> int:
    """Number of searches of a spec."""
    return math.prod(len(axis.values) for axis in spec.axes)


def memory_bytes(spec: Spec) -> int:
    """Approximate peak memory of `jaxtransport zeros`."""
    wire: Any = spec.tables["wire"]
    over, lengths = spec.search or {}, spec.varied("N")
    longest = over["N"][1] if "N" in over else wire.N if lengths is None else lengths.values.max()
    at_once = searches(spec) if len(over) == 1 else 1  # curves are followed one search at a time
    return PROGRAM_BYTES + SITE_BYTES * int(longest) * at_once


def _over(value: Any) -> dict[str, list[float]]:
    if not isinstance(value, Mapping) or not 1 <= len(value) <= 2:
        raise ValueError(
            "expected one or two parameters with their windows, such as { mu_bar = [-1.99, 1.99] }, "
            f"got {show(value)}"
        )
    out: dict[str, list[float]] = {}
    mistakes = []
    for name, bounds in value.items():
        try:
            if isinstance(bounds, Mapping):
                raise ValueError(
                    f'{name}: put a name with a dot in quotes: "{name}.{next(iter(bounds), "")}"'
                )
            anywhere = _anywhere(name) if name != "N" else None
            out[name] = _lengths(bounds) if anywhere is None else list(window(anywhere, bounds))
        except ValueError as error:
            mistakes.append(of_window(name, error))
    if mistakes:
        raise ValueError("; ".join(mistakes))
    if "N" in out and len(out) > 1:
        raise ValueError("N must be searched alone; make the other parameter an axis of [grid]")
    return out


def of_window(name: str, error: ValueError) -> str:
    """What is wrong with a searched parameter or its window, in the words of a sweep file."""
    said, argument = str(error).removeprefix("over: "), f"over[{name!r}]"
    if not said.startswith(argument):
        return said
    return f"{name}: {reworded(said, argument)}".replace("(low, high)", "[low, high]")


def _anywhere(name: str) -> Coordinate:
    """A searched parameter, whatever other tables hold: the band of the leads, the pattern of a number."""
    if "." in name:
        return Coordinate(Parameter(name, "", "", "", scan=Scan.PLAIN), built=True)
    return coordinate(name, band=EVERYWHERE)


def _lengths(bounds: Any) -> list:
    try:
        low, high = list_of(whole(2))(bounds)
    except ValueError:
        raise ValueError(
            f"N: expected two whole numbers >= 2, [shortest, longest], got {show(bounds)}"
        ) from None
    if not low < high < low + MOST_LENGTHS:
        raise ValueError(
            f"N: expected [shortest, longest] in order, at most {MOST_LENGTHS:,} lengths, got {show(bounds)}"
        )
    return [low, high]


class SearchTable(Table):
    """[search]"""

    required: ClassVar = {"over": "windows to search, such as { mu_bar = [-1.99, 1.99] }"}

    over: Annotated[dict[str, list[float]] | None, PlainValidator(_over)] = None
