# SPDX-License-Identifier: GPL-3.0-or-later
"""A flake of MoS2, its exit waves, and its frames under the beam.

Not a script: `mos2.py` and `exit_waves.py` draw it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import hyperspy.api as hs
import numpy as np
from scipy.spatial import cKDTree

from hrtemnn_training.images.grid import Grid
from hrtemnn_training.images.wave_label import exit_wave as smoothed
from hrtemnn_training.structures import MX2Flake, Structure
from hrtemnn_training.waves.multislice import WaveSettings, exit_wave

if TYPE_CHECKING:
    from hyperspy_hrtemnn.signals import ExitWave

SEED = 77  # of a flake that no data set has
FIELD = 62.0  # [Å]
VACANCIES, HOLES = 4.0, 1.0  # [%]
SAMPLING = 0.105  # of the camera [Å]
SETTINGS = WaveSettings(
    energy=50,
    sampling=0.1,
    slice_thickness=0.5,
    vibrations={"method": "uniform smearing", "mean_square": 0.003},
)
SULFUR = 16
FRAMES = 16
KNOCKED_OUT = 8  # sulfur atoms, one in every other frame
HOP = 10  # the frame in which a vacancy moves to the next site
MICROSCOPE: dict[str, Any] = {
    "Cs": "4 um",
    "focal_spread": "1.2 nm",
    "blur": "8 pm",
    "dose": 2e4,
    "mtf": (0.4, 3.0),
}
DEFOCUS = ("0 nm", "5 nm", "10 nm")


def flake_with(vacancies: float, holes: float, supported: float = 0) -> Structure:
    """Return the flake with so many percent of its sites empty, on graphene or not."""
    return MX2Flake(
        field=FIELD,
        side=(44, 46),
        offset=(0, 0),
        vacancies=(vacancies, vacancies),
        holes=(holes, holes),
        axis_tilt=(0, 1),
        supported=supported,
    ).make(SEED)


def calibrated(waves: np.ndarray) -> ExitWave:
    """Return waves as a signal, with time where there are several."""
    signal = hs.signals.ComplexSignal2D(waves)
    signal.set_signal_type("exit_wave")
    for axis, name in zip(signal.axes_manager.signal_axes, "xy", strict=True):
        axis.name, axis.scale, axis.units = name, SAMPLING / 10, "nm"
    for axis in signal.axes_manager.navigation_axes:
        axis.name, axis.scale, axis.units = "time", 1.0, "s"
    signal.metadata.set_item("Acquisition_instrument.TEM.beam_energy", SETTINGS.energy)
    wave: ExitWave = signal
    return wave


def wave_of(flake: Structure, smoothing: bool = False) -> np.ndarray:
    """Return the wave in the pixels of the camera, smoothed as the networks' is."""
    n = round(FIELD / SAMPLING)
    extent = (FIELD, FIELD)
    wave = exit_wave(flake, SETTINGS)
    if smoothing:
        corner = (-SAMPLING / 2, -SAMPLING / 2)
        parts = smoothed(wave, extent, Grid(corner, extent, (n, n)))
        return np.asarray(parts[..., 0] + 1j * parts[..., 1], np.complex64)
    spectrum = np.zeros((n, n), np.complex64)
    inner = [slice((n - m + 1) // 2, (n - m + 1) // 2 + m) for m in wave.shape]
    spectrum[tuple(inner)] = np.fft.fftshift(np.fft.fft2(wave, norm="forward"))
    return np.fft.ifft2(np.fft.ifftshift(spectrum), norm="forward").astype(np.complex64)


def under_the_beam(flake: Structure) -> list[Structure]:
    """Return the flake in each frame: sulfur leaves it, and one vacancy moves."""
    rng = np.random.default_rng(SEED)
    z = flake.positions[:, 2]
    sulfur = np.flatnonzero((flake.numbers == SULFUR) & (z < np.median(z)))
    tree = cKDTree(flake.positions[sulfur])
    inside = [
        i
        for i, near in enumerate(tree.query_ball_point(tree.data, 3.4))
        if len(near) == 7
    ]
    chosen = rng.choice(inside, KNOCKED_OUT, replace=False)
    gone: list[int] = []
    frames = []
    for frame in range(FRAMES):
        if frame % 2 and len(gone) < KNOCKED_OUT:
            gone.append(int(sulfur[chosen[len(gone)]]))
        if frame == HOP:
            near = tree.query(flake.positions[gone[0]], k=7)[1][1:]
            gone[0] = int(next(sulfur[i] for i in near if sulfur[i] not in gone))
        kept = np.ones(len(flake.numbers), bool)
        kept[gone] = False
        shift = np.append(rng.normal(0, 0.4, 2), 0)
        frames.append(
            replace(
                flake,
                positions=(flake.positions + shift)[kept].astype("f4"),
                numbers=flake.numbers[kept],
                particles=flake.particles[kept],
            )
        )
    return frames
