"""How tests compile.

Most tests compile for longer than they compute, so XLA optimises little.
JAX_DISABLE_MOST_OPTIMIZATIONS=0 compiles everything as commands do. Processes that tests start inherit it.
"""

import contextlib
import os

import jax

FLAG = "JAX_DISABLE_MOST_OPTIMIZATIONS"
QUICKLY = os.environ.setdefault(FLAG, "1") != "0"
jax.config.update(FLAG.lower(), QUICKLY)  # read from the environment when JAX was imported


@contextlib.contextmanager
def optimized(wanted=True):
    """Context in which programs are compiled as commands compile them."""
    if not (QUICKLY and wanted):
        yield
        return
    os.environ[FLAG] = "0"
    jax.config.update(FLAG.lower(), False)
    try:
        yield
    finally:
        os.environ[FLAG] = "1"
        jax.config.update(FLAG.lower(), True)
