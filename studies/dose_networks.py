# SPDX-License-Identifier: GPL-3.0-or-later
"""Repeat the noise paper's study of dose, architecture and camera at a small size.

    python studies/dose_networks.py FOLDER

Trains the networks of `NETWORKS` one after another on the same structures and exit
waves, and runs them over the series of rising dose of `SERIES`. If it is stopped, start
it again: what is done is not done again, and a training goes on after its last epoch.
Then ``python studies/dose_page.py FOLDER`` writes the page. Takes several hours on two
cores. Needs the extra `training`.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import keras

from hrtemnn_training.evaluation.dose_report import study_doses
from hrtemnn_training.export.onnx_file import export
from hrtemnn_training.generation import make_structures, make_waves, share_data
from hrtemnn_training.recipe import Recipe, change_images, read_recipe
from hrtemnn_training.training.batches import cache_path
from hrtemnn_training.training.loop import train
from pages import RECIPES

BASE = RECIPES / "au-dose.json"
"""A U-net trained on the high range of doses with camera MTF 4."""

LOW = {"log_dose": [1, 4]}  # table 2 of the paper; the base has its high range
MSD_NET = {"architecture": "msd-net", "kernel": 3, "channels": 4, "layers": 24}
CAMERAS = {  # table 3 of the paper; the base has MTF 4
    "MTF 1": {"mtf_c1": [0.4, 0.6], "mtf_c3": [2, 3]},
    "MTF 2": {"mtf_c1": [0.4, 0.6], "mtf_c3": [1, 5]},
    "MTF 3": {"mtf_c1": [0.2, 0.3], "mtf_c3": [1, 5]},
    "MTF 5": {"mtf_c1": [0.6, 0.8], "mtf_c3": [2, 5]},
}

NETWORKS: dict[str, dict[str, Any]] = {
    "U-net high": {},
    "U-net low": {"images": LOW},
    "MSD-net high": {"network": MSD_NET},
    "MSD-net low": {"network": MSD_NET, "images": LOW},
    **{f"U-net {camera}": {"images": CAMERAS[camera]} for camera in CAMERAS},
    # For as many steps, over fewer structures more often.
    **{f"U-net {count} structures": {"structures": count} for count in (24, 48, 96)},
}
"""How each network differs from the base."""

MICROSCOPE = {  # the paper's simulated series, section 3.2
    "blur": [0.0159, 0.0318],  # its 0.1 to 0.2 Å of equation 1.22, over 2 pi
    "focal_spread": [5, 6],
    "defocus": [48, 50],
    "ctf_c30": [70_000, 80_000],
    **CAMERAS["MTF 3"],
}
FINE = {"sampling": [0.07, 0.08]}  # the paper's pixels
COARSE = {"sampling": [0.18, 0.2]}
SPREADS = ("U-net MTF 1", "U-net MTF 2", "U-net MTF 3", "U-net high", "U-net MTF 5")
ARCHITECTURES = ("U-net high", "U-net low", "MSD-net high", "MSD-net low")
SIZES = ("U-net 24 structures", "U-net 48 structures", "U-net 96 structures")

SERIES: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "shipped": (("au-ceo2-mask",), FINE),
    "cameras": (SPREADS, MICROSCOPE | FINE),
    "cameras-coarse": (SPREADS, MICROSCOPE | COARSE),
    "architectures": ((*ARCHITECTURES, "au-ceo2-mask"), MICROSCOPE | FINE),
    "sizes": ((*SIZES, "U-net high"), MICROSCOPE | FINE),
}
"""Networks and conditions of each series, by the name of its files."""


def recipe_of(name: str) -> Recipe:
    """Return the recipe of a network of the study."""
    values = read_recipe(BASE).model_dump(mode="json", exclude_unset=True)
    changes = NETWORKS[name]
    values["name"] = name
    values["images"] |= changes.get("images", {})
    values["network"] = changes.get("network", values["network"])
    if "structures" in changes:
        training, count = values["training"], changes["structures"]
        training["limit_data"] = count
        for stage in training["stages"]:
            stage["epochs"] *= values["size"]["train"] // count
    return Recipe.model_validate(values)


def make_network(name: str, folder: Path) -> Path:
    """Train and export a network on the waves of the study; return its path."""
    run = folder / name.replace(" ", "-")
    path = run / f"{name}.onnx"
    if not path.exists():
        share_data(folder, run)
        # The cache knows images of different ranges apart.
        images = cache_path(run)
        if not images.is_symlink():
            images.symlink_to(cache_path(folder))
        keras.utils.clear_session()
        recipe = recipe_of(name)
        train(recipe, run)
        export(recipe, run)
    return path


def main() -> None:
    """Do what is left of the study."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder.absolute()
    base = read_recipe(BASE)
    make_structures(base, folder)
    make_waves(base, folder)
    cache_path(folder).mkdir(exist_ok=True)
    for stem, (names, conditions) in SERIES.items():
        if not (folder / f"{stem}.json").exists():
            networks = [
                str(make_network(name, folder)) if name in NETWORKS else name
                for name in names
            ]
            images = change_images(base, conditions)
            study_doses(base, folder, networks, images=images, stem=stem)


if __name__ == "__main__":
    main()
