"""Functions that run on a worker of a cluster: from the text of a spec to the values of its blocks.

A worker caches compiled programs of its latest sweeps. It computes one block at a time, on
all its devices: as many cores as it has threads, or all its GPUs.
"""

from __future__ import annotations

import contextlib
import functools
import os
import threading
from collections.abc import Mapping
from typing import Any

import numpy as np

import jaxtransport
from jaxtransport.compute import xla
from jaxtransport.errors import InputError
from jaxtransport.sweep.grid import Block

# Properties that must be the same for all workers of a result.
SAME = ("jaxtransport_version", "revision", "jax_version", "precision", "platform", "device_kind")
_ONE_AT_A_TIME = threading.Lock()


def describe() -> dict[str, Any]:
    """Versions and devices of this worker; memory in bytes."""
    from jaxtransport.compute import runtime

    with _ONE_AT_A_TIME:
        _use_threads()
        devices = runtime.devices(None)
        return {
            **runtime.provenance(),
            "platform": devices[0].platform,
            "device_kind": runtime.kind(devices),
            "devices": len(devices),
            "memory": runtime.memory(devices),
        }


def agree(answers: list[dict[str, Any]]) -> dict[str, Any]:
    """Common description of all workers.

    Raises:
        InputError: they differ in a property that may change the numbers.
    """
    for key in SAME:
        if len(found := sorted({str(answer[key]) for answer in answers})) > 1:
            raise InputError(f"scheduler: workers differ in {key} ({', '.join(found)}); make them equal")
    if (theirs := answers[0]["jaxtransport_version"]) != jaxtransport.__version__:
        raise InputError(
            f"scheduler: workers have jaxtransport {theirs}, this process has {jaxtransport.__version__}; "
            "install the same version"
        )
    out = dict(answers[0])
    out["device"] = ", ".join(sorted({answer["device"] for answer in answers}))
    out["devices"] = max(answer["devices"] for answer in answers)
    out["memory"] = min((answer["memory"] for answer in answers if answer["memory"]), default=None)
    return out


def evaluate(text: str, made_by: Mapping[str, str], plan: str, block: Block) -> dict[str, np.ndarray]:
    """The values of a block.

    Args:
        text: of the spec, TOML.
        made_by: properties that this worker must have (`SAME`).
        plan: the plan of the sweep, JSON.

    Raises:
        InputError: this worker has other properties.
    """
    from jaxtransport.compute import runtime

    mine = describe()
    for key in SAME:
        if mine[key] != made_by[key]:
            raise InputError(
                f"scheduler: a worker has {key} {mine[key]}, but the sweep began with {made_by[key]}; "
                "replace it"
            )
    with _ONE_AT_A_TIME, runtime.computing():
        return _evaluator(text, plan)(block)


@functools.lru_cache(maxsize=2)
def _evaluator(text: str, plan: str):
    from jaxtransport.compute import runtime
    from jaxtransport.models import make_task, parse
    from jaxtransport.sweep.evaluator import Evaluator
    from jaxtransport.sweep.plan import Plan

    task = make_task(parse(text, "the spec of the sweep"))
    return Evaluator(task, Plan.from_json(plan), runtime.devices(None))


def _use_threads() -> None:
    """Set the number of CPU devices and the compile options of XLA, unless JAX runs or the user set them."""
    import jax
    from distributed import get_worker

    with contextlib.suppress(RuntimeError):  # JAX runs
        xla.compile_whole_loops()
    if "JAX_NUM_CPU_DEVICES" not in os.environ and not xla.devices_are_settled():
        with contextlib.suppress(RuntimeError, ValueError):  # JAX runs, or this is not a worker
            jax.config.update("jax_num_cpu_devices", get_worker().state.nthreads)
