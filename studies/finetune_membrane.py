# SPDX-License-Identifier: GPL-3.0-or-later
"""Fine-tune a network on five experimental images, and score it on fifteen others.

    python studies/finetune_membrane.py DATA FOLDER

The images in DATA/nanoparticles_on_membrane are those of msa-em/microscopy-seg-track
(CC-BY-4.0): metal particles on a thin membrane, with masks drawn by hand. The size of
their pixels is not in the files; it is 0.058 nm by their lattice fringes. Everything
that is made goes into FOLDER: structures and exit waves of the recipe, the training,
and `tuned.onnx`. Writes the scores into the page on fine-tuning, and draws what the
network finds before and after. Takes ten minutes on two cores. Needs the extra
`training`.
"""

from __future__ import annotations

import argparse
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np

from hrtemnn_training.finetuning.settings import TuningSettings
from hrtemnn_training.finetuning.tune import finetune
from hyperspy_hrtemnn.networks import load
from hyperspy_hrtemnn.plots.palette import palette
from membrane_images import Scored, calibrated, read_images
from pages import DOCS, PICTURES, replace_part, table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from hrtemnn_training.finetuning.tune import Tuned

NETWORK = "nanoparticle-membrane-mask"
SAMPLING = 0.058  # nm
TUNED_ON = (0, 4, 8, 12, 16)
SHOWN = (1, 6, 11, 18)


def choose_images(data: Path, folder: Path) -> None:
    """Copy the images to tune on, and their labels under the same names."""
    for kind in ("image", "label"):
        (folder / f"{kind}s").mkdir(parents=True, exist_ok=True)
        for number in TUNED_ON:
            source = data / f"{kind}s" / f"{kind}_{number}.png"
            shutil.copyfile(source, folder / f"{kind}s" / f"{number}.png")


def draw(
    column: list[Axes], image: np.ndarray, drawn: np.ndarray, found: list[np.ndarray]
) -> None:
    """Draw the outlines by hand and by the network, before above and after below."""
    colors = palette(2)
    for axes, mask in zip(column, found, strict=True):
        axes.imshow(image, cmap="gray")
        for outline, color in zip((drawn, mask), colors, strict=True):
            if outline.any():
                axes.contour(outline, [0.5], colors=[color], linewidths=1)
        axes.set(xticks=[], yticks=[])


def score_others(data: Path, tuned: Tuned) -> tuple[Scored, Scored]:
    """Score both networks on the images that were not tuned on, and draw four."""
    both = Scored(load(NETWORK)), Scored(load(tuned.path))
    figure, rows = plt.subplots(2, len(SHOWN), figsize=(14, 7.2), layout="constrained")
    for number, image, drawn in read_images(data):
        if number in TUNED_ON:
            continue
        signal = calibrated(image, SAMPLING)
        found = [each.segment(signal, drawn).threshold().data for each in both]
        if number in SHOWN:
            column = rows[:, SHOWN.index(number)]
            draw(column, image, drawn, found)
            for axes, each in zip(column, both, strict=True):
                axes.set_title(f"image {number}, F1 {each.f1[-1]:.2f}")
    for axes, when in zip(rows[:, 0], ("before", "after"), strict=True):
        axes.set_ylabel(when)
    figure.savefig(PICTURES / "finetune" / "others.png", dpi=80)
    return both


def summary(before: Scored, after: Scored, tuned: Tuned, minutes: float) -> str:
    """Return the scores as text, a table and pictures."""
    columns = before, after
    simulated = [
        tuned.scores[when]["F1 of simulations"] for when in ("before", "after")
    ]
    left_out = [tuned.scores[when]["f1"] for when in ("before", "after")]
    rows = [
        ["F1 of the left-out quarters of the five", *left_out],
        ["F1 of the others, mean", *(float(np.mean(s.f1)) for s in columns)],
        ["F1 of the others, lowest", *(min(s.f1) for s in columns)],
        [
            "F1 of the others at 0.5, mean",
            *(float(np.mean(s.f1_half)) for s in columns),
        ],
        ["threshold", *(s.threshold for s in columns)],
        [
            "expected calibration error of the others",
            *(s.curve()["expected_calibration_error"] for s in columns),
        ],
        ["F1 of simulations", *simulated],
    ]
    folder = "pictures/finetune"
    return (
        f"{len(TUNED_ON)} images, {len(after.f1)} others; {minutes:.0f} minutes on two "
        f"cores with all simulations, {tuned.scores['epochs']} epochs to the best:\n\n"
        + table(["", "before", "after"], rows)
        + f"\n\n![Others before and after]({folder}/others.png)\n\n"
        "*Images that were not tuned on, before and after: by hand in orange, by the "
        f"network in blue.*\n\n![Learning curves]({folder}/history.png)\n\n"
        "*Loss and F1 of what was left out, and of simulations.*"
    )


def main() -> None:
    """Tune, score and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=TuningSettings.minutes)
    options = parser.parse_args()
    data = options.data / "nanoparticles_on_membrane"
    choose_images(data, options.folder)
    (PICTURES / "finetune").mkdir(exist_ok=True)
    start = time.monotonic()
    tuned = finetune(
        NETWORK,
        options.folder / "images",
        options.folder / "labels",
        options.folder / "tuned.onnx",
        sampling=f"{SAMPLING} nm",
        settings=TuningSettings(minutes=options.minutes),
    )
    minutes = (time.monotonic() - start) / 60
    shutil.copyfile(tuned.folder / "history.png", PICTURES / "finetune" / "history.png")
    before, after = score_others(data, tuned)
    result = summary(before, after, tuned, minutes)
    replace_part(DOCS / "finetune.md", "membrane", result)
    print(result)


if __name__ == "__main__":
    main()
