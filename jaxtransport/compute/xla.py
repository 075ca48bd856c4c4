"""XLA flags and CPU devices, set before JAX starts: how many, and how a CPU's loops are compiled.

A step along the wire is some thirty elementwise operations on the points of a batch. XLA calls each of
them through its runtime, 1.6 us a step, unless it compiles the loop as one function, which by default it
does only for the smallest loops. As one function, batches may be so small that they stay in the
first-level cache.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import sys

from jaxtransport.errors import InputError

LIMIT = "--xla_backend_extra_options=xla_cpu_small_while_loop_byte_threshold="
# A loop that touches fewer bytes is compiled as one function; XLA's own limit is 1024. Of a large program
# that runs briefly the innermost loops are enough: it runs as fast, and compiles in half of the time.
WHOLE_LOOPS, INNER_LOOPS = (f"{LIMIT}{limit}" for limit in (10**12, 10**6))
WIDEST = "--xla_cpu_prefer_vector_width=512"
LARGE = 10**9  # bytes, more than our loops touch
TRIED = (0, 12)  # jaxlib up to this version knows WIDEST: XLA ends the process at a flag it does not know
OLDER_EMITTERS = (0, 10)
NUMBER = "JAX_NUM_CPU_DEVICES"
MOST_DEVICES = 64  # on fewer cores; thousands would take minutes to start
CALLS, WHOLE = "cpu", "cpu with whole loops"  # kinds of devices, for `sweep.plan`


def offer(count: int | None) -> None:
    """Make JAX, which must not have started yet, use `count` CPU devices, by default one per core.

    Raises:
        InputError: the number of devices is not possible.
    """
    have = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    most = max(have, MOST_DEVICES)
    if count is not None and not 1 <= count <= most:
        raise InputError(f"--devices {count}: expected a number from 1 to {most}; there are {have} cores")
    if count is None:
        check_environment()
    if devices_are_settled():
        return
    if count is not None:
        os.environ[NUMBER] = str(count)
    os.environ.setdefault(NUMBER, str(have))


def check_environment() -> None:
    """Raise `InputError` if the environment sets an invalid number of devices."""
    given = os.environ.get(NUMBER, "-1")
    try:
        good = 1 <= int(given) <= max(os.cpu_count() or 1, MOST_DEVICES) or int(given) == -1  # JAX's default
    except ValueError:
        good = False
    if not good:
        raise InputError(f"{NUMBER} = {given!r} in the environment: set a whole number >= 1, or unset it")


def devices_are_settled() -> bool:
    """True if XLA_FLAGS set the number of CPU devices."""
    return "xla_force_host_platform_device_count" in _flags()


def compile_whole_loops(*, inner: bool = False) -> None:
    """Make XLA compile a loop as one function; flags that the user has set in XLA_FLAGS take precedence.

    It applies to every program of this process, so it is meant for processes that mostly run sweeps.

    Args:
        inner: only the innermost loops, for points that are computed one by one by a large program.

    Raises:
        RuntimeError: JAX has computed something, and XLA reads its flags only once.
    """
    loops = INNER_LOOPS if inner else WHOLE_LOOPS
    wanted = (loops, WIDEST) if _jaxlib() <= TRIED else (loops,)
    if _flags().strip() and not _flags().lstrip().startswith("-"):
        return  # the name of a file of flags, left to the user
    given = " ".join(flag for flag in _flags().split() if flag not in (WHOLE_LOOPS, INNER_LOOPS))
    missing = [flag for flag in wanted if flag.split("=")[0] not in given]
    flags = " ".join([given, *missing]).strip()
    if set(flags.split()) == set(_flags().split()):
        return
    if started():
        raise RuntimeError("compile_whole_loops: JAX has started; call it before anything is computed")
    os.environ["XLA_FLAGS"] = flags


def quickly() -> dict[str, bool]:
    """Options of a program that is large and runs briefly: half of the time to compile, as fast for it.

    Kernels of CPUs by the older of two code generators, which jaxlib has up to 0.10.
    """
    return {"xla_cpu_use_fusion_emitters": False} if _jaxlib() <= OLDER_EMITTERS else {}


def started() -> bool:
    """True once JAX has devices."""
    bridge = sys.modules.get("jax._src.xla_bridge")
    return bridge is not None and bridge.backends_are_initialized()


def kind_of_cpu() -> str:
    """Kind of device for `sweep.plan`: `WHOLE` if XLA_FLAGS ask for whole loops, else `CALLS`."""
    limit = re.search(r"xla_cpu_small_while_loop_byte_threshold=(\d+)", _flags())
    return WHOLE if limit and int(limit[1]) >= LARGE else CALLS


def steps_are_calls() -> bool:
    """True where every operation of a step of a loop is a call by itself: on a GPU, and on a CPU without
    whole loops."""
    import jax

    return jax.default_backend() != "cpu" or kind_of_cpu() == CALLS


def flags_of_user() -> str:
    """XLA_FLAGS without those that `compile_whole_loops` adds."""
    return " ".join(flag for flag in _flags().split() if flag not in (WHOLE_LOOPS, INNER_LOOPS, WIDEST))


def _jaxlib() -> tuple[int, ...]:
    return tuple(int(part) for part in importlib.metadata.version("jaxlib").split(".")[:2])


def _flags() -> str:
    return os.environ.get("XLA_FLAGS", "")
