# SPDX-License-Identifier: GPL-3.0-or-later
"""Lenses of focal series, fitted with the waves of a network.

    python benchmarks/fit_optics.py FOLDER --series 40 --doses 1e3 1e4 1e5

FOLDER keeps the exit waves, which abTEM takes some seconds each to simulate. Flakes,
lenses and cameras are drawn from the ranges of the recipe of mos2-exitwave; the images
are the middle of a larger field, so that they are not periodic. The network
reconstructs the wave without knowing the lenses, and the fit begins at a guess that is
off by up to 2 nm of defocus and 1.5 um of Cs. The plane of a wave is a convention, that
of the simulation is 2 Å behind the highest atom of a tilted flake: "registered" is the
defocus once the network's wave is moved along the beam to where it is nearest to the
true one. Prints the errors, how often they are
within one and two standard errors, and how many fits ended in a wrong minimum.
"""

from __future__ import annotations

import argparse
import warnings
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from focal_series.images import detected, focal_series, shown_wave
from focal_series.lens_scores import along_beam, lens_deviations
from focal_series.specimens import kept_wave
from focal_series.wave_scores import distance_along_beam
from hrtemnn_training.images.conditions import draw_conditions
from hrtemnn_training.recipe import Recipe, read_recipe
from hrtemnn_training.waves.multislice import exit_wave
from hyperspy_hrtemnn.analysis import image_intensity
from hyperspy_hrtemnn.analysis.refinement.wave_error import NETWORK
from hyperspy_hrtemnn.analysis.waves.registration import find_wave_shift, shifted_wave
from hyperspy_hrtemnn.networks import load

if TYPE_CHECKING:
    from focal_series.lens_scores import Deviation
    from hyperspy_hrtemnn.analysis import Detector, FittedOptics, Optics
    from hyperspy_hrtemnn.networks import Network
    from hyperspy_hrtemnn.signals import HRTEM

RECIPE = Path(__file__).parents[1] / "training" / "recipes" / "mos2-exitwave.json"
FIRST_SEED = 700_000  # far from those of the recipe's own structures
ENERGY = 50.0  # of the recipe [keV]
DEFOCUS_OFF, CS_OFF = 20.0, 1.5e4  # [Å]

# A fit this far off ended in another minimum; the errors of right ones are a fifth.
WRONG_DEFOCUS, WRONG_CS = 8.0, 5e3


def wave_of(recipe: Recipe, number: int) -> np.ndarray:
    """Return the exit wave of a flake."""
    return exit_wave(recipe.structures.make(FIRST_SEED + number), recipe.waves)


def series_of(
    wave: np.ndarray,
    field: float,
    optics: tuple[Optics, ...],
    detector: Detector,
    rng: np.random.Generator,
) -> HRTEM:
    """Return the middle of the images, with the defocus as a user guesses it."""
    shape = (round(field / detector.sampling),) * 2
    intensities = [image_intensity(wave, (field, field), o, shape) for o in optics]
    images = detected(intensities, detector, rng)
    guess = optics[0].defocus + rng.uniform(-DEFOCUS_OFF, DEFOCUS_OFF)
    return focal_series(images, detector.sampling, guess, optics[0].energy)


def behind(
    found: np.ndarray, wave: np.ndarray, field: float, detector: Detector
) -> float:
    """Return how far along the beam a wave has to go to the true one [Å]."""
    truth = shown_wave(wave, field, detector.sampling)
    placed = shifted_wave(found, find_wave_shift(found, truth, 5)).astype(np.complex64)
    return distance_along_beam(placed, truth, detector.sampling, ENERGY)


def fitted(
    series: HRTEM,
    network: Network,
    optics: tuple[Optics, ...],
    detector: Detector,
    rng: np.random.Generator,
) -> tuple[np.ndarray, FittedOptics, float]:
    """Return the wave, the fitted lenses, and the time of the fit [s]."""
    wave = series.reconstruct_exitwave(network, show_progressbar=False)
    start = perf_counter()
    guess = optics[0].Cs + rng.uniform(-CS_OFF, CS_OFF)
    found = wave.fit_optics(
        series,
        mtf=(detector.mtf_c0, detector.mtf_c3),
        readout=detector.readout,
        offset=detector.readout,
        counts_per_electron=1,
        Cs=f"{guess} angstrom",
    )
    return wave.data, found, perf_counter() - start


def report(rows: pd.DataFrame, fits: pd.DataFrame) -> None:
    """Print a table for each dose, and what holds for all."""
    for dose, group in rows.groupby("dose"):
        off, error = group["off"].abs(), group["error"]
        counted = group["value"] != "defocus, registered"
        table = pd.DataFrame(
            {
                "median": off.groupby(group["value"]).median(),
                "90 %": off.groupby(group["value"]).quantile(0.9),
                "standard error": error.groupby(group["value"]).median(),
                "within 1": (off <= error).groupby(group["value"]).mean(),
                "within 2": (off <= 2 * error).groupby(group["value"]).mean(),
            }
        )
        runs = fits[fits["dose"] == dose]
        print(f"\n{dose:g} e-/Å², {len(runs)} series")
        print(table.round(4).to_string())
        print(
            f"all: {(off <= error)[counted].mean():.1%} within one standard error, "
            f"{(off <= 2 * error)[counted].mean():.1%} within two; wrong minima "
            f"{runs['wrong'].sum()}, of which flagged "
            f"{(runs['wrong'] & runs['flagged']).sum()}; right ones flagged "
            f"{(~runs['wrong'] & runs['flagged']).sum()}; unexplained "
            f"{runs['unexplained'].median():.4f}, at most "
            f"{runs['unexplained'].max():.4f}; {runs['seconds'].median():.1f} s"
        )


def one_fit(
    wave: np.ndarray, recipe: Recipe, number: int, dose: float, network: Network
) -> tuple[dict[str, Any], list[Deviation]]:
    """Return how the fit of one series ended, and the deviations of its values."""
    rng = np.random.default_rng([number, round(dose)])
    field = float(recipe.structures.field)
    drawn = draw_conditions(recipe.images, recipe.waves.energy_of(0), rng)
    optics = drawn.optics
    pixel = field / round(field / drawn.detector.sampling)
    detector = replace(drawn.detector, sampling=pixel, dose=dose)
    series = series_of(wave, field, optics, detector, rng)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            values, found, seconds = fitted(series, network, optics, detector, rng)
        except ValueError as refused:
            print(number, dose, refused)
            return {"wrong": True, "flagged": True}, []
    rows = lens_deviations(found, optics, np.zeros((len(optics), 2)))
    plane = behind(values, wave, field, detector)
    rows += along_beam(rows, plane, NETWORK.plane)
    limits = {"defocus": WRONG_DEFOCUS, "Cs": WRONG_CS}
    end = {
        "wrong": any(
            abs(row["off"]) > limits.get(row["value"], np.inf) for row in rows
        ),
        "flagged": any("of the contrast" in str(each.message) for each in told),
        "unexplained": found.unexplained,
        "seconds": seconds,
    }
    return end, rows


def main() -> None:
    """Simulate, fit and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--series", type=int, default=40)
    parser.add_argument("--first", type=int, default=0, help="number of the first one")
    parser.add_argument("--doses", type=float, nargs="+", default=[1e3, 1e4, 1e5])
    parser.add_argument("--model", default="mos2-exitwave")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    recipe = read_recipe(RECIPE)
    network = load(options.model).averaged()
    rows, fits = [], []
    for number in range(options.first, options.first + options.series):
        simulate = partial(wave_of, recipe, number)
        wave = kept_wave(options.folder, number, simulate)
        for dose in options.doses:
            end, these = one_fit(wave, recipe, number, dose, network)
            state = {"number": number, "dose": dose}
            fits.append(state | end)
            rows += [state | row for row in these]
        pd.DataFrame(rows).to_csv(options.folder / "deviations.csv", index=False)
        pd.DataFrame(fits).to_csv(options.folder / "fits.csv", index=False)
    report(pd.DataFrame(rows), pd.DataFrame(fits))


if __name__ == "__main__":
    main()
