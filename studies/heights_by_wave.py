# SPDX-License-Identifier: GPL-3.0-or-later
"""Atoms of columns from the exit wave of known lenses, which is what a network rivals.

Not a script: `heights.py` scores it.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import map_coordinates

from hrtemnn_training.metrics.atom_counts import AtomCounts
from hyperspy_hrtemnn.analysis import mass_angle, reconstruct_exit_wave

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from hrtemnn_training.images.sample import Sample

# Noisy images need 30; more fit the noise.
ITERATIONS = 40


def _phase(values: NDArray[np.complex128], places: NDArray[np.float64]) -> NDArray:
    """Return the phase of the wave at each column, continued where it turns over."""
    del places
    phase = np.angle(values)
    return np.where(phase < -np.pi / 4, phase + 2 * np.pi, phase)


def _angle(values: NDArray[np.complex128], places: NDArray[np.float64]) -> NDArray:
    """Return the mass angle, continued from thin columns to thick ones."""
    with warnings.catch_warnings():
        # It says where it is unsure; here all columns are counted.
        warnings.simplefilter("ignore")
        return mass_angle(values, places)


MEASURES: dict[str, Callable[..., NDArray]] = {
    "phase of the wave": _phase,
    "mass angle of the wave": _angle,
}


def waves_at_columns(
    sample: Sample,
) -> tuple[NDArray[np.float64], NDArray[np.complex128]]:
    """Return the places of the true columns and the wave there.

    The lenses, their blur and the MTF are known, and so are the places.

    Parameters
    ----------
    sample
        Focal series.

    Returns
    -------
    (row, column) of the columns in the image [pixels], and the wave at each.
    """
    exposure, detector = sample.exposure, sample.exposure.detector
    shaken = exposure.disturbances.vibration_blur
    optics = [
        replace(each, blur=float(np.hypot(each.blur, shaken)))
        for each in exposure.optics
    ]
    wave = reconstruct_exit_wave(
        exposure.counts,
        sample.pixel,
        optics,
        iterations=ITERATIONS,
        align=False,
        mtf=(detector.mtf_c0, detector.mtf_c3),
    ).wave
    places = sample.grid.indices(sample.specimen.sites.positions)
    inside = np.all((places >= 0) & (places <= np.array(wave.shape) - 1), axis=1)
    places = places[inside]
    real, imaginary = (
        map_coordinates(part, places.T, order=3) for part in (wave.real, wave.imag)
    )
    return places, real + 1j * imaginary


class WaveCounter:
    """Atoms from what is measured in a wave, by the line that fits known columns best.

    Parameters
    ----------
    measure
        One of `MEASURES`.
    known
        Samples to fit it to, with the places and waves of their columns.
    """

    def __init__(
        self,
        measure: Callable[..., NDArray],
        known: Sequence[tuple[Sample, NDArray, NDArray]],
    ) -> None:
        self._measure = measure
        values = np.concatenate([self._terms(*each) for each in known])
        atoms = np.concatenate([_atoms(sample) for sample, _, _ in known])
        self._line = np.linalg.lstsq(values, atoms, rcond=None)[0]

    def _terms(self, sample: Sample, places: NDArray, wave: NDArray) -> NDArray:
        if not len(places):
            return np.zeros((0, 3))
        angle = self._measure(wave, places)
        # Each atom turns the wave by an angle that depends on the energy.
        energy = sample.specimen.energy / 250 - 1
        return np.stack([np.ones_like(angle), angle, energy * angle], axis=1)

    def __call__(self, sample: Sample, places: NDArray, wave: NDArray) -> AtomCounts:
        """Return the atoms of the columns."""
        return AtomCounts(places, self._terms(sample, places, wave) @ self._line)


def _atoms(sample: Sample) -> NDArray[np.int64]:
    places = sample.grid.indices(sample.specimen.sites.positions)
    shape = np.array(sample.exposure.counts.shape[1:])
    inside = np.all((places >= 0) & (places <= shape - 1), axis=1)
    return sample.specimen.sites.heights[inside]
