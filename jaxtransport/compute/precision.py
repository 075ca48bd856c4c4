"""Double precision, required explicitly.

Nonreciprocity is a small difference of large currents, which single precision would silently
lose. Code that runs inside a user's own ``jit`` therefore refuses to work with x64 off;
entry points that own their computation (`run`, the command line) switch it on around themselves.
"""

from __future__ import annotations

import jax

from jaxtransport.compute.forks import require_own_jax

REMEDY = 'jax.config.update("jax_enable_x64", True), or jaxtransport.use_double()'


def use_double() -> None:
    """Switch JAX to double precision, for all of this process."""
    jax.config.update("jax_enable_x64", True)


class PrecisionError(RuntimeError):
    """Raised when JAX is in single precision."""


def require_double() -> None:
    """Raise `PrecisionError` unless JAX works in double precision here; as `require_own_jax` in a fork."""
    require_own_jax()
    if not jax.config.jax_enable_x64:  # type: ignore[attr-defined]
        raise PrecisionError(
            "jaxtransport computes in double precision only, and JAX is in single precision. "
            f"Put this line before the first use of JAX: {REMEDY}"
        )
