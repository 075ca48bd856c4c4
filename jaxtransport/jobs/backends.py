"""Backends that compute a sweep: devices of this machine, or a cluster."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jaxtransport.sweep.executors import Executor, Local
from jaxtransport.sweep.plan import Plan, devices_worth

if TYPE_CHECKING:
    from distributed import Client

    from jaxtransport.spec.spec import Spec
    from jaxtransport.sweep.task import Task


@dataclass(frozen=True)
class Backend:
    """A set of devices, and the executor that uses them."""

    provenance: Mapping[str, str]  # versions and device, as stored with a result
    kind: str  # of device, as in plans
    memory: int | None  # bytes of a device, if they limit the batch
    executor: Callable[[Plan], contextlib.AbstractContextManager[Executor]]


@contextlib.contextmanager
def here(task: Task, count: int | None) -> Iterator[Backend]:
    """Devices of this machine, by default as many as help. Raises `InputError` if there are fewer."""
    from jaxtransport.compute import runtime

    devices = runtime.devices(count)
    if count is None:
        devices = devices[: devices_worth(task, len(devices))]
    with runtime.computing():
        yield Backend(
            runtime.provenance(),
            runtime.kind(devices),
            runtime.memory(devices),
            lambda plan: contextlib.nullcontext(Local(task, plan, devices)),
        )


@contextlib.contextmanager
def cluster(spec: Spec, scheduler: str | Client, waiting: Callable[[str], None]) -> Iterator[Backend]:
    """The workers of a scheduler.

    Args:
        waiting: called with the reason for waiting, while there is no worker.

    Raises:
        InputError: nothing answers at that address; workers that differ.
    """
    from jaxtransport.jobs import worker
    from jaxtransport.sweep.cluster import Cluster, ask_workers, connected

    with connected(scheduler) as client:
        found = worker.agree(ask_workers(client, worker.describe, waiting))
        compute = functools.partial(worker.evaluate, spec.text, {key: found[key] for key in worker.SAME})
        del found["platform"]  # contained in `device`
        kind, memory, width = found.pop("device_kind"), found.pop("memory"), found.pop("devices")
        yield Backend(
            found,
            kind,
            memory,
            lambda plan: contextlib.closing(Cluster(client, compute, plan, width)),
        )
