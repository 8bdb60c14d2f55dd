# SPDX-License-Identifier: GPL-3.0-or-later
"""Show where a network of particles fails on its own test images.

    python studies/mask_failures.py NAME FOLDER_OF_THE_RUN

Gives the test images of `hrtemnn evaluate` to the network NAME once more. Writes into
its page how often it takes a support for particles, and how F1 depends on the lens and
the blur; and draws the images on which it is worst, with the true and the found
outlines, as ``docs/pictures/NAME/failures.png``. Takes as long as `hrtemnn evaluate`.
Needs the extra `training`.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.ndimage import distance_transform_edt
from tqdm import tqdm

from hrtemnn_training.evaluation.comparison import TEST_IMAGES, images_of
from hrtemnn_training.evaluation.report import write_table
from hrtemnn_training.evaluation.samples import draw_sample
from hrtemnn_training.generation import data_path
from hrtemnn_training.metrics.pixels import f1_score
from hrtemnn_training.recipe import read_recipe
from hrtemnn_training.store import DataSet
from hyperspy_hrtemnn.cores import usable_cores
from hyperspy_hrtemnn.networks import load
from pages import DOCS, PICTURES, RECIPES, replace_part, table

if TYPE_CHECKING:
    from hrtemnn_training.images.grid import Grid
    from hrtemnn_training.images.sample import Sample
    from hrtemnn_training.recipe import Recipe
    from hrtemnn_training.structures import Structure
    from hyperspy_hrtemnn.networks import Network

REACH = 2.0  # of an atom: the support is where one of its atoms is nearer [Å]
MUCH = 0.1  # share of the support that is taken for particles
CLEAR = 100  # dose above which a failure is not one of the noise [e-/Å²]
BLURS = (0, 0.2, 0.4, 0.6, 1.1)  # edges [Å]
SHOWN = 8


@dataclass(frozen=True)
class Judged:
    """One image, and what the network makes of it."""

    sample: Sample
    truth: np.ndarray
    found: np.ndarray
    support: np.ndarray

    @property
    def f1(self) -> float:
        """F1 of the pixels, nan where no particle is seen."""
        return f1_score(self.found, self.truth) if self.truth.any() else np.nan

    @property
    def support_taken(self) -> float:
        """Share of the bare support that is taken for particles, nan without one."""
        bare = self.support & ~self.truth
        return float(self.found[bare].mean()) if bare.any() else np.nan


def support_of(structure: Structure, grid: Grid) -> np.ndarray:
    """Return where atoms of no particle are, shape of the grid."""
    atoms = structure.positions[structure.particles == 0, :2]
    empty = np.ones(grid.shape, bool)
    if not len(atoms):
        return ~empty
    row, column = np.round(grid.indices(atoms)).astype(int).T
    inside = (row >= 0) & (row < grid.shape[0]) & (column >= 0)
    inside &= column < grid.shape[1]
    empty[row[inside], column[inside]] = False
    if empty.all():
        return ~empty
    distance = distance_transform_edt(empty, sampling=grid.pixel)
    return np.asarray(distance < REACH)


class Judge:
    """Images of a run, and a network that they are given to."""

    def __init__(self, recipe: Recipe, folder: Path, network: Network) -> None:
        self.recipe, self.network = recipe, network
        self.data = DataSet(data_path(folder, "test"))
        self.jobs = list(images_of(recipe, recipe.images, len(self.data)))

    def judge(self, number: int) -> Judged:
        """Return one of the images."""
        index, parameters, _ = self.jobs[number]
        rng = np.random.default_rng((self.recipe.seed, TEST_IMAGES, index))
        sample = draw_sample(self.recipe, self.data, index, rng, parameters)
        label = self.recipe.label
        prediction = label.predict(self.network, sample)
        truth = label.draw(sample, sample.grid)[..., 0]
        support = support_of(self.data.read_structure(index), sample.grid)
        return Judged(sample, truth, prediction.found[0], support)

    def row(self, number: int) -> dict[str, float | str]:
        """Return the conditions of an image and its scores."""
        judged = self.judge(number)
        scores = {"f1": judged.f1, "support_taken": judged.support_taken}
        return judged.sample.conditions() | scores

    def table(self) -> pd.DataFrame:
        """Return a row for each image."""
        numbers = range(len(self.jobs))
        with ThreadPoolExecutor(usable_cores()) as pool:
            return pd.DataFrame(tqdm(pool.map(self.row, numbers), total=len(numbers)))


def f1_rows(images: pd.DataFrame, name: str, groups: pd.Series) -> list[list[str]]:
    """Return mean and 10th percentile of F1 in groups of images, and their number."""
    grouped = images.groupby(groups, observed=True)["f1"]
    return [
        [f"{name} {group}", str(len(f1)), f"{f1.mean():.3f}", f"{f1.quantile(0.1):.3f}"]
        for group, f1 in grouped
    ]


def text_of(images: pd.DataFrame) -> str:
    """Return what the page says."""
    with_support = images["support_taken"].dropna()
    clear = images[(images["dose"] > CLEAR) & images["f1"].notna()]
    blur = pd.cut(clear["vibration_blur"], BLURS)
    rows = f1_rows(clear, "blur [Å]", blur.map(lambda b: f"{b.left:g} to {b.right:g}"))
    if "lens" in clear:
        rows += f1_rows(clear, "lens", clear["lens"])
    return (
        f"In {(with_support > MUCH).sum()} of {len(with_support)} images with a bare "
        "support more than a tenth of it is taken for particles; the mean share is "
        f"{with_support.mean():.4f}. F1 above {CLEAR} e⁻/Å²:\n\n"
        + table(["images with", "number", "F1 mean", "F1 p10"], rows)
    )


def draw(judge: Judge, images: pd.DataFrame, path: Path) -> None:
    """Draw the worst images above the dose, one of each structure."""
    clear = images[images["dose"] > CLEAR].sort_values("f1")
    structures = pd.Series([job[0] for job in judge.jobs])
    worst = clear.index[~structures[clear.index].duplicated()][:SHOWN]
    figure, axes = plt.subplots(2, SHOWN // 2, figsize=(14, 8), layout="constrained")
    for ax, number in zip(axes.flat, worst, strict=True):
        judged = judge.judge(number)
        image = judged.sample.exposure.counts[0]
        low, high = np.percentile(image, (1, 99))
        ax.imshow(image, cmap="gray", vmin=low, vmax=high)
        for mask, color in ((judged.truth, "tab:green"), (judged.found, "tab:red")):
            if mask.any():
                ax.contour(mask, [0.5], colors=color, linewidths=1)
        known = images.loc[number]
        ax.set_title(
            f"{known['material']}, F1 {known['f1']:.2f}\n{known['dose']:.0f} e⁻/Å², "
            f"defocus {known['defocus'] / 10:.0f} nm, blur "
            f"{known['vibration_blur']:.1f} Å\n{image.shape[0]} pixels of "
            f"{judged.sample.pixel:.2f} Å",
            fontsize="small",
        )
        ax.set(xticks=[], yticks=[])
    figure.savefig(path, dpi=80)


def main() -> None:
    """Score the images, write the part of the page and draw the worst."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    name = arguments.name
    judge = Judge(read_recipe(RECIPES / f"{name}.json"), arguments.folder, load(name))
    images = judge.table()
    write_table(images, arguments.folder / "failures.csv")
    text = text_of(images)
    replace_part(DOCS / f"{name}.md", "failures", text)
    draw(judge, images, PICTURES / name / "failures.png")
    print(text)


if __name__ == "__main__":
    main()
