# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the reliability of the probabilities into the page of a network of masks.

    python studies/reliability_page.py NAME FOLDER_OF_THE_RUN

The reliability of the network now is in its card, from `hrtemnn evaluate`. The same
test images are given once more to the network as it was trained, with the weight of
objects in its predictions. Takes as long as `hrtemnn evaluate`. Needs the extra
`training`.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from as_trained import as_trained
from hrtemnn_training.evaluation.comparison import evaluate
from hrtemnn_training.recipe import read_recipe
from hyperspy_hrtemnn.networks import load
from pages import DOCS, PICTURES, RECIPES, replace_part, table

TRAINED = "as trained"


def farthest(curve: dict[str, Any]) -> float:
    """Return the largest distance of a point of the curve from the diagonal."""
    points = np.array([curve["predicted"], curve["observed"]], float)
    return float(np.nanmax(np.abs(points[1] - points[0])))


def draw_curves(curves: dict[str, dict[str, Any]], path: Path) -> None:
    """Draw the share of particles against the probability, and how many pixels have it.

    Parameters
    ----------
    curves
        From `Reliability.summary`, by name.
    path
        File of the picture.
    """
    figure, (ax, below) = plt.subplots(
        2,
        figsize=(4.4, 5.8),
        sharex=True,
        height_ratios=(3, 1),
        layout="constrained",
    )
    ax.plot((0, 1), (0, 1), color="0.7", lw=1)
    for name, curve in curves.items():
        error = curve["expected_calibration_error"]
        points = np.array([curve["predicted"], curve["observed"]], float)
        ax.plot(*points, "o-", ms=3, label=f"{name}: error {error:.4f}")
        below.plot(points[0], curve["share_of_pixels"], "o-", ms=3)
    ax.set(ylabel="share that is a particle's", xlim=(0, 1), ylim=(0, 1))
    ax.legend(fontsize="small")
    below.set(xlabel="probability", ylabel="share of pixels", yscale="log")
    figure.savefig(path, dpi=80)
    plt.close(figure)


def main() -> None:
    """Write the text and draw the curves."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("run", type=Path)
    options = parser.parse_args()
    network = load(options.name)
    card = network.card
    recipe = read_recipe(RECIPES / f"{card.recipe}.json")
    with TemporaryDirectory() as folder:
        trained = as_trained(network, Path(folder))
        evaluation = evaluate(recipe, options.run, {TRAINED: trained})
    before = evaluation.reliability[TRAINED].summary()
    after = card.scores["reliability"]
    curves = {TRAINED: before, f"weight of {card.object_weight:g} taken out": after}
    draw_curves(curves, PICTURES / options.name / "reliability.png")
    scored = pd.read_csv(options.run / "evaluation.csv")
    scored = scored[scored["by"] == options.name]
    halves = [t["f1_half"].mean() for t in (evaluation.rows(TRAINED), scored)]
    errors = [f"{each['expected_calibration_error']:.4f}" for each in (before, after)]
    farthest_points = [f"{farthest(each):.3f}" for each in (before, after)]
    rows = (
        ["expected calibration error", *errors],
        ["farthest point of the curve", *farthest_points],
        ["mean F1 at probability 0.5", *(f"{half:.3f}" for half in halves)],
    )
    titles = [f"on the {card.scores['images']} test images", TRAINED, "as it is"]
    text = (
        f"{table(titles, rows)}\n\n"
        f"At the threshold of unbiased area, {card.threshold:g}, mean F1 is "
        f"{scored['f1'].mean():.3f}; the threshold was measured on validation images."
    )
    replace_part(DOCS / f"{options.name}.md", "reliability", text)
    print(text)


if __name__ == "__main__":
    main()
