# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the tables and pictures of ``docs/dose.md``.

    python studies/dose_page.py FOLDER

FOLDER is that of ``python studies/dose_networks.py FOLDER``. A part whose series has
not been run yet stays as it is. Takes seconds. Needs the extra `training`.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from dose_statements import digits, statements
from hrtemnn_training.recipe import Recipe, read_recipe
from hrtemnn_training.train.new_network import network_of
from pages import DOCS, PICTURES, replace_part, table

PAGE = DOCS / "dose.md"
FOLDER = PICTURES / "dose"
STEMS = ("shipped", "architectures", "cameras", "cameras-coarse", "sizes")
COMPARED = ("U-net MTF 3", "U-net high")  # of figure SOI 9
DOSES = (10, 30, 100, 200, 2000)  # at which F1 is given
TITLES = ("half the area", "converged", "converged / true area")


def networks(folder: Path) -> str:
    """Return sizes and training of the networks as a table."""
    columns = ["network", "parameters", "structures", "images", "log10 of doses"]
    columns += ["c0", "c3", "loss", "validation loss", "best validation F1"]
    rows: list[list[str]] = []
    for run in runs(folder):
        recipe = read_recipe(run / "recipe.json")
        structures = structures_of(recipe)
        seen = structures * recipe.training.epochs
        history = pd.read_csv(run / "history.csv")
        weights = network_of(recipe).count_params()
        images = recipe.images
        ranges = [
            "{:g} to {:g}".format(*bounds)
            for bounds in (images.log_dose, images.mtf_c1, images.mtf_c3)
        ]
        cells = [recipe.name, f"{weights:,}", f"{structures}", f"{seen:,}", *ranges]
        last = history.iloc[-1]
        cells += [f"{last[name]:.3f}" for name in ("loss", "validation_loss")]
        cells.append(f"{history['validation_f1'].max():.3f}")
        rows.append(cells)
    return table(columns, rows)


def structures_of(recipe: Recipe) -> int:
    """Return the number of structures a network is trained on."""
    return recipe.training.limit_data or recipe.size["train"]


def runs(folder: Path) -> list[Path]:
    """Return the folders of the networks that are finished."""
    return sorted(path.parent for path in folder.glob("*/*.onnx"))


def draw_learning(folder: Path) -> None:
    """Draw F1 against batches, as figure SOI 4."""
    figure, ax = plt.subplots(figsize=(7, 3.5), layout="constrained")
    ax.set_prop_cycle(color=plt.get_cmap("tab20")(np.arange(20)))
    for run in runs(folder):
        history = pd.read_csv(run / "history.csv")
        recipe = read_recipe(run / "recipe.json")
        steps = structures_of(recipe) // recipe.training.batch_size
        seen = (history["epoch"] + 1) * steps
        ax.plot(seen, history["validation_f1"], label=recipe.name)
    ax.set(xlabel="batches", ylabel="F1 on other structures", ylim=(0, 1))
    ax.legend(fontsize="small", ncols=2)
    figure.savefig(FOLDER / "learning.png", dpi=100)


def draw_histogram(folder: Path) -> None:
    """Draw how often a frame has which F1, as the upper part of figure SOI 9."""
    scores = pd.read_csv(folder / "cameras.csv")
    figure, ax = plt.subplots(figsize=(7, 3), layout="constrained")
    for number, name in enumerate(COMPARED):
        f1 = scores.loc[scores["by"] == name, "f1"]
        ax.hist(
            f1,
            np.linspace(0, 1, 41).tolist(),
            color=f"C{number}",
            alpha=0.5,
            label=name,
        )
        ax.axvline(f1.mean(), color=f"C{number}", ls="--")
    ax.set(xlabel="F1", ylabel="frames")
    ax.legend()
    figure.savefig(FOLDER / "f1.png", dpi=100)


def results(folder: Path, stem: str) -> str:
    """Return limits and F1 of the networks of a series as a table."""
    summary = json.loads((folder / f"{stem}.json").read_text(encoding="utf-8"))
    scores = pd.read_csv(folder / f"{stem}.csv")
    plan = summary["plan"]
    frames = plan["steps"] * plan["frames"]
    rows = []
    for name, limits in summary["networks"].items():
        cells = [name, *(spread(limit, plan["lowest"]) for limit in limits.values())]
        cells += [f"{f1:.2f}" for f1 in np.interp(np.log(DOSES), *curve(scores, name))]
        rows.append(cells)
    columns = ["network", *TITLES, *(f"F1 at {dose}" for dose in DOSES)]
    first = f"{scores['structure'].nunique()} structures, {frames} frames each."
    return f"{first}\n\n{table(columns, rows)}"


def spread(limit: dict[str, float | None], lowest: float) -> str:
    """Return median and percentiles; the lowest dose is an upper bound of a limit."""

    def text(value: float | None) -> str:
        if value is None:
            return "–"
        return f"≤ {digits(value)}" if value == lowest else digits(value)

    median, low, high = (
        text(limit[key]) for key in ("median", "10th percentile", "90th percentile")
    )
    return f"{median} ({low} to {high})"


def curve(scores: pd.DataFrame, name: str) -> tuple[pd.Series[float], pd.Series[float]]:
    """Return the logarithm of the doses and the mean F1 of a network."""
    mean = scores[scores["by"] == name].groupby("dose")["f1"].mean()
    return np.log(mean.index.to_series()), mean


def main() -> None:
    """Write what there is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    FOLDER.mkdir(parents=True, exist_ok=True)
    done = [stem for stem in STEMS if (folder / f"{stem}.json").exists()]
    for stem in done:
        parts = [results(folder, stem)]
        for text, name in (
            ("Found area, F1 and what is found beside particles", f"{stem}.png"),
            ("Frames with true and found outlines", f"{stem}-frames.png"),
        ):
            shutil.copy(folder / name, FOLDER)
            parts.append(f"![{text}](pictures/dose/{name})")
        replace_part(PAGE, f"series {stem}", "\n\n".join(parts))
    if runs(folder):
        draw_learning(folder)
        picture = "![Learning curves](pictures/dose/learning.png)"
        replace_part(PAGE, "trainings", f"{networks(folder)}\n\n{picture}")
    if "cameras" in done:
        draw_histogram(folder)
    if len(done) == len(STEMS):
        columns = ["the paper", "measured here", "result"]
        replace_part(PAGE, "comparison", table(columns, statements(folder)))


if __name__ == "__main__":
    main()
