"""Running the search of a sweep file into a result file."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from jaxtransport import models
from jaxtransport.compute import interrupts
from jaxtransport.compute.memory import require_memory
from jaxtransport.errors import InputError
from jaxtransport.jobs import outputs
from jaxtransport.spec.search_table import memory_bytes
from jaxtransport.store import lock as locks

if TYPE_CHECKING:
    from jaxtransport.spec.spec import Spec
    from jaxtransport.sweep.run import Progress


def search(
    spec: Spec,
    output: Path,
    *,
    force: bool = False,
    report: Callable[[Progress], None] = lambda progress: None,
) -> int:
    """Run the search of a validated spec into `output`, unless its result exists.

    Returns:
        Number of searches: 0 if their result was on file.

    Raises:
        InputError: a spec without [search]; else as for `run`.
        KeyboardInterrupt: after SIGINT, SIGTERM or SIGHUP; nothing is written then.
    """
    if spec.search is None:
        raise InputError(
            "search: missing; expected windows, such as [search] over = { mu_bar = [-1.99, 1.99] }; "
            "or use `jaxtransport run`"
        )
    outputs.check_output(output, force)
    output = Path(os.path.realpath(output))
    if output.exists() and not force:
        outputs.check_same(spec, output)
        return 0

    from jaxtransport.compute import runtime
    from jaxtransport.store.search_file import save
    from jaxtransport.sweep.run import Progress

    start = time.time()

    def done(number: int, total: int) -> None:
        report(Progress(total, number, 0, seconds=time.time() - start))

    with interrupts.held(breakable=True):
        lock = locks.Lock(output)
        try:
            require_memory(
                memory_bytes(spec),
                "split the outer axes into shorter ones and search them one after the other (--set)",
            )
            runtime.devices(None)  # raises if JAX cannot start
            with runtime.computing():
                data = models.search(spec, done)
                save(data, output, {**models.attributes_of(spec), **runtime.provenance()}, start)
        finally:
            lock.release()
    return data.sizes.get("search", 1)
