# SPDX-License-Identifier: GPL-3.0-or-later
"""Unbiased threshold: measured for the card of a network, on validation structures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hrtemnn_training.metrics.unbiased_area import UnbiasedArea

from .comparison import check_fit
from .validation_samples import validation_samples

if TYPE_CHECKING:
    from pathlib import Path

    from hrtemnn_training.recipe import Recipe
    from hyperspy_hrtemnn.networks import Network

_ROUND = 3000  # a seed of its own for these images


def measure_threshold(
    recipe: Recipe, folder: Path, network: Network, *, progress: bool = True
) -> float | None:
    """Return the threshold of unbiased area, measured on validation structures.

    Parameters
    ----------
    recipe
        Label and conditions of the images, which are those of `evaluate`.
    folder
        Folder of the run, with the exit waves of the validation set.
    network
        The network.
    progress
        Whether to show a progress bar.

    Returns
    -------
    None if the label has no area, or no image shows an object.

    Raises
    ------
    StoreError
        If there are no exit waves.
    ValueError
        If the network does not predict the label.
    """
    label = recipe.label
    if not label.measures_area:
        return None
    check_fit(network.name, network, recipe)
    areas = UnbiasedArea()
    add_simulations(areas, recipe, folder, network, progress=progress)
    return areas.threshold()


def add_simulations(
    areas: UnbiasedArea,
    recipe: Recipe,
    folder: Path,
    network: Network,
    *,
    most: int | None = None,
    progress: bool = True,
) -> None:
    """Add the areas in images of validation structures.

    Parameters
    ----------
    areas
        What they are added to.
    recipe, folder, network, progress
        See `measure_threshold`.
    most
        Largest number of images.
    """
    label = recipe.label
    for sample in validation_samples(
        recipe, folder, _ROUND, "threshold", most=most, progress=progress
    ):
        both = label.probability_and_truth(label.predict(network, sample), sample)
        if both is not None:
            areas.add(*both)
