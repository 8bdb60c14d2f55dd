# SPDX-License-Identifier: GPL-3.0-or-later
"""Detector of a parameters file, the inverse of `detector_parameters`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hyperspy_hrtemnn.analysis.microscope.detector import Detector

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_KEYS = ("mtf_c1", "mtf_c3", "readout")


def detector_from_parameters(content: Mapping[str, Any], sampling: float) -> Detector:
    """Return the detector that a parameters file or a recipe describes.

    Parameters
    ----------
    content
        Content of the file, as of `detector_parameters` or `read_parameters_file`. Of
        each range the middle is taken: N0 itself, as `HRTEM.fit_mtf` measured it.
    sampling
        Pixel size [Å].

    Raises
    ------
    ValueError
        If a key is missing or not one number or two.
    """
    images = content.get("images", content)
    if "mtf" in images and images["mtf"] is None:
        readout = _middle(images, "readout") if "readout" in images else 0.0
        return Detector(sampling, sampling**-2, readout=readout, has_mtf=False)
    c0, c3, readout = (_middle(images, key) for key in _KEYS)
    floor = _middle(images, "mtf_c2") if "mtf_c2" in images else 0.0
    return Detector(sampling, sampling**-2, c0, c3, floor, readout)


def _middle(images: Mapping[str, Any], key: str) -> float:
    """Return the middle of the range of a key."""
    value = images.get(key)
    ends: Sequence[Any] = value if isinstance(value, list | tuple) else [value]
    try:
        low, high = float(ends[0]), float(ends[-1])
    except (TypeError, ValueError, IndexError):
        low = high = -1.0
    if not 0 <= low <= high:
        raise ValueError(
            f"The detector is not known: its parameters have {key} = {value!r}, and "
            "need a number, or the lowest and the highest, which are not negative. "
            "HRTEM.fit_mtf measures and saves them."
        )
    return (low + high) / 2
