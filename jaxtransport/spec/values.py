"""Strict readers of the values of a sweep file; their errors say what was expected.

Readers are plain functions from a TOML value to a Python value that raise ValueError; pydantic
collects the messages. Ranges are computed in decimals, as they are written: 0.1 + 2 * 0.1 is 0.3.
"""

from __future__ import annotations

import dataclasses
import decimal
import math
import re
import sys
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Protocol

import numpy as np

from jaxtransport import arguments
from jaxtransport.arguments import MOST_WHOLE, REAL, Range, show
from jaxtransport.errors import InputError, WrongValue
from jaxtransport.parameters import Parameter
from jaxtransport.patterns import Pattern, Sum, pattern_of

Reader = Callable[[Any], Any]


FINITE = Range("a finite number", low=-sys.float_info.max, high=sys.float_info.max)  # of any size


def number(allowed: Range) -> Reader:
    """One number in a range, as arguments of functions are checked."""

    def reader(value: Any) -> float:
        if not isinstance(value, int | float):
            raise ValueError(f"expected {allowed.words}, got {show(value)}")
        return float(_as_argument(arguments.number, value, allowed)) + 0.0  # -0.0 is 0.0

    return reader


def whole(least: int | None = None, most: int | None = None) -> Reader:
    """A whole number."""
    return lambda value: _as_argument(arguments.whole, value, least, most)


def reworded(mistake: str, name: str) -> str:
    """`name[2] = -1: expected ...`, as functions say it, after a key: `entry 2: expected ..., got -1`."""
    found = re.fullmatch(rf"{re.escape(name)}(?:\[(\d+)\])?(?: = (.*?))?: (.*)", mistake, re.S)
    if found is None:
        return mistake
    entry, value, said = found.groups()
    got = f", got {value}" if value is not None and said.startswith("expected") else ""
    return (f"entry {entry}: " if entry else "") + said + got


def _as_argument(check: Callable, value: Any, *allowed: Any) -> Any:
    try:
        return check("", value, *allowed)
    except WrongValue as error:
        raise ValueError(f"expected {error.expected}, got {error.value}") from None


def list_of(read: Reader, what: str = "numbers") -> Reader:
    """A list whose every entry passes `read`."""

    def reader(value: Any) -> list:
        if not isinstance(value, list):
            raise ValueError(f"expected a list of {what}, got {show(value)}")
        out = []
        for i, entry in enumerate(value, 1):
            try:
                out.append(read(entry))
            except ValueError as error:
                raise ValueError(f"entry {i}: {error}") from None
        return out

    return reader


def either(read: Reader) -> Reader:
    """One value, or a list of them."""
    many = list_of(read)
    return lambda value: many(value) if isinstance(value, list) else read(value)


def choice(*names: str) -> Reader:
    def reader(value: Any) -> str:
        if value not in names:
            raise ValueError(f"expected one of {', '.join(names)}, got {show(value)}")
        return value

    return reader


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"expected a string in quotes, got {show(value)}")
    return value


RANGE_KEYS = {"start", "stop", "step", "num", "spacing"}
MOST_VALUES = 10**7  # of one axis: more are most likely a typing error in `step`


def axis(read: Reader, *, integer: bool = False, unique: bool = True) -> Reader:
    """Values of an axis: a list, {start, stop, step} or {start, stop, num, spacing}; stop included."""

    def reader(value: Any) -> np.ndarray:
        if isinstance(value, dict):
            values = _range(value, integer=integer)
        elif isinstance(value, list):
            values = value
        else:
            raise ValueError(
                f"expected a list, {{start, stop, step}} or {{start, stop, num}}, got {show(value)}"
            )
        if not len(values):
            raise ValueError("expected at least one value, got an empty axis")
        if isinstance(values, np.ndarray):
            return _allowed(read, values)
        values = list_of(read)(values)
        distinct, counts = np.unique(values, return_counts=True)
        if unique and len(distinct) < len(values):
            twice = distinct[np.argmax(counts > 1)]
            raise ValueError(f"duplicate value {twice:g}")
        return np.array(values, dtype=int if integer else float)

    return reader


def _allowed(read: Reader, values: np.ndarray) -> np.ndarray:
    """Whole numbers in equal steps, if they are allowed; those are one interval, so that the ends tell."""
    try:
        for end in (values[0], values[-1]):
            read(int(end))
    except ValueError:
        list_of(read)(values.tolist())  # says which
    return values


def _range(value: dict, *, integer: bool) -> list | np.ndarray:
    unknown = set(value) - RANGE_KEYS
    if unknown:
        raise ValueError(f"unknown key {sorted(unknown)[0]!r}; known: {', '.join(sorted(RANGE_KEYS))}")
    missing = {"start", "stop"} - set(value)
    if missing:
        raise ValueError(f"{sorted(missing)[0]!r} is missing; set start and stop")
    if ("step" in value) == ("num" in value):
        raise ValueError("expected either step or num, besides start and stop")
    bound = whole() if integer else number(FINITE)
    start, stop = (part(value, key, bound) for key in ("start", "stop"))
    if not math.isfinite(stop - start):
        raise ValueError(f"expected a range of finite width, got {start:g} to {stop:g}")
    spacing = part(value, "spacing", choice("linear", "log")) if "spacing" in value else "linear"
    if "step" in value:
        step = part(value, "step", bound)
        if step == 0 or (stop - start) / step < 0:
            raise ValueError(f"step = {step:g} does not lead from {start:g} to {stop:g} (an empty axis)")
        if spacing == "log":
            raise ValueError("spacing = 'log' requires num, not step")
        # A stop that is reached up to rounding is included, with its exact value.
        steps = (stop - start) / step
        _bound(steps)
        if integer and max(abs(start), abs(stop)) < MOST_WHOLE:  # no list: there may be millions of seeds
            return start + step * np.arange(math.floor(steps) + 1)
        values = _evenly(start, step, math.floor(steps + 1e-9))
        return [*values[:-1], stop] if abs(values[-1] - stop) < 1e-9 * abs(step) else values
    num = part(value, "num", whole(1))
    _bound(num)
    if spacing == "log":
        if not (start > 0 and stop > 0):
            raise ValueError(
                f"expected start and stop > 0 for a logarithmic range, got {start:g} and {stop:g}"
            )
        values = _geometric(start, stop, num)
    else:
        values = _between(start, stop, num)
    if integer:
        if not np.allclose(values, np.round(values), atol=1e-9):
            raise ValueError(f"{num} values from {start} to {stop} are not whole numbers; use step")
        return [int(v) for v in np.round(values)]
    return values


def _evenly(start: float, step: float, last: int) -> list:
    """start + i step for i = 0 ... last; whole numbers where both are."""
    if isinstance(start, int) and isinstance(step, int):
        return [start + i * step for i in range(last + 1)]
    (first, by), unit = _whole(start, step)
    return [(first + i * by) / unit for i in range(last + 1)]  # whole numbers, so rounded only once


def _between(start: float, stop: float, num: int) -> list:
    """`num` values from start to stop, both included, in equal steps."""
    if num == 1:
        return [float(start)]
    (first, final), unit = _whole(start, stop)
    first, by, unit = first * (num - 1), final - first, unit * (num - 1)
    return [(first + i * by) / unit for i in range(num)]


def _geometric(start: float, stop: float, num: int) -> list:
    """`num` values from start to stop, both included, in equal ratios."""
    if num == 1:
        return [float(start)]
    with decimal.localcontext(prec=50):
        first, final = (Decimal(repr(x)) for x in (start, stop))
        ratio = (final / first) ** (1 / Decimal(num - 1))
        values = [first]
        for _ in range(num - 2):
            values.append(values[-1] * ratio)
    return [*map(float, values), float(stop)]


def _whole(*numbers: float) -> tuple[list[int], int]:
    """Decimals, as they are written, as whole numbers over one power of ten."""
    ratios = [Decimal(repr(x)).as_integer_ratio() for x in numbers]
    unit = math.lcm(*(below for _, below in ratios))
    return [above * (unit // below) for above, below in ratios], unit


def short_of_stop(value: Any, values: np.ndarray) -> str:
    """Note on a range that does not reach its stop; "" for all other axes."""
    if not isinstance(value, dict) or values[-1] == value["stop"]:
        return ""
    why = f"no step of {value['step']:g} meets" if "step" in value else f"num = {value['num']} does not reach"
    return f"the axis ends at {values[-1]:g}; {why} stop = {value['stop']:g}"


def _bound(count: float) -> None:
    if count > MOST_VALUES:
        if not math.isfinite(count):
            raise ValueError(
                f"expected at most {MOST_VALUES:,} values, got more than a double counts; use a larger step"
            )
        raise ValueError(f"expected at most {MOST_VALUES:,} values, got {count:,.6g}")


def part(value: Mapping[str, Any], key: str, read: Reader) -> Any:
    """The value of a key inside a table, named in what is wrong with it."""
    try:
        return read(value[key])
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from None


class Numbers(Protocol):
    """Which numbers a key may hold: a parameter, or an option of a law."""

    @property
    def domain(self) -> Range: ...
    @property
    def integer(self) -> bool: ...


def one_of(row: Numbers) -> Reader:
    """One value of a parameter."""
    if row.integer:
        return whole(int(row.domain.low), int(row.domain.high))
    return number(row.domain)


def axis_of(row: Parameter) -> Reader:
    """Values of a parameter along an axis."""
    return axis(one_of(row), integer=row.integer)


def along_of(row: Parameter) -> Reader:
    """Values of a parameter along a wire: one, a list of them, the table of a pattern, or several tables."""
    plain = either(one_of(row))

    def reader(value: Any) -> Any:
        if not any(isinstance(one, dict) for one in (value if isinstance(value, list) else [value])):
            return plain(value)
        try:
            pattern = pattern_of(row.name, value)
        except InputError as error:
            inner = (mistake.removeprefix(f"{row.name}.") for mistake in error.mistakes)
            raise ValueError("; ".join(inner)) from None
        if not isinstance(pattern, Sum):
            return _table(row, pattern)
        read = []
        for place, one in enumerate(pattern.parts, 1):
            try:
                read.append(_table(dataclasses.replace(row, domain=REAL), one))
            except ValueError as error:
                raise ValueError(f"{place}.{error}") from None
        return read

    return reader


def _table(row: Parameter, pattern: Pattern) -> dict[str, Any]:
    """The table of a pattern, its defaults filled in and its numbers checked."""
    read = {}
    for key, value in pattern.to_table().items():
        if (kind := pattern.numbers.get(key)) is None:
            read[key] = value
            continue
        domain = kind.domain or row.domain
        one = whole(int(domain.low), int(domain.high)) if kind.integer else number(domain)
        read[key] = part({key: value}, key, list_of(one) if kind.listed else one)
    if mistakes := pattern_of(row.name, read).mistakes():
        raise ValueError("; ".join(mistakes))
    return read
