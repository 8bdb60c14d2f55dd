# SPDX-License-Identifier: GPL-3.0-or-later
"""Images of validation structures, on which the values of a card are measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from hrtemnn_training.generation import data_path
from hrtemnn_training.store import DataSet

from .comparison import images_of
from .samples import draw_sample

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hrtemnn_training.images.sample import Sample
    from hrtemnn_training.recipe import Recipe


def validation_samples(
    recipe: Recipe,
    folder: Path,
    seed: int,
    title: str,
    *,
    most: int | None = None,
    progress: bool = True,
) -> Iterator[Sample]:
    """Yield images of validation structures, in the conditions of `evaluate`.

    Parameters
    ----------
    recipe
        Label and conditions of the images.
    folder
        Folder of the run, with the exit waves of the validation set.
    seed
        Number that no other images have.
    title
        Title of the progress bar.
    most
        Largest number of images.
    progress
        Whether to show a progress bar.

    Raises
    ------
    StoreError
        If there are no exit waves.
    """
    data = DataSet(data_path(folder, "validation"))
    jobs = list(images_of(recipe, recipe.images, len(data)))
    if most is not None and most < len(jobs):
        # From the first to the last: doses and cameras are in their order.
        jobs = [
            jobs[i] for i in np.rint(np.linspace(0, len(jobs) - 1, most)).astype(int)
        ]
    for index, parameters, _ in tqdm(jobs, title, disable=not progress):
        own = np.random.default_rng((recipe.seed, seed, index))
        yield draw_sample(recipe, data, index, own, parameters)
