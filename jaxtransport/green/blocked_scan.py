"""Recursions along a long wire, parallel in its pieces.

    y_l = step(y_{l-1}, e_l),      step(step(y, e), e') = apply(y, extend(e, e'))

Sites stand in an array (along, piece): piece after piece, some sqrt(N) of some sqrt(N) sites. One sweep over
all pieces at once sums up what each does to whatever enters it; one from piece to piece finds what
enters; a second sweep over all pieces gives y at every site. That is twice the work in sqrt(N) steps
instead of N.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Shaped

PerSite = Shaped[Array, "along piece"]


def cut(values: Shaped[Array, " site"], beyond: Any) -> PerSite:
    """Values of the sites as pieces; `beyond` fills the last one up."""
    sites = values.shape[0]
    along = math.isqrt(sites)
    pieces = -(-sites // along)
    padded = jnp.pad(values, (0, along * pieces - sites), constant_values=beyond)
    return padded.reshape(pieces, along).T


def joined(values: PerSite, sites: int) -> Shaped[Array, " site"]:
    """Inverse of `cut`."""
    return values.T.reshape(-1)[:sites]


def before(values: PerSite, first: Any) -> PerSite:
    """At every site the value of the site before it; `first` at the first."""
    top = jnp.concatenate([jnp.full(1, first, values.dtype), values[-1, :-1]])
    return jnp.concatenate([top[None], values[:-1]])


def after(values: PerSite, last: Any) -> PerSite:
    """At every site the value of the site after it; `last` at the last."""
    bottom = jnp.concatenate([values[0, 1:], jnp.full(1, last, values.dtype)])
    return jnp.concatenate([values[1:], bottom[None]])


def total(extend: Callable[..., Any], nothing: Any, elements: Any, *, reverse: bool = False) -> Any:
    """Combined action of each piece: its elements joined by `extend`, from `nothing` (scalars) on."""
    like = jax.tree.leaves(elements)[0][0]
    begin = jax.tree.map(lambda value: jnp.full_like(like, value), nothing)
    return lax.scan(lambda sum_, e: (extend(sum_, e), None), begin, elements, reverse=reverse)[0]


def sweep(
    step: Callable[..., Any],
    extend: Callable[..., Any],
    nothing: Any,
    elements: Any,
    start: Any,
    *,
    apply: Callable[..., Any] | None = None,
    reverse: bool = False,
) -> Any:
    """y at every site.

    Args:
        step: y after a site from y before it and the site's element.
        extend: what a stretch of sites does from what it does without its last site, and that site's element.
        nothing: what no site does, scalars.
        elements: arrays (along, piece).
        start: y before the first site, scalars.
        apply: y after a stretch from y before it and what the stretch does; `step` by default.
        reverse: from the last site to the first.
    """
    apply = step if apply is None else apply
    whole = total(extend, nothing, elements, reverse=reverse)
    begin = jax.tree.map(lambda value: jnp.asarray(value, jax.tree.leaves(whole)[0].dtype), start)
    enters = lax.scan(lambda y, does: (apply(y, does), y), begin, whole, reverse=reverse)[1]
    return lax.scan(lambda y, e: (step(y, e),) * 2, enters, elements, reverse=reverse)[1]
