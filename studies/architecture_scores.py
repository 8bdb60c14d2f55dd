# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores of networks that mark particles, on held-out images that all share.

Not a script: `architectures.py` scores its networks with it.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from tqdm import tqdm

from hrtemnn_training.evaluation.comparison import images_of
from hrtemnn_training.evaluation.samples import draw_sample
from hrtemnn_training.generation import data_path
from hrtemnn_training.metrics.pixels import f1_score
from hrtemnn_training.store import DataSet
from hyperspy_hrtemnn.cores import usable_cores

if TYPE_CHECKING:
    from pathlib import Path

    from hrtemnn_training.images.keys import ImageKeys
    from hrtemnn_training.images.sample import Sample
    from hrtemnn_training.labels import LabelKind
    from hrtemnn_training.recipe import Recipe
    from hrtemnn_training.structures import Purpose
    from hyperspy_hrtemnn.networks import Network

THRESHOLDS = tuple(step / 20 for step in range(1, 20))
_ROUND = 5000  # a seed of its own for these images


@dataclass(frozen=True)
class Scores:
    """Pixel F1 on test images, at the threshold that is best on validation images.

    Parameters
    ----------
    threshold
        The threshold.
    f1
        F1 of each test structure that shows a particle, the mean of its images, by the
        number of the structure.
    worst
        10th percentile of F1 of the single test images.
    """

    threshold: float
    f1: pd.Series
    worst: float

    @property
    def mean(self) -> float:
        """Mean F1."""
        return float(self.f1.mean())

    def less(self, other: Scores) -> tuple[float, float]:
        """Return by how much the mean is below another's, and its standard error.

        The images are the same, so that the error is that of the differences.
        """
        differences = (other.f1 - self.f1).to_numpy(float)
        error = differences.std(ddof=1) / np.sqrt(len(differences))
        return float(differences.mean()), float(error)


def measure(recipe: Recipe, folder: Path, network: Network) -> pd.DataFrame:
    """Return F1 of each validation and test image that shows a particle.

    Each structure is imaged with two cameras, as in `hrtemnn evaluate`, in the same
    conditions and with the same noise for all networks.

    Parameters
    ----------
    recipe
        Label and conditions of the images.
    folder
        Folder with the exit waves.
    network
        Network whose probabilities are scored.

    Returns
    -------
    A row for each image and threshold: purpose, structure, threshold and f1.
    """
    purposes: tuple[Purpose, Purpose] = ("validation", "test")
    rows = [
        (purpose, structure, threshold, f1)
        for purpose in purposes
        for structure, scores in _scores(recipe, folder, purpose, network)
        for threshold, f1 in scores.items()
    ]
    return pd.DataFrame(rows, columns=["purpose", "structure", "threshold", "f1"])


def summarize(measured: pd.DataFrame) -> Scores:
    """Return the scores of a network from the rows of `measure`."""
    validation, test = (
        measured[measured["purpose"] == purpose] for purpose in ("validation", "test")
    )
    means = [_at(validation, threshold)["f1"].mean() for threshold in THRESHOLDS]
    threshold = THRESHOLDS[int(np.nanargmax(means))]
    test = _at(test, threshold)
    return Scores(
        threshold,
        test.groupby("structure")["f1"].mean(),
        float(test["f1"].quantile(0.1)),
    )


def _at(rows: pd.DataFrame, threshold: float) -> pd.DataFrame:
    return rows[np.isclose(rows["threshold"], threshold)]


def _scores(
    recipe: Recipe, folder: Path, purpose: Purpose, network: Network
) -> list[tuple[int, dict[float, float]]]:
    """Return the structure of each image, and F1 at each threshold."""
    data = DataSet(data_path(folder, purpose))

    def of_image(job: tuple[int, ImageKeys, object]) -> tuple[int, dict[float, float]]:
        index, parameters, _ = job
        rng = np.random.default_rng((recipe.seed, _ROUND, index))
        sample = draw_sample(recipe, data, index, rng, parameters)
        return index, _f1(recipe.label, sample, network)

    jobs = list(images_of(recipe, recipe.images, len(data)))
    with ThreadPoolExecutor(usable_cores()) as pool:
        return list(tqdm(pool.map(of_image, jobs), purpose, len(jobs)))


def _f1(label: LabelKind, sample: Sample, network: Network) -> dict[float, float]:
    """Return F1 of an image at each threshold; nothing if it shows no particle."""
    both = label.probability_and_truth(label.predict(network, sample), sample)
    if both is None or not both[1].any():
        return {}
    probability, truth = both
    return {at: f1_score(probability >= at, truth) for at in THRESHOLDS}
