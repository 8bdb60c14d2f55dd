# SPDX-License-Identifier: GPL-3.0-or-later
"""Sweep: the score of a network while one condition leaves its training."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from tqdm import tqdm

from hrtemnn_training.evaluation.samples import draw_sample
from hrtemnn_training.generation import (
    data_path,
    make_structures,
    make_waves,
)
from hrtemnn_training.store import DataSet
from hyperspy_hrtemnn.cores import usable_cores

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from hrtemnn_training.images.keys import ImageKeys
    from hrtemnn_training.recipe import Recipe
    from hyperspy_hrtemnn.networks import Network

    from .conditions import Condition, Value

INSIDE = "inside"
"""Name in the table of images whose conditions are all from the training."""

_ROUND = 4000  # a seed of its own for these images


def sweep(
    recipe: Recipe,
    folder: Path,
    network: Network,
    conditions: Iterable[Condition],
    *,
    structures: int,
    processes: int | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Measure a network at each value of each condition, all others as trained.

    The same test structures are imaged at the same places at all values, with the same
    draws of all other conditions, so that differences are of the condition alone.

    Parameters
    ----------
    recipe
        Recipe of the network.
    folder
        Folder of the run, with the exit waves of the test set. What other specimens
        need is made in ``domain`` in it, and is not made again.
    network
        The network.
    conditions
        What is swept.
    structures
        Number of structures, the first of the test set.
    processes
        Processes that make specimens; as many as cores if None.
    progress
        Whether to show a progress bar.

    Returns
    -------
    A row for each image: ``condition``, ``value``, ``structure`` and ``score``, the
    first metric of the label; ``inside`` has the images in the conditions of the
    training.

    Raises
    ------
    StoreError
        If there are no exit waves.
    """
    test = DataSet(data_path(folder, "test"))
    sets: list[tuple[str, Value, DataSet, ImageKeys]] = [
        (INSIDE, 0.0, test, recipe.images)
    ]
    for condition in conditions:
        for value in condition.tried:
            data = test
            if condition.specimen is not None:
                data = _specimens(
                    condition.recipe_at(recipe, value),
                    folder / "domain" / f"{condition.name}-{value}",
                    structures,
                    processes=processes,
                    progress=progress,
                )
            images = condition.images_at(recipe, value)
            sets.append((condition.name, value, data, images))
    jobs = [(*each, i) for each in sets for i in range(min(structures, len(each[2])))]
    metric = recipe.label.plotted[0].name

    def measure(
        job: tuple[str, Value, DataSet, ImageKeys, int],
    ) -> tuple[str, Value, int, float]:
        name, value, data, images, index = job
        rng = np.random.default_rng((recipe.seed, _ROUND, index))
        sample = draw_sample(recipe, data, index, rng, images)
        found = recipe.label.metrics(recipe.label.predict(network, sample), sample)
        return name, value, index, found.get(metric, np.nan)

    with ThreadPoolExecutor(usable_cores()) as pool:
        rows = list(
            tqdm(pool.map(measure, jobs), "domain", len(jobs), disable=not progress)
        )
    return pd.DataFrame(rows, columns=["condition", "value", "structure", "score"])


def _specimens(
    recipe: Recipe,
    run: Path,
    structures: int,
    *,
    processes: int | None,
    progress: bool,
) -> DataSet:
    """Return the specimens of a recipe, which are made as far as they are not there."""
    run.mkdir(parents=True, exist_ok=True)
    size = {"train": 1, "validation": 1, "test": structures}
    recipe = recipe.model_copy(update={"size": size})
    for make in (make_structures, make_waves):
        make(recipe, run, purposes=("test",), processes=processes, progress=progress)
    return DataSet(data_path(run, "test"))
