# SPDX-License-Identifier: GPL-3.0-or-later
"""Guard of a network: made from the images of its training, tried, and written."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import onnx
import pandas as pd

from hrtemnn_training.evaluation.comparison import check_fit
from hrtemnn_training.evaluation.report import write_table
from hrtemnn_training.export.cards import read_card, write_card
from hrtemnn_training.export.guard_graph import (
    CELL,
    MARGIN,
    with_features,
    with_guard,
    without_guard,
)
from hrtemnn_training.generation import data_path
from hrtemnn_training.store import DataSet
from hyperspy_hrtemnn.atomic import written_whole
from hyperspy_hrtemnn.networks import Novelty, load

from .foreign import crystal_images, foreign_images
from .images import trained_images
from .model import fit
from .regions import Regions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from hrtemnn_training.recipe import Recipe
    from hrtemnn_training.store import Specimens

_FALSE_ALARMS = 0.01
_FIT, _THRESHOLD = 5100, 5200  # seeds of their own for these images
TRIAL = 5300
"""Seed of the images of the test that are like those of the training."""

_MOST_CELLS = 8  # along a region: larger ones say little about a place
TRAINED = "training"
"""Kind of images that are like those of the training."""


class Plan(NamedTuple):
    """How many images a guard is made from.

    Attributes
    ----------
    images
        Images of training structures that the model is fitted to.
    held_out
        Images of validation structures, for the threshold, and of test structures, for
        the false alarms.
    foreign
        Images of each foreign kind.
    """

    images: int = 3000
    held_out: int = 1500
    foreign: int = 100


def make_guard(
    recipe: Recipe,
    folder: Path,
    network: Path,
    *,
    plan: Plan | None = None,
    crystals: Mapping[str, Path] | None = None,
    progress: bool = True,
) -> Novelty:
    """Give a network a guard, and write into its card what it finds.

    A guard that it has is replaced.

    Parameters
    ----------
    recipe
        Recipe of the network.
    folder
        Folder of the run, with the exit waves. Gets ``guard.csv``, the ``novelty`` of
        each region of the test with its ``kind`` and the number of the ``image``, where
        `TRAINED` is the kind of images like those of the training.
    network
        Path of the ONNX file, which is replaced.
    plan
        Numbers of images; by default those of `Plan`.
    crystals
        Folders of runs with exit waves of other crystals, by their name, whose images
        are foreign, too.
    progress
        Whether to show progress bars.

    Returns
    -------
    What is in the card then: shares of regions that are foreign.

    Raises
    ------
    ValueError
        If the network does not predict the label, or there are too few images.
    ExportError
        If the graph has no levels.
    StoreError
        If there are no exit waves.
    """
    plan = Plan() if plan is None else plan
    loaded = load(network, "cpu")
    check_fit(loaded.name, loaded, recipe)
    train, validation, test = (
        DataSet(data_path(folder, purpose))
        for purpose in ("train", "validation", "test")
    )
    others = {
        name: DataSet(data_path(path, "test"))
        for name, path in (crystals or {}).items()
    }
    proto = without_guard(onnx.load(network))
    card = read_card(proto).model_copy(update={"novelty": None})
    cells = _cells(recipe, train)

    def trained(
        data: Specimens, count: int, seed: int, name: str
    ) -> Iterator[tuple[int, NDArray[np.float32]]]:
        bar = name if progress else None
        return trained_images(recipe, data, count, seed, progress=bar)

    features = Regions(with_features(proto, cells))
    found = [(i, features(x)) for i, x in trained(train, plan.images, _FIT, "fit")]
    structures = np.repeat([i for i, _ in found], [len(f) for _, f in found])
    model = fit(np.concatenate([f for _, f in found]), structures)
    raw = Regions(with_guard(proto, cells, model))
    held_out = trained(validation, plan.held_out, _THRESHOLD, "threshold")
    novelty = np.concatenate([raw(x).ravel() for _, x in held_out])
    guarded = with_guard(
        proto, cells, model.with_threshold(np.quantile(novelty, 1 - _FALSE_ALARMS))
    )
    measure = Regions(guarded)
    tables = [
        _table(kind, i, measure(image))
        for kind, i, image in _trials(recipe, test, others, plan, progress=progress)
    ]
    table = pd.concat(tables, ignore_index=True)
    shares = (table["novelty"] > 1).groupby(table["kind"], sort=False).mean().round(4)
    alarms = {str(kind): float(share) for kind, share in shares.items()}
    known = Novelty(
        cell=CELL,
        cells=cells,
        margin=MARGIN,
        images=plan.images,
        false_alarms=alarms.pop(TRAINED),
        alarms=alarms,
    )
    smallest = max(card.smallest_side, CELL)
    changes = {"novelty": known, "smallest_side": smallest}
    write_card(guarded, card.model_copy(update=changes))
    with written_whole(network) as temporary:
        onnx.save(guarded, temporary)
    write_table(table, folder / "guard.csv")
    return known


def _cells(recipe: Recipe, data: DataSet) -> int:
    """Return the cells along a region, of which most images of the training have one.

    Even, so that regions can overlap by half.
    """
    some = trained_images(recipe, data, min(len(data), 32), _FIT, progress=None)
    sides = [min(image.shape[-2:]) for _, image in some]
    cells = int(np.quantile(sides, 0.1)) // CELL
    return max(2, min(cells, _MOST_CELLS) // 2 * 2)


def _trials(
    recipe: Recipe,
    test: DataSet,
    crystals: Mapping[str, DataSet],
    plan: Plan,
    *,
    progress: bool,
) -> Iterator[tuple[str, int, NDArray[np.float32]]]:
    """Yield images of the test, with their kind and the number in it."""
    bar = "test" if progress else None
    trained = trained_images(recipe, test, plan.held_out, TRIAL, progress=bar)
    for i, (_, image) in enumerate(trained):
        yield TRAINED, i, image
    yield from foreign_images(recipe, test, plan.foreign, progress=progress)
    for name, data in crystals.items():
        yield from crystal_images(recipe, name, data, plan.foreign, progress=progress)


def _table(kind: str, image: int, novelty: NDArray[np.float32]) -> pd.DataFrame:
    values = novelty.ravel().astype(float)
    return pd.DataFrame({"kind": kind, "image": image, "novelty": values})
