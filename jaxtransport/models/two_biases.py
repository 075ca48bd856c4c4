"""Variables of both classical models: currents at the ends under both biases, values along the wire."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array

from jaxtransport import status as codes
from jaxtransport.probes.response import Response


def seen_from_the_ends(
    names: Iterable[str],
    response: Response,
    injection: Array,
    forward: Any,
    reverse: Any,
    along: Iterable[str],
    more: Mapping[str, Array],
) -> dict[str, Array]:
    """The variables `names` and "status" of one point, each with a leading axis of length 1.

    Args:
        names: names among those of `jaxtransport.variables`.
        response: g and r of I_1 = +-g - i r.
        injection: i, the injected current in the unit of current.
        forward, reverse: the states under either bias.
        along: fields of a state that are stored for both biases.
        more: all other variables.
    """
    values = {
        "nonreciprocity": response.nonreciprocity(injection),
        "relative_nonreciprocity": response.relative_nonreciprocity(injection),
        "injection_response": response.injection,
        "residual": jnp.maximum(forward.residual, reverse.residual),
        **more,
    }
    for name in ("current", "right_current", *along):
        values[f"{name}_forward"] = getattr(forward, name)
        values[f"{name}_reverse"] = getattr(reverse, name)
    # Beyond the wire values are NaN; an overflow is infinite, or leaves NaN at the ends.
    finite = jnp.isfinite(values["residual"]) & jnp.isfinite(forward.current)
    finite &= jnp.isfinite(reverse.current)
    finite &= ~jnp.any(jnp.stack([jnp.any(jnp.isinf(values[name])) for name in names]))
    status = jnp.where(finite, codes.SOLVED, codes.NOT_FINITE).astype(jnp.int8)
    out = {name: jnp.where(finite, values[name], jnp.nan)[None] for name in names}
    return {**out, "status": status[None]}
