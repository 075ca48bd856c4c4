"""What a worker of a cluster does: from the text of a spec to the values of its blocks.

A worker keeps what it has compiled, for the sweeps that it saw last. It computes one block at a time, on
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

# What all workers of a result have in common.
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
    """One description of all workers.

    Raises:
        InputError: they differ where the numbers of one result must not.
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
        made_by: what this worker has to be like (`SAME`).
        plan: how the sweep is cut, JSON.

    Raises:
        InputError: this worker is not like that.
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
    """Tell XLA, unless it has started or is told otherwise, of this worker's threads and how to compile."""
    import jax
    from distributed import get_worker

    with contextlib.suppress(RuntimeError):  # JAX runs
        xla.compile_whole_loops()
    if "JAX_NUM_CPU_DEVICES" not in os.environ and not xla.devices_are_settled():
        with contextlib.suppress(RuntimeError, ValueError):  # JAX runs, or nobody's worker are we
            jax.config.update("jax_num_cpu_devices", get_worker().state.nthreads)
