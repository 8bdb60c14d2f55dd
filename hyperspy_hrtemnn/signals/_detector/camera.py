# SPDX-License-Identifier: GPL-3.0-or-later
"""Camera of a focal series: its detector, and the electrons of each pixel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_hrtemnn.analysis import Detector
from hyperspy_hrtemnn.analysis.detector.from_parameters import detector_from_parameters
from hyperspy_hrtemnn.analysis.detector.parameters import read_parameters_file
from hyperspy_hrtemnn.analysis.microscope.detector import checked_mtf
from hyperspy_hrtemnn.signals._shared.calibration import sampling

from .gain import known_gain, unknown_gain

if TYPE_CHECKING:
    from hyperspy.signals import Signal2D
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.image_data import ImageData
    from hyperspy_hrtemnn.options import CameraOptions


# Mean of images over their standard deviation below which it is that of rounding.
_BEAM = 1e-6


def known_detector(series: Signal2D, camera: CameraOptions) -> Detector:
    """Return the detector that is given, by what fit_mtf measured or by numbers.

    Raises
    ------
    ValueError
        If it is not given, or given twice, or a number is out of range.
    """
    pixel = sampling(series)
    source = camera.detector
    if source is None and camera.mtf is None:
        raise ValueError(
            "The camera is not known. Measure it in a region of vacuum, "
            "detector=series.fit_mtf(), or give the file that its save() wrote; or "
            "give mtf=(c0, c3), for a camera without MTF (inf, 1), and readout."
        )
    if source is None:
        c0, c3 = checked_mtf(camera.mtf)  # type: ignore[arg-type]
        known = Detector(pixel, pixel**-2, c0, c3)
    else:
        known = detector_from_parameters(_content(source), pixel)
        if camera.mtf is not None:
            raise ValueError(
                "Both detector and mtf are given; give one, the other has the same."
            )
    if camera.readout is None:
        return known
    if not 0 <= camera.readout < np.inf:
        raise ValueError(f"readout cannot be negative, as {camera.readout} is.")
    return replace(known, readout=float(camera.readout))


def _content(source: Any) -> Mapping[str, Any]:
    """Return the content of a parameters file, from its path or a `DetectorFit`."""
    if hasattr(source, "to_parameters"):
        return source.to_parameters()  # type: ignore[no-any-return]
    if isinstance(source, Mapping):
        return source
    path = Path(source)
    content = read_parameters_file(path)
    if not content:
        raise ValueError(
            f"The parameters file {path} does not exist or is empty; "
            "DetectorFit.save writes one."
        )
    return content


def electrons(
    data: ImageData,
    series: Signal2D,
    camera: CameraOptions,
    brightness: float = 1.0,
    *,
    any_contrast: bool = False,
) -> NDArray[np.float32]:
    """Return the electrons of each pixel, the mean where an image is no data.

    Parameters
    ----------
    data
        The images.
    series
        The signal that they are of.
    camera
        The camera and its counts.
    brightness
        Mean of the images over vacuum, of which the dose is; 1 for a sample that
        scatters all electrons into the image.
    any_contrast
        Whether the zero of the images may be any, if the dose is given: each has the
        dose then.

    Raises
    ------
    ValueError
        If neither counts of an electron nor dose are known, or both are given; if the
        images are not brighter than without beam.
    """
    if camera.dose is not None and camera.counts_per_electron is not None:
        raise ValueError(
            "Both dose and counts_per_electron are given; give one, the other follows."
        )
    gain = known_gain(series, camera.counts_per_electron, camera.offset)
    offset = gain.offset if gain else float(camera.offset or 0)
    counts = np.asarray(data.counts(no_data=0), np.float64) - offset
    inside = counts[:, data.valid]
    if camera.dose is not None and not 0 < camera.dose < np.inf:
        raise ValueError(f"dose is {camera.dose}; it must be positive, in e-/Å².")
    if camera.dose is not None and any_contrast:
        expected = camera.dose * sampling(series) ** 2
        for image, pixels in zip(counts, inside, strict=True):
            image[~data.valid] = pixels.mean()
            image[:] = _of_mean(image, pixels, expected)
        return np.asarray(counts, np.float32)
    if not inside.mean() > _BEAM * inside.std():
        raise ValueError(
            f"The images have {inside.mean() + offset:.4g} counts a pixel, no more "
            f"than without beam: the offset is {offset:g}. Give another offset; or to "
            "refine_atoms, of images whose zero is not known, the dose and "
            "any_contrast=True."
        )
    if camera.dose is not None:
        scale = camera.dose * sampling(series) ** 2 * brightness / inside.mean()
    elif gain is not None:
        scale = 1 / gain.counts_per_electron
    else:
        raise ValueError(
            f"{unknown_gain(series)}; or give the dose of an image in e-/Å²."
        )
    for image, pixels in zip(counts, inside, strict=True):
        image[~data.valid] = pixels.mean()
    return np.asarray(scale * counts, np.float32)


def _of_mean(
    image: NDArray[np.float64], pixels: NDArray[np.float64], expected: float
) -> NDArray[np.float64]:
    """Return an image, of which `pixels` are data, with another mean.

    The noise tells its contrast better; where it cannot, an image with a mean beyond
    what it spreads is taken for counts, and the spread of another for that of noise.
    """
    mean, spread = float(pixels.mean()), float(pixels.std())
    scale = expected / mean if mean > spread else np.sqrt(expected) / spread
    return np.asarray(expected + scale * (image - mean))
