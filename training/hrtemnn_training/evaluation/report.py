# SPDX-License-Identifier: GPL-3.0-or-later
"""Report of an evaluation: its files in the folder of a run, and scores in the card."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from hrtemnn_training.export.cards import change_card
from hrtemnn_training.generation import data_path
from hrtemnn_training.metrics.summary import edges_of, summarize
from hrtemnn_training.store import DataSet
from hyperspy_hrtemnn.atomic import written_whole
from hyperspy_hrtemnn.networks import load

from .certainty import measure_certainty
from .comparison import check_conditions, evaluate
from .error_of_spread import measure_error_of_spread
from .plots import plot_evaluation
from .unbiased_threshold import measure_threshold

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

    from hrtemnn_training.images.keys import ImageKeys
    from hrtemnn_training.metrics.metric import Metric
    from hrtemnn_training.recipe import Recipe
    from hyperspy_hrtemnn.networks import Network

    from .comparison import Evaluation


def report(
    recipe: Recipe,
    folder: Path,
    networks: Sequence[str] = (),
    *,
    images: ImageKeys | None = None,
    against: Sequence[str] = ("dose",),
    averaged: bool = False,
    device: str | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Evaluate networks and write a table, a summary and a picture into the folder.

    Parameters
    ----------
    recipe
        Label and conditions of the images.
    folder
        Folder of the run, with the exit waves. Gets ``evaluation.csv``, ``.json`` and
        ``.png`` for the run's own network, whose card gets the scores too and, if it
        makes masks, before them its threshold of unbiased area; and ``comparison.*``
        for networks that are named or other conditions; no card changes then.
    networks
        Names of shipped networks or paths of files; without any, the run's own.
    images
        Conditions of the test images other than the recipe's, see `change_images`.
    against
        Conditions in whose bins the metrics are summarized and drawn.
    averaged
        Whether each network is a contender once more, averaged over the orientations of
        the images (`Network.averaged`).
    device
        What networks run on; see `hyperspy_hrtemnn.networks.load`.
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
        _keep_measured(recipe, folder, against, device, progress=progress)
    named = networks_of(recipe, folder, networks, device)
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
        name: summarize(evaluation.rows(name), evaluation.metrics, bins)
        for name in (*evaluation.networks, *evaluation.baselines)
    }
    for name, part in summary.items():
        threshold = named[name].card.unbiased_threshold if name in named else None
        part.update(evaluation.label.summarize(evaluation.rows(name), threshold))
    for name, reliability in evaluation.reliability.items():
        summary[name]["reliability"] = reliability.summary()
    stem = "evaluation" if of_the_card else "comparison"
    write_table(evaluation.table, folder / f"{stem}.csv")
    write_summary(summary, folder / f"{stem}.json")
    plot_evaluation(evaluation, bins, folder / f"{stem}.png")
    if of_the_card:
        scores = evaluation.label.card_scores(summary)
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
    recipe: Recipe, folder: Path, networks: Sequence[str], device: str | None
) -> dict[str, Network]:
    """Return networks by name, those that share one by path.

    Parameters
    ----------
    recipe, folder
        Run whose own network it is where none is named.
    networks
        Names of shipped networks or paths of files.
    device
        What they run on; see `hyperspy_hrtemnn.networks.load`.
    """
    loaded = [load(path, device) for path in networks or (_own(recipe, folder),)]
    names = [network.name for network in loaded]
    return {
        network.name if names.count(network.name) == 1 else str(network.path): network
        for network in loaded
    }


def _own(recipe: Recipe, folder: Path) -> Path:
    return folder / f"{recipe.name}.onnx"


def _edges(condition: str, recipe: Recipe, evaluation: Evaluation) -> np.ndarray:
    edges = recipe.label.dose_edges
    if condition == "dose" and edges is not None:
        return np.array(edges)
    return edges_of(condition, evaluation.table[condition].to_numpy())


def _keep_measured(
    recipe: Recipe,
    folder: Path,
    against: Sequence[str],
    device: str | None,
    *,
    progress: bool,
) -> None:
    """Put what validation images say of the predictions into the network's card."""
    path = _own(recipe, folder)
    network = load(path, device)
    # What `evaluate` would refuse after this work.
    check_conditions(recipe, DataSet(data_path(folder, "test")), against)
    threshold = measure_threshold(recipe, folder, network, progress=progress)
    if threshold is not None:
        _update_card(path, threshold=threshold)
    factor = measure_error_of_spread(recipe, folder, network, progress=progress)
    if factor is not None:
        _update_card(path, error_of_spread=factor)
    certainty = measure_certainty(recipe, folder, network, progress=progress)
    if certainty is not None:
        _update_card(path, certainty=certainty)


def _update_card(path: Path, **fields: Any) -> None:
    change_card(path, lambda card: card.model_copy(update=fields))


def table_of(summary: dict[str, Any], plotted: Sequence[Metric]) -> str:
    """Return the metrics that are drawn, a line for each contender, as text."""
    lines = []
    width = max(map(len, summary))
    for name, part in summary.items():
        for metric in plotted:
            if metric.name in part["scores"]:
                values = part["scores"][metric.name]
                numbers = "  ".join(
                    f"{key} {value}" for key, value in values.items() if key != "images"
                )
                lines.append(f"{name:{width}}  {metric.name}: {numbers}")
    return "\n".join(lines)
