# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulate the movie that ships as `hyperspy_hrtemnn.data.au_ceo2_movie`.

    python studies/example_movie.py

Three gold particles on the edge of CeO2, seen for 20 frames while the stage drifts:
one slides until it touches its neighbor, one shrinks. Replaces the files of the movie
and of its true ids. Takes about ten minutes on two cores. Needs the extra `training`.
"""

from __future__ import annotations

import hyperspy.api as hs
import numpy as np
from scipy.spatial.transform import Rotation
from tqdm import trange

from hrtemnn_training.images.grid import Grid
from hrtemnn_training.images.labels import instances
from hrtemnn_training.structures import Group, assemble, make_particle, make_support
from hrtemnn_training.waves.multislice import WaveSettings, exit_wave
from hyperspy_hrtemnn.analysis import (
    Detector,
    Optics,
    detect_electrons,
    image_intensity,
)
from pages import ROOT

FRAMES = 20
FIELD = 108.0  # of the simulation [Å]
SHAPE = (480, 512)  # of a frame [pixels]
TIME = 0.5  # between frames [s]
OPTICS = Optics(energy=300, defocus=60, Cs=50_000, focal_spread=8, blur=0.0477)
DETECTOR = Detector(sampling=0.2, dose=800, mtf_c0=0.35, mtf_c3=2.5, readout=0.01)
Parts = tuple[Group, list[np.ndarray]]

FOLDER = ROOT / "hyperspy_hrtemnn" / "data"


def make_parts(rng: np.random.Generator) -> Parts:
    """Return the support and the three particles, before they move."""
    support = make_support(FIELD, 30.0, (0.0, 1.0), rng)
    particles = [
        make_particle("Au", layers, angle, rng)
        for layers, angle in (((6, 8), 1.0), ((7, 9), 0.5), ((8, 10), 1.5))
    ]
    return support, particles


def place(parts: Parts, frame: int) -> list[Group]:
    """Return the groups of atoms of one frame; the particles in order of their id."""
    support, (slider, middle, shrinker) = parts
    middle = middle + np.array([4.0, 1.0, 0.0])
    apart = max(12.0 - 1.0 * frame, 0.2)
    slider = slider + np.array([0.0, 1.0, 0.0])
    slider[:, 0] += middle[:, 0].min() - apart - slider[:, 0].max()
    radius = np.linalg.norm(shrinker, axis=1)
    shrinker = shrinker[radius < radius.max() - 0.6 * frame] + [0.0, 1.0, 0.0]
    shrinker[:, 0] += middle[:, 0].max() + 16.0
    turn = Rotation.from_euler("z", 12, degrees=True).as_matrix()
    drift = np.array([0.3, -0.2, 0.0]) * frame
    origin = np.array([FIELD / 2, 0.42 * FIELD, 0.0])
    numbers = [np.full(len(p), 79, np.uint8) for p in (slider, middle, shrinker)]
    groups = [support, *zip((slider, middle, shrinker), numbers, strict=True)]
    return [(p @ turn.T + origin + drift, n) for p, n in groups]


def simulate() -> tuple[np.ndarray, np.ndarray]:
    """Return the counts, uint8, and the true ids, uint8, both (frame, y, x)."""
    rng = np.random.default_rng(7)
    parts = make_parts(rng)
    pixels = round(FIELD / DETECTOR.sampling)
    top, left = ((pixels - n) // 2 for n in SHAPE)
    counts = np.empty((FRAMES, *SHAPE), np.uint8)
    truth = np.empty((FRAMES, *SHAPE), np.uint8)
    for frame in trange(FRAMES):
        support, *particles = place(parts, frame)
        structure = assemble(support, particles, FIELD)
        wave = exit_wave(structure, WaveSettings())
        whole = image_intensity(wave, (FIELD, FIELD), OPTICS, (pixels, pixels))
        seen = detect_electrons(whole, DETECTOR, rng)[
            top : top + SHAPE[0], left : left + SHAPE[1]
        ]
        counts[frame] = np.clip(np.rint(seen), 0, 255)
        grid = Grid(
            corner=(top * DETECTOR.sampling, left * DETECTOR.sampling),
            size=(SHAPE[0] * DETECTOR.sampling, SHAPE[1] * DETECTOR.sampling),
            shape=SHAPE,
        )
        truth[frame] = instances(structure.outlines, grid)
    return counts, truth


def as_signal(data: np.ndarray, title: str, signal_type: str) -> hs.signals.Signal2D:
    """Return a movie with its axes and where it comes from."""
    axes = [
        {"name": "time", "size": FRAMES, "scale": TIME, "units": "s"},
        {"name": "y", "size": SHAPE[0], "scale": DETECTOR.sampling / 10, "units": "nm"},
        {"name": "x", "size": SHAPE[1], "scale": DETECTOR.sampling / 10, "units": "nm"},
    ]
    signal = hs.signals.Signal2D(data, axes=axes)
    signal.set_signal_type(signal_type)
    signal.metadata.General.title = title
    signal.metadata.set_item("Acquisition_instrument.TEM.beam_energy", OPTICS.energy)
    signal.metadata.set_item("Acquisition_instrument.TEM.Camera.exposure", TIME)
    signal.metadata.set_item(
        "General.notes",
        f"Simulated by studies/example_movie.py: {DETECTOR.dose} e-/Å², defocus "
        f"{OPTICS.defocus} Å, Cs {OPTICS.Cs} Å",
    )
    return signal


if __name__ == "__main__":
    movie, ids = simulate()
    for data, name, title, kind in (
        (movie, "au_ceo2_movie", "Au on CeO2, simulated", "HRTEM"),
        (ids, "au_ceo2_movie_truth", "Au on CeO2, true ids", "HRTEM_instances"),
    ):
        as_signal(data, title, kind).save(FOLDER / f"{name}.hspy", overwrite=True)
