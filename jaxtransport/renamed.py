"""Old names of attributes, which still work and warn."""

from __future__ import annotations

import warnings
from typing import Any


class Renamed:
    """The old name of an attribute.

    class State:
        potential: ...
        bond_currents = Renamed("bond_current")
    """

    def __init__(self, new: str) -> None:
        self.new = new

    def __set_name__(self, owner: type, name: str) -> None:
        self.old = name

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self
        message = f"{owner.__name__}.{self.old} is called {self.new}; the old name will be removed"
        warnings.warn(message, DeprecationWarning, stacklevel=2)
        value = getattr(instance, self.new)
        return value
