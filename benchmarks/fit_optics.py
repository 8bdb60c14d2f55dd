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
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import hyperspy.api as hs
import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar

from hrtemnn_training.images.conditions import draw_conditions
from hrtemnn_training.images.grid import Grid
from hrtemnn_training.images.wave_label import exit_wave as smoothed
from hrtemnn_training.recipe import Recipe, read_recipe
from hrtemnn_training.waves.multislice import exit_wave
from hyperspy_hrtemnn.analysis import (
    Detector,
    detect_electrons,
    image_intensity,
    propagate_wave,
)
from hyperspy_hrtemnn.analysis.refinement.wave_error import NETWORK
from hyperspy_hrtemnn.analysis.waves.registration import find_wave_shift, shifted_wave
from hyperspy_hrtemnn.networks import load

if TYPE_CHECKING:
    from hyperspy_hrtemnn.analysis import FittedOptics, Optics
    from hyperspy_hrtemnn.networks import Network
    from hyperspy_hrtemnn.signals import HRTEM

RECIPE = Path(__file__).parents[1] / "training" / "recipes" / "mos2-exitwave.json"
FIRST_SEED = 700_000  # far from those of the recipe's own structures
ENERGY = 50.0  # of the recipe [keV]
BORDER = 3.0  # cut off on each side of the field [Å]
DEFOCUS_OFF, CS_OFF = 20.0, 1.5e4  # [Å]

# A fit this far off ended in another minimum; the errors of right ones are a fifth.
WRONG_DEFOCUS, WRONG_CS = 8.0, 5e3


def wave_of(recipe: Recipe, number: int, folder: Path) -> np.ndarray:
    """Return the exit wave of a flake, simulated once."""
    path = folder / f"wave_{number}.npy"
    if not path.exists():
        structure = recipe.structures.make(FIRST_SEED + number)
        np.save(path, exit_wave(structure, recipe.waves))
    return np.asarray(np.load(path))


def middle(detector: Detector) -> slice:
    """Return the pixels of the field that are shown."""
    border = round(BORDER / detector.sampling)
    return slice(border, -border)


def series_of(
    wave: np.ndarray,
    field: float,
    optics: tuple[Optics, ...],
    detector: Detector,
    rng: np.random.Generator,
) -> HRTEM:
    """Return the middle of the images, with the defocus as a user guesses it."""
    shape = (round(field / detector.sampling),) * 2
    inside = middle(detector)
    images = [
        detect_electrons(
            image_intensity(wave, (field, field), each, shape), detector, rng
        )[inside, inside]
        for each in optics
    ]
    series: HRTEM = hs.signals.Signal2D(np.stack(images))
    series.set_signal_type("HRTEM")
    axis = series.axes_manager.navigation_axes[0]
    axis.name, axis.units, axis.scale = "defocus", "nm", 5.0
    guess = optics[0].defocus + rng.uniform(-DEFOCUS_OFF, DEFOCUS_OFF)
    axis.offset = guess / 10
    for axis, name in zip(series.axes_manager.signal_axes, "xy", strict=True):
        axis.name, axis.scale, axis.units = name, detector.sampling / 10, "nm"
    series.metadata.set_item("Acquisition_instrument.TEM.beam_energy", optics[0].energy)
    return series


def behind(
    found: np.ndarray, wave: np.ndarray, field: float, detector: Detector
) -> float:
    """Return how far along the beam a wave has to go to the true one [Å]."""
    pixel, inside = detector.sampling, middle(detector)
    shape = (round(field / pixel),) * 2
    grid = Grid((-pixel / 2, -pixel / 2), (field, field), shape)
    parts = smoothed(wave, (field, field), grid)[inside, inside]
    truth = parts[..., 0] + 1j * parts[..., 1]
    placed = shifted_wave(found, find_wave_shift(found, truth, 5)).astype(np.complex64)
    seen = slice(round(8 / pixel), -round(8 / pixel))  # [Å]

    def difference(distance: float) -> float:
        moved = propagate_wave(placed, pixel, ENERGY, distance) - truth
        return float(np.mean(np.abs(moved[seen, seen]) ** 2))

    return float(minimize_scalar(difference, bounds=(-8, 8), method="bounded").x)


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


def deviations(found: FittedOptics, optics: tuple[Optics, ...]) -> list[dict[str, Any]]:
    """Return the difference from the truth and the standard error of each value."""
    truth: dict[str, Any] = {
        "defocus": np.array([each.defocus for each in optics]),
        "Cs": optics[0].Cs,
        "C12": optics[0].aberrations[0].magnitude,
        "phi12": optics[0].aberrations[0].angle,
        "C21": optics[0].aberrations[1].magnitude,
        "phi21": optics[0].aberrations[1].angle,
        "focal_spread": optics[0].focal_spread,
        "blur": optics[0].blur,
        "shift": np.zeros(2),
        "drift": np.zeros((len(optics) - 1, 2)),
    }
    rows = []
    for name, true in truth.items():
        measured = getattr(found, name)
        value, error = np.asarray(measured.value), np.asarray(measured.error)
        if name == "drift":
            value, error = value[1:], error[1:]
        off = value - true
        if name.startswith("phi"):
            period = 2 * np.pi / int(name[-1])
            off = (off + period / 2) % period - period / 2
        rows += [
            {"value": name, "off": float(a), "error": float(b)}
            for a, b in zip(off.ravel(), error.ravel(), strict=True)
        ]
    return rows


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
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return how the fit of one series ended, and the deviations of its values."""
    rng = np.random.default_rng([number, round(dose)])
    field = float(recipe.structures.field)
    optics, drawn = draw_conditions(recipe.images, recipe.waves.energy, rng)
    pixel = field / round(field / drawn.sampling)
    detector = replace(drawn, sampling=pixel, dose=dose)
    series = series_of(wave, field, optics, detector, rng)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            values, found, seconds = fitted(series, network, optics, detector, rng)
        except ValueError as refused:
            print(number, dose, refused)
            return {"wrong": True, "flagged": True}, []
    rows = deviations(found, optics)
    plane = behind(values, wave, field, detector)
    rows += [
        {
            "value": "defocus, registered",
            "off": row["off"] + plane,
            "error": float(np.sqrt(row["error"] ** 2 - NETWORK.plane**2)),
        }
        for row in rows
        if row["value"] == "defocus"
    ]
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
        wave = wave_of(recipe, number, options.folder)
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
