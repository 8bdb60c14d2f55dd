# SPDX-License-Identifier: GPL-3.0-or-later
"""Gold particles that tilt away from [110], and their twins: which frames are on axis.

    python benchmarks/on_axis.py [--particles 12] [--dose 800] [--model au-zone-axis]
                                 [--picture tilts.png]

Each particle, of 2.5 to 5 nm, is a movie of its own, a tilt in each frame, about one
random axis in the image plane; random lenses as in au-columns. Prints, for each tilt,
the median of the brightness ratio and of the probability that a network gives, and in
how many frames `on_axis_frames` takes either; of both the area under the ROC curve,
where up to 3 degrees are on the axis; for how many particles [110] is found; and of
single crystals and twins, how many are said to have two lattices. The network sees each
frame alone, the ratio has the places of the reflections from all of them. The picture
has a curve for each particle; a ratio that is infinite is not in it.
"""

from __future__ import annotations

import argparse

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.stats import mannwhitneyu
from tqdm import tqdm

from hrtemnn_training.structures import (
    Shape,
    assemble,
    lattice_constant,
    make_shape,
    tilt,
)
from hrtemnn_training.waves.multislice import WaveSettings, exit_wave
from hyperspy_hrtemnn.analysis import (
    Detector,
    Optics,
    brightness_ratio,
    detect_electrons,
    find_reflections,
    follow_reflections,
    image_intensity,
    local_spectrum,
    measure_reflections,
    on_axis_frames,
)
from hyperspy_hrtemnn.crystals import as_crystal
from hyperspy_hrtemnn.networks import load, predict_spectra

TILTS = (0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 15)  # degrees
ON_AXIS = 3  # degrees, as in the recipe of au-zone-axis
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
        blur=0.0477,
    )
    detector = Detector(
        sampling=PIXEL, dose=dose, mtf_c0=0.35, mtf_c3=2.5, readout=0.01
    )
    found = []
    for angle in TILTS:
        positions = atoms @ tilt(angle, azimuth).T
        positions = positions - positions.mean(axis=0) + FIELD / 2
        numbers = np.full(len(positions), 79, np.uint8)
        structure = assemble(None, [(positions, numbers)], FIELD)
        wave = exit_wave(structure, WaveSettings(slice_thickness=2))
        image = detect_electrons(
            image_intensity(wave, (FIELD, FIELD), optics, (pixels, pixels)),
            detector,
            rng,
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


def area(on_axis: pd.Series, brightness: pd.Series) -> float:
    """Return the area under the ROC curve of what is larger on the axis."""
    on, off = brightness[on_axis], brightness[~on_axis]
    return float(mannwhitneyu(on, off).statistic / (len(on) * len(off)))


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Return medians, and frames taken, for each shape and tilt."""
    groups = table.groupby(["shape", "tilt"])
    rows = pd.DataFrame({"frames": groups.size()})
    ratios = table.drop(columns="probability", errors="ignore")
    finite = ratios["brightness_ratio"].replace(np.inf, np.nan)
    rows["median ratio"] = finite.groupby([table["shape"], table["tilt"]]).median()
    taken = {"by ratio": ratios}
    if "probability" in table:
        rows["median probability"] = groups["probability"].median()
        taken["by network"] = table
    for name, kept in taken.items():
        counts = on_axis_frames(kept).groupby(["shape", "tilt"]).size()
        rows[name] = counts.reindex(rows.index, fill_value=0)
    return rows


def draw(table: pd.DataFrame, path: str) -> None:
    """Draw ratio and probability of each particle against its tilt."""
    names = [n for n in ("brightness_ratio", "probability") if n in table]
    figure, panels = plt.subplots(
        len(names), len(SHAPES), sharex=True, squeeze=False, layout="constrained"
    )
    for row, name in zip(panels, names, strict=True):
        for axes, shape in zip(row, SHAPES, strict=True):
            for _, curve in table[table["shape"] == shape].groupby("id"):
                axes.plot(curve["tilt"], curve[name], ".-", lw=0.9)
            axes.axvline(ON_AXIS, color="0.6", lw=0.8)
            axes.axhline({"probability": 0.5}.get(name, 2.5), color="0.6", lw=0.8)
            if name == "brightness_ratio":
                axes.set(yscale="log", title=shape)
            else:
                axes.set_ylim(-0.03, 1.03)
        row[0].set_ylabel(name.replace("_", " "))
    for axes in panels[-1]:
        axes.set_xlabel("tilt off [110] (°)")
    figure.savefig(path, dpi=150)


def main() -> None:
    """Simulate and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--particles", type=int, default=12, help="of each shape")
    parser.add_argument("--dose", type=float, default=800, help="[e-/Å²]")
    parser.add_argument("--model", help="name or path of a network for zone axes")
    parser.add_argument("--picture", help="path of a picture of all particles")
    options = parser.parse_args()
    network = load(options.model) if options.model else None
    rng = np.random.default_rng(5)
    tables = []
    for shape in SHAPES:
        two = upright = 0
        for number in tqdm(range(options.particles), desc=shape):
            movie = spectra(shape, options.dose, rng)
            peaks = peaks_of(movie)
            two += bool(peaks["lattice"].str.contains("2").any())
            upright += bool((peaks["zone_axis"] == "[110]").any())
            ratio = brightness_ratio(peaks.assign(id=number)).assign(shape=shape)
            # Frames without any reflection have no row.
            ratio = ratio.set_index("frame").reindex(range(len(TILTS)))
            ratio = ratio.assign(id=number, shape=shape, tilt=TILTS)
            if network is not None:
                ratio["probability"] = predict_spectra(network, movie, STEP)[:, 0]
            tables.append(ratio)
        print(f"{shape}: [110] in {upright}, two lattices in {two}", end=" ")
        print(f"of {options.particles}")
    table = pd.concat(tables, ignore_index=True)
    print(summary(table).round(2).to_string())
    for kind, rows in table.groupby("shape"):
        even = -rows["brightness_ratio"].where(rows["directions"] >= 2, np.inf)
        areas = {"brightness ratio": area(rows["tilt"] <= ON_AXIS, even)}
        if network is not None:
            of_network = area(rows["tilt"] <= ON_AXIS, rows["probability"])
            areas[network.name] = of_network
        for name, value in areas.items():
            print(f"{kind}: area under the ROC curve of {name}: {value:.3f}")
    if options.picture:
        draw(table, options.picture)


if __name__ == "__main__":
    main()
