# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of an evaluation in the folder of a run, and the scores in the card."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from hrtemnn_training.export.cards import change_card
from hrtemnn_training.generation import data_path
from hrtemnn_training.store import DataSet
from hyperspy_hrtemnn.atomic import written_whole
from hyperspy_hrtemnn.networks import load

from .comparison import check_conditions, evaluate, is_plain_mask
from .mask_summary import dose_bins, summarize_masks
from .plots import plot_evaluation
from .summary import edges_of, summarize
from .unbiased_area import measure_threshold
from .zone_axis import ZoneAxes, roc_auc

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

    from hrtemnn_training.images.parameters import ImageParameters
    from hrtemnn_training.recipe import Recipe
    from hyperspy_hrtemnn.networks import Network

    from .comparison import Evaluation


def report(
    recipe: Recipe,
    folder: Path,
    networks: Sequence[str] = (),
    *,
    images: ImageParameters | None = None,
    against: Sequence[str] = ("dose",),
    averaged: bool = False,
    progress: bool = True,
) -> dict[str, Any]:
    """Evaluate networks and write a table, a summary and a picture into the folder.

    Parameters
    ----------
    recipe
        Label and conditions of the images.
    folder
        Of the run, with the exit waves. Gets ``evaluation.csv``, ``.json`` and
        ``.png`` for the run's own network, whose card gets the scores too and, if it
        makes masks, before them its threshold of unbiased area; and ``comparison.*``
        for networks that are named or other conditions; no card changes then.
    networks
        Names of shipped networks or paths of files; without any, the run's own.
    images
        Conditions of the test images other than the recipe's, see `change_images`.
    against
        Conditions in whose bins the scores are summarized and drawn.
    averaged
        Whether each network is a contender once more, averaged over the orientations of
        the images (`Network.averaged`).
    progress
        Whether to show a progress bar.

    Returns
    -------
    The summary of each contender by name, networks first.

    Raises
    ------
    NetworkError
        If there is no such network.
    """
    of_the_card = not networks and images is None
    if of_the_card:
        _keep_threshold(recipe, folder, against, progress=progress)
    named = networks_of(recipe, folder, networks)
    if averaged:
        named |= {f"{name}, averaged": each.averaged() for name, each in named.items()}
    evaluation = evaluate(
        recipe,
        folder,
        named,
        images=images,
        against=against,
        progress=progress,
    )
    bins = {name: _edges(name, recipe, evaluation) for name in against}
    summary = {
        name: summarize(evaluation.rows(name), evaluation.scores, bins)
        for name in (*evaluation.networks, *evaluation.rivals)
    }
    if "dose_bin" in evaluation.table:
        for name, part in summary.items():
            card = named[name].card if name in named else None
            threshold = card.unbiased_threshold if card else None
            part["cameras"] = summarize_masks(evaluation.rows(name), threshold)
    for name, reliability in evaluation.reliability.items():
        summary[name]["reliability"] = reliability.summary()
    if isinstance(evaluation.task, ZoneAxes):
        for name, part in summary.items():
            part["roc_auc"] = roc_auc(evaluation.rows(name))
    stem = "evaluation" if of_the_card else "comparison"
    write_table(evaluation.table, folder / f"{stem}.csv")
    write_summary(summary, folder / f"{stem}.json")
    plot_evaluation(evaluation, bins, folder / f"{stem}.png")
    if of_the_card:
        scores = _card_scores(recipe, summary, evaluation)
        _update_card(_own(recipe, folder), scores=scores)
    return summary


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV, whole or not at all."""
    with written_whole(path) as temporary:
        table.to_csv(temporary, index=False)


def write_summary(summary: dict[str, Any], path: Path) -> None:
    """Write a summary as JSON, whole or not at all."""
    text = json.dumps(summary, indent=2, ensure_ascii=False)
    with written_whole(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def networks_of(
    recipe: Recipe, folder: Path, networks: Sequence[str]
) -> dict[str, Network]:
    """Return networks by name, those that share one by path.

    Parameters
    ----------
    recipe, folder
        Of the run whose own network it is without any.
    networks
        Names of shipped networks or paths of files.
    """
    loaded = [load(path) for path in networks or (_own(recipe, folder),)]
    names = [network.name for network in loaded]
    return {
        network.name if names.count(network.name) == 1 else str(network.path): network
        for network in loaded
    }


def _own(recipe: Recipe, folder: Path) -> Path:
    return folder / f"{recipe.name}.onnx"


def _edges(condition: str, recipe: Recipe, evaluation: Evaluation) -> np.ndarray:
    if condition == "dose" and is_plain_mask(recipe):
        return np.array(dose_bins(recipe.images))
    return edges_of(condition, evaluation.table[condition].to_numpy())


def _keep_threshold(
    recipe: Recipe, folder: Path, against: Sequence[str], *, progress: bool
) -> None:
    """Measure the threshold of unbiased area and put it into the network's card."""
    path = _own(recipe, folder)
    network = load(path)
    # What `evaluate` would refuse after this work.
    check_conditions(recipe, DataSet(data_path(folder, "test")), against)
    threshold = measure_threshold(recipe, folder, network, progress=progress)
    if threshold is not None:
        _update_card(path, threshold=threshold)


def _update_card(path: Path, **fields: Any) -> None:
    change_card(path, lambda card: card.model_copy(update=fields))


def _card_scores(
    recipe: Recipe, summary: dict[str, Any], evaluation: Evaluation
) -> dict[str, Any]:
    """Return the network's scores with the means of whatever else was scored."""
    name, *others = summary
    own = summary[name]
    rivals: dict[str, Any] = {name: summary[name] for name in others}
    if is_plain_mask(recipe):
        rivals = {name: _f1_means(part["cameras"]) for name, part in rivals.items()}
        return {
            **own["cameras"],
            "reliability": own["reliability"],
            "rivals": rivals,
        }
    shown = [s for s in evaluation.task.plotted if s in own["scores"]]
    rivals = {
        name: {s: part["scores"].get(s, {}).get("mean") for s in shown}
        for name, part in rivals.items()
    }
    areas = {n: part["roc_auc"] for n, part in summary.items() if "roc_auc" in part}
    return {**own, "rivals": rivals} | ({"roc_auc": areas} if areas else {})


def _f1_means(cameras: dict[str, Any]) -> dict[str, dict[str, float | None]]:
    """Return F1 by camera and dose from `summarize_masks`."""
    return {
        camera: {doses: bins["f1_mean"] for doses, bins in part["dose"].items()}
        for camera, part in cameras.items()
        if isinstance(part, dict)
    }


def table_of(summary: dict[str, Any], plotted: Sequence[str]) -> str:
    """Return the scores that are drawn, a line for each contender, as text."""
    lines = []
    width = max(map(len, summary))
    for name, part in summary.items():
        for score in plotted:
            if score in part["scores"]:
                values = part["scores"][score]
                numbers = "  ".join(
                    f"{key} {value}" for key, value in values.items() if key != "images"
                )
                lines.append(f"{name:{width}}  {score}: {numbers}")
    return "\n".join(lines)
