# SPDX-License-Identifier: GPL-3.0-or-later
"""Atoms of columns from the exit wave of known lenses, which is what a network rivals.

Not a script: `heights.py` scores it.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import map_coordinates

from hrtemnn_training.images.wave_label import exit_wave
from hrtemnn_training.metrics.atom_counts import AtomCounts
from hyperspy_hrtemnn.analysis import mass_angle, reconstruct_exit_wave

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from hrtemnn_training.images.sample import Sample

# Noisy images need 30; more fit the noise.
ITERATIONS = 40


def _phase(
    values: NDArray[np.complex128],
    places: NDArray[np.float64],  # noqa: ARG001
) -> NDArray[Any]:
    """Return the phase of the wave at each column, continued where it turns over."""
    phase = np.angle(values)
    return np.where(phase < -np.pi / 4, phase + 2 * np.pi, phase)


def _angle(values: NDArray[np.complex128], places: NDArray[np.float64]) -> NDArray[Any]:
    """Return the mass angle, continued from thin columns to thick ones."""
    with warnings.catch_warnings():
        # It says where it is unsure; here all columns are counted.
        warnings.simplefilter("ignore")
        return mass_angle(values, places)


MEASURES: dict[str, Callable[..., NDArray[Any]]] = {
    "phase": _phase,
    "mass angle": _angle,
}


@dataclass(frozen=True)
class ColumnWaves:
    """A sample with a wave at its true columns, whose places are known.

    Parameters
    ----------
    sample
        Focal series.
    places
        (row, column) of the columns in the image [pixels], shape (column, 2).
    values
        Wave at each, shape (column,).
    """

    sample: Sample
    places: NDArray[np.float64]
    values: NDArray[np.complex128]


def reconstructed(sample: Sample) -> ColumnWaves:
    """Return the wave of the iterations, with the lenses, their blur and the MTF."""
    exposure, detector = sample.exposure, sample.exposure.detector
    shaken = exposure.disturbances.vibration_blur
    optics = [
        replace(each, blur=float(np.hypot(each.blur, shaken)))
        for each in exposure.optics
    ]
    found = reconstruct_exit_wave(
        exposure.counts,
        sample.pixel,
        optics,
        iterations=ITERATIONS,
        align=False,
        mtf=(detector.mtf_c0, detector.mtf_c3),
    )
    return _at_columns(found.wave, sample)


def true_wave(sample: Sample) -> ColumnWaves:
    """Return the wave that the images were made of, smoothed by 15 pm."""
    specimen = sample.specimen
    parts = exit_wave(specimen.wave, specimen.extent, sample.grid)
    return _at_columns(parts[..., 0] + 1j * parts[..., 1], sample)


def _at_columns(wave: NDArray[Any], sample: Sample) -> ColumnWaves:
    places = sample.grid.indices(sample.specimen.sites.positions)
    places = places[_inside(places, sample)]
    real, imaginary = (
        map_coordinates(part, places.T, order=3) for part in (wave.real, wave.imag)
    )
    return ColumnWaves(sample, places, real + 1j * imaginary)


def _inside(places: NDArray[np.float64], sample: Sample) -> NDArray[np.bool_]:
    last = np.array(sample.exposure.counts.shape[1:]) - 1
    return np.asarray(np.all((places >= 0) & (places <= last), axis=1))


class WaveCounter:
    """Atoms from what is measured in a wave, by the line that fits known columns best.

    Parameters
    ----------
    measure
        One of `MEASURES`.
    known
        Waves of samples to fit the line to.
    """

    def __init__(
        self, measure: Callable[..., NDArray[Any]], known: Sequence[ColumnWaves]
    ) -> None:
        self._measure = measure
        terms = np.concatenate([self._terms(each) for each in known])
        atoms = np.concatenate([_atoms(each.sample) for each in known])
        self._line = np.linalg.lstsq(terms, atoms, rcond=None)[0]

    def _terms(self, waves: ColumnWaves) -> NDArray[Any]:
        if not len(waves.places):
            return np.zeros((0, 3))
        angle = self._measure(waves.values, waves.places)
        # Each atom turns the wave by an angle that depends on the energy.
        energy = waves.sample.specimen.energy / 250 - 1
        return np.stack([np.ones_like(angle), angle, energy * angle], axis=1)

    def __call__(self, waves: ColumnWaves) -> AtomCounts:
        """Return the atoms of the columns."""
        return AtomCounts(waves.places, self._terms(waves) @ self._line)


def _atoms(sample: Sample) -> NDArray[np.int64]:
    sites = sample.specimen.sites
    return sites.heights[_inside(sample.grid.indices(sites.positions), sample)]
