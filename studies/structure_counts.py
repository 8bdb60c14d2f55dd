# SPDX-License-Identifier: GPL-3.0-or-later
"""Train one network on more and more structures: how many are needed.

    python studies/structure_counts.py FOLDER

Trains the folded U-net of `architectures.py`, in its FOLDER with its exit waves, for as
many steps on the first 64, 128 and 256 of its structures as on all 512, and scores all
on the same images. Writes a table and a curve for docs/architectures.md, and
FOLDER/structure_counts.csv. If it is stopped, start it again. Takes 20 minutes for
each network on two cores. Needs the extra `training`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

from architecture_costs import known_costs
from architecture_scores import Scores, summarize
from architectures import (
    COSTS,
    PAGE,
    STRUCTURES,
    epochs_in,
    make_scores,
    recipe_of,
)
from hrtemnn_training.evaluation.report import write_table
from hrtemnn_training.recipe import Recipe
from pages import PICTURES, replace_part, table

NETWORK = "folded"
COUNTS = (64, 128, 256, 512)
MINUTES = 20


def recipe_with(count: int, epochs: int) -> Recipe:
    """Return the recipe with so many structures, for the steps of `epochs` of all."""
    more = STRUCTURES["train"] // count
    values = recipe_of(NETWORK, epochs).model_dump(mode="json", exclude_unset=True)
    for stage in values["training"]["stages"]:
        stage["epochs"] *= more
    values["name"] = f"{NETWORK}-{count}-structures"
    values["training"]["limit_data"] = count
    return Recipe.model_validate(values)


def scores_with(count: int, folder: Path) -> Scores:
    """Train, export and score the network, as far as that is not done."""
    epochs = epochs_in(MINUTES, known_costs(folder / COSTS)[NETWORK])
    recipe = recipe_with(count, epochs)
    run = folder / recipe.name
    make_scores(recipe, folder, run)
    return summarize(pd.read_csv(run / "scores.csv"))


def draw(scores: dict[int, Scores], path: Path) -> None:
    """Draw mean F1 and its 10th percentile against the number of structures."""
    figure, ax = plt.subplots(figsize=(5, 3.4), layout="constrained")
    means = [each.mean for each in scores.values()]
    ax.plot(list(scores), means, "o-", label="mean")
    worst = [each.worst for each in scores.values()]
    ax.plot(list(scores), worst, "s--", label="10th percentile")
    ax.set_xscale("log", base=2)
    ax.set_xticks(list(scores), [str(count) for count in scores])
    ax.set(xlabel="structures in the training", ylabel="F1 on other structures")
    ax.legend(frameon=False)
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=110)


def main() -> None:
    """Do what is left of the study."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder.absolute()
    scores = {count: scores_with(count, folder) for count in COUNTS}
    rows = [(count, scores[count].mean, scores[count].worst) for count in COUNTS]
    titles = ("structures", "F1", "10th percentile")
    write_table(pd.DataFrame(rows, columns=titles), folder / "structure_counts.csv")
    draw(scores, PICTURES / "architectures" / "structures.png")
    cells = [(str(count), mean, worst) for count, mean, worst in rows]
    replace_part(PAGE, "structure counts", table(titles, cells))


if __name__ == "__main__":
    main()
