# SPDX-License-Identifier: GPL-3.0-or-later
"""Write what the guard of a network finds, and what it misses, into docs/guard.md.

    hrtemnn guard RECIPE FOLDER --network NETWORK
    python studies/guard.py RECIPE FOLDER NETWORK

The command has tried the guard on images like those of the training and on foreign
ones, which are in guard.csv of FOLDER, the run with the exit waves. Here they are
counted by kind and drawn: the distribution of their novelty, those that the guard takes
for what they are not, and, for conditions that leave the training step by step, the
share that is foreign beside F1. Takes ten minutes on two cores. Needs the extra
`training`.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import onnx
import pandas as pd

from hrtemnn_training.evaluation.domain.conditions import conditions_of
from hrtemnn_training.evaluation.guard.foreign import KINDS, foreign_image
from hrtemnn_training.evaluation.guard.images import trained_image
from hrtemnn_training.evaluation.guard.regions import Regions
from hrtemnn_training.evaluation.guard.report import TRAINED, TRIAL
from hrtemnn_training.evaluation.samples import draw_sample
from hrtemnn_training.generation import data_path
from hrtemnn_training.recipe import read_recipe
from hrtemnn_training.store import DataSet
from hyperspy_hrtemnn.networks import load
from pages import DOCS, PICTURES, replace_part, table

if TYPE_CHECKING:
    from hrtemnn_training.recipe import Recipe
    from hyperspy_hrtemnn.networks import Card, Network

PAGE = DOCS / "guard.md"
SWEPT = ("defocus", "blur", "sampling")
_SEED = 6000  # of its own for the images of the sweeps
_SMALLEST, _LARGEST = 0.3, 10.0  # novelty of the curves


def write_shares(card: Card, trial: pd.DataFrame) -> None:
    """Write how many regions of each kind are foreign, and what the guard is."""
    known = card.novelty
    if known is None:
        raise SystemExit(f"The network {card.name} has no guard.")
    rows = []
    for kind, regions in trial.groupby("kind", sort=False):
        novelty = regions["novelty"]
        share = f"{(novelty > 1).mean():.1%}"
        name = "like the training" if kind == TRAINED else str(kind)
        count = str(regions["image"].nunique())
        rows.append([name, count, f"{novelty.median():.2f}", share])
    side = known.cell * known.cells * card.sampling / 10
    text = (
        f"This is `{card.name}`, with regions of {side:.1f} nm, and a guard that was "
        f"fitted to {known.images} images. Images are simulated from structures that "
        "neither the network nor the guard has seen.\n\n"
    )
    columns = ("images", "number", "median novelty", "foreign")
    replace_part(PAGE, "trial", text + table(columns, rows))


def draw_curves(trial: pd.DataFrame, path: Path) -> None:
    """Draw which share of the regions of each kind has more than a novelty."""
    figure, ax = plt.subplots(figsize=(7, 4.2), layout="constrained")
    colors = plt.get_cmap("tab10")
    for i, (kind, regions) in enumerate(trial.groupby("kind", sort=False)):
        novelty = np.sort(regions["novelty"].to_numpy())
        share = 1 - np.arange(len(novelty)) / len(novelty)
        own = kind == TRAINED
        style = {"color": "black", "lw": 2.5} if own else {"color": colors(i % 10)}
        label = "like the training" if own else str(kind)
        ax.step(novelty, share, where="post", label=label, **style)
    ax.axvline(1, color="0.5", ls="--")
    ax.set(
        xscale="log",
        xlim=(_SMALLEST, _LARGEST),
        ylim=(0, 1.02),
        xlabel="novelty, as a share of the threshold",
        ylabel="share of regions with more",
    )
    ax.set_xticks([0.3, 1, 3, 10], labels=["0.3", "1", "3", "10"])
    ax.legend(fontsize="small", bbox_to_anchor=(1.01, 1), loc="upper left")
    figure.savefig(path, dpi=90)
    plt.close(figure)


def draw_errors(recipe: Recipe, test: DataSet, trial: pd.DataFrame, path: Path) -> None:
    """Draw the images that are most wrongly taken: false alarms, and what is missed."""
    means = trial.groupby(["kind", "image"])["novelty"].mean()
    alarms = means[TRAINED].nlargest(3)
    shown = [
        (trained_image(recipe, test, TRIAL, int(i)), f"like the training: {value:.2f}")
        for i, value in alarms.items()
    ]
    for kind in KINDS:
        i = int(means[kind].idxmin())
        value = means[kind][i]
        shown.append((foreign_image(recipe, test, kind, i), f"{kind}: {value:.2f}"))
    columns = 4
    rows = -(-len(shown) // columns)
    figure, panels = plt.subplots(
        rows, columns, figsize=(2.6 * columns, 2.8 * rows), layout="constrained"
    )
    for ax in panels.ravel():
        ax.set_axis_off()
    for ax, (image, title) in zip(panels.ravel(), shown, strict=False):
        low, high = np.percentile(image[0], (0.5, 99.5))
        ax.imshow(image[0], cmap="gray", vmin=low, vmax=high)
        ax.set_title(title, fontsize="x-small")
    figure.savefig(path, dpi=60)
    plt.close(figure)


def swept(
    recipe: Recipe, test: DataSet, network: Network, name: str, structures: int
) -> pd.DataFrame:
    """Return F1 and the foreign share of images at each value of a condition."""
    condition = conditions_of(recipe)[name]
    cells = 0 if network.card.novelty is None else network.card.novelty.cells
    # Specimens may be smaller than a region and the borders that it leaves out.
    regions = Regions(onnx.load(network.path), cells)
    rows = []
    for value in condition.tried:
        images = condition.images_at(recipe, value)
        for index in range(min(structures, len(test))):
            rng = np.random.default_rng((recipe.seed, _SEED, index))
            sample = draw_sample(recipe, test, index, rng, images)
            mask = recipe.label.predict(network, sample)
            score = recipe.label.metrics(mask, sample).get("f1", np.nan)
            foreign = regions(sample.standardized) > 1
            rows.append((value, score, float(foreign.mean())))
    found = pd.DataFrame(rows, columns=["value", "score", "foreign"])
    return found.groupby("value", as_index=False).mean()


def draw_sweeps(recipe: Recipe, found: dict[str, pd.DataFrame], path: Path) -> None:
    """Draw score and foreign share against the conditions; gray is the training."""
    conditions = conditions_of(recipe)
    figure, panels = plt.subplots(
        1, len(found), figsize=(3.6 * len(found), 3.1), layout="constrained"
    )
    for ax, (name, curve) in zip(panels, found.items(), strict=True):
        condition = conditions[name]
        if condition.trained is not None:
            ax.axvspan(*condition.trained, color="0.9", zorder=0)
        ax.plot(curve["value"], curve["score"], ".-", label="F1")
        ax.plot(curve["value"], curve["foreign"], ".-", label="foreign share")
        if condition.is_log and condition.trained is not None:
            ax.set_xscale("log")
            ax.minorticks_off()
            ticks = [curve["value"].min(), *condition.trained, curve["value"].max()]
            ax.set_xticks(ticks, labels=[f"{tick:.2g}" for tick in ticks])
        ax.set(xlabel=condition.label, ylim=(0, 1))
    panels[0].legend(fontsize="small")
    figure.savefig(path, dpi=90)
    plt.close(figure)


def write_sweeps(recipe: Recipe, found: dict[str, pd.DataFrame]) -> None:
    """Write score and foreign share inside the training and at the farthest value."""
    rows: list[list[str | float | None]] = []
    conditions = conditions_of(recipe)
    for name, curve in found.items():
        trained = conditions[name].trained
        if trained is None:
            continue
        low, high = trained
        inside = curve[curve["value"].between(low, high)].mean()
        last = curve.iloc[-1]
        rows += [
            [conditions[name].label, f"{low:g} to {high:g}", *_both(inside)],
            ["", f"{last['value']:g}", *_both(last)],
        ]
    columns = ("condition", "value", "F1", "foreign share")
    replace_part(PAGE, "sweeps", table(columns, rows))


def _both(row: pd.Series) -> list[str | float | None]:
    return [float(row["score"]), f"{row['foreign']:.0%}"]


def main() -> None:
    """Write the tables and draw the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("network")
    parser.add_argument("--structures", type=int, default=24, help="at each value")
    options = parser.parse_args()
    recipe = read_recipe(options.recipe)
    network = load(options.network)
    test = DataSet(data_path(options.folder, "test"))
    trial = pd.read_csv(options.folder / "guard.csv")
    (PICTURES / "guard").mkdir(exist_ok=True)
    write_shares(network.card, trial)
    draw_curves(trial, PICTURES / "guard" / "novelty.png")
    draw_errors(recipe, test, trial, PICTURES / "guard" / "errors.png")
    found = {
        name: swept(recipe, test, network, name, options.structures) for name in SWEPT
    }
    write_sweeps(recipe, found)
    draw_sweeps(recipe, found, PICTURES / "guard" / "sweeps.png")


if __name__ == "__main__":
    main()
