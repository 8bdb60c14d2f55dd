# SPDX-License-Identifier: GPL-3.0-or-later
"""Card of a fine-tuned network: that of before, with what has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hrtemnn_training.metrics.summary import rounded

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hyperspy_hrtemnn.networks import Card, Network

    from .frames import Frame
    from .scores import Judged

BEFORE = "before"
OTHERWISE = "before, at the probability for these images"
AFTER = "after"
"""Titles of the scores."""


def tuned_card(
    name: str,
    source: Network,
    exported: Card,
    frames: Sequence[Frame],
    **changes: Any,
) -> Card:
    """Return the card of a fine-tuned network.

    Parameters
    ----------
    name
        Its name.
    source
        Network that was fine-tuned.
    exported
        Card that the export has made.
    frames
        The images; the range of the sampling is widened to theirs.
    changes
        Threshold and scores.
    """
    before, count = source.card, len(frames)
    samplings = [frame.image.sampling for frame in frames]
    samplings += before.ranges.sampling or ()
    widened = {"sampling": (min(samplings), max(samplings))}
    of_export = ("object_weight", "recipe", "recipe_sha256", "test", "versions")
    return before.model_copy(
        update={
            **{key: getattr(exported, key) for key in of_export},
            "name": name,
            "description": f"{before.description}; {before.name} fine-tuned on "
            f"{count} labeled image{'s' if count > 1 else ''}",
            "ranges": before.ranges.model_copy(update=widened),
            # Those were of another network.
            "limits": {},
            "novelty": None,
            **changes,
        }
    )


def tuning_scores(
    source: Network,
    frames: Sequence[Frame],
    *,
    structures: int,
    epoch: int,
    losses: Mapping[str, Mapping[str, float]],
    judged: Mapping[str, tuple[Judged, float]],
) -> dict[str, Any]:
    """Return what a card says of a fine-tuning.

    Parameters
    ----------
    source
        Network that was fine-tuned.
    frames
        The images.
    structures
        Simulated structures that it was trained on.
    epoch
        Number of the best epoch, from 0.
    losses
        What `MixedLessons.validate` gives, by the title of the scores.
    judged
        What is found in the images, and the smallest probability of an object, by the
        title of the scores.
    """
    judging = [frame for frame in frames if not frame.left_out.is_empty]
    whole = all(frame.trained.is_empty for frame in judging)
    part = f"{len(judging)} images" if whole else "a quarter of each image"
    scores: dict[str, dict[str, Any]] = {}
    for title, (found, probability) in judged.items():
        scores[title] = {}
        if title in losses:
            row = losses[title]
            scores[title] = {
                "loss": rounded(row["left_out_loss"]),
                "loss of simulations": rounded(row["simulated_loss"]),
                "F1 of simulations": rounded(row["simulated_f1"]),
            }
        scores[title] |= {"probability": probability, **found.scores(probability)}
    return {
        "fine-tuned from": source.name,
        "its SHA-256": source.sha256,
        "labeled images": len(frames),
        "left out": part,
        "simulated structures": structures,
        "epochs": epoch + 1,
        **scores,
    }
