"""Numbers along a wire: one for every site, or for every bond, from the few numbers of a pattern.

    onsite  = 0.3                                                   the same everywhere
    onsite  = [0.0, 0.1, 0.2, 0.3]                                  a list
    hopping = { pattern = "alternating", values = [1.0, 0.5] }      a pattern, by its name

Host data: no JAX. Numbers of a pattern may be traced by it.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np


class Pattern(abc.ABC):
    """A rule for numbers along a wire. Subclasses are frozen dataclasses; their fields are its numbers."""

    name: ClassVar[str]  # in sweep files
    entries: ClassVar[tuple[str, ...]] = ()  # fields that list values of sites or bonds, in their unit
    of_length: ClassVar[bool] = False  # whether its numbers depend on the length of the wire

    @abc.abstractmethod
    def along(self, index: Any, length: int, numpy: Any = np) -> Any:
        """The numbers of sites (bonds) `index`, from 0, of `length` of them.

        Args:
            index: whole numbers, of NumPy or JAX. Those from `length` on may get any finite number.
            numpy: `jax.numpy` where numbers or `index` are traced.
        """

    def to_table(self) -> Any:
        """As a sweep file has it."""
        fields: Mapping[str, Any] = vars(self)
        values = {key: list(v) if isinstance(v, tuple) else v for key, v in fields.items()}
        return {"pattern": self.name, **values}
