"""Where a sweep is computed: on devices of this machine, or by a cluster."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jaxtransport.sweep.executors import Executor, Local
from jaxtransport.sweep.plan import Plan

if TYPE_CHECKING:
    from distributed import Client

    from jaxtransport.sweep.spec import Spec
    from jaxtransport.sweep.task import Task


@dataclass(frozen=True)
class Place:
    """Devices that compute, and how to have them do it."""

    provenance: Mapping[str, str]  # versions and device, as stored with a result
    platform: str  # "cpu" or "gpu", as plans know them
    memory: int | None  # bytes of a device, where they set the batch
    executor: Callable[[Plan], contextlib.AbstractContextManager[Executor]]


@contextlib.contextmanager
def here(task: Task, count: int | None) -> Iterator[Place]:
    """Some devices of this machine, by default all. Raises `InputError` if there are fewer."""
    from jaxtransport import runtime

    devices = runtime.devices(count)
    with runtime.computing():
        yield Place(
            runtime.provenance(),
            _platform(devices[0].platform),
            runtime.memory(devices),
            lambda plan: contextlib.nullcontext(Local(task, plan, devices)),
        )


@contextlib.contextmanager
def cluster(spec: Spec, scheduler: str | Client, waiting: Callable[[str], None]) -> Iterator[Place]:
    """The workers of a scheduler.

    Args:
        waiting: called with what is waited for, while there is no worker.

    Raises:
        InputError: nothing answers at that address; workers that differ.
    """
    from jaxtransport import worker
    from jaxtransport.sweep.cluster import Cluster, ask_workers, connected

    with connected(scheduler) as client:
        found = worker.agree(ask_workers(client, worker.describe, waiting))
        compute = functools.partial(worker.evaluate, spec.text, {key: found[key] for key in worker.SAME})
        platform, memory, width = found.pop("platform"), found.pop("memory"), found.pop("devices")
        yield Place(
            found,
            _platform(platform),
            memory,
            lambda plan: contextlib.closing(Cluster(client, compute, plan, width)),
        )


def _platform(name: str) -> str:
    return "cpu" if name == "cpu" else "gpu"
