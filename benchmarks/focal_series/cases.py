# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases: a focal series, what its user knows of it, and what is true.

Lenses, camera, noise and guesses have seeds of their own, so that a case is imaged by
the same lenses at any dose and in all variants.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from hrtemnn_training.images.conditions import draw_conditions

from .columns import true_columns
from .images import detected, focal_series, middle, shifted, shown_wave
from .simulators import SIMULATORS
from .specimens import kept_wave, with_vacuum_around

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    from hrtemnn_training.recipe import Recipe
    from hrtemnn_training.structures import Structure
    from hyperspy_hrtemnn.analysis import Detector, Optics
    from hyperspy_hrtemnn.signals import HRTEM

    from .variants import Variant

HELD_OUT = 800_000
"""Seed of the first structure, far from those of the recipes' own."""

_DEFOCUS_OFF, _CS_OFF = 20.0, 1.5e4  # of the guesses, at most [Å]

_CONDITIONS, _NOISE, _GUESS, _DRIFT = range(1, 5)


@dataclass(frozen=True)
class Case:
    """A focal series with its truth; lengths in Å, places from the first pixel.

    Parameters
    ----------
    number, seed
        Number of the structure, and the seed of all that is drawn.
    series
        The images, with a guess of the defocus.
    Cs
        Guess of the spherical aberration.
    wave
        True exit wave, smoothed by 15 pm, on the pixels of the images.
    columns
        True columns, with those just outside.
    structure, corner
        The atoms, and where in their box the first pixel is, both along x and y.
    optics, detector
        True lenses of each image, and the detector.
    drift
        True drift (y, x) of each image against the first, shape (image, 2).
    formula
        Material.
    """

    number: int
    seed: int
    series: HRTEM
    Cs: float
    wave: NDArray[np.complex64]
    columns: pd.DataFrame
    structure: Structure
    corner: float
    optics: tuple[Optics, ...]
    detector: Detector
    drift: NDArray[np.float64]
    formula: str

    @property
    def pixel(self) -> float:
        """Pixel size [Å]."""
        return self.detector.sampling

    @property
    def size(self) -> NDArray[np.float64]:
        """Distance (x, y) from the first to the last pixel [Å]."""
        return np.array(self.wave.shape[::-1]) * self.pixel - self.pixel


@dataclass(frozen=True)
class Cases:
    """Series of one recipe in one variant.

    Parameters
    ----------
    recipe
        The recipe, with the changes of the variant.
    variant
        What differs.
    folder
        Folder of the simulated waves.
    first
        Seed of the first structure.
    """

    recipe: Recipe
    variant: Variant
    folder: Path
    first: int = HELD_OUT

    def make(self, number: int, dose: float | None = None) -> Case:
        """Return a case, at the dose that is drawn or at another [e-/Å²]."""
        seed, variant = self.first + number, self.variant
        images = self.recipe.images.channels
        around = variant.around(images)
        structure = with_vacuum_around(self.recipe.structures.make(seed), around)
        field = float(structure.box[0])
        simulator = SIMULATORS[variant.simulator]
        simulate = partial(simulator.waves, structure, self.recipe.waves, seed)
        waves = kept_wave(self.folder, number, simulate)
        optics, detector = self._conditions(seed, field, dose)
        pixel, border = detector.sampling, variant.border + around
        drift = _drift(images, variant.drift, np.random.default_rng([seed, _DRIFT]))
        shape = (round(field / pixel),) * 2
        intensities = [
            shifted(simulator.image(waves, field, lens, shape), moved / pixel)
            if moved.any()
            else simulator.image(waves, field, lens, shape)
            for lens, moved in zip(optics, drift, strict=True)
        ]
        noise = np.random.default_rng([seed, _NOISE, round(detector.dose)])
        guess = np.random.default_rng([seed, _GUESS])
        defocus = optics[0].defocus + guess.uniform(-_DEFOCUS_OFF, _DEFOCUS_OFF)
        counts = detected(intensities, detector, noise, border)
        corner = middle(pixel, border).start * pixel
        columns = true_columns(structure, variant.formula)
        columns[["x", "y"]] -= corner
        elastic = waves if waves.ndim == 2 else waves.mean(axis=0)
        return Case(
            number=number,
            seed=seed,
            series=focal_series(counts, pixel, defocus, optics[0].energy),
            Cs=optics[0].Cs + guess.uniform(-_CS_OFF, _CS_OFF),
            wave=shown_wave(elastic, field, pixel, border),
            columns=columns,
            structure=structure,
            corner=corner,
            optics=optics,
            detector=detector,
            drift=drift,
            formula=variant.formula,
        )

    def _conditions(
        self, seed: int, field: float, dose: float | None
    ) -> tuple[tuple[Optics, ...], Detector]:
        """Return lenses and detector; the pixels divide the field."""
        rng = np.random.default_rng([seed, _CONDITIONS])
        energy = self.recipe.waves.energy_of(seed)
        drawn = draw_conditions(self.recipe.images, energy, rng)
        camera = drawn.detector
        pixel = field / round(field / camera.sampling)
        camera = replace(camera, sampling=pixel, dose=dose or camera.dose)
        return drawn.optics, camera


def _drift(
    images: int, largest: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Draw the drift (y, x) of each image against the first [Å], shape (image, 2)."""
    length, angle = rng.uniform(0, [largest, 2 * np.pi], (images - 1, 2)).T
    steps = length * np.array([np.sin(angle), np.cos(angle)])
    return np.vstack([np.zeros(2), np.cumsum(steps.T, axis=0)])
