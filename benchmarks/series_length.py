# SPDX-License-Identifier: GPL-3.0-or-later
"""Columns of MoS2 from one, two and three images: three networks trained alike.

    python benchmarks/series_length.py FOLDER

FOLDER holds the structures and exit waves of the recipe mos2-columns. Trains a network
of three quarters of the recipe's width, for a quarter of its time, on each number of
images, and scores all of them on the same series of the test set, as figure 8 of
publication III does. Goes on where it stopped. The table and the pictures lie in
FOLDER/series-3 as comparison.*.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from hrtemnn_training.evaluation.report import report, table_of
from hrtemnn_training.export.onnx_file import export
from hrtemnn_training.generation import share_data
from hrtemnn_training.recipe import Recipe, read_recipe
from hrtemnn_training.train.loop import train

RECIPE = Path(__file__).parents[1] / "training" / "recipes" / "mos2-columns.json"
COUNTS = (1, 2, 3)


def recipe_for(count: int) -> Recipe:
    """Return the recipe with so many images of each series."""
    content = read_recipe(RECIPE).model_dump()
    content["name"] = f"{count}-image" + "s" * (count > 1)
    series = [count, *content["images"]["multifocus"][1:]]
    content["images"]["multifocus"] = series if count > 1 else None
    content["network"]["width"] = 12
    for stage, epochs in zip(content["training"]["stages"], (2, 6, 4), strict=True):
        stage["epochs"] = epochs
    return Recipe.model_validate(content)


def train_all(folder: Path) -> list[Path]:
    """Train and export the networks on the waves in the folder."""
    networks = []
    for count in COUNTS:
        run = folder / f"series-{count}"
        share_data(folder, run)
        recipe = recipe_for(count)
        train(recipe, run)
        networks.append(export(recipe, run))
    return networks


def plot_f1(table: pd.DataFrame, path: Path) -> None:
    """Draw the distribution of atomic F1, and its 10th percentile, of each network."""
    names = table["by"].unique()
    figure, axes = plt.subplots(
        1, len(names), sharey=True, figsize=(3.4 * len(names), 3)
    )
    bins = np.linspace(0, 1, 41)
    for ax, name in zip(axes, names, strict=True):
        f1 = table.loc[table["by"] == name, "atomic_f1"].dropna()
        ax.hist(f1, bins, color="C0")
        ax.axvline(f1.quantile(0.1), color="C1", ls="--", label="10th percentile")
        ax.set(title=name, xlabel="atomic F1")
    axes[0].set_ylabel("focal series")
    axes[0].legend(fontsize="small")
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main() -> None:
    """Print the scores and write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--picture", type=Path, default=Path("series_length.png"))
    options = parser.parse_args()
    networks = [str(path) for path in train_all(options.folder)]
    longest, run = recipe_for(max(COUNTS)), options.folder / f"series-{max(COUNTS)}"
    summary = report(longest, run, networks, against=("dose", "defocus"))
    print(table_of(summary, longest.label.plotted))
    plot_f1(pd.read_csv(run / "comparison.csv"), options.picture)


if __name__ == "__main__":
    main()
