# SPDX-License-Identifier: GPL-3.0-or-later
"""Train cheaper networks beside the shipped U-net on the same images, and compare them.

    python studies/architectures.py --folder FOLDER

Makes the exit waves of `STRUCTURES` in FOLDER once, trains each of `CANDIDATES` for as
many steps as take `--minutes` on this machine, scores it, and writes the table of
docs/architectures.md and FOLDER/architectures.csv after each. If it is stopped, start
it again: what is done is not done again, and a training goes on after its last epoch.
``--only NAME ...`` trains some of them, ``--page`` none. Takes half an hour on two
cores, and `--minutes` and a few more for each network. Needs the extra `training`.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import pandas as pd

from architecture_costs import Costs, known_costs, measure_costs
from architecture_scores import Scores, measure, summarize
from architecture_table import Row, write_rows
from hrtemnn_training.evaluation.report import write_table
from hrtemnn_training.export.onnx_file import export
from hrtemnn_training.generation import make_structures, make_waves, share_data
from hrtemnn_training.recipe import Recipe, read_recipe
from hrtemnn_training.train.batches import cache_path, form_images
from hrtemnn_training.train.loop import train
from hyperspy_hrtemnn.networks import load
from pages import DOCS, RECIPES

if TYPE_CHECKING:
    from collections.abc import Sequence

BASE = RECIPES / "au-ceo2-mask.json"
PAGE = DOCS / "architectures.md"
COSTS, TABLE = "costs.csv", "architectures.csv"

STRUCTURES = {"train": 512, "validation": 64, "test": 240}
IMAGES = {
    "image_epochs": 16,  # each wave is imaged so often, then flipped and turned anew
    "image_size": [192, 192],  # a multiple of every candidate's stride
}

REFERENCE = "U-net"
CANDIDATES: dict[str, dict[str, Any]] = {
    REFERENCE: {"width": 16},
    "folded": {"width": 16, "fold": 2},
    "folded, wide bottom": {"widths": [16, 48, 96], "fold": 2},
    "folded, dilated": {
        "widths": [16, 32, 96],
        "dilations": [1, 2, 4, 8, 4, 2, 1],
        "fold": 2,
    },
    "folded, three convolutions": {"width": 16, "convolutions": 3, "fold": 2},
    "folded by four": {"widths": [48, 64, 128], "fold": 4},
    "U-net, other weights": {"width": 16},
    "narrow top": {"widths": [8, 16, 48, 128], "convolutions": 3},
    "dilated": {
        "widths": [8, 16, 64],
        "dilations": [1, 2, 4, 8, 4, 2, 1],
        "convolutions": 3,
    },
    "two convolutions": {"width": 12, "convolutions": 2},
    "half the width": {"width": 8},
}
"""Network of each candidate in the order of the trainings, the most promising first.

The last ones have fewer than 16 channels at full resolution, which fill only a part of
the vectors of 512 bits: on one thread 63 to 75 GFLOP/s, where the others reach 104.
"""

SEEDS = {"U-net, other weights": 2}
"""Seed of the weights, where it is not the recipe's: how much is chance."""

BENIGN, STEADY = 0.05, 0.45
"""Shares of the training at high dose, and at the first learning rate after it."""


def recipe_of(name: str, epochs: int = 20) -> Recipe:
    """Return the recipe of a candidate that is trained for some epochs."""
    values = read_recipe(BASE).model_dump(mode="json", exclude_unset=True)
    benign, steady = (max(round(share * epochs), 1) for share in (BENIGN, STEADY))
    stages = [
        {
            "epochs": benign,
            "learning_rate": [1e-3, 1e-3],
            "images": {"log_dose": [3, 6]},
        },
        {"epochs": steady, "learning_rate": [1e-3, 1e-3]},
        {
            "epochs": max(epochs - benign - steady, 1),
            "learning_rate": [1e-3, 2e-5],
        },
    ]
    changes = {
        "name": name.replace(",", "").replace(" ", "-"),
        "seed": SEEDS.get(name, values["seed"]),
        "size": STRUCTURES,
        "images": values["images"] | IMAGES,
        "network": CANDIDATES[name],
        "training": values["training"] | {"stages": stages},
    }
    return Recipe.model_validate(values | changes)


def epochs_in(minutes: float, costs: Costs) -> int:
    """Return the number of epochs whose steps take some minutes, 3 at least."""
    steps = STRUCTURES["train"] // recipe_of(REFERENCE).training.batch_size
    return max(round(60 * minutes / (steps * costs.seconds_a_step)), 3)


def run_of(name: str, folder: Path, minutes: float) -> Path:
    """Return the folder of a candidate's training."""
    return folder / f"{recipe_of(name).name}-{minutes:g}-minutes"


def make_scores(recipe: Recipe, folder: Path, run: Path) -> None:
    """Train, export and score a network, as far as that is not done."""
    if (run / "scores.csv").exists():
        return
    share_data(folder, run)
    # All are trained on the same images, which are formed once.
    if not cache_path(run).is_symlink():
        cache_path(run).symlink_to(cache_path(folder))
    form_images(recipe, run)
    keras.utils.clear_session()
    train(recipe, run)
    network = load(export(recipe, run))
    write_table(measure(recipe_of(REFERENCE), run, network), run / "scores.csv")


def read_scores(run: Path) -> Scores | None:
    """Return the scores of a training, None if it has none yet."""
    path = run / "scores.csv"
    return summarize(pd.read_csv(path)) if path.exists() else None


def compare(folder: Path, minutes: float) -> list[Row]:
    """Return what is known of all candidates by now."""
    costs = known_costs(folder / COSTS)
    scores = {name: read_scores(run_of(name, folder, minutes)) for name in CANDIDATES}
    return [
        Row(
            name,
            recipe_of(name),
            costs.get(name),
            epochs_in(minutes, costs[name]) if name in costs else None,
            scores[name],
            scores[REFERENCE],
        )
        for name in CANDIDATES
    ]


def train_all(names: Sequence[str], folder: Path, minutes: float) -> None:
    """Make what is missing of the data and of some candidates."""
    base = recipe_of(REFERENCE)
    make_structures(base, folder)
    make_waves(base, folder)
    cache_path(folder).mkdir(exist_ok=True)
    measure_costs({name: recipe_of(name) for name in CANDIDATES}, folder / COSTS)
    costs = known_costs(folder / COSTS)
    for name in names:
        run = run_of(name, folder, minutes)
        make_scores(recipe_of(name, epochs_in(minutes, costs[name])), folder, run)
        write_rows(compare(folder, minutes), folder / TABLE, PAGE)


def main() -> None:
    """Do what is left of the study."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--only", nargs="+", choices=CANDIDATES, default=CANDIDATES)
    parser.add_argument("--page", action="store_true", help="write the table alone")
    options = parser.parse_args()
    folder = options.folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    if not options.page:
        train_all(options.only, folder, options.minutes)
    write_rows(compare(folder, options.minutes), folder / TABLE, PAGE)


if __name__ == "__main__":
    main()
