# SPDX-License-Identifier: GPL-3.0-or-later
"""Menu item "Get FFT along time axis": Fourier transform of one particle.

It is menu item 2 of the thesis (section 6.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hyperspy_hrtemnn.analysis import crop_size, local_spectrum
from hyperspy_hrtemnn.image_data import image_data

from .dialogs import ask_channel, ask_number, progress
from .movies import (
    NANOMETER,
    check_same_size,
    frame_count,
    frames,
    pixel_size,
    published,
    square_channel,
    write_frame,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray
    from ORSModel import ROI, Channel

TITLE = "Get FFT along time axis"


def ask_images() -> Channel:
    """Return the channel with the images to transform."""
    return ask_channel("The images to transform")


def ask_apodization() -> float:
    """Return the width of the soft edge in nm."""
    return ask_number("Standard deviation of the soft edge (nm)", TITLE, 0.5)


def transform_particle(roi: ROI, channel: Channel, apodization: float) -> Channel:
    """Publish the Fourier transform of one particle, frame by frame, as a channel.

    Its values are those of `hyperspy_hrtemnn.analysis.local_spectrum`. Dragonfly only
    has lengths: 1 nm stands for 1/nm, and zero is the pixel ``n // 2``.

    Parameters
    ----------
    roi
        ROI of the particle. Frames without it are zero.
    channel
        Images on the same grid.
    apodization
        Standard deviation of the Gaussian edge [nm]; 0 for a hard edge.

    Raises
    ------
    Cancelled
        If the user cancels; nothing is published then.
    ValueError
        If the frames lie along Z and T, the grids differ, the ROI is empty or the
        apodization is negative.
    """
    count = frame_count(roi)
    check_same_size(roi, channel)
    if not 0 <= apodization < np.inf:
        raise ValueError(f"The soft edge cannot be {apodization:g} nm wide.")
    if not any(roi.getVoxelCount(t) for t in range(roi.getTSize())):
        raise ValueError(f"{roi.getTitle()!r} is empty in all frames.")
    pixel = pixel_size(roi)
    soft = apodization / pixel
    with progress(TITLE, 2 * count) as advance:
        side = crop_size(_masks(roi, advance), [1], soft)
        spectra = square_channel(side, NANOMETER / (side * pixel), roi)
        with published(spectra):
            images = zip(frames(channel), _masks(roi, advance), strict=True)
            for number, (image, mask) in enumerate(images):
                spectrum = local_spectrum(
                    image_data(image).counts()[0],
                    mask,
                    size=(side, side),
                    apodization=soft,
                )
                write_frame(spectra, number, spectrum)
            spectra.setDataDirty()
            spectra.setTitle(f"{roi.getTitle()} FFT (1 nm is 1/nm)")
    return spectra


def _masks(roi: ROI, advance: Callable[[], None]) -> Iterator[NDArray[np.uint8]]:
    """Yield the frames as 0 and 1, each after a step of progress."""
    for frame in frames(roi):
        advance()
        yield (frame != 0).astype(np.uint8)
