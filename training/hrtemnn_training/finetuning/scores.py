# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores of a fine-tuning: left-out parts of images as a user segments them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hrtemnn_training.evaluation.unbiased_threshold import add_simulations
from hrtemnn_training.metrics.summary import rounded
from hrtemnn_training.metrics.unbiased_area import UnbiasedArea
from hyperspy_hrtemnn.networks import predict

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from hrtemnn_training.recipe import Recipe
    from hyperspy_hrtemnn.networks import Network

    from .frames import Frame


def judging(frames: Sequence[Frame]) -> list[Frame]:
    """Return the frames that have a left-out part."""
    return [frame for frame in frames if not frame.left_out.is_empty]


def predictions(network: Network, frames: Sequence[Frame]) -> list[NDArray[np.float32]]:
    """Return the prediction of each frame that judges, in its own pixels.

    Parameters
    ----------
    network
        The network.
    frames
        Frames, of which those without a left-out part are passed over.
    """
    return [
        predict(network, frame.image.counts, frame.image.sampling)
        for frame in judging(frames)
    ]


def score(
    predicted: Sequence[NDArray[np.float32]],
    frames: Sequence[Frame],
    recipe: Recipe,
    threshold: float,
) -> dict[str, Any]:
    """Return the means of F1, precision and recall over the left-out parts.

    Parameters
    ----------
    predicted
        From `predictions`.
    frames
        The frames.
    recipe
        Label of the network.
    threshold
        Smallest probability of an object's pixel.

    Returns
    -------
    None where no left-out part has such a score, as without any object.
    """
    rows = [
        recipe.label.score_by_hand(  # type: ignore[attr-defined]
            probability, frame.image, frame.region, threshold
        )
        for probability, frame in zip(predicted, judging(frames), strict=True)
    ]
    means = {}
    for name in rows[0]:
        known = [row[name] for row in rows if np.isfinite(row[name])]
        means[name] = rounded(np.mean(known)) if known else None
    return means


def find_threshold(
    predicted: Sequence[NDArray[np.float32]],
    frames: Sequence[Frame],
    recipe: Recipe,
    waves: Path,
    network: Network,
) -> float | None:
    """Return the threshold of unbiased area on left-out parts and simulations.

    There are as many of each, at most, so that they count alike.

    Parameters
    ----------
    predicted
        From `predictions`.
    frames
        The frames.
    recipe
        Label of the network, and conditions of the simulations.
    waves
        Folder with the exit waves for validation.
    network
        The network.

    Returns
    -------
    None if the label has no area.
    """
    if not recipe.label.measures_area:
        return None
    areas = UnbiasedArea()
    for probability, frame in zip(predicted, judging(frames), strict=True):
        if frame.image.mask is not None:
            areas.add(probability[0][frame.region], frame.image.mask[frame.region])
    most = len(predicted)
    add_simulations(areas, recipe, waves, network, most=most, progress=False)
    return areas.threshold()
