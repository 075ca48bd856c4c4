"""The members of some points of an average as they come, and their statistics in the end."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import numpy as np

from jaxtransport.status import SOLVED
from jaxtransport.sweep import quantiles
from jaxtransport.sweep.average import Averaging, Members
from jaxtransport.sweep.grid import Block
from jaxtransport.sweep.moments import Moments, chosen, merged, standard_error
from jaxtransport.sweep.statistics import BOOKS


class Collected:
    """What is known of the members of some points. Members are added in their order."""

    def __init__(
        self,
        averaging: Averaging,
        points: Block,
        piece: int,
        state: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        """Start without members, or where `state` was taken.

        Args:
            piece: members of a piece.
        """
        self._averaging, self._piece = averaging, piece
        self._shape = (len(points.solve), len(points.free))
        numbers = averaging.quantities
        self._whole = Moments.none(numbers, self._shape)  # of whole pieces
        self._total = self._whole
        self._open = np.ones(self._shape, bool)  # whether more members are needed
        self._seen = 0  # members
        self._x: list[np.ndarray] = []
        self._good: list[np.ndarray] = []
        asked = averaging.average.quantiles
        self._sketch = (
            quantiles.Sketch(numbers * prod(self._shape)) if asked and not averaging.exact else None
        )
        if state is not None:
            self._resume(state)
            self._close()

    @property
    def complete(self) -> bool:
        """Whether all members are there, or as many as are needed."""
        return self._seen == self._averaging.members or not self._open.any()

    def add(self, block: Members, values: Mapping[str, np.ndarray]) -> None:
        """Add the next members, as `Averaging.reduced` gives them."""
        pieces = Moments(*(values[name] for name in Moments._fields))
        count = len(block.members)
        for start in range(0, count, self._piece):
            members = slice(start, min(start + self._piece, count))
            if "x" in values:
                self._keep(values["x"][..., members], values["status"][..., members])
            one = Moments(*(field[start // self._piece] for field in pieces))
            self._total = chosen(self._open, merged(self._whole, one), self._total)
            if members.stop - members.start == self._piece:
                self._whole = self._total
            self._close()
        self._seen += count

    def _keep(self, x: np.ndarray, status: np.ndarray) -> None:
        """Keep members for quantiles."""
        good = (status == SOLVED) & self._open[..., None]
        if self._sketch is None:
            self._x.append(x)
            self._good.append(good)
            return
        every = np.broadcast_to(good, x.shape)
        self._sketch.add(x.reshape(-1, x.shape[-1]), every.reshape(-1, x.shape[-1]))

    def _close(self) -> None:
        """Need no more members of points whose error is small enough."""
        average = self._averaging.average
        if average.error is None:
            return
        first = 0
        for v in self._averaging.task.variables:
            if v.name == average.of:
                break
            first += prod(self._averaging.task.trailing(v))
        self._open = self._open & ~(
            standard_error(self._total.n, self._total.squares[first]) <= average.error
        )

    def statistics(self) -> dict[str, np.ndarray]:
        """Every stored variable, shape (point, free, ...)."""
        n, task = self._total.n, self._averaging.task
        none = n == 0
        out = {
            "members": n,
            "failed": self._total.failed,
            "status": np.where(none, self._total.first, SOLVED).astype(np.int8),
        }
        with np.errstate(all="ignore"):
            of = {
                "mean": np.where(none, np.nan, self._total.mean),
                "error": standard_error(n, self._total.squares),
                "variance": np.where(n > 1, self._total.squares / (n - 1), np.nan),
                "typical": np.where(none, np.nan, np.exp(self._total.logs / np.maximum(n, 1))),
            }
        average = self._averaging.average
        of = {kind: of[kind] for kind in of if kind in ("mean", *average.statistics)}
        if "quantiles" in average.statistics:
            of["quantiles"] = self._quantiles()
        sums = {"mean": True, "squares": average.squares, "logs": average.logs}
        of |= {f"{BOOKS}{name}": getattr(self._whole, name) for name, needed in sums.items() if needed}
        out |= {f"{BOOKS}{name}": getattr(self._whole, name) for name in ("n", "failed", "first")}
        first = 0
        for v in task.variables:
            extra = task.trailing(v)
            own = slice(first, first + prod(extra))
            first = own.stop
            for kind, numbers in of.items():
                name = v.name if kind == "mean" else f"{v.name}_{kind}"
                if kind.startswith(BOOKS):
                    name = f"{kind}_{v.name}"
                mine = np.moveaxis(numbers[own], 0, 2)  # (point, free, quantity, ...)
                out[name] = mine.reshape(*self._shape, *extra, *mine.shape[3:])
        return out

    def _quantiles(self) -> np.ndarray:
        """Shape (quantity, point, free, probability)."""
        asked = self._averaging.average.quantiles
        if self._sketch is not None:
            return self._sketch.quantiles(asked).reshape(-1, *self._shape, len(asked))
        good = np.concatenate(self._good, -1)
        out = np.empty((self._averaging.quantities, *self._shape, len(asked)))
        for i in range(len(out)):  # one after another, for the sake of memory
            out[i] = quantiles.exact(np.concatenate([x[i] for x in self._x], -1), good, asked)
        return out

    def state(self) -> dict[str, np.ndarray]:
        """What `state` of the constructor takes. Only between blocks of whole pieces."""
        out = {name: getattr(self._whole, name) for name in Moments._fields}
        out |= {"open": self._open, "seen": np.array(self._seen)}
        if self._sketch is not None:
            out |= {"counts": self._sketch.counts, "without": self._sketch.without}
        elif self._x:
            out |= {"x": np.concatenate(self._x, -1), "good": np.concatenate(self._good, -1)}
        return out

    def _resume(self, state: Mapping[str, np.ndarray]) -> None:
        self._whole = self._total = Moments(*(state[name] for name in Moments._fields))
        self._seen = int(state["seen"])
        self._open = state.get("open", self._open)
        if self._sketch is not None:
            self._sketch.counts, self._sketch.without = state["counts"], state["without"]
        elif "x" in state:
            self._x, self._good = [state["x"]], [state["good"]]
