# SPDX-License-Identifier: GPL-3.0-or-later
"""Report of a domain study: its files, and the limits in the card of the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from hrtemnn_training.evaluation.comparison import check_fit
from hrtemnn_training.evaluation.report import write_table
from hrtemnn_training.export.cards import change_card
from hyperspy_hrtemnn.networks import load

from .conditions import conditions_of
from .limits import curves, find_limits
from .plots import plot_domain
from .sweep import sweep

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hrtemnn_training.recipe import Recipe


def study_domain(
    recipe: Recipe,
    folder: Path,
    network: Path,
    *,
    names: Sequence[str] = (),
    structures: int = 24,
    device: str | None = None,
    processes: int | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Sweep conditions beyond the training and write limits into the network's card.

    Parameters
    ----------
    recipe
        Recipe of the network.
    folder
        Folder of the run, with the exit waves of the test set. Gets ``domain.csv``, a
        row for each condition and value, ``domain.png``, the curves, and in ``domain``
        the specimens that conditions need.
    network
        Path of the ONNX file, whose card gets the limits.
    names
        Conditions that are swept; all if there are none.
    structures
        Number of structures at each value.
    device
        What the network runs on; see `hyperspy_hrtemnn.networks.load`.
    processes
        Processes that make specimens; as many as cores if None.
    progress
        Whether to show progress bars.

    Returns
    -------
    The rows of ``domain.csv``: ``condition``, ``value``, ``score``, ``error`` and
    ``relative``, see `hrtemnn_training.evaluation.domain.limits.curves`.

    Raises
    ------
    ValueError
        If there is no such condition, or the network does not predict the label.
    StoreError
        If there are no exit waves.
    """
    loaded = load(network, device)
    check_fit(loaded.name, loaded, recipe)
    known = conditions_of(recipe)
    if unknown := sorted({*names} - known.keys()):
        raise ValueError(
            f"conditions: there is no {', '.join(unknown)}, only {', '.join(known)}."
        )
    chosen = {name: known[name] for name in names} if names else known
    metric = recipe.label.plotted[0]
    table = sweep(
        recipe,
        folder,
        loaded,
        chosen.values(),
        structures=structures,
        processes=processes,
        progress=progress,
    )
    found = curves(table, metric)
    limits = find_limits(found, chosen)
    rows = pd.concat(
        curve.assign(condition=name)[["condition", *curve.columns]]
        for name, curve in found.items()
    )
    write_table(rows, folder / "domain.csv")
    plot_domain(found, chosen, metric.name.replace("_", " "), folder / "domain.png")
    change_card(
        network,
        lambda card: card.model_copy(update={"limits": card.limits | limits}),
    )
    return rows
