"""What the benchmark answers with: figures, each beside its bases, and what the project wants them to be."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Literal

from msgspec import Struct


class Floor(Struct, frozen=True):
    """What is wanted."""

    limit: float
    kind: Literal["least", "most"] = "least"

    def met_by(self, value: float) -> bool:
        """Whether the value is good enough."""
        return value >= self.limit if self.kind == "least" else value <= self.limit


class Beside(Struct, frozen=True, kw_only=True):
    """The same done by something known, in the same rounds."""

    name: str
    value: float
    """In the unit of the figure."""
    ratio: float | None
    """The figure ÷ this: the median over the rounds; None when this is nothing at all."""
    floor: Floor | None = None
    """Of the ratio."""
    met: bool | None = None
    """None without a floor."""


class Figure(Struct, frozen=True, kw_only=True):
    """One number."""

    name: str
    value: float
    """The median over the rounds."""
    unit: str
    beside: tuple[Beside, ...] = ()
    floor: Floor | None = None
    met: bool | None = None


class Section(Struct, frozen=True, kw_only=True):
    """One kind of measurement."""

    name: str
    about: str
    """What was done, in a sentence."""
    seconds: float
    """How long it took."""
    figures: tuple[Figure, ...]
    notes: tuple[str, ...] = ()
    """What was left out, and why."""


def at_least(limit: float) -> Floor:
    """Wanted: so much, or more."""
    return Floor(limit)


def at_most(limit: float) -> Floor:
    """Wanted: so much, or less."""
    return Floor(limit, "most")


def beside(name: str, ours: Sequence[float], theirs: Sequence[float], floor: Floor | None = None) -> Beside:
    """A base, from the values of the same rounds."""
    ratios = [mine / other for mine, other in zip(ours, theirs, strict=True) if other]
    ratio = median(ratios) if ratios else None
    met = None if floor is None or ratio is None else floor.met_by(ratio)
    return Beside(name=name, value=median(theirs), ratio=ratio, floor=floor, met=met)


def figure(name: str, unit: str, values: Sequence[float], *bases: Beside, floor: Floor | None = None) -> Figure:
    """A figure, from its values in all rounds."""
    value = median(values)
    met = None if floor is None else floor.met_by(value)
    return Figure(name=name, value=value, unit=unit, beside=bases, floor=floor, met=met)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of them does not exceed.

    Raises:
        ValueError: there are none.
    """
    if not values:
        raise ValueError("nothing was measured")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
