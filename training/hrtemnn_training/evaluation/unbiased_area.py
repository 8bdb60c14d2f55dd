# SPDX-License-Identifier: GPL-3.0-or-later
"""The threshold at which a network of masks finds as much area as there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from hrtemnn_training.generation import data_path
from hrtemnn_training.store import DataSet

from .comparison import check_fit, images_of
from .mask_task import Masks
from .reliability import Reliability
from .shots import take
from .tasks import task_of

if TYPE_CHECKING:
    from pathlib import Path

    from hrtemnn_training.recipe import Recipe
    from hyperspy_hrtemnn.networks import Network

_ROUND = 3000  # a seed of its own for these images


def measure_threshold(
    recipe: Recipe, folder: Path, network: Network, *, progress: bool = True
) -> float | None:
    """Return the threshold of unbiased area, as the rivals' are: by validation images.

    Parameters
    ----------
    recipe
        Label and conditions of the images, which are those of `evaluate`.
    folder
        Of the run, with the exit waves of the validation set.
    network
        The network.
    progress
        Whether to show a progress bar.

    Returns
    -------
    None if the label is no mask, or no image shows an object.

    Raises
    ------
    StoreError
        If there are no exit waves.
    ValueError
        If the network does not answer what the label asks.
    """
    task = task_of(recipe)
    if not isinstance(task, Masks):
        return None
    check_fit(network.name, network, recipe)
    data = DataSet(data_path(folder, "validation"))
    seen = Reliability()
    jobs = list(images_of(recipe, recipe.images, len(data)))
    for index, parameters, _ in tqdm(jobs, "threshold", disable=not progress):
        own = np.random.default_rng((recipe.seed, _ROUND, index))
        shot = take(recipe, data, index, own, parameters)
        seen.add(task.ask(network, shot).probability, task.truth(shot))
    return seen.threshold()
