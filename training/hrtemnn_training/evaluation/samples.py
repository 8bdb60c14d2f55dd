# SPDX-License-Identifier: GPL-3.0-or-later
"""Samples of an evaluation: images of the structures of a data set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hrtemnn_training.images.sample import Sample, take_sample

if TYPE_CHECKING:
    import numpy as np

    from hrtemnn_training.images.keys import ImageKeys
    from hrtemnn_training.recipe import Recipe
    from hrtemnn_training.store import Specimens


def draw_sample(
    recipe: Recipe,
    data: Specimens,
    index: int,
    rng: np.random.Generator,
    parameters: ImageKeys | None = None,
) -> Sample:
    """Image the whole field of view of a structure, in conditions of a recipe.

    Parameters
    ----------
    recipe
        Recipe of the network.
    data
        Exit waves.
    index
        Number of the structure.
    rng
        Source of the conditions, the place and the noise.
    parameters
        Ranges other than the recipe's.
    """
    return take_sample(
        data.read_specimen(index),
        parameters or recipe.images,
        sampling=recipe.sampling,
        rng=rng,
        index=index,
    )
