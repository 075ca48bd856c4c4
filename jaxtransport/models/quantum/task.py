"""The quantum wire as a task: the grid and the fixed numbers of a validated spec.

delta_mu and the injected current are free axes: by superposition (`probes.response`) every bias and
every I_g follows from the one solution of a wire. Host data only, so that `validate` needs no JAX;
the computation of one point is in `models.quantum.point`.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from jaxtransport import layout as layouts
from jaxtransport.budget import dense_cost
from jaxtransport.laws import LAWS, Law
from jaxtransport.models.padding import (
    along_the_wire,
    fixed_numbers,
    layout_tables,
    of_size,
    patterned,
    sizes_of,
    table_bytes,
)
from jaxtransport.models.quantum.reservoirs_table import kinds_of
from jaxtransport.models.quantum.rules_table import present, rule_tables
from jaxtransport.parameters import GAMMA, unit_of_current
from jaxtransport.probe_rules import WHITE
from jaxtransport.spec.checks import sites_of
from jaxtransport.spec.spec import Spec
from jaxtransport.sweep.grid import Axis, Column
from jaxtransport.sweep.task import Beside, Task
from jaxtransport.variables import OF_WIRE, Variable

CAREFUL_KEPT = 12  # numbers that a careful kernel keeps per site beyond the others
RETRY_POINTS = 4096  # of a batch by a careful kernel, which in a sweep of weak contacts computes all points
TOGETHER_SITES = 10  # measured: up to there matrices of many points at a time are faster than one by one
KEPT = 12  # numbers that a kernel keeps per site and energy
KEPT_BY = {"leads": 8, "profile": 13, "along": 20, "dense": 8}  # in linear response, by what is requested
COMPILE_BYTES = 300_000_000  # measured: the search for the potentials, 50 to 350 MB by the effort it takes
# Measured, on one core (`scripts/memory.py`)
COMPILE_SECONDS = {"leads": 1.0, "profile": 2.0, "along": 3.0, "dense": 3.0}  # by what is requested
UPDATE_SECONDS = {"leads": 1e-8, "profile": 2e-8, "along": 4e-8, "dense": 3e-8}

FREE = frozenset({"delta_mu", "injection", "I_g"})


def make_task(spec: Spec) -> Task:
    """The task of a spec with `model = "quantum"`."""
    grid = spec.grid(FREE)
    law, kernel = law_of(spec), spec.tables["solve"].kernel  # type: ignore[attr-defined]
    if not law.is_linear:
        return _beyond_linear_response(spec, law)
    sizes = sizes_of(spec, grid)
    variables = variables_of(spec, law)
    with_profile = any(v.needs_profile for v in variables)
    how = {"names": spec.variables, "kernel": kernel, "with_profile": with_profile}
    scratch = _scratch_bytes(max(sizes.values()), kernel, with_profile)
    program = _program(variables, kernel)
    return Task(
        grid=grid,
        variables=variables,
        evaluate=partial(_evaluate, stage=0, **how),
        retries=tuple(partial(_evaluate, stage=later, **how) for later in range(1, len(law.stages))),
        retry_bytes=2 * scratch + CAREFUL_KEPT * 8 * max(sizes.values()),
        retry_points=RETRY_POINTS,
        unfinished=law.unfinished,
        shared=partial(shared_by, spec, sizes),
        shared_bytes=table_bytes(sizes),
        extra=along_the_wire(variables, max(sizes)),
        beside=_unit_along(spec),
        size_axis=None if spec.varied("N") is None else "N",
        sizes=sizes,
        size=max(sizes.values()),
        arrays=2 if with_profile else 1,  # for two drives
        kept=KEPT_BY[program],
        matrices=kernel == "dense",
        sequential=(kernel == "dense" and max(sizes.values()) > TOGETHER_SITES)
        or WHITE in present(spec.tables),
        scratch_bytes=scratch,
        cost=dense_cost if kernel == "dense" else float,
        compile_seconds=COMPILE_SECONDS[program],
        update_seconds=UPDATE_SECONDS[program],
    )


def variables_of(spec: Spec, law: Law) -> tuple[Variable, ...]:
    """What a spec stores, of the solution and of the wire."""
    known = {**law.variables, **OF_WIRE}
    return tuple(known[name] for name in spec.variables)


def _program(variables: tuple[Variable, ...], kernel: str) -> str:
    """What a sweep in linear response requests: numbers of the leads, of the potentials, or of every site."""
    if kernel == "dense":
        return "dense"
    if any(v.dims for v in variables):
        return "along"
    return "profile" if any(v.needs_profile for v in variables) else "leads"


def law_of(spec: Spec) -> Law:
    """The law that a spec asks for; its temperature is a number of the drive, not of the law."""
    solve: Any = spec.tables["solve"]
    kind = LAWS[solve.law]
    given = {key: getattr(solve, key) for key in kind.options if key != "temperature"}
    return kind(**{key: value for key, value in given.items() if value is not None})


def _beyond_linear_response(spec: Spec, law: Law) -> Task:
    """The task of the series and of the exact law: every bias and every I_g is a problem of its own."""
    grid = spec.grid()
    solve: Any = spec.tables["solve"]
    sizes = sizes_of(spec, grid)
    variables = variables_of(spec, law)
    finite_temperature = bool(solve.temperature) or spec.varied("temperature") is not None
    how: dict[str, Any] = {
        "names": spec.variables,
        "kernel": solve.kernel,
        "law": law,
        "finite_temperature": finite_temperature,
    }
    how["terminals"] = _terminals(spec)
    size, dense = max(sizes.values()), solve.kernel == "dense"
    first, *_, most = (law.point_bytes(stage, size, kept=2 * KEPT, dense=dense) for stage in law.stages)
    return Task(
        grid=grid,
        variables=variables,
        evaluate=partial(_evaluate_nonlinear, stage=0, **how),
        retries=tuple(
            partial(_evaluate_nonlinear, stage=later, **how) for later in range(1, len(law.stages))
        ),
        unfinished=law.unfinished,
        shared=partial(shared_by, spec, sizes),
        shared_bytes=table_bytes(sizes),
        extra=(*along_the_wire(variables, max(sizes)), *_root_axes(spec)),
        beside=_unit_along(spec),
        size_axis=None if spec.varied("N") is None else "N",
        sizes=sizes,
        size=size,
        quickly=True,
        sequential=law.one_by_one or dense,
        compile_bytes=COMPILE_BYTES,
        compile_seconds=law.compile_seconds,
        update_seconds=law.update_seconds,
        scratch_bytes=first,
        retry_bytes=most,
        cost=partial(law.cost, dense=dense),
    )


def _terminals(spec: Spec) -> tuple[int, ...]:
    """Indices of the two middle reservoirs, if all roots of their potentials are requested."""
    if not any(name.startswith("roots_") for name in spec.variables):
        return ()
    wire: Any = spec.tables["wire"]
    return tuple(
        int(l) for l in np.flatnonzero(layouts.make(wire.layout, wire.N, **sites_of(wire)).occupied())
    )


def _root_axes(spec: Spec) -> tuple[Axis, ...]:
    terminals = _terminals(spec)
    if not terminals:
        return ()
    return (
        Axis("root", np.arange(1, 10), "1", "root, the physical one first", "n"),
        Axis("terminal", np.array(terminals) + 1, "1", "site of the reservoir", "l"),
    )


def _unit_along(spec: Spec) -> tuple[Beside, ...]:
    """I_o as a coordinate along an axis of delta_mu."""
    biases = spec.varied("delta_mu")
    if biases is None:
        return ()
    along = biases.along if isinstance(biases, Column) else ("delta_mu",)
    return (Beside("I_o", unit_of_current(biases.values), along, "e gamma_o/hbar", "unit of current", "I_o"),)


def _scratch_bytes(size: int, kernel: str, with_profile: bool) -> int:
    """Of a point: an array for either bias; what a dense kernel has at a time of complex matrices."""
    return (2 * 8 * size if with_profile else 0) + (4 * 16 * size**2 if kernel == "dense" else 0)


def shared_by(spec: Spec, sizes: dict[int, int], size: int) -> dict[str, Any]:
    """Everything the points of one padded size have in common: layouts at each N, fixed numbers."""
    lengths = of_size(sizes, size)
    occupied, strength = layout_tables(spec.tables["wire"], lengths, size)
    fixed = fixed_numbers(spec, ("wire", "drive"))
    if "temperature" in law_of(spec).options:
        fixed |= fixed_numbers(spec, ("solve",))
    if spec.varied(GAMMA) is None:
        fixed.setdefault(GAMMA, np.asarray(1.0))  # a wire without middle reservoirs
    varied = spec.swept | set(spec.search or ())
    along, patterns = patterned(spec.tables["wire"], {"onsite": 0, "hopping": 1}, lengths, size, varied)
    return {
        "lengths": np.array(lengths),
        "occupied": occupied,
        "strength": strength,
        "fixed": fixed | along,
        "patterns": patterns,
        "reservoir": _reservoir(spec),
        "rules": rule_tables(spec.tables, lengths, size),
    }


def _reservoir(spec: Spec) -> Any:
    from jaxtransport.reservoirs import reservoir_of  # JAX is loaded: computing starts

    leads, middle = kinds_of(spec.tables["reservoirs"])
    return reservoir_of({"leads": leads, "middle": middle})


def _evaluate(point, free, shared, **how):
    from jaxtransport.models.quantum.point import evaluate  # JAX is loaded when computing starts

    return evaluate(point, free, shared, **how)


def _evaluate_nonlinear(point, free, shared, **how):
    from jaxtransport.models.quantum.point import evaluate_nonlinear

    return evaluate_nonlinear(point, free, shared, **how)
