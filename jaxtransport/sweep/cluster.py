"""Blocks of a sweep computed by the workers of a dask.distributed cluster.

    block -> task of the scheduler -> a worker, on all its devices -> values, back to the one writer

The scheduler gives the blocks of a lost worker to others. Workers may come and go at any time.
"""

from __future__ import annotations

import contextlib
import gc
import os
import queue
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

import jaxtransport
from jaxtransport.errors import InputError
from jaxtransport.sweep.executors import Done
from jaxtransport.sweep.grid import Block
from jaxtransport.sweep.plan import Plan

if TYPE_CHECKING:
    from distributed import Client, Future

PER_WORKER = 2  # blocks in flight per worker: one in progress, one queued
PATIENCE = 1.0  # seconds without results after which the cluster is checked
FETCH_SECONDS = 30.0  # to fetch the values of a block, unless their worker was lost
CONNECT_SECONDS = 10.0


@contextlib.contextmanager
def connected(scheduler: str | Client) -> Iterator[Client]:
    """A client of a scheduler, given by its address or its scheduler file; a given client stays open.

    Raises:
        InputError: dask.distributed is not installed, nothing answers there, or the client is closed
            or asynchronous.
    """
    try:
        from distributed import Client
    except ImportError:
        raise InputError(
            'scheduler: dask.distributed is not installed; pip install "distributed>=2024.10"'
        ) from None
    if isinstance(scheduler, Client):
        if scheduler.status != "running" or scheduler.asynchronous:
            raise InputError("scheduler: the client is closed or asynchronous; pass a running Client")
        yield scheduler
        return
    if not isinstance(scheduler, str) or not scheduler:
        raise InputError(
            f"scheduler = {scheduler!r}: expected an address such as tcp://host:8786, the path of a "
            "scheduler file, or a Client"
        )
    where: dict[str, Any] = {"address": scheduler.rstrip("/")}
    if os.path.isfile(scheduler):
        where = {"scheduler_file": scheduler}
    reason = ""
    try:
        client = Client(**where, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, TimeoutError, ValueError, TypeError) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
    if reason:
        # A client that failed to start closes itself when it is collected. If that happens while another
        # starts, both wait for one lock and hang; so it is collected now, with the error that refers to it.
        gc.collect()
        raise InputError(
            f"scheduler {scheduler} does not answer ({reason}); start one with `dask scheduler`, or check "
            "the address"
        )
    try:
        yield client
    finally:
        with contextlib.suppress(Exception):  # it may be closed already; all results are on file
            client.close(timeout=CONNECT_SECONDS)


def ask_workers(client: Client, question: Callable[[], Any], waiting: Callable[[str], None]) -> list[Any]:
    """Answers of all current workers; waits for the first one.

    Args:
        waiting: called repeatedly with the reason for waiting.

    Raises:
        InputError: a worker cannot answer; the connection to the scheduler was lost.
    """
    try:
        while True:
            while not (workers := set(client.nthreads())):
                waiting(_no_worker(client))
                with contextlib.suppress(TimeoutError):
                    client.wait_for_workers(1, timeout=PATIENCE)
            asked = [client.submit(question, workers=[worker], pure=False) for worker in workers]
            while workers == set(client.nthreads()):  # a worker that is lost will not answer
                until = time.monotonic() + PATIENCE
                while time.monotonic() < until:
                    if all(future.done() for future in asked):
                        return [_answer(future) for future in asked]
                    time.sleep(0.02)
                waiting(f"asking {len(workers)} workers at {client.scheduler_info()['address']}")
    except InputError:
        raise
    except Exception as error:
        raise _lost(str(error)) from None


def _answer(future: Future) -> Any:
    if future.status == "error":
        raise InputError(
            f"scheduler: a worker cannot take part ({future.exception()}); install jaxtransport "
            f"{jaxtransport.__version__} there"
        )
    return future.result()


def _lost(reason: str) -> InputError:
    return InputError(
        f"scheduler: connection lost ({reason}); finished points are on file: start it again and run the "
        "same command, without --force, to resume"
    )


def _no_worker(client: Client) -> str:
    return f"no worker at {client.scheduler_info()['address']}: waiting for one"


class Cluster:
    """Computes on the workers of a cluster. See `executors.Executor`."""

    def __init__(
        self,
        client: Client,
        compute: Callable[[str, Block], Mapping[str, np.ndarray]],
        plan: Plan,
        width: int = 1,
    ) -> None:
        """Make an executor.

        Args:
            compute: from a plan, as JSON, and a block to values, at a worker; importable there.
            plan: how blocks are cut.
            width: devices of a worker.
        """
        self.plan, self.note = plan, ""
        self._client, self._compute, self._width = client, compute, width
        self._run = uuid.uuid4().hex[:8]  # keeps the tasks of two runs apart
        self._count = 0
        self._coming: dict[str, tuple[Block, Plan, Future]] = {}
        self._came: queue.SimpleQueue[Future] = queue.SimpleQueue()

    @property
    def step(self) -> int:
        return self.plan.step(self._width)

    @property
    def capacity(self) -> int:
        try:
            workers = len(self._client.nthreads())
        except Exception:  # of many kinds, once a client is closed; `next_done` reports it
            workers = 0
        return max(1, PER_WORKER * workers) - len(self._coming)

    @property
    def busy(self) -> bool:
        return bool(self._coming)

    def submit(self, block: Block) -> None:
        self._count += 1
        key = f"jaxtransport-{self._run}-{self._count}"
        try:
            future = self._client.submit(self._compute, self.plan.to_json(), block, key=key, pure=False)
        except Exception as error:
            raise _lost(str(error)) from None
        self._coming[key] = block, self.plan, future
        future.add_done_callback(self._came.put)

    def next_done(self) -> Done | None:
        try:
            future = self._came.get(timeout=PATIENCE)
        except queue.Empty:
            if self._client.status in ("closed", "closing"):
                raise _lost("the client was closed") from None
            self.note = self._reason()
            return None
        if future.cancelled():
            raise _lost("the tasks were cancelled")
        try:
            values, error = None, future.exception() if future.status == "error" else None
            if error is None:
                values = future.result(timeout=FETCH_SECONDS)
        except TimeoutError:  # its worker was lost, and the block is computed again
            self._came.put(future)
            self.note = self._reason()
            return None
        except Exception as failure:
            if future.cancelled() or self._client.status != "running":
                raise _lost(str(failure)) from None
            error = failure
        self.note = ""
        block, plan, _ = self._coming.pop(str(future.key))
        return Done(block, plan, values, error)

    def _reason(self) -> str:
        """Why no results arrive; empty if there are workers."""
        if self._client.status != "running":
            return "waiting for the scheduler"
        try:
            return "" if self._client.nthreads() else _no_worker(self._client)
        except Exception:  # of many kinds, once a client is closed
            return "waiting for the scheduler"

    def close(self) -> None:
        """Cancel the blocks in flight."""
        with contextlib.suppress(Exception):  # the connection may be lost
            self._client.cancel([future for _, _, future in self._coming.values()])
        self._coming.clear()
