# SPDX-License-Identifier: GPL-3.0-or-later
"""Comparison of networks and baselines, on the same structures they never saw.

A network runs as it does for a user: on the pixels of the camera, through the same
resampling, standardization and tiling.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from hrtemnn_training.generation import data_path
from hrtemnn_training.metrics.reliability import Reliability
from hrtemnn_training.store import DataSet

from .samples import draw_sample

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from hrtemnn_training.images.keys import ImageKeys
    from hrtemnn_training.labels import LabelKind
    from hrtemnn_training.recipe import Recipe
    from hrtemnn_training.store import Specimens
    from hyperspy_hrtemnn.networks import Network

TEST_IMAGES = 1000
"""Seed of the images on which networks are scored."""

_BASELINE_IMAGES = 1001  # seed of those on which the baselines are tuned
_VALIDATION = 24  # images on which the baselines are tuned


@dataclass(frozen=True)
class Evaluation:
    """Metrics of several contenders on the same images.

    Parameters
    ----------
    table
        One row for each image and contender: ``by``, the contender, ``structure``,
        the conditions, and the metrics.
    networks, baselines
        Names of the contenders.
    conditions, metrics
        Names of the columns.
    label
        Label that was predicted.
    reliability
        Reliability of each network by name, where the label has an area.
    """

    table: pd.DataFrame
    networks: tuple[str, ...]
    baselines: tuple[str, ...]
    conditions: tuple[str, ...]
    metrics: tuple[str, ...]
    label: LabelKind
    reliability: dict[str, Reliability]

    def rows(self, contender: str) -> pd.DataFrame:
        """Return the rows of one contender."""
        return self.table[self.table["by"] == contender]


def evaluate(
    recipe: Recipe,
    folder: Path,
    networks: Mapping[str, Network],
    *,
    images: ImageKeys | None = None,
    against: Sequence[str] = (),
    progress: bool = True,
) -> Evaluation:
    """Image every test structure and measure what networks and baselines predict of it.

    Masks of one class in single images are imaged with each of two cameras, the dose
    evenly over its bins, see `camera_plan`; everything else, and all in conditions
    that are not the recipe's, once, drawn from the ranges. The baselines need no
    network and are tuned on the first 24 structures of the validation set, in the
    conditions of the recipe. A network that takes fewer images than the focal series of
    the recipe gets its first ones.

    Parameters
    ----------
    recipe
        Label and conditions of the images.
    folder
        Folder of the run, with the exit waves of the validation and the test set.
    networks
        By the name they get in the table.
    images
        Conditions of the test images other than the recipe's, see `change_images`.
    against
        Conditions that are going to be needed.
    progress
        Whether to show a progress bar.

    Raises
    ------
    StoreError
        If there are no exit waves.
    ValueError
        If a network does not predict the label, or an image has no such
        condition.
    """
    images = images or recipe.images
    label = recipe.label
    for name, network in networks.items():
        check_fit(name, network, recipe)
    data, validation = (
        DataSet(data_path(folder, purpose)) for purpose in ("test", "validation")
    )
    rng = np.random.default_rng((recipe.seed, _BASELINE_IMAGES))
    check_conditions(recipe, data, against)
    samples = [
        draw_sample(recipe, validation, index, rng)
        for index in range(min(len(validation), _VALIDATION))
    ]
    baselines = label.baselines(samples, data, rng)
    rows = []
    conditions: dict[str, None] = {}
    metrics: dict[str, None] = {}
    reliability = {name: Reliability() for name in networks}
    jobs = list(images_of(recipe, images, len(data)))
    for index, parameters, view in tqdm(jobs, "evaluate", disable=not progress):
        # The same structure, place and optics for all contenders, and for both cameras.
        own = np.random.default_rng((recipe.seed, TEST_IMAGES, index))
        sample = draw_sample(recipe, data, index, own, parameters)
        known = view | sample.conditions()
        conditions |= dict.fromkeys(known)
        predictions = {
            name: label.predict(network, sample) for name, network in networks.items()
        }
        predictions |= {name: baseline(sample) for name, baseline in baselines.items()}
        for name, prediction in predictions.items():
            measured = label.metrics(prediction, sample)
            metrics |= dict.fromkeys(measured)
            rows.append({"by": name, "structure": index} | known | measured)
        for name, counted in reliability.items():
            both = label.probability_and_truth(predictions[name], sample)
            if both is not None:
                counted.add(*both)
    return Evaluation(
        pd.DataFrame(rows),
        tuple(networks),
        tuple(baselines),
        tuple(conditions),
        tuple(metrics),
        label,
        reliability if label.measures_area else {},
    )


def images_of(
    recipe: Recipe, images: ImageKeys, count: int
) -> Iterator[tuple[int, ImageKeys, dict[str, Any]]]:
    """Yield structure, ranges and what else is known of each image to evaluate.

    Parameters
    ----------
    recipe
        Label and conditions of the images.
    images
        The conditions: the recipe's, or others.
    count
        Number of structures.
    """
    if images is recipe.images:
        yield from recipe.label.plan(count)
    else:
        yield from ((index, images, {}) for index in range(count))


def check_fit(name: str, network: Network, recipe: Recipe) -> None:
    """Raise a ValueError if a network does not predict the label of a recipe."""
    card, images = network.card, recipe.images
    if len(card.classes) != images.num_classes or card.channels > images.channels:
        raise ValueError(
            f"The network {name} makes {len(card.classes)} classes of {card.channels} "
            f"images; the recipe {recipe.name} asks for {images.num_classes} of "
            f"{images.channels}."
        )


def check_conditions(recipe: Recipe, data: Specimens, against: Sequence[str]) -> None:
    """Raise a ValueError if images of a data set have no such condition."""
    first = draw_sample(
        recipe, data, 0, np.random.default_rng((recipe.seed, TEST_IMAGES, 0))
    )
    known = first.conditions()
    numbers = [k for k, v in known.items() if not isinstance(v, str)]
    for name in against:
        if name not in numbers:
            raise ValueError(
                f"against: there is no condition {name!r}, only {', '.join(numbers)}."
            )
