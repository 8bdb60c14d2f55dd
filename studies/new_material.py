# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the commands of ``docs/new_material.md`` and write their output into the page.

    python studies/new_material.py FOLDER

Makes the run in FOLDER/pt-tio2, which must not be there yet. Takes about half an hour
on two cores. Needs the extra `training`.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from hrtemnn_training.evaluation.samples import draw_sample
from hrtemnn_training.generation import data_path
from hrtemnn_training.images.outlines import masks
from hrtemnn_training.recipe import read_recipe
from hrtemnn_training.store import DataSet
from hyperspy_hrtemnn.networks import load
from network_page import copy_pictures
from pages import DOCS, PICTURES, RECIPES, replace_part

NAME = "pt-tio2-mask"
PAGE = DOCS / "new_material.md"
RECIPE = RECIPES / f"{NAME}.json"
DOSES = (2, 3, 4)  # powers of ten
SHOWN = (5, 13, 20)


def run_commands(folder: Path) -> None:
    """Run each command of the page, and put its time and output below it."""
    commands = re.findall(r"<!-- run (\w+) -->\n```sh\n(.*?)\n```", PAGE.read_text())
    for name, command in commands:
        here = command.replace("training/recipes", str(RECIPES)).split()
        begun = time.monotonic()
        done = subprocess.run(  # noqa: S603 - the page's own commands
            [Path(sys.executable).parent / here[0], *here[1:]],
            cwd=folder,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        minutes, seconds = divmod(round(time.monotonic() - begun), 60)
        body = f"({minutes} min {seconds} s)"
        if done.stdout:
            body += f"\n\n```\n{done.stdout.rstrip()}\n```"
        replace_part(PAGE, name, body)


def draw_found(run: Path) -> None:
    """Draw true and found outlines of test structures at several doses."""
    recipe = read_recipe(RECIPE)
    network = load(run / f"{NAME}.onnx")
    threshold = network.card.unbiased_threshold
    data = DataSet(data_path(run, "test"))
    figure, rows = plt.subplots(
        len(SHOWN), len(DOSES), figsize=(9, 9), layout="constrained"
    )
    for row, index in zip(rows, SHOWN, strict=True):
        for ax, dose in zip(row, DOSES, strict=True):
            ranges = recipe.images.changed({"log_dose": (dose, dose)})
            sample = draw_sample(
                recipe, data, index, np.random.default_rng(index), ranges
            )
            image = sample.exposure.counts[0]
            low, high = np.percentile(image, [0.5, 99.5])
            ax.imshow(image, cmap="gray", vmin=low, vmax=high)
            found = recipe.label.predict(network, sample).probability[0]
            true = masks(sample.specimen, (), sample.grid)[..., 0]
            for outline, color in (
                (true, "tab:green"),
                (found >= threshold, "tab:red"),
            ):
                if outline.any():
                    ax.contour(outline, [0.5], colors=color, linewidths=1)
            ax.set(title=f"{10**dose} e⁻/Å²", xticks=[], yticks=[])
    figure.savefig(PICTURES / NAME / "found.png", dpi=80)


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    run = folder / "pt-tio2"
    replace_part(PAGE, "recipe", f"```json\n{RECIPE.read_text().rstrip()}\n```")
    run_commands(folder)
    copy_pictures(run, NAME)
    draw_found(run)


if __name__ == "__main__":
    main()
