"""Fixtures of all tests: double precision, a compilation cache, the command line as a function."""

import os
import resource
import signal
import sys
from pathlib import Path

import jax
import pytest
from jaxtyping import install_import_hook
from support.compiling import QUICKLY, optimized

# Shapes and types of arrays are checked, as annotations say, in modules that only compiled code calls: others
# get NumPy arrays from tests.
PROBES = ("balance", "broyden", "exact", "implicit", "newton")
CHECKED = ["nonlinear", *(f"probes.{name}" for name in PROBES)]
install_import_hook([f"jaxtransport.{name}" for name in CHECKED], "beartype.beartype")

from jaxtransport.cli import commands as cli
from jaxtransport.compute import interrupts, xla
from jaxtransport.sweep import plan as plans

jax.config.update("jax_enable_x64", True)
xla.compile_whole_loops()
if QUICKLY and xla.quickly():
    os.environ["XLA_FLAGS"] += " --xla_cpu_use_fusion_emitters=false"

# One folder of compiled programs for all workers, for the processes that tests start, and for later runs.
CACHE = Path(__file__).parent.parent / ".pytest_cache" / "programs"
os.environ["XDG_CACHE_HOME"] = str(CACHE)
CACHE_SETTINGS = {
    "jax_compilation_cache_dir": str(CACHE / "jaxtransport" / "xla"),
    "jax_persistent_cache_min_compile_time_secs": 0.0,
    "jax_persistent_cache_min_entry_size_bytes": -1,
}
for _name, _value in CACHE_SETTINGS.items():
    jax.config.update(_name, _value)

memory, MORE = {"most": 3 * 2**30}, 2**30  # bytes, of the programs that a process keeps

# Shells that start pytest in the background have SIGINT ignored, nohup has SIGHUP; so would every process
# that a test starts.
for _number in interrupts.SIGNALS:
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, signal.default_int_handler if _number == signal.SIGINT else signal.SIG_DFL)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """Tests marked `optimized` compile as commands do; programs are forgotten before they fill the memory."""
    with optimized(item.get_closest_marker("optimized") is not None):
        result = yield
    if resident() > memory["most"]:
        jax.clear_caches()
        memory["most"] = max(memory["most"], resident() + MORE)  # what is free may not leave the process
    return result


def resident():
    """Bytes of this process in memory; the largest so far where /proc does not tell."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * resource.getpagesize()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.fixture
def jaxtransport(monkeypatch, capsys):
    """Run the command line in this process: (exit code, standard output, standard error)."""

    def run(*arguments):
        environment = dict(os.environ)
        handlers = {number: signal.getsignal(number) for number in interrupts.SIGNALS}
        monkeypatch.setattr(sys, "argv", ["jaxtransport", *map(str, arguments)])
        try:
            with pytest.raises(SystemExit) as stop:
                cli.main()
        finally:  # what a command sets ends with its process; here it would stay, for other tests too
            for number, handler in handlers.items():
                signal.signal(number, handler)
            for name in os.environ.keys() - environment.keys():
                del os.environ[name]
            os.environ.update(environment)
        said = capsys.readouterr()
        return stop.value.code or 0, said.out, said.err

    return run


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks and batches of 8 points, so that a short sweep has many."""
    monkeypatch.setattr(plans, "BLOCK_COST", 1)
    monkeypatch.setattr(plans, "BATCH_POINTS", dict.fromkeys(plans.BATCH_POINTS, 8))


@pytest.fixture
def uniform_batches(monkeypatch):
    """Blocks and batches of 16 or 32 points: XLA unrolls those of 8, whose last bits depend on the place."""
    monkeypatch.setattr(plans, "BLOCK_COST", 1)
    monkeypatch.setattr(plans, "BATCH_POINTS", dict.fromkeys(plans.BATCH_POINTS, 32))


@pytest.fixture
def no_cache_of_tests():
    """JAX without the compilation cache that tests share: whoever wants one sets it up."""
    from jax._src import compilation_cache

    jax.config.update("jax_compilation_cache_dir", None)
    compilation_cache.reset_cache()
    yield
    jax.config.update("jax_compilation_cache_dir", CACHE_SETTINGS["jax_compilation_cache_dir"])
    compilation_cache.reset_cache()
