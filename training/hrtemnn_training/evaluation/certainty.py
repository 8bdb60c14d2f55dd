# SPDX-License-Identifier: GPL-3.0-or-later
"""Certainty: from which probability on the answers of a network are right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .comparison import check_fit
from .validation_samples import validation_samples

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from hrtemnn_training.recipe import Recipe
    from hyperspy_hrtemnn.networks import Network

_ROUND = 5000  # a seed of its own for these images
_RIGHT = 0.95
_FEWEST = 20  # answers of which a share of 95 % can be counted


def measure_certainty(
    recipe: Recipe, folder: Path, network: Network, *, progress: bool = True
) -> float | None:
    """Return the smallest probability of an answer, measured on validation structures.

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
    None if the label has no answers.

    Raises
    ------
    StoreError
        If there are no exit waves.
    ValueError
        If the network does not predict the label.
    """
    label = recipe.label
    if not label.answers:
        return None
    check_fit(network.name, network, recipe)
    largest, right = [], []
    for sample in validation_samples(
        recipe, folder, _ROUND, "certainty", progress=progress
    ):
        prediction = label.predict(network, sample)
        largest.append(float(np.max(prediction)))
        right.append(label.metrics(prediction, sample)["accuracy"] > 0)
    return smallest_certainty(np.array(largest), np.array(right))


def smallest_certainty(
    probabilities: NDArray[np.floating], right: NDArray[np.bool_]
) -> float:
    """Return the smallest probability from which on 95 % of the answers are right.

    Parameters
    ----------
    probabilities
        Largest probability of each image, shape (image,).
    right
        Whether the most probable answer is right, shape (image,).

    Returns
    -------
    Of 20 answers or more; 1 if there is no such probability, so that there is no
    answer.
    """
    order = np.argsort(-probabilities, kind="stable")
    share = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    enough = (share >= _RIGHT) & (np.arange(1, len(order) + 1) >= _FEWEST)
    if not enough.any():
        return 1.0
    last = int(np.flatnonzero(enough)[-1])
    # Rounded up, so that nothing less certain is an answer.
    return min(float(np.ceil(probabilities[order][last] * 1e3) / 1e3), 1.0)
