# SPDX-License-Identifier: GPL-3.0-or-later
"""Time and memory of `refine_atoms` by the size of the images.

    python benchmarks/refine_atoms_size.py --side 512
    python benchmarks/refine_atoms_size.py --side 2048

Three images of a sheet of MoS2 that fills the field, pixels of 0.07 Å, 10^4 e⁻/Å²,
2 % vacancies of single sulfur, tilted by 3 degrees; 512 x 512 pixels have about 300
columns. The wave is that of the atom model itself, so that nothing but time and memory,
and errors over their standard errors, can be told from this. The guess is off by 4 pm,
with all vacancies of sulfur taken for two. Prints processor time, time and peak memory.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from hyperspy_hrtemnn.analysis import (
    Aberration,
    Detector,
    Optics,
    detect_electrons,
    image_intensity,
)
from hyperspy_hrtemnn.analysis.refinement.atoms.column_waves import ColumnWaves
from hyperspy_hrtemnn.analysis.refinement.atoms.known_sheets import mx2
from hyperspy_hrtemnn.analysis.refinement.atoms.refine import refine_atoms
from hyperspy_hrtemnn.analysis.refinement.atoms.sheet_state import SheetState
from hyperspy_hrtemnn.analysis.refinement.atoms.wave_model import WaveModel
from hyperspy_hrtemnn.analysis.refinement.working_grid import WorkingGrid

ENERGY, SAMPLING, DOSE, LATTICE = 50.0, 0.07, 1e4, 3.16  # [keV, Å, e⁻/Å², Å]
AROUND = 14.0  # beyond the images, where the sheet goes on [Å]
DEFOCUS = (20.0, 70.0, 120.0)  # [Å]
SMOOTHING = 0.15  # [Å]


def sheet_of(length: float, rng: np.random.Generator) -> SheetState:
    """Return a sheet that fills a square [Å]."""
    occupants = mx2("Mo", "S").occupants
    number = {each.name: n for n, each in enumerate(occupants)}
    count = int(length / LATTICE) + 2
    cells = np.mgrid[-count : 2 * count, -count : 2 * count].reshape(2, -1).T
    vectors = LATTICE * np.array([[0, 1], [np.sqrt(3) / 2, 0.5]])
    metal = cells @ vectors
    bond = vectors.sum(axis=0) / 3
    kinds = np.repeat([number["1Mo"], number["2S"]], len(metal))
    positions = np.concatenate([metal, metal + bond])
    turn = np.deg2rad(11)
    positions @= np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    inside = np.all((positions > 9) & (positions < length - 9), axis=1)
    positions, kinds = positions[inside], kinds[inside]
    vacant = (kinds == number["2S"]) & (rng.random(len(kinds)) < 0.02)
    names = ["1S upper", "1S lower"]
    kinds[vacant] = rng.choice([number[name] for name in names], vacant.sum())
    positions = positions + rng.normal(0, 0.02, positions.shape)
    return SheetState(
        positions,
        kinds,
        centers=np.array([each.center for each in occupants]),
        normal=np.sin(np.deg2rad(3)) * np.array([0.6, 0.8]),
        middle=positions.mean(axis=0),
    )


def series_of(
    side: int, rng: np.random.Generator
) -> tuple[np.ndarray, Detector, pd.DataFrame]:
    """Return images, their detector, and the columns in them."""
    border = round(AROUND / SAMPLING)
    pixels = side + 2 * border
    length = pixels * SAMPLING
    state = sheet_of(length, rng)
    grid = WorkingGrid((length, length), 2.4)
    farthest = 3 + np.hypot(*state.normal) * length
    waves = ColumnWaves(
        mx2("Mo", "S").occupants,
        grid,
        ENERGY,
        smoothing=SMOOTHING,
        vibration=0.004,
        farthest=farthest,
    )
    model = WaveModel(waves, grid, 0.0)
    room = np.array([model.has_room(each) for each in state.sites])
    state = state.with_columns(state.positions[room], state.kinds[room])
    wave = model.wave(model.stamps(state))
    aberrations = (Aberration(1, 2, 8.0, 0.6), Aberration(2, 1, 250.0, -2.1))
    detector = Detector(SAMPLING, DOSE, 0.5, 2.2, readout=0.02)
    inner = slice(border, border + side)
    images = []
    for defocus in DEFOCUS:
        optics = Optics(ENERGY, defocus, -5e4, 12.0, 0.2, aberrations)
        image = image_intensity(wave, (length, length), optics, (pixels, pixels))
        counts = detect_electrons(image[inner, inner], detector, rng)
        images.append(counts - np.float32(detector.readout))
    occupants = mx2("Mo", "S").occupants
    positions = state.positions - border * SAMPLING
    # As `refine_atoms` sees it: up to the outer edges of the pixels.
    first, last = -SAMPLING / 2, (side - 0.5) * SAMPLING
    inside = np.all((positions > first) & (positions < last), axis=1)
    table = pd.DataFrame(
        {
            "x": positions[inside, 1],
            "y": positions[inside, 0],
            "class": [occupants[kind].name for kind in state.kinds[inside]],
        }
    )
    return np.array(images), detector, table


def main() -> None:
    """Print time, memory and errors."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    images, detector, truth = series_of(options.side, rng)
    guess = truth.assign(
        x=truth.x + rng.normal(0, 0.04, len(truth)),
        y=truth.y + rng.normal(0, 0.04, len(truth)),
    )
    guess["class"] = guess["class"].replace({"1S upper": "2S", "1S lower": "2S"})
    processor, start = time.process_time(), time.perf_counter()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    found = refine_atoms(
        images, detector, ENERGY, np.add(DEFOCUS, 12).tolist(), guess, Cs=-4.3e4
    )
    processor, wall = time.process_time() - processor, time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    away, near = cKDTree(truth[["x", "y"]]).query(found.columns[["x", "y"]])
    right = away < 0.5
    places = truth[["x", "y"]].to_numpy()[near][right]
    off = found.columns[["x", "y"]].to_numpy()[right] - places
    pulls = off / found.columns[["sigma_x", "sigma_y"]].to_numpy()[right]
    classes = truth["class"].to_numpy()[near] != found.columns["class"].to_numpy()
    print(
        f"{options.side} x {options.side}, {len(truth)} columns: processor "
        f"{processor:.1f} s, {wall:.1f} s, peak {peak:.2f} GiB ({before:.2f} before); "
        f"{len(found.columns)} columns found, {np.sum(~right)} far off, "
        f"{np.sum(classes & right)} of another class, RMS "
        f"{np.sqrt(np.mean(off**2)):.4f} Å, {np.sqrt(np.mean(pulls**2)):.2f} standard "
        f"errors; chi² {found.optics.chi2:.4f}"
    )
    print(found.optics)


if __name__ == "__main__":
    main()
