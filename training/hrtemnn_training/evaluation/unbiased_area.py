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
from .shots import take
from .tasks import task_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

    from hrtemnn_training.recipe import Recipe
    from hyperspy_hrtemnn.networks import Network

_ROUND = 3000  # a seed of its own for these images
_STEPS = 1000  # the threshold is found to a thousandth


class UnbiasedArea:
    """Found and true area of images at all thresholds.

    Images are added one by one; none is kept.
    """

    def __init__(self) -> None:
        self._ratios: list[NDArray[np.float64]] = []

    def add(self, probability: ArrayLike, truth: ArrayLike) -> None:
        """Measure an image.

        Parameters
        ----------
        probability
            Of each pixel, 0 to 1, any shape.
        truth
            Whether it is an object's, the same shape. An image without any is left
            out: it has no true area to compare with.
        """
        true = np.count_nonzero(truth)
        if true:
            values = np.ravel(np.asarray(probability, float))
            bins = np.minimum((values * _STEPS).astype(int), _STEPS - 1)
            pixels = np.bincount(bins, minlength=_STEPS)
            # Those of at least 1 / _STEPS, 2 / _STEPS, ...
            self._ratios.append(pixels[::-1].cumsum()[::-1][1:] / true)

    def threshold(self) -> float | None:
        """Return the threshold at which the found is the true area; None of no image.

        In the median of the images. Of their sum it would be less, because it would
        make up for particles that are not seen at all with the rims of all others.
        """
        if not self._ratios:
            return None
        bias = np.abs(np.median(self._ratios, axis=0) - 1)
        return (int(bias.argmin()) + 1) / _STEPS


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
    areas = UnbiasedArea()
    jobs = list(images_of(recipe, recipe.images, len(data)))
    for index, parameters, _ in tqdm(jobs, "threshold", disable=not progress):
        own = np.random.default_rng((recipe.seed, _ROUND, index))
        shot = take(recipe, data, index, own, parameters)
        areas.add(task.ask(network, shot).probability, task.truth(shot))
    return areas.threshold()
