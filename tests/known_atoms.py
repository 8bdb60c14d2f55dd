# SPDX-License-Identifier: GPL-3.0-or-later
"""A flake of MoS2 whose atoms are known, and its images, by a small multislice."""

from __future__ import annotations

import numpy as np
import pandas as pd

from hyperspy_hrtemnn.analysis import (
    FittedOptics,
    Measured,
    RefinedAtoms,
    propagate_wave,
)
from hyperspy_hrtemnn.analysis.refinement.atoms.scattering import atom_phase

ENERGY = 50.0
SAMPLING = 0.105
SHAPE = (240, 256)  # 25.2 x 26.9 Å
VIBRATION = 0.004  # [Å²]

_A, _HALF = 3.16, 1.585  # lattice constant, and half the thickness of MoS2 [Å]
_RADIUS = 7.0  # of the flake [Å]


def flake(*, holes: bool = True) -> pd.DataFrame:
    """Return the columns of a flake with a vacancy above, one below and a hole.

    Parameters
    ----------
    holes
        Whether there is the hole, two sulfur atoms that are missing.

    Returns
    -------
    ``class``, ``x`` and ``y`` [Å] of each column.
    """
    middle = np.array([13.6, 12.3])
    i, j = np.mgrid[-5:6, -5:6].reshape(2, -1)
    metal = np.stack([_A * i + _A / 2 * j, _A * np.sqrt(3) / 2 * j], axis=1)
    pairs = metal + np.array([_A / 2, _A / np.sqrt(12)])
    table = pd.DataFrame(np.concatenate([metal, pairs]), columns=["x", "y"])
    table["class"] = np.repeat(["1Mo", "2S"], len(metal))
    table = table[np.hypot(table["x"], table["y"]) < _RADIUS].reset_index(drop=True)
    sulfur = table.index[table["class"] == "2S"]
    nearest = np.hypot(table["x"], table["y"])[sulfur].sort_values().index
    table.loc[nearest[0], "class"] = "1S upper"
    table.loc[nearest[4], "class"] = "1S lower"
    table[["x", "y"]] += middle
    if holes:
        table = table.drop(index=nearest[2])
    return table.reset_index(drop=True)


def guess_of(table: pd.DataFrame, off: float = 0.05) -> pd.DataFrame:
    """Return what a network may find of columns: places off, S above or below."""
    rng = np.random.default_rng(5)
    guess = table.copy()
    guess[["x", "y"]] += rng.normal(0, off, (len(guess), 2))
    guess["class"] = guess["class"].str.removesuffix(" upper")
    guess["class"] = guess["class"].str.removesuffix(" lower")
    return guess


def wave_of(table: pd.DataFrame) -> np.ndarray:
    """Return the exit wave 2 Å behind the last atom, not smoothed, shape (y, x)."""
    layers = {
        -_HALF: ("S", ["2S", "1S lower"]),
        0.0: ("Mo", ["1Mo"]),
        _HALF: ("S", ["2S", "1S upper"]),
    }
    wave = np.ones(SHAPE, np.complex64)
    for element, classes in layers.values():
        places = table.loc[table["class"].isin(classes), ["x", "y"]].to_numpy()
        wave = wave * _transmission(element, places)
        wave = propagate_wave(wave, SAMPLING, ENERGY, _HALF)
    return propagate_wave(wave, SAMPLING, ENERGY, 2.0 - _HALF)


def _transmission(element: str, places: np.ndarray) -> np.ndarray:
    ky, kx = (np.fft.fftfreq(n, SAMPLING) for n in SHAPE)
    phase = atom_phase(element, ky[:, np.newaxis] ** 2 + kx**2, ENERGY, VIBRATION)
    turns = np.exp(-2j * np.pi * ky * places[:, 1, np.newaxis])
    turns_x = np.exp(-2j * np.pi * kx * places[:, 0, np.newaxis])
    spectrum = phase * np.einsum("ay,ax->yx", turns, turns_x) / SAMPLING**2
    return np.exp(1j * np.fft.ifft2(spectrum).real)


def refined_by_hand(images: int = 3) -> RefinedAtoms:
    """Return what a refinement of the flake may find, without its work."""
    table = flake()
    columns = table.assign(z=0.0, sigma_x=0.005, sigma_y=0.006, occupancy=1.0)
    for name in ("1Mo", "2S", "1S upper", "1S lower"):
        columns[f"probability_{name}"] = (columns["class"] == name).astype(float)
    lost = flake(holes=False).merge(table, how="left", indicator=True)
    lost = lost[lost["_merge"] == "left_only"]
    sites = lost[["x", "y"]].assign(z=0.0, probability_empty=1.0)
    metal = table.loc[table["class"] == "1Mo", ["x", "y"]].assign(z=0.0)
    return RefinedAtoms(
        columns.assign(probability_empty=0.0, probability_other=0.0),
        sites.reset_index(drop=True),
        ("Mo",) * len(metal),
        metal.to_numpy(),
        Measured(np.array([0.03, -0.01]), np.array([1e-3, 2e-3])),
        np.full(SHAPE, 1 + 0.1j, np.complex64),
        0.15,
        _lenses_by_hand(images),
        np.zeros((images, *SHAPE), np.float32),
    )


def _lenses_by_hand(images: int) -> FittedOptics:
    shared = ("Cs", "C12", "phi12", "C21", "phi21", "C23", "phi23", "focal_spread")
    zeros = np.zeros((images, 2))
    return FittedOptics(
        energy=ENERGY,
        defocus=Measured(50.0 * np.arange(images), np.full(images, 0.2)),
        **{name: Measured(1.0, 0.1) for name in (*shared, "blur", "noise")},
        shift=Measured(zeros[0], zeros[0] + 0.01),
        drift=Measured(zeros, zeros + 0.01),
        dose=Measured(np.full(images, 2e4), np.full(images, 6.0)),
        contrast=Measured(np.ones(images), np.zeros(images)),
        chi2=1.01,
        chi2_error=0.01,
        unexplained=0.001,
    )
