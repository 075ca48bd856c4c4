"""From a validated spec to the task that the loop maps over its grid, for every model.

Host data only, so that `validate` needs no JAX: what computes a point is loaded when computing starts.
"""

from __future__ import annotations

from dataclasses import replace

from jaxtransport.models import circuit, classical, quantum
from jaxtransport.sweep.fixed import fixed
from jaxtransport.sweep.spec import Spec
from jaxtransport.sweep.task import Task

MAKERS = {"quantum": quantum.make_task, "classical": classical.make_task, "circuit": circuit.make_task}


def make_task(spec: Spec) -> Task:
    """The task of a spec, by its model; its result carries what the spec holds fixed."""
    task = MAKERS[spec.model](spec)
    return replace(task, beside=(*task.beside, *fixed(spec)))
