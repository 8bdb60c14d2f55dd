# SPDX-License-Identifier: GPL-3.0-or-later
"""The brightness ratio of gold particles that tilt away from [110], and their twins.

    python benchmarks/on_axis.py [--particles 12] [--dose 800]

Each particle, of 2.5 to 5 nm, is a movie of its own, a tilt in each frame, about one
random axis in the image plane; random lenses as in au-columns. Prints, for each tilt,
the median ratio and how many frames `on_axis_frames` takes; for how many frames at a
tilt of at most 1 degree [110] is found; and of single crystals and twins, how many are
said to have two lattices.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd
from tqdm import tqdm

from hrtemnn_training.structures import Shape, assemble, make_shape, tilt
from hrtemnn_training.structures._shapes import lattice_constant
from hrtemnn_training.waves.multislice import WaveSettings, exit_wave
from hyperspy_hrtemnn.analysis import (
    Camera,
    Optics,
    brightness_ratio,
    detect,
    find_reflections,
    follow_reflections,
    intensity,
    local_spectrum,
    measure_reflections,
    on_axis_frames,
)
from hyperspy_hrtemnn.crystals import as_crystal

TILTS = (0, 1, 2, 3, 4, 6, 8, 10)  # degrees
FIELD = 64.0  # of the box [Å]
PIXEL = 0.2  # [Å]
STEP = (10 / FIELD, 10 / FIELD)  # of the spectrum [1/nm]
SHAPES: tuple[Shape, ...] = ("single crystal", "twin")


def spectra(shape: Shape, dose: float, rng: np.random.Generator) -> list[np.ndarray]:
    """Return the spectrum of one particle at each tilt."""
    layers = (4, 4 + int(rng.integers(5)))
    atoms = make_shape(shape, "[110]", layers, lattice_constant("Au"), rng)
    azimuth = rng.uniform(0, 360)
    pixels = round(FIELD / PIXEL)
    optics = Optics(
        energy=300,
        defocus=rng.uniform(20, 100),
        Cs=rng.uniform(-1e5, 1e5),
        focal_spread=rng.uniform(5, 20),
        blur=0.3,
    )
    camera = Camera(sampling=PIXEL, dose=dose, c0=0.35, c3=2.5, readout=0.01)
    found = []
    for angle in TILTS:
        positions = atoms @ tilt(angle, azimuth).T
        positions = positions - positions.mean(axis=0) + FIELD / 2
        numbers = np.full(len(positions), 79, np.uint8)
        structure = assemble(None, [(positions, numbers)], FIELD)
        wave = exit_wave(structure, WaveSettings(slice_thickness=2))
        image = detect(
            intensity(wave, (FIELD, FIELD), optics, (pixels, pixels)), camera, rng
        )
        y, x = (np.indices(image.shape) + 0.5) * PIXEL - FIELD / 2
        radius = np.linalg.norm(positions - FIELD / 2, axis=1).max()
        inside = np.hypot(x, y) < radius
        size = (pixels, pixels)
        found.append(local_spectrum(image, inside, size=size, apodization=5 / PIXEL))
    return found


def peaks_of(movie: list[np.ndarray]) -> pd.DataFrame:
    """Return what `LocalFFT.peak_table` gives of a movie of spectra."""
    tables = [
        find_reflections(spectrum, STEP).assign(frame=frame)
        for frame, spectrum in enumerate(movie)
    ]
    found = pd.concat(tables, ignore_index=True)
    peaks = follow_reflections(found, range(len(movie)), as_crystal("Au"))
    for frame, spectrum in enumerate(movie):
        rows = (peaks["frame"] == frame) & ~peaks["found"]
        places = (peaks.loc[rows, name] for name in ("spacing", "angle"))
        peaks.loc[rows, "amplitude"] = measure_reflections(spectrum, STEP, *places)[1]
    return peaks


def main() -> None:
    """Simulate and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--particles", type=int, default=12, help="of each shape")
    parser.add_argument("--dose", type=float, default=800, help="[e-/Å²]")
    options = parser.parse_args()
    rng = np.random.default_rng(5)
    ratios = []
    for shape in SHAPES:
        two = upright = 0
        for number in tqdm(range(options.particles), desc=shape):
            peaks = peaks_of(spectra(shape, options.dose, rng))
            two += bool(peaks["lattice"].str.contains("2").any())
            upright += bool((peaks["zone_axis"] == "[110]").any())
            ratio = brightness_ratio(peaks.assign(id=number))
            ratios.append(ratio.assign(shape=shape))
        print(f"{shape}: [110] in {upright}, two lattices in {two}", end=" ")
        print(f"of {options.particles}")
    table = pd.concat(ratios)
    table["tilt"] = np.array(TILTS)[table["frame"]]
    groups = table.groupby(["shape", "tilt"])
    taken = on_axis_frames(table).groupby(["shape", "tilt"]).size()
    finite = groups["brightness_ratio"].apply(lambda r: r[np.isfinite(r)].median())
    summary = pd.DataFrame({"median ratio": finite, "frames": groups.size()})
    summary["on axis"] = taken.reindex(summary.index, fill_value=0)
    print(summary.round(2).to_string())


if __name__ == "__main__":
    main()
