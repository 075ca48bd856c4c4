"""Numbers along a wire: one for every site, or for every bond, from the few numbers of a pattern.

    onsite  = 0.3                                                   the same everywhere
    onsite  = [0.0, 0.1, 0.2, 0.3]                                  a list
    hopping = { pattern = "alternating", values = [1.0, 0.5] }      a pattern, by its name
    onsite  = [{ pattern = "gradient", ... }, { ... }]              the sum of several

Host data: no JAX. Numbers of a pattern may be traced by it.
"""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import numpy as np

from jaxtransport.arguments import Range

HIDDEN = {"hidden": True}  # metadata of a field that no table has


class Number(NamedTuple):
    """What a number of a pattern may be, and what it is called."""

    long_name: str
    symbol: str  # TeX
    domain: Range | None = None  # None: that of the quantity along the wire
    unit: str = ""  # "": that of the quantity
    integer: bool = False
    listed: bool = False  # several of them, in a list
    bends: bool = False  # whether the numbers along the wire are no linear function of it


class Pattern(abc.ABC):
    """A rule for numbers along a wire. Subclasses are frozen dataclasses; their fields are its numbers."""

    name: ClassVar[str]  # in sweep files
    numbers: ClassVar[Mapping[str, Number]]  # fields that may be axes; any others choose a rule
    of_length: ClassVar[bool] = False  # whether its numbers depend on the length of the wire

    @abc.abstractmethod
    def along(self, index: Any, length: Any, numpy: Any = np) -> Any:
        """The numbers of sites (bonds) `index`, from 0, of `length` of them.

        Args:
            index: whole numbers, of NumPy or JAX. Those from `length` on may get any finite number.
            numpy: `jax.numpy` where numbers or `index` are traced.
        """

    def lowest(self, length: int) -> Any:
        """What no number of `length` sites (bonds) is below, of each or of all."""
        return self.along(np.arange(length), length)

    def mistakes(self) -> list[str]:
        """What is wrong with numbers that may each be what they are, as "key: ..."."""
        return []

    def told_apart(self, *, of_bonds: bool, place: int) -> Pattern:
        """The same pattern, of sites or of bonds, at its place (from 0) in a sum."""
        return self

    def to_table(self) -> Any:
        """As a sweep file has it."""
        fields = {key: getattr(self, key) for key in keys_of(type(self))}
        values = {key: list(v) if isinstance(v, tuple) else v for key, v in fields.items()}
        return {"pattern": self.name, **values}


def keys_of(kind: type[Pattern]) -> dict[str, bool]:
    """Keys of the table of a pattern, and whether each must be there."""
    fields = [field for field in dataclasses.fields(kind) if field.metadata != HIDDEN]  # type: ignore[arg-type]
    return {field.name: field.default is dataclasses.MISSING for field in fields}
