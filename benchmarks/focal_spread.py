# SPDX-License-Identifier: GPL-3.0-or-later
"""Images of a focal spread: the temporal envelope and ours against sums over foci.

    python benchmarks/focal_spread.py

The truth is the mean of the images of 161 foci, weighted by the Gaussian of the focal
spread. Prints, for MoS2 with 50 and 80 keV and gold on CeO2 with 300 keV, the RMS
difference of the image of a wave damped by the envelope, in units of the vacuum, that
of `image_intensity` and its largest one, how many waves it is the sum of, and how many
times as long it takes as that of the envelope.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import scipy.fft

from hrtemnn_training.recipe import read_recipe
from hrtemnn_training.structures import SupportedParticles
from hrtemnn_training.waves.multislice import WaveSettings, exit_wave
from hyperspy_hrtemnn.analysis import (
    Optics,
    image_intensity,
    transfer_function,
    wavelength,
)
from hyperspy_hrtemnn.analysis.microscope.focal_spread import (
    find_shells,
    focal_factors,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

SPREADS = (5.0, 10.0, 17.0, 30.0)  # [Å]
DEFOCUS, CS, BLUR = 60.0, -5e4, 0.1  # [Å]
PIXEL = 0.15  # of the images [Å]
FOCI, WIDEST = 161, 4.0  # the latter in half widths of the distribution
REPEATS = 7
FLAKE = "training/recipes/mos2-exitwave.json"


def waves() -> Iterator[tuple[str, float, np.ndarray, tuple[float, float]]]:
    """Yield name, energy [keV], exit wave and field (y, x) [Å] of each specimen."""
    recipe = read_recipe(FLAKE)
    flake = recipe.structures.make(1)
    particle = SupportedParticles(
        field=80, empty=0, bare_support=0, free_particles=0
    ).make(1)
    for name, energy, structure, settings in (
        ("MoS2", 50.0, flake, recipe.waves),
        ("MoS2", 80.0, flake, recipe.waves),
        ("Au on CeO2", 300.0, particle, WaveSettings()),
    ):
        wave = exit_wave(structure, settings.model_copy(update={"energy": energy}))
        width, height, _ = structure.box
        yield name, energy, wave, (height, width)


def mean_over_foci(
    wave: np.ndarray, field: tuple[float, float], optics: Optics, shape: tuple[int, int]
) -> np.ndarray:
    """Return the mean of the images of many foci."""
    away = np.linspace(-WIDEST, WIDEST, FOCI)
    weights = np.exp(-(away**2))
    mean = np.zeros(shape)
    for each, weight in zip(away, weights / weights.sum(), strict=True):
        focus = optics.defocus + each * optics.focal_spread
        lens = replace(optics, defocus=focus, focal_spread=0)
        mean += weight * image_intensity(wave, field, lens, shape)
    return mean


def damped(
    wave: np.ndarray, field: tuple[float, float], optics: Optics, shape: tuple[int, int]
) -> np.ndarray:
    """Return the image of a wave with the temporal envelope."""
    bare = Optics(optics.energy)
    envelope = np.abs(
        transfer_function(
            wave.shape, field, replace(bare, focal_spread=optics.focal_spread)
        )
    )
    enveloped = scipy.fft.ifft2(scipy.fft.fft2(wave) * envelope)
    return image_intensity(enveloped, field, replace(optics, focal_spread=0), shape)


def number_of_waves(
    wave: np.ndarray, field: tuple[float, float], optics: Optics
) -> int:
    """Return how many waves make an image."""
    passed = scipy.fft.fft2(wave) * transfer_function(
        wave.shape, field, replace(optics, focal_spread=0)
    )
    ky, kx = (
        scipy.fft.fftfreq(n, length / n).astype(np.float32)
        for n, length in zip(wave.shape, field, strict=True)
    )
    shells = find_shells(ky[:, np.newaxis] ** 2 + kx**2, np.abs(passed) ** 2)
    lam = wavelength(optics.energy)
    return 1 + len(focal_factors(shells, lam, optics.focal_spread))


def shortest(
    wave: np.ndarray, field: tuple[float, float], optics: Optics, shape: tuple[int, int]
) -> float:
    """Return the shortest time of an image [s]."""
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        image_intensity(wave, field, optics, shape)
        times.append(time.process_time() - start)
    return min(times)


def main() -> None:
    """Print a row for each specimen and focal spread."""
    for name, energy, wave, field in waves():
        shape = (round(field[0] / PIXEL), round(field[1] / PIXEL))
        for spread in SPREADS:
            optics = Optics(energy, DEFOCUS, CS, spread, BLUR)
            truth = mean_over_foci(wave, field, optics, shape)
            ours = image_intensity(wave, field, optics, shape) - truth
            envelope = damped(wave, field, optics, shape) - truth
            ratio = shortest(wave, field, optics, shape) / shortest(
                wave, field, replace(optics, focal_spread=0), shape
            )
            print(
                f"{name}, {energy:.0f} keV, {wave.shape[0]} x {wave.shape[1]}, "
                f"{spread:.0f} Å: envelope {np.sqrt(np.mean(envelope**2)):.1e}, ours "
                f"{np.sqrt(np.mean(ours**2)):.1e}, at most {np.abs(ours).max():.1e}; "
                f"{number_of_waves(wave, field, optics)} waves, {ratio:.2f} times the "
                "time"
            )


if __name__ == "__main__":
    main()
