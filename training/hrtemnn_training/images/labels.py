# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels: what a network is to find in an image, at any sampling (thesis 3.2).

Mask shows where particles are, Disk and Gaussian where columns of each class are,
Column height how many atoms they have, Exitwave the wave the image was made of; Value
and Class tell something of the whole image, Zone axis whether a particle is on one. The
label Clean image belongs to the image and is made with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from skimage.draw import polygon2mask

from .site_labels import column_heights, discs, gaussians
from .wave_label import exit_wave

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from hrtemnn_training.store import Sample
    from hrtemnn_training.structures import Sites

    from .grid import Grid
    from .parameters import ImageParameters


def pixel_label(
    sample: Sample, parameters: ImageParameters, grid: Grid
) -> NDArray[np.bool_] | NDArray[np.float32]:
    """Return a label with a value for each pixel.

    Parameters
    ----------
    sample
        What is seen.
    parameters
        Kind of label.
    grid
        Pixels of the label.

    Returns
    -------
    Shape (y, x, channel), a channel for each of `num_classes`; bool where it is binary.
    With a null class the last channel is what the others leave of 1.

    Raises
    ------
    ValueError
        If the sites of the sample are not of as many classes as the label.
    """
    if parameters.label == "Exitwave":
        return exit_wave(sample.wave, sample.extent, grid)
    if parameters.label == "Column height":
        return column_heights(sample.sites, parameters.spotsize, grid)
    return _with_background(_objects(sample, parameters, grid), parameters)


def _objects(
    sample: Sample, parameters: ImageParameters, grid: Grid
) -> NDArray[np.bool_] | NDArray[np.float32]:
    """Return the classes of pixels without the background."""
    if parameters.label == "Mask":
        return masks(sample, parameters.categories, grid)
    _check_classes(sample.sites, parameters)
    draw = discs if parameters.label == "Disk" else gaussians
    return draw(sample.sites, parameters.spotsize, grid)


def image_label(
    values: Mapping[str, float | str], parameters: ImageParameters
) -> NDArray[np.float32]:
    """Return a label of the image as a whole: Value, Class as one-hot, Zone axis.

    Parameters
    ----------
    values
        Of the sample and of the conditions, by name.
    parameters
        Which of them, and its categories.

    Returns
    -------
    Shape (channel,), in the unit of the value.

    Raises
    ------
    ValueError
        If the value is not known, or of another kind than the label.
    """
    if parameters.label == "Zone axis":
        return _on_zone_axis(values, parameters.max_tilt)
    name, categories = parameters.value, parameters.categories
    if name is None or name not in values:
        raise ValueError(f"value: no {name!r} is known; there is {', '.join(values)}.")
    value = values[name]
    if parameters.label == "Class":
        if value not in categories:
            raise ValueError(f"categories: {value!r} of {name} is missing in them.")
        return np.array([value == category for category in categories], np.float32)
    if isinstance(value, str):
        raise ValueError(f"value: {name} is a text, {value!r}; use the label Class.")
    return np.array([value], np.float32)


def _on_zone_axis(
    values: Mapping[str, float | str], max_tilt: float
) -> NDArray[np.float32]:
    if "tilt" not in values:
        raise ValueError(
            "label: Zone axis needs the tilt of a particle, which the generator tilted "
            "particle knows."
        )
    return np.array([float(values["tilt"]) <= max_tilt], np.float32)


def instances(
    outlines: Iterable[NDArray[np.floating]], grid: Grid
) -> NDArray[np.uint8]:
    """Return which particle each pixel shows, by number from 1; 0 is the background.

    Parameters
    ----------
    outlines
        Corners (x, y) of the convex hull of each particle [Å]. Where particles
        overlap the later one is shown.
    grid
        Pixels of the label.
    """
    label = np.zeros(grid.shape, np.uint8)
    for number, outline in enumerate(outlines, start=1):
        label[polygon2mask(grid.shape, grid.indices(outline))] = number
    return label


def masks(sample: Sample, categories: tuple[str, ...], grid: Grid) -> NDArray[np.bool_]:
    """Return the Mask label, shape (y, x, class): the convex hulls of the particles.

    One class of all particles without categories, else one for each kind in them.
    """
    shown = instances(sample.outlines, grid)
    if not categories:
        return shown[..., np.newaxis] > 0
    kinds = np.array(["", *sample.kinds])[shown]
    return np.stack([kinds == category for category in categories], axis=-1)


def _with_background(
    label: NDArray[np.bool_] | NDArray[np.float32], parameters: ImageParameters
) -> NDArray[np.bool_] | NDArray[np.float32]:
    """Add what the classes leave of 1; those that exceed it are scaled down to it."""
    if not parameters.has_background:
        return label
    total = label.sum(axis=-1, keepdims=True)
    if label.dtype == bool:
        return np.concatenate([label, total == 0], axis=-1)
    return np.concatenate(
        [label / np.maximum(total, 1), 1 - np.minimum(total, 1)], axis=-1
    )


def _check_classes(sites: Sites, parameters: ImageParameters) -> None:
    if len(sites.names) != parameters.objects:
        needed = len(sites.names) + parameters.null_class
        raise ValueError(
            f"num_classes: the sites are of the classes {', '.join(sites.names)}"
            f"{' and there is a null class' if parameters.null_class else ''}, so it "
            f"must be {needed}, not {parameters.num_classes}."
        )
