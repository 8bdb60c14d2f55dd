# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare two outlines of particles in the labels by masks that were drawn by hand.

    python studies/outlines.py FOLDER IMAGES SAMPLING

Trains two networks on the same exit waves and images: one on the convex hulls of the
atoms, one on contours of the particles' own phase. Scores both on the experimental
images of `membrane_images.py` in IMAGES, whose pixels are taken for SAMPLING nm, and
writes the table of docs/nanoparticle-membrane-mask.md and FOLDER/outlines.csv. If it is
stopped, start it again. Takes an hour on two cores. Needs the extra `training`.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from hrtemnn_training.evaluation.report import write_table
from hrtemnn_training.export.onnx_file import export
from hrtemnn_training.generation import (
    PURPOSES,
    data_path,
    make_structures,
    make_waves,
)
from hrtemnn_training.recipe import Recipe, read_recipe
from hrtemnn_training.store import DataSet
from hrtemnn_training.train.loop import train
from hyperspy_hrtemnn.networks import load
from membrane_images import Scored, calibrated, read_images
from pages import DOCS, RECIPES, replace_part, table

BASE = RECIPES / "nanoparticle-membrane-mask.json"
PAGE = DOCS / "nanoparticle-membrane-mask.md"

OUTLINES: dict[str, str] = {
    "hull": "convex hull of the atoms",
    "phase": "contour of the phase",
}
CHANGES: dict[str, Any] = {
    "network": {"width": 16, "fold": 2},
    "size": {"train": 400, "validation": 32, "test": 1},
}
BLUR = {"blur": [0, 0.05], "vibration_blur": [0.05, 0.8]}
STAGES = [
    {
        "epochs": 4,
        "learning_rate": [1e-3, 1e-3],
        "images": {"log_dose": [2.5, 4], "defocus": [0, 500]},
    },
    {"epochs": 36, "learning_rate": [1e-3, 1e-3]},
    {"epochs": 40, "learning_rate": [1e-3, 2e-5]},
]


def recipe_of(outline: str) -> Recipe:
    """Return the recipe of the network that is trained on an outline."""
    values = read_recipe(BASE).model_dump(mode="json", exclude_unset=True)
    changes = {
        "name": f"outline-{outline}",
        "structures": values["structures"] | {"outline": outline},
        "images": values["images"] | BLUR,
        "training": values["training"] | {"stages": STAGES},
    }
    return Recipe.model_validate(values | CHANGES | changes)


def copy_waves(folder: Path, run: Path) -> None:
    """Take the exit waves of the same atoms from another run.

    Particles without an outline are left out, so that some structures may differ.
    """
    for purpose in PURPOSES:
        given = DataSet(data_path(folder, purpose))
        own = DataSet(data_path(run, purpose), "r+")
        for index in own.missing("wave"):
            before, after = given.read_structure(index), own.read_structure(index)
            if np.array_equal(before.positions, after.positions):
                specimen = given.read_specimen(index)
                own.write_wave(index, specimen.wave, specimen.energy)


def make_network(outline: str, folder: Path) -> Path:
    """Train and export the network of an outline; return its path."""
    recipe, run = recipe_of(outline), folder / outline
    run.mkdir(parents=True, exist_ok=True)
    path = run / f"{recipe.name}.onnx"
    if not path.exists():
        make_structures(recipe, run)
        if outline != "hull":
            copy_waves(folder / "hull", run)
        make_waves(recipe, run)
        keras.utils.clear_session()
        train(recipe, run)
        export(recipe, run)
    return path


def score(path: Path, folder: Path, sampling: float) -> dict[str, float]:
    """Return F1 and area of a network on the experimental images."""
    scored = Scored(load(path))
    areas = []
    for _, data, drawn in read_images(folder / "nanoparticles_on_membrane"):
        found = scored.segment(calibrated(data, sampling), drawn).data
        areas.append((found >= 0.5).sum() / drawn.sum())
    return {
        "F1 at 0.5": float(np.mean(scored.f1_half)),
        "lowest F1": float(np.min(scored.f1_half)),
        "found over drawn area": float(np.median(areas)),
        "expected calibration error": scored.curve()["expected_calibration_error"],
        "threshold of the drawn area": scored.unbiased() or np.nan,
    }


def as_text(scores: pd.DataFrame) -> str:
    """Return the table of the page."""
    rows = [[OUTLINES[str(name)], *row.tolist()] for name, row in scores.iterrows()]
    return table(["outline in the labels", *scores.columns], rows)


def main() -> None:
    """Do what is left of the study."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("images", type=Path)
    parser.add_argument("sampling", type=float, help="size of a pixel [nm]")
    options = parser.parse_args()
    folder = options.folder.absolute()
    rows = {
        outline: score(make_network(outline, folder), options.images, options.sampling)
        for outline in OUTLINES
    }
    scores = pd.DataFrame.from_dict(rows, orient="index")
    write_table(scores.rename_axis("outline").reset_index(), folder / "outlines.csv")
    result = as_text(scores)
    replace_part(PAGE, "outlines", result)
    print(result)


if __name__ == "__main__":
    main()
