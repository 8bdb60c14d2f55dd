# SPDX-License-Identifier: GPL-3.0-or-later
"""Conditions that a domain study sweeps, of the images and of the specimen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from hrtemnn_training.recipe import Recipe, change_images
from hrtemnn_training.structures import AMORPHOUS, FACES
from hyperspy_hrtemnn.ranges import energy_range

if TYPE_CHECKING:
    from pydantic import BaseModel

    from hrtemnn_training.images.keys import ImageKeys

Value = float | str
Range = tuple[float, float]
Spacing = Callable[[Range], list[float]]

_BEYOND = (1.25, 1.5, 2.0, 3.0, 4.0)
_ENERGIES = (40.0, 60.0, 80.0, 120.0, 200.0, 300.0)


@dataclass(frozen=True)
class Condition:
    """Something that varies from one microscope, or one specimen, to another.

    Parameters
    ----------
    name
        Its name in the card and in tables.
    label
        Name and unit for an axis.
    trained
        Range of the training, None for names.
    tried
        Values that are tried, rising where they are numbers.
    is_log
        Whether equal steps are equal ratios.
    images
        Keys of the images for a value, None if it changes the specimen.
    specimen
        Changes of ``structures`` and ``waves`` of a recipe for a value.
    """

    name: str
    label: str
    trained: Range | None
    tried: tuple[Value, ...]
    is_log: bool = False
    images: Callable[[Any], dict[str, Any]] | None = None
    specimen: Callable[[Any], dict[str, dict[str, Any]]] | None = None

    def images_at(self, recipe: Recipe, value: Value) -> ImageKeys:
        """Return how images are taken at a value, all else as in the training."""
        if self.images is None:
            return recipe.images
        return change_images(recipe, self.images(value))

    def recipe_at(self, recipe: Recipe, value: Value) -> Recipe:
        """Return the recipe of the specimens at a value."""
        if self.specimen is None:
            return recipe
        changes = self.specimen(value)
        return recipe.model_copy(
            update={
                "waves": _changed(recipe.waves, changes.get("waves", {})),
                "structures": _in_parts(
                    recipe.structures, changes.get("structures", {})
                ),
            }
        )


def conditions_of(recipe: Recipe) -> dict[str, Condition]:
    """Return the conditions that can be swept for a recipe, by name."""
    found = [*_of_images(recipe.images), *_of_specimens(recipe)]
    return {condition.name: condition for condition in found}


def _of_images(images: ImageKeys) -> list[Condition]:
    def of_key(
        name: str, label: str, key: str, spacing: Spacing, *, is_log: bool = False
    ) -> Condition:
        trained = images.widest(key)
        return Condition(
            name,
            label,
            trained,
            tuple(spacing(trained)),
            is_log,
            images=lambda value: {key: [value, value]},
        )

    low, high = images.widest("log_dose")
    doses = (low - 1.5, low - 1, low - 0.5, *np.linspace(low, high, 6))
    dose = Condition(
        "dose",
        "dose (e⁻/Å²)",
        (10**low, 10**high),
        tuple(float(10**v) for v in (*doses, high + 0.5, high + 1)),
        is_log=True,
        images=lambda value: {"log_dose": [np.log10(value)] * 2},
    )
    calm, shaky = images.widest("vibration_blur")
    sharp, blunt = images.widest("blur")
    blurred = (float(np.hypot(calm, sharp)), float(np.hypot(shaky, blunt)))
    blur = Condition(
        "blur",
        "blur in the image, standard deviation (Å)",
        blurred,
        tuple(_from_nothing(blurred, least=0.2)),
        # All of it is of the intensity, as that of a microscope that shakes.
        images=lambda value: {"blur": [0, 0], "vibration_blur": [value, value]},
    )
    return [
        dose,
        of_key("sampling", "pixel size (Å)", "sampling", _ratios, is_log=True),
        of_key("defocus", "defocus (Å)", "defocus", _around),
        of_key("Cs", "spherical aberration (Å)", "ctf_c30", _around),
        of_key(
            "astigmatism",
            "twofold astigmatism (Å)",
            "ctf_c12",
            partial(_from_nothing, least=25.0),
        ),
        of_key("focal_spread", "focal spread (Å)", "focal_spread", _from_nothing),
        blur,
    ]


def _of_specimens(recipe: Recipe) -> list[Condition]:
    waves = recipe.waves
    low, high = energy_range(waves.energy)
    energies = sorted({*_ENERGIES, low, high})
    found = [
        Condition(
            "energy",
            "beam energy (keV)",
            (low, high),
            tuple(energies),
            is_log=True,
            specimen=lambda value: {"waves": {"energy": value}},
        )
    ]
    moved = getattr(waves.vibrations, "mean_square", None)
    if moved is not None or waves.vibrations.method == "none":
        at_rest = moved or 0.0
        found.append(
            Condition(
                "vibrations",
                "mean squared displacement of atoms (Å²)",
                (at_rest, at_rest),
                tuple(sorted({0.0, 0.003, 0.006, 0.012, 0.024, at_rest})),
                specimen=lambda value: {"waves": {"vibrations": _vibrations(value)}},
            )
        )
    tilts = _found_in(recipe.structures, "axis_tilt")
    if tilts:
        trained = (min(t[0] for t in tilts), max(t[1] for t in tilts))
        found.append(
            Condition(
                "tilt",
                "tilt of particles or flakes (degrees)",
                trained,
                tuple(_from_nothing(trained, least=3.0)),
                specimen=lambda value: {"structures": {"axis_tilt": [value, value]}},
            )
        )
    if _found_in(recipe.structures, "supports"):
        found.append(
            Condition(
                "support",
                "support",
                None,
                (*FACES, *AMORPHOUS),
                specimen=lambda value: {
                    "structures": {"supports": None, "support": value}
                },
            )
        )
    return found


def _vibrations(mean_square: float) -> dict[str, Any]:
    if not mean_square:
        return {"method": "none"}
    return {"method": "uniform smearing", "mean_square": mean_square}


def _found_in(structures: Any, key: str) -> list[Any]:
    """Return the values of a key of a generator, or of those parts that have it."""
    parts = getattr(structures, "parts", None)
    generators = [structures] if parts is None else [p.structures for p in parts]
    return [getattr(each, key) for each in generators if key in type(each).model_fields]


def _in_parts(structures: Any, changes: dict[str, Any]) -> Any:
    """Return structures with changed keys, in those parts of a mixture that have them.

    A mixture draws the same part for the same seed as before.
    """
    parts = getattr(structures, "parts", None)
    if parts is None:
        return _changed(structures, changes)
    changed = [
        part.model_copy(update={"structures": _changed(part.structures, changes)})
        for part in parts
    ]
    return structures.model_copy(update={"parts": tuple(changed)})


def _changed(model: BaseModel, changes: dict[str, Any]) -> BaseModel:
    if not changes.keys() <= type(model).model_fields.keys():
        return model
    return type(model).model_validate(model.model_dump(exclude_unset=True) | changes)


def _ratios(trained: Range) -> list[float]:
    low, high = trained
    inside = np.geomspace(low, high, 4).tolist() if low < high else [low]
    steps = (1.25, 1.6, 2.0, 2.5)
    return [*(low / s for s in steps[::-1]), *inside, *(high * s for s in steps)]


def _around(trained: Range) -> list[float]:
    middle, half = sum(trained) / 2, (trained[1] - trained[0]) / 2
    half = half or abs(middle) / 4 or 100.0
    steps = (0.5, 1.0, *_BEYOND)
    return [middle + s * half for s in (*(-s for s in steps[::-1]), 0.0, *steps)]


def _from_nothing(trained: Range, least: float = 10.0) -> list[float]:
    """Return values from 0 to four times the largest, or to four times `least`."""
    low, high = trained
    high = max(high, least)
    inside = {0.0, low / 2, low, (low + high) / 2, high}
    return sorted(inside | {high * step for step in _BEYOND})
