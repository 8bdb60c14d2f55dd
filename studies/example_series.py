# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulate the focal series that ships as `hyperspy_hrtemnn.data.mos2_series`.

    python studies/example_series.py

Three images of the flake of ``docs/mos2.md``, which is in no data set, cut to the
flake. Replaces the file of the series. Takes half a minute on two cores. Needs the
extra `training`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mos2_flake import (
    DEFOCUS,
    HOLES,
    MICROSCOPE,
    VACANCIES,
    calibrated,
    flake_with,
    wave_of,
)
from pages import ROOT

if TYPE_CHECKING:
    from hyperspy_hrtemnn.signals import HRTEM

SIDE = 480  # of an image [pixels]
FOLDER = ROOT / "hyperspy_hrtemnn" / "data"


def simulate() -> HRTEM:
    """Return the three images in counts, uint16, (defocus, y, x)."""
    wave = calibrated(wave_of(flake_with(VACANCIES, HOLES)))
    series = wave.simulate_images(DEFOCUS, **MICROSCOPE)
    top = (series.data.shape[-1] - SIDE) // 2
    series = series.isig[:SIDE, top : top + SIDE]  # the flake is left of the middle
    # What a camera writes, and what a file compresses: whole numbers.
    series.data = np.rint(series.data).clip(0).astype(np.uint16)
    for axis in series.axes_manager.signal_axes:
        axis.offset = 0
    cut: HRTEM = series
    return cut


if __name__ == "__main__":
    signal = simulate()
    signal.metadata.General.title = "MoS2, simulated focal series"
    signal.metadata.set_item(
        "General.notes",
        f"Simulated by studies/example_series.py: {MICROSCOPE['dose']:g} e-/Å² an "
        f"image, Cs {MICROSCOPE['Cs']}, focal spread {MICROSCOPE['focal_spread']}, "
        f"blur {MICROSCOPE['blur']}",
    )
    signal.save(FOLDER / "mos2_series.hspy", overwrite=True)
