"""Fixed parameters of a sweep file as stored in a result: numbers with unit, name and symbol.

    gamma = 0.5        -> a scalar coordinate `gamma`
    onsite = [...]     -> its name among the attribute `lists`, unless all its numbers are one

So every parameter can be read from the file alone, whether it is an axis or not.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxtransport.parameters import Parameter
from jaxtransport.patterns import Sum, is_patterned, pattern_of
from jaxtransport.spec.spec import Spec
from jaxtransport.spec.tables import axes_of
from jaxtransport.sweep.task import Beside

if TYPE_CHECKING:
    import xarray

Parameters = Mapping[str, Parameter]
MOST_WRITTEN = 6  # numbers of a pattern
NOT_IN_LINEAR_SEARCHES = ("injection", "I_g", "delta_mu")  # zeros in linear response do not depend on them


def fixed(spec: Spec, parameters: Parameters) -> tuple[Beside, ...]:
    """Every parameter of a spec that is one number, neither swept nor searched."""
    out = []
    for name, values in _given(spec, parameters).items():
        if len(values) == 1:
            row = parameters[name]
            number = np.array(values[0], int if row.integer else float)
            out.append(Beside(name, number, (), row.unit, row.long_name, row.symbol))
    return tuple(out)


def described(spec: Spec, parameters: Parameters) -> dict[str, str]:
    """Attributes of a result: its layout, parameters that are lists or patterns, and what was searched."""
    lists = " ".join(name for name, values in _given(spec, parameters).items() if len(values) > 1)
    wire: Any = spec.tables["wire"]
    searched = {} if spec.search is None else {"searched": " ".join(spec.search)}
    varied = spec.swept | set(spec.search or ())
    patterns = [
        f"{name}={_written(name, value, varied)}"
        for name, value in vars(wire).items()
        if name in parameters and is_patterned(value)
    ]
    named = {"patterns": "; ".join(patterns)} if patterns else {}
    return {"layout": str(wire.layout), "lists": lists, **named, **searched}


def _written(name: str, value: Any, varied: Collection[str]) -> str:
    """alternating (1, 0.5), or gradient (0, 0.3) + disorder (1, seed, box) with a seed that is an axis."""
    pattern = pattern_of(name, value)
    if isinstance(pattern, Sum):
        named = enumerate(pattern.to_table(), 1)
        return " + ".join(_written(f"{name}.{place}", part, varied) for place, part in named)
    numbers: list[str] = []
    for key, part in pattern.to_table().items():
        if key == "pattern":
            continue
        listed = isinstance(part, list)
        entries = [(f"{key}[{i}]", v) for i, v in enumerate(part, 1)] if listed else [(key, part)]
        for path, v in entries[:MOST_WRITTEN]:
            known = f"{v:g}" if isinstance(v, float) else str(v)
            numbers.append(path if f"{name}.{path}" in varied else known)
        numbers += ["..."] * (len(entries) > MOST_WRITTEN)
    return f"{pattern.name} ({', '.join(numbers)})"


def labels(one: Beside) -> dict[str, str]:
    """Attributes of a coordinate."""
    return {"units": one.unit, "long_name": one.long_name, "symbol": one.symbol}


def carried(data: xarray.Dataset, spec: Spec, parameters: Parameters) -> xarray.Dataset:
    """`data` with the fixed numbers of its spec as scalar coordinates, and its attributes."""
    coordinates = {one.name: (one.dims, one.values, labels(one)) for one in fixed(spec, parameters)}
    return data.assign_coords(coordinates).assign_attrs(described(spec, parameters))


def _given(spec: Spec, parameters: Parameters) -> dict[str, list[float]]:
    """The distinct numbers of every parameter that is neither swept nor searched."""
    searched = spec.search
    linear = searched is not None and getattr(spec.tables["solve"], "law", "") == "linear"
    out = {}
    for row in axes_of(parameters):
        value = getattr(spec.tables[row.table], row.name, None)
        varied = spec.varied(row.name) is not None or row.name in (searched or ())
        if value is None or varied or (linear and row.name in NOT_IN_LINEAR_SEARCHES):
            continue
        names = [*spec.swept, *(searched or ())]
        of_pattern = any(name.startswith(f"{row.name}.") for name in names)  # a number of it
        out[row.name] = [math.nan, math.nan] if of_pattern else _distinct(value)
    return out


def _distinct(value: Any) -> list[Any]:
    """The distinct numbers that a key holds; of a pattern that is no list, two whatever they are."""
    if is_patterned(value):
        listed = value.get("values") if isinstance(value, dict) else None
        return [math.nan, math.nan] if listed is None else sorted(set(listed))
    return sorted(set(value)) if isinstance(value, list) else [value]
