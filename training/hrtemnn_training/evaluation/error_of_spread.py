# SPDX-License-Identifier: GPL-3.0-or-later
"""Error of the spread: what the spread over the orientations says of the error."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .comparison import check_fit
from .validation_samples import validation_samples

if TYPE_CHECKING:
    from pathlib import Path

    from hrtemnn_training.recipe import Recipe
    from hyperspy_hrtemnn.networks import Network

_ROUND = 4000  # a seed of its own for these images


def measure_error_of_spread(
    recipe: Recipe, folder: Path, network: Network, *, progress: bool = True
) -> float | None:
    """Return by how much the error is larger than the spread over the orientations.

    The eight predictions share a part of their error, which their spread does not show.

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
    Root mean square of all errors over that of the spreads; None if the label does not
    have it, or nothing spreads.

    Raises
    ------
    StoreError
        If there are no exit waves.
    ValueError
        If the network does not predict the label.
    """
    label = recipe.label
    if not label.measures_spread:
        return None
    check_fit(network.name, network, recipe)
    errors = spreads = 0.0
    for sample in validation_samples(
        recipe, folder, _ROUND, "spread", progress=progress
    ):
        error, spread = label.error_and_spread(network, sample)
        errors += float(np.mean(error**2))
        spreads += float(np.mean(spread**2))
    return round(math.sqrt(errors / spreads), 3) if spreads else None
