# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks and their rivals on the same images of structures they never saw.

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
from hrtemnn_training.store import DataSet

from .mask_summary import camera_plan
from .mask_task import Masks
from .reliability import Reliability
from .rivals import rivals_of
from .shots import take
from .tasks import Task, task_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from hrtemnn_training.images.parameters import ImageParameters
    from hrtemnn_training.recipe import Recipe
    from hyperspy_hrtemnn.networks import Network

    from .shots import Samples

_ROUND = 1000  # a seed of its own for these images
_VALIDATION = 24  # images on which the rivals are tuned


@dataclass(frozen=True)
class Evaluation:
    """Scores of several contenders on the same images.

    Parameters
    ----------
    table
        One row for each image and contender: ``by``, the contender, ``structure``,
        the conditions, and the scores.
    networks, rivals
        Names of the contenders.
    conditions, scores
        Names of the columns.
    task
        What was asked.
    reliability
        Of the networks, by name, where the answer is a mask.
    """

    table: pd.DataFrame
    networks: tuple[str, ...]
    rivals: tuple[str, ...]
    conditions: tuple[str, ...]
    scores: tuple[str, ...]
    task: Task
    reliability: dict[str, Reliability]

    def rows(self, contender: str) -> pd.DataFrame:
        """Return the rows of one contender."""
        return self.table[self.table["by"] == contender]


def evaluate(
    recipe: Recipe,
    folder: Path,
    networks: Mapping[str, Network],
    *,
    images: ImageParameters | None = None,
    against: Sequence[str] = (),
    progress: bool = True,
) -> Evaluation:
    """Image every test structure and score what networks and rivals make of it.

    Masks of one class in single images are imaged with each of two cameras, the dose
    evenly over its bins, see `mask_summary`; everything else, and all in conditions
    that are not the recipe's, once, drawn from the ranges. The rivals need no network
    and are tuned on the first 24 structures of the validation set, in the conditions of
    the recipe. A network that takes fewer images than the focal series of the recipe
    gets its first ones.

    Parameters
    ----------
    recipe
        Label and conditions of the images.
    folder
        Of the run, with the exit waves of the validation and the test set.
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
        If a network does not answer what the label asks, or an image has no such
        condition.
    """
    images = images or recipe.images
    task = task_of(recipe)
    for name, network in networks.items():
        check_fit(name, network, recipe)
    data, validation = (
        DataSet(data_path(folder, purpose)) for purpose in ("test", "validation")
    )
    rng = np.random.default_rng((recipe.seed, _ROUND + 1))
    check_conditions(recipe, data, against)
    shots = [
        take(recipe, validation, index, rng)
        for index in range(min(len(validation), _VALIDATION))
    ]
    rivals = rivals_of(task, shots, data, rng)
    rows = []
    conditions: dict[str, None] = {}
    scores: dict[str, None] = {}
    reliability = {name: Reliability() for name in networks}
    jobs = list(images_of(recipe, images, len(data)))
    for index, parameters, view in tqdm(jobs, "evaluate", disable=not progress):
        # The same structure, place and optics for all contenders, and for both cameras.
        own = np.random.default_rng((recipe.seed, _ROUND, index))
        shot = take(recipe, data, index, own, parameters)
        known = view | shot.conditions()
        conditions |= dict.fromkeys(known)
        answers = {name: task.ask(network, shot) for name, network in networks.items()}
        answers |= {name: rival(shot) for name, rival in rivals.items()}
        for name, answer in answers.items():
            scored = task.score(answer, shot)
            scores |= dict.fromkeys(scored)
            rows.append({"by": name, "structure": index} | known | scored)
        if isinstance(task, Masks):
            truth = task.truth(shot)
            for name, counted in reliability.items():
                counted.add(answers[name].probability, truth)
    return Evaluation(
        pd.DataFrame(rows),
        tuple(networks),
        tuple(rivals),
        tuple(conditions),
        tuple(scores),
        task,
        reliability if isinstance(task, Masks) else {},
    )


def images_of(
    recipe: Recipe, images: ImageParameters, count: int
) -> Iterator[tuple[int, ImageParameters, dict[str, Any]]]:
    """Yield structure, ranges and what else is known of each image that is scored.

    Parameters
    ----------
    recipe
        Label and conditions of the images.
    images
        The conditions: the recipe's, or others.
    count
        Number of structures.
    """
    if is_plain_mask(recipe) and images is recipe.images:
        yield from camera_plan(images, count)
    else:
        yield from ((index, images, {}) for index in range(count))


def is_plain_mask(recipe: Recipe) -> bool:
    """Return whether the label is a mask of one class in single images."""
    images = recipe.images
    return (images.label, images.num_classes, images.channels) == ("Mask", 1, 1)


def check_fit(name: str, network: Network, recipe: Recipe) -> None:
    """Raise a ValueError if a network does not answer what a recipe asks."""
    card, images = network.card, recipe.images
    if len(card.classes) != images.num_classes or card.channels > images.channels:
        raise ValueError(
            f"The network {name} makes {len(card.classes)} classes of {card.channels} "
            f"images; the recipe {recipe.name} asks for {images.num_classes} of "
            f"{images.channels}."
        )


def check_conditions(recipe: Recipe, data: Samples, against: Sequence[str]) -> None:
    """Raise a ValueError if images of a data set have no such condition."""
    first = take(recipe, data, 0, np.random.default_rng((recipe.seed, _ROUND, 0)))
    known = first.conditions()
    numbers = [k for k, v in known.items() if not isinstance(v, str)]
    for name in against:
        if name not in numbers:
            raise ValueError(
                f"against: there is no condition {name!r}, only {', '.join(numbers)}."
            )
