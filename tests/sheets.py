# SPDX-License-Identifier: GPL-3.0-or-later
"""Sheets for tests: flakes of MoS2 and graphene, and their waves and images.

The waves are by multislice, each atom in its slice, and not by the model that is
tested; what both share is the phase that an atom gives to electrons.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy.fft

from hyperspy_hrtemnn.analysis import (
    Detector,
    Optics,
    detect_electrons,
    image_intensity,
    wavelength,
)
from hyperspy_hrtemnn.analysis.refinement.atoms.scattering import atom_phase

FIELD = (22.5, 24.0)  # along (y, x) [Å]
PIXEL = 0.15
ENERGY = 80.0
HALF = 1.585  # of the distance of the planes of S [Å]
VIBRATION, SMOOTHING = 0.004, 0.15
OPTICS = [Optics(ENERGY, d, Cs=-8e4, focal_spread=10, blur=0.12) for d in (20, 70, 120)]


@dataclass
class Flake:
    """Columns of a flake, with what stands there, and its atoms."""

    columns: pd.DataFrame
    symbols: list[str]
    positions: np.ndarray  # (x, y, z) [Å]


def mos2(
    *, tilt=(0.0, 0.0), upper=(), lower=(), janus=(), missing=(), radius=7.5, seed=0
) -> Flake:
    """Return a round flake.

    `upper` has numbers of columns with the upper S only, `janus` of those where the
    upper one is Se.
    """
    a, rng = 3.16, np.random.default_rng(seed)
    bond = a / np.sqrt(3)
    turn = np.exp(1j * 0.2)
    first, second = a * turn, a * turn * np.exp(1j * np.pi / 3)
    # A bond leads into the middle of the triangle that the two vectors span.
    offset = bond * turn * np.exp(1j * np.pi / 6)
    i, j = (each.ravel() for each in np.mgrid[-8:9, -8:9])
    sites = np.concatenate([i * first + j * second, i * first + j * second + offset])
    kinds = np.repeat(["1Mo", "2S"], len(i))
    inside = np.abs(sites) < radius
    sites, kinds = sites[inside], kinds[inside]
    order = np.argsort(np.abs(sites), kind="stable")
    sites, kinds = sites[order], kinds[order].astype(object)
    names = {"1S upper": upper, "1S lower": lower, "1Se upper 1S": janus}
    for name, numbers in names.items():
        kinds[np.flatnonzero(kinds == "2S")[list(numbers)]] = name
    kept = np.setdiff1d(np.arange(len(sites)), list(missing))
    return _flake(sites[kept], kinds[kept], np.asarray(tilt), rng)


def graphene(*, missing=(), radius=7.0, seed=0) -> Flake:
    """Return a round flake of graphene."""
    a, rng = 2.46, np.random.default_rng(seed)
    first, second = a, a * np.exp(1j * np.pi / 3)
    i, j = (each.ravel() for each in np.mgrid[-10:11, -10:11])
    sites = i * first + j * second
    sites = np.concatenate([sites, sites + (first + second) / 3])
    sites = sites[np.abs(sites) < radius]
    sites = sites[np.argsort(np.abs(sites), kind="stable")]
    kept = np.setdiff1d(np.arange(len(sites)), list(missing))
    kinds = np.full(len(kept), "C", object)
    return _flake(sites[kept], kinds, np.zeros(2), rng)


def _flake(sites, kinds, tilt, rng) -> Flake:
    """Tilt the sheet about its middle; `tilt` are components (x, y) of its normal."""
    atoms = {
        "1Mo": (("Mo", 0.0),),
        "2S": (("S", -HALF), ("S", HALF)),
        "1S upper": (("S", HALF),),
        "1S lower": (("S", -HALF),),
        "1Se upper 1S": (("S", -HALF), ("Se", HALF)),
        "C": (("C", 0.0),),
    }
    along = np.sqrt(1 - tilt @ tilt)
    middle = np.array([FIELD[1], FIELD[0]]) / 2
    rows, symbols, positions = [], [], []
    for site, kind in zip(sites, kinds, strict=True):
        flat = np.array([site.real, site.imag]) + rng.normal(0, 0.01, 2)
        # The part of the place along the tilt is foreshortened.
        size = max(float(np.hypot(*tilt)), 1e-12)
        uphill = flat @ tilt / size
        place = middle + flat - (1 - along) * uphill * tilt / size
        height = -uphill * size
        heights = [over for _, over in atoms[kind]]
        center = np.mean(heights)
        x, y = place + center * tilt
        rows.append((kind, x, y, height + center * along))
        for symbol, over in atoms[kind]:
            symbols.append(symbol)
            positions.append((*(place + over * tilt), height + over * along))
    table = pd.DataFrame(rows, columns=["class", "x", "y", "z"])
    return Flake(table, symbols, np.array(positions))


def exit_wave(flake: Flake, energy: float = ENERGY) -> np.ndarray:
    """Return the wave 2 Å behind the last atom, shape (y, x), periodic."""
    shape = tuple(round(length / (PIXEL / 2)) for length in FIELD)
    ky, kx = (
        scipy.fft.fftfreq(n, length / n) for n, length in zip(shape, FIELD, strict=True)
    )
    k2 = ky[:, np.newaxis] ** 2 + kx**2
    area = FIELD[0] * FIELD[1] / (shape[0] * shape[1])
    phases = {
        symbol: atom_phase(symbol, k2, energy, VIBRATION) / area
        for symbol in set(flake.symbols)
    }
    spectrum = np.zeros(shape, complex)
    spectrum[0, 0] = k2.size
    plane = 0.0
    for n in np.argsort(flake.positions[:, 2], kind="stable"):
        x, y, z = flake.positions[n]
        spectrum *= np.exp(-1j * np.pi * wavelength(energy) * (z - plane) * k2)
        plane = z
        place = np.exp(-2j * np.pi * (ky[:, np.newaxis] * y + kx * x))
        phase = scipy.fft.ifft2(phases[flake.symbols[n]] * place).real
        spectrum = scipy.fft.fft2(scipy.fft.ifft2(spectrum) * np.exp(1j * phase))
    spectrum *= np.exp(-1j * np.pi * wavelength(energy) * 2.0 * k2)
    return scipy.fft.ifft2(spectrum)


def smoothed(wave: np.ndarray) -> np.ndarray:
    """Return a wave as the refinement returns it: smoothed, on the images' pixels."""
    ky, kx = (
        scipy.fft.fftfreq(n, length / n)
        for n, length in zip(wave.shape, FIELD, strict=True)
    )
    k2 = ky[:, np.newaxis] ** 2 + kx**2
    spectrum = scipy.fft.fft2(wave) * np.exp(-2 * (np.pi * SMOOTHING) ** 2 * k2)
    return scipy.fft.ifft2(spectrum)[::2, ::2]


def detector(dose: float) -> Detector:
    """Return a camera without readout noise."""
    return Detector(PIXEL, dose, mtf_c0=0.5, mtf_c3=3.0)


def images(wave: np.ndarray, dose: float, optics=OPTICS, seed: int = 1) -> np.ndarray:
    """Return images [electrons a pixel], shape (image, y, x), not periodic."""
    rng = np.random.default_rng(seed)
    pad = 40  # pixels of vacuum around, into which the fringes go
    whole = np.pad(wave, 2 * pad, constant_values=1)
    shape = tuple(n // 2 for n in whole.shape)
    extent = tuple(n * PIXEL for n in shape)
    inside = (slice(pad, -pad), slice(pad, -pad))
    return np.stack(
        [
            detect_electrons(
                image_intensity(whole, extent, each, shape), detector(dose), rng
            )[inside]
            for each in optics
        ]
    ).astype(np.float32)


def guessed(flake: Flake, *, seed: int = 2, flipped: int = 0, lost: int = 0):
    """Return the columns as a network finds them: displaced, some wrong or lost."""
    rng = np.random.default_rng(seed)
    table = flake.columns[["class", "x", "y"]].copy()
    table["class"] = table["class"].replace({"1S upper": "1S", "1S lower": "1S"})
    table[["x", "y"]] += rng.normal(0, 0.05, (len(table), 2))
    places = rng.permutation(len(table))
    other = {"1Mo": "2S", "2S": "1Mo", "1S": "2S"}
    for n in places[:flipped]:
        table.loc[n, "class"] = other[table.loc[n, "class"]]
    return table.drop(places[flipped : flipped + lost]).reset_index(drop=True)
