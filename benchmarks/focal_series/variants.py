# SPDX-License-Identifier: GPL-3.0-or-later
"""Variants: in what series, or what a user says of them, differ from a recipe."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Literal

from .images import BORDER

if TYPE_CHECKING:
    from hrtemnn_training.recipe import Recipe

# Flakes larger than their field, and what is cut off so that atoms are beyond the
# images, too [Å].
_CUT = {"field": 80.0, "side": (90.0, 130.0)}
_CUT_BORDER = 12.0


@dataclass(frozen=True)
class Variant:
    """Differences from the recipe; with the defaults there are none.

    Parameters
    ----------
    drift
        Largest drift of the sample from one image to the next [Å].
    camera
        Whether the user knows the camera's MTF and readout noise, or has them from
        `fit_mtf` of an image of the vacuum.
    gain_error, dose_error
        By which share the counts of an electron, or in their place the dose, that the
        user gives is too large.
    cut
        Whether the flakes are larger than the images on all sides.
    astigmatism
        Range of the twofold astigmatism [Å].
    energy
        Beam energy [keV].
    formula
        Material.
    simulator
        What simulates waves and images: the recipe's way, or abTEM's own functions.
    """

    drift: float = 0.0
    camera: Literal["known", "fitted"] = "known"
    gain_error: float = 0.0
    dose_error: float = 0.0
    cut: bool = False
    astigmatism: tuple[float, float] | None = None
    energy: float | None = None
    formula: str = "MoS2"
    simulator: Literal["recipe", "abtem"] = "recipe"

    @property
    def name(self) -> str:
        """What differs, as a part of file names; "plain" if nothing does."""
        return _joined(self, {each.name for each in fields(self)}) or "plain"

    @property
    def of_waves(self) -> str:
        """What differs in the waves, as a part of file names; empty if nothing does."""
        shaping = {"drift", "cut", "energy", "formula", "simulator"}
        return _joined(self, shaping)

    def around(self, images: int) -> float:
        """Return how much vacuum is needed around a box for so many images [Å]."""
        return self.drift * (images - 1)

    @property
    def border(self) -> float:
        """What is cut off on each side of the recipe's field [Å]."""
        return _CUT_BORDER if self.cut else BORDER

    def of(self, recipe: Recipe) -> Recipe:
        """Return the recipe with its ranges changed."""
        structures: dict[str, object] = dict(_CUT) if self.cut else {}
        if self.formula != "MoS2":
            structures["formulas"] = (self.formula,)
        waves = {} if self.energy is None else {"energy": self.energy}
        images = {} if self.astigmatism is None else {"ctf_c12": self.astigmatism}
        changed = {
            key: getattr(recipe, key).model_copy(update=update)
            for key, update in (
                ("structures", structures),
                ("waves", waves),
                ("images", images),
            )
        }
        return recipe.model_copy(update=changed)


def _joined(variant: Variant, names: set[str]) -> str:
    parts = []
    for each in fields(variant):
        value = getattr(variant, each.name)
        if each.name not in names or value == each.default:
            continue
        if isinstance(value, tuple):
            value = "-".join(f"{number:g}" for number in value)
        parts.append(each.name if value is True else f"{each.name}-{value}")
    return "_".join(parts)
