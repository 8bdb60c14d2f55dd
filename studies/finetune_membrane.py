# SPDX-License-Identifier: GPL-3.0-or-later
"""Fine-tune a network on five experimental images, and score it on fifteen others.

    python studies/finetune_membrane.py DATA FOLDER

The images in DATA/nanoparticles_on_membrane are those of msa-em/microscopy-seg-track
(CC-BY-4.0): metal particles on a thin membrane, with masks drawn by hand. The size of
their pixels is not in the files; it is 0.058 nm by their lattice fringes. Everything
that is made goes into FOLDER: structures and exit waves of the recipe, the training,
and `tuned.onnx`. Writes the scores into the page on fine-tuning, and draws what the
network finds before, before with another threshold, and after. Takes twelve minutes on
two cores. Needs the extra `training`.
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
    from collections.abc import Sequence

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


def draw(axes: Axes, image: np.ndarray, outlines: Sequence[np.ndarray]) -> None:
    """Draw the outlines by hand and by the network."""
    axes.imshow(image, cmap="gray")
    for outline, color in zip(outlines, palette(2), strict=True):
        if outline.any():
            axes.contour(outline, [0.5], colors=[color], linewidths=1)
    axes.set(xticks=[], yticks=[])


def threshold_of_the_five(data: Path) -> float | None:
    """Return the threshold that the network needs for the images to tune on.

    It could be chosen without any fine-tuning.
    """
    scored = Scored(load(NETWORK))
    for number, image, drawn in read_images(data):
        if number in TUNED_ON:
            scored.segment(calibrated(image, SAMPLING), drawn)
    return scored.unbiased()


def score_others(data: Path, tuned: Path) -> dict[str, Scored]:
    """Score both networks on the images that were not tuned on, and draw four."""
    scored = {
        "before": Scored(load(NETWORK)),
        "before, threshold of the five": Scored(
            load(NETWORK), threshold_of_the_five(data)
        ),
        "after": Scored(load(tuned)),
    }
    figure, rows = plt.subplots(
        len(scored), len(SHOWN), figsize=(14, 10.6), layout="constrained"
    )
    for number, image, drawn in read_images(data):
        if number in TUNED_ON:
            continue
        for row, each in zip(rows, scored.values(), strict=True):
            segmentation = each.segment(calibrated(image, SAMPLING), drawn)
            if number in SHOWN:
                axes = row[SHOWN.index(number)]
                draw(axes, image, (drawn, segmentation.data >= each.threshold))
                axes.set_title(f"image {number}, F1 {each.f1[-1]:.2f}")
    for axes, name in zip(rows[:, 0], scored, strict=True):
        axes.set_ylabel(name)
    figure.savefig(PICTURES / "finetune" / "others.png", dpi=80)
    return scored


def summary(scored: dict[str, Scored], tuned: Tuned, minutes: float) -> str:
    """Return the scores as text, a table and pictures."""
    columns = list(scored.values())
    before, after = (tuned.scores[when] for when in ("before", "after"))
    rows: list[list[str | float | None]] = [
        ["F1 of the others, mean", *(float(np.mean(s.f1)) for s in columns)],
        ["F1 of the others, lowest", *(min(s.f1) for s in columns)],
        ["probability from which on it is a particle", *(s.threshold for s in columns)],
        [
            "expected calibration error of the others",
            *(s.curve()["expected_calibration_error"] for s in columns),
        ],
        ["F1 of what was left out of the five", before["f1"], None, after["f1"]],
        [
            "F1 of simulations",
            before["F1 of simulations"],
            None,
            after["F1 of simulations"],
        ],
    ]
    folder = "pictures/finetune"
    return (
        f"{len(TUNED_ON)} images, and {len(columns[0].f1)} others; {minutes:.0f} "
        "minutes on two cores with all simulations; the best epoch was number "
        f"{tuned.scores['epochs']}:\n\n"
        + table(["", *scored], rows)
        + "\n\nThe middle column is without fine-tuning, only with the probability at "
        "which the area of the five images is found, instead of that of the card.\n\n"
        f"![Outlines in images that were not tuned on]({folder}/others.png)\n\n"
        "*Images that were not tuned on: by hand in orange, by the network in blue.*"
        f"\n\n![Learning curves]({folder}/history.png)\n\n"
        "*The validation is that of the left-out parts and of simulations, half each; "
        "its F1 is that of the left-out parts.*"
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
    result = summary(score_others(data, tuned.path), tuned, minutes)
    replace_part(DOCS / "finetune.md", "membrane", result)
    print(result)


if __name__ == "__main__":
    main()
