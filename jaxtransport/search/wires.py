r"""What a search is of: one wire, several, or a function that makes a wire from the searched numbers.

    wire                 gamma, onsite[5] ... of `over` are numbers that the wire has
    width -> wire        width of `over` is an argument of the function; JAX differentiates through it

Numbers of the drive (mu_bar, delta_mu, injection, I_g, temperature) belong to neither.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxtransport.arguments import require_known, show, wrong
from jaxtransport.coordinates import DRIVE, Coordinate, coordinate, window
from jaxtransport.errors import InputError
from jaxtransport.hints import meant
from jaxtransport.parameters import Parameter, Scan
from jaxtransport.search.current_difference import Build, WireBatch
from jaxtransport.search.vary import check_site
from jaxtransport.wire import Wire, admit, require_wire

# Of a window, where a wire stands for those of the search: no symmetry, which may hold at its ends or middle.
GENERIC = 0.618
MOST_CORNERS = 16  # of the windows, at which a wire is made to see whether it is allowed

# Names that the result has for other things
TAKEN = (
    *("zero", "line", "curve", "residual", "slope", "multiplicity", "family", "searched", "finding"),
    *("points", "closed", "change", "conductance"),
)

ALONG = ("onsite", "hopping", "coupling", "strength")  # arrays of a wire, which may be longer than it

Bounds = list[tuple[float, float]]


class Subject(NamedTuple):
    """The wires of a search and the numbers that it varies."""

    wires: list[Wire]  # of a function one, of numbers within the windows
    searched: tuple[Coordinate, ...]
    bounds: Bounds
    build: Build | None = None
    defaults: Mapping[str, Any] = {}  # of the function's arguments


def subject(wire: Any, over: Mapping[str, Any], *, several: bool = True) -> Subject:
    """What `over` varies in a wire, in several, or in the wire that a function makes.

    Raises:
        InputError: no wire, a parameter that cannot be varied, a window that is empty or not allowed.
    """
    if callable(wire) and not isinstance(wire, Wire):
        return _of_function(wire, over)
    wires = checked_wires(wire) if several else [checked_wire("wire", wire)]
    searched = tuple(coordinate(name, band=wires[0].reservoir.band) for name in over)
    bounds = [window(p, over[p.name]) for p in searched]
    for p in searched:
        for each in wires:
            check_site(p, each)
    return Subject(wires, searched, bounds)


def generic(bounds: tuple[float, float]) -> float:
    """A number within a window that is nothing special there."""
    low, high = bounds
    return low + GENERIC * (high - low)


def checked_wires(wire: Any) -> list[Wire]:
    """One wire or several, as a list."""
    if isinstance(wire, Wire):
        return [checked_wire("wire", wire)]
    if isinstance(wire, str | bytes) or not isinstance(wire, Sequence) or not wire:
        raise wrong("wire", wire, "a Wire, a list of them, or a function that makes one")
    return [checked_wire(f"wire[{i}]", each) for i, each in enumerate(wire, 1)]


def checked_wire(name: str, wire: Any) -> Wire:
    """One wire whose numbers are known and allowed, in double precision."""
    require_wire(name, wire)
    require_known(name, *jax.tree.leaves(wire))
    wire, good = admit(wire)
    if not good:
        raise InputError(f"{name} contains a number that no wire may have; make it with Wire.custom")
    return wire


# Functions that make a wire


class _Built:
    """The wire that a function makes, in the arrays of a batch. Each search compiles its own."""

    def __init__(self, function: Callable[..., Wire]) -> None:
        self.function = function

    def __call__(self, problem: WireBatch, numbers: Mapping[str, Any]) -> Wire:
        made, sites = self.function(**numbers), problem.wire.sites
        cut = lambda field: getattr(made, field)[: sites - (field == "hopping")]
        rules = None if made.rules is None else jax.tree.map(lambda along: along[:sites], made.rules)
        return replace(made, rules=rules, **{field: cut(field) for field in ALONG}).pad(sites)


def _of_function(function: Callable[..., Wire], over: Mapping[str, Any]) -> Subject:
    arguments = _arguments_of(function, over)
    anywhere = [coordinate(name, built=arguments) for name in over]
    of_wire = {p.name: window(p, over[p.name]) for p in anywhere if p.built}
    middle = {name: generic(bounds) for name, bounds in of_wire.items()}
    wire = _made(function, middle)
    for corner in itertools.islice(itertools.product(*of_wire.values()), MOST_CORNERS):
        other = _made(function, at := dict(zip(of_wire, corner, strict=True)))
        if (int(other.length), other.reservoir) != (int(wire.length), wire.reservoir):
            raise InputError(
                f"wire: the function gives {_said(other)} at {_written(at)}, and {_said(wire)} at "
                f"{_written(middle)}; expected the same number of sites and reservoirs throughout"
            )
    wire = jax.tree.map(lambda leaf, one: jnp.asarray(leaf, one.dtype), wire, _traced(function, middle))
    searched = tuple(coordinate(name, built=arguments, band=wire.reservoir.band) for name in over)
    bounds = [window(p, over[p.name]) for p in searched]
    defaults = {
        name: one.default for name, one in _signature(function).items() if one.default is not one.empty
    }
    return Subject([wire], searched, bounds, _Built(function) if of_wire else None, defaults)


def _signature(function: Callable) -> Mapping[str, inspect.Parameter]:
    """The arguments of a function; if it does not say, any."""
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):
        return {"arguments": inspect.Parameter("arguments", inspect.Parameter.VAR_KEYWORD)}


def _arguments_of(function: Callable, over: Mapping[str, Any]) -> dict[str, Parameter]:
    """The arguments of a function that are searched, as parameters; and none is missing."""
    signature = _signature(function)
    named = [n for n, one in signature.items() if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)]
    open_ended = any(one.kind is one.VAR_KEYWORD for one in signature.values())
    for name in over:
        if name in TAKEN:
            raise InputError(
                f"over: {name!r} is the name of something else in the result; rename the argument"
            )
        if name in DRIVE and name in named:
            raise InputError(f"over: {name!r} is of the drive; rename the argument of the function {name!r}")
        if name not in (*DRIVE, *named) and not (open_ended and isinstance(name, str)):
            known = [n for n in named if n not in DRIVE] + list(DRIVE)
            raise InputError(
                f"over: {show(name)} is neither an argument of the function that makes the wire nor a number "
                f"of the drive; {meant(str(name), known)}"
            )
    for name, one in signature.items():
        optional = one.default is not one.empty or one.kind in (one.VAR_KEYWORD, one.VAR_POSITIONAL)
        if not optional and not (name in named and name in over):
            raise InputError(
                f"wire: the function needs {name!r}, which is not searched; expected a Wire, or a function "
                "that takes searched numbers by keyword and has defaults for others"
            )
    return {name: _row(name) for name in over if name not in DRIVE}


def _row(name: str) -> Parameter:
    """An argument of a function as a parameter: any number, on a linear coordinate."""
    symbol = r"\mathrm{" + name.replace("_", r"\_") + "}"
    return Parameter(name, "1", f"argument {name} of the wire", symbol, scan=Scan.PLAIN)


def _made(function: Callable[..., Wire], numbers: Mapping[str, float]) -> Wire:
    """The wire that a function makes of known numbers."""
    try:
        wire = function(**{name: np.float64(value) for name, value in numbers.items()})
    except InputError as error:
        raise InputError(f"wire: at {_written(numbers)} there is none: {'; '.join(error.mistakes)}") from None
    if not isinstance(wire, Wire):
        raise InputError(f"wire: the function gives {_said(wire)} at {_written(numbers)}; expected a Wire")
    return checked_wire(f"the wire at {_written(numbers)}", wire)


def _traced(function: Callable[..., Wire], numbers: Mapping[str, float]) -> Wire:
    """The shapes and types of the wire that a function makes of numbers traced by JAX."""
    try:
        return jax.eval_shape(function, **{name: np.float64(value) for name, value in numbers.items()})
    except (InputError, jax.errors.JAXTypeError) as error:
        reason = str(error).partition("\n")[0].partition(";")[0]
        raise InputError(
            f"wire: the function cannot be traced by JAX ({reason}); expected jax.numpy in place of numpy "
            "and math, and no decisions on a searched number"
        ) from None


def _written(numbers: Mapping[str, float]) -> str:
    return ", ".join(f"{name} = {value:g}" for name, value in numbers.items()) or "no argument"


def _said(wire: Any) -> str:
    if isinstance(wire, Wire):
        return f"{int(wire.length)} sites and reservoirs {wire.reservoir}"
    return show(wire)
