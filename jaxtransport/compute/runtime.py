"""JAX settings during a run (double precision, compilation cache), restored afterwards.

Double precision, and a compilation cache on disk, so that a second start compiles nothing. Settings
of the user take precedence, except `jax_debug_nans`: NaN is used on purpose for missing values.
"""

from __future__ import annotations

import contextlib
import functools
import os
import platform
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import equinox as eqx
import jax
from jax.experimental.compilation_cache import compilation_cache

import jaxtransport
from jaxtransport.compute import xla
from jaxtransport.compute.forks import require_own_jax
from jaxtransport.errors import InputError

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def cache_folder() -> Path | None:
    """Where compiled kernels are kept; None if that folder cannot be written."""
    configured = jax.config.jax_compilation_cache_dir  # type: ignore[attr-defined]
    if configured:
        return Path(configured)
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = base / "jaxtransport" / "xla"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None


@contextlib.contextmanager
def computing() -> Iterator[None]:
    """Double precision and the compilation cache, inside this context only.

    Raises:
        RuntimeError: this process is a fork of one in which JAX had started.
    """
    require_own_jax()
    with jax.enable_x64(True), _nans_allowed(), _cached():
        yield


def kept(program: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """`program`, which is compiled by JAX, as a function whose compiled form is kept on disk.

    Settings are changed only around calls with arguments of a new kind, which compile something.
    """
    seen = set()

    @functools.wraps(program)
    def call(*arguments: Arguments.args, **named: Arguments.kwargs) -> Result:
        kind = (*map(_kind_of, arguments), *((name, _kind_of(one)) for name, one in named.items()))
        if kind in seen and not _debugs():
            return program(*arguments, **named)
        with _nans_allowed(), _cached():
            result = program(*arguments, **named)
        seen.add(kind)
        return result

    return call


def compiled_quickly(function: Callable[Arguments, Result], **how: Any) -> Callable[Arguments, Result]:
    """As `kept(jax.jit(function, **how))`, with `xla.quickly` where no transform is around it."""
    plain = kept(jax.jit(function, **how))
    quick = kept(jax.jit(function, compiler_options=xla.quickly(), **how))

    @functools.wraps(function)
    def call(*arguments: Arguments.args, **named: Arguments.kwargs) -> Result:
        traced = any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves((arguments, named)))
        return (plain if traced else quick)(*arguments, **named)

    return call


def _kind_of(argument: Any) -> Any:
    """Key of a compiled program: types and shapes of arrays, other arguments themselves. Must be fast."""
    if hasattr(argument, "dtype"):
        return type(argument), argument.shape, argument.dtype
    if isinstance(argument, eqx.Module):
        return type(argument), *map(_kind_of, vars(argument).values())
    return argument


def _debugs() -> bool:
    return bool(jax.config.jax_debug_nans or jax.config.jax_debug_infs)  # type: ignore[attr-defined]


@contextlib.contextmanager
def _nans_allowed() -> Iterator[None]:
    if _debugs():
        with jax.debug_nans(False), jax.debug_infs(False):
            yield
    else:
        yield


_cache_lock = threading.Lock()
_cache_users = 0  # number of threads of this process that use it: the first switches it on, the last off
_cache_before: dict[str, Any] = {}


@contextlib.contextmanager
def _cached() -> Iterator[None]:
    global _cache_users
    with _cache_lock:
        ours = _cache_users > 0
        if not ours and not jax.config.jax_compilation_cache_dir and (folder := cache_folder()):  # type: ignore[attr-defined]
            wanted = {
                "jax_compilation_cache_dir": str(folder),
                "jax_persistent_cache_min_compile_time_secs": 0.05,  # our kernels compile in about a second
                "jax_persistent_cache_min_entry_size_bytes": -1,
            }
            _cache_before.update({name: getattr(jax.config, name) for name in wanted})
            _configure(wanted)
            ours = True
        _cache_users += ours
    try:
        yield
    finally:
        with _cache_lock:
            _cache_users -= ours
            if ours and not _cache_users:
                _configure(_cache_before)


def _configure(values: dict) -> None:
    for name, value in values.items():
        jax.config.update(name, value)
    compilation_cache.reset_cache()  # JAX reads these settings once, unless the cache is reset


def devices(count: int | None) -> list[jax.Device]:
    """The first `count` local devices, by default all.

    Raises:
        InputError: there are fewer; JAX cannot start with the settings of the environment.
    """
    try:
        local = jax.local_devices()
    except (RuntimeError, AssertionError) as error:
        names = ("JAX_PLATFORMS", "JAX_PLATFORM_NAME")
        told = {name: os.environ.get(name) for name in names} | {"XLA_FLAGS": xla.flags_of_user()}
        told = {name: value for name, value in told.items() if value}
        given = ", ".join(f"{name} = {value!r}" for name, value in told.items())
        reason = str(error).strip().partition("\n")[0] or "no such platform"
        raise InputError(f"{given or 'devices'}: JAX cannot start ({reason}); change or unset it") from error
    if count is not None and not 1 <= count <= len(local):
        raise InputError(
            f"devices = {count}: JAX has {len(local)} here ({local[0].platform}); expected 1 to {len(local)}"
        )
    return local[:count]


def kind(devices: list[jax.Device]) -> str:
    """Kind of device for `sweep.plan`: "gpu", or as `xla.kind_of_cpu`."""
    return xla.kind_of_cpu() if devices[0].platform == "cpu" else "gpu"


def memory(devices: list[jax.Device]) -> int | None:
    """Bytes that JAX may use on the smallest of some devices; None for cores, whose batches fit a cache."""
    limits = [(device.memory_stats() or {}).get("bytes_limit") for device in devices]
    return min((limit for limit in limits if limit), default=None)


def provenance() -> dict[str, str]:
    """Versions, device and code revision, as stored with every result."""
    device = jax.devices()[0]
    return {
        "jaxtransport_version": jaxtransport.__version__,
        "jax_version": jax.__version__,
        "python_version": platform.python_version(),
        "device": f"{device.platform}: {device.device_kind}",
        "precision": "float64",
        "revision": revision(),
    }


@functools.cache
def revision() -> str:
    """Commit of the checkout that the package runs from, "+" if changed; "" for an installed one."""
    root = Path(jaxtransport.__file__).resolve().parent.parent
    if not (root / ".git").exists():
        return ""

    def git(*arguments: str) -> str:  # without locks, which a killed run would leave behind
        done = subprocess.run(
            ["git", "--no-optional-locks", "-C", str(root), *arguments],
            capture_output=True,
            text=True,
            timeout=10,
        )
        return done.stdout.strip() if done.returncode == 0 else ""

    try:
        commit = git("rev-parse", "HEAD")
        changed = git("status", "--porcelain", "--untracked-files=no", "--", "jaxtransport")
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return commit + "+" * bool(commit and changed)
