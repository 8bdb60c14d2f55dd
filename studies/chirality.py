# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the figures and the picture of the page on nanotubes.

    python studies/chirality.py [FOLDER] [--model FILE] [--tubes 40]

FOLDER, ../shared/data unless it is given, has real images without nanotubes: soot and
graphene. Takes some minutes on one core. Needs the extra `training`.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import hyperspy.api as hs
import matplotlib.pyplot as plt
import numpy as np

from hrtemnn_training.baselines.equatorial_lines import equatorial_lines
from hrtemnn_training.images.sample import take_sample
from hrtemnn_training.recipe import read_recipe
from hrtemnn_training.store import Specimen
from hrtemnn_training.structures import Nanotube
from hrtemnn_training.waves.multislice import exit_wave
from hyperspy_hrtemnn.analysis import (
    Detector,
    Optics,
    detect_electrons,
    image_intensity,
    measure_tubes,
)
from hyperspy_hrtemnn.networks import load
from hyperspy_hrtemnn.signals import HRTEM
from pages import DOCS, PICTURES, RECIPES, ROOT, replace_part, table

if TYPE_CHECKING:
    from hrtemnn_training.recipe import Recipe

PAGE = DOCS / "chirality.md"
DOSES = (1e3, 1e4, 1e5)
LENSES = ("corrected", "uncorrected")
FIRST_SEED = 50_000  # of tubes that are in no data set of the recipe

# Real images without nanotubes, and their pixel sizes [Å].
REAL = {
    "soot": ("soot_fringes/soot_fringes.tif", 0.555),
    "graphene": ("graphene/graphene_defect_raw.tif", 0.108),
}


def specimen(recipe: Recipe, seed: int) -> Specimen:
    """Return a tube of the recipe and its exit wave."""
    structure = recipe.structures.make(seed)
    return Specimen(
        wave=exit_wave(structure, recipe.waves, seed),
        extent=structure.box[1::-1],
        energy=recipe.waves.energy_of(seed),
        outlines=structure.outlines,
        kinds=structure.kinds,
        sites=structure.sites,
        values=structure.values,
    )


def scores(recipe: Recipe, count: int, model: str | None) -> str:
    """Return how often the pair is right, and among the first three."""
    label = recipe.label
    pairs = [(int(n), int(m)) for n, m in (name.split("-") for name in recipe.classes)]
    methods = {"equatorial lines": equatorial_lines(pairs)}
    if model is not None:
        network = load(model)
        methods[network.name] = lambda sample: label.predict(network, sample)
    found: dict[tuple[str, str, float], list[dict[str, float]]] = {}
    for seed in range(FIRST_SEED, FIRST_SEED + count):
        tube = specimen(recipe, seed)
        for lens in LENSES:
            choices = dict(recipe.images.choices)
            choices["lens"] = {lens: choices["lens"][lens]}
            for dose in DOSES:
                log = [np.log10(dose)] * 2
                images = recipe.images.changed({"choices": choices, "log_dose": log})
                rng = np.random.default_rng(seed)
                sample = take_sample(tube, images, sampling=recipe.sampling, rng=rng)
                for name, method in methods.items():
                    row = label.metrics(method(sample), sample)
                    found.setdefault((name, lens, dose), []).append(row)
    rows: list[list[str | float]] = []
    for (name, lens, dose), each in sorted(found.items()):
        means = [
            np.mean([row[key] for row in each]) for key in ("accuracy", "in_top_3")
        ]
        errors = [
            np.median([row[key] for row in each])
            for key in ("diameter_error", "angle_error")
        ]
        rows.append([name, lens, f"{dose:.0e}", *map(float, means + errors)])
    titles = ["method", "lens", "dose [e⁻/Å²]", "right", "among three"]
    titles += ["median error of the diameter [Å]", "of the angle [degrees]"]
    return f"{count} tubes, one image of each.\n\n{table(titles, rows)}"


def picture(model: str | None) -> None:
    """Draw an image of several tubes with what is found in it."""
    tubes = Nanotube(
        field=250,
        n=(11, 11),
        m=(6, 6),
        kinds={"chiral": 1},
        tubes=(3, 3),
        double_walled=0.3,
        offset=(-0.3, 0.3),
        axis_tilt=(0, 5),
    )
    recipe = read_recipe(RECIPES / "nanotube-chirality.json")
    structure = tubes.make(4)
    waves = recipe.waves.model_copy(update={"energy": 80.0})
    wave = exit_wave(structure, waves)
    lens = Optics(80.0, defocus=60.0, Cs=-10_000.0, focal_spread=25.0)
    shape = (round(250 / 0.25),) * 2
    seen = image_intensity(wave, structure.box[:2], lens, shape)
    camera = Detector(sampling=0.25, dose=1e4)
    signal = HRTEM(detect_electrons(seen, camera, np.random.default_rng(1)))
    for axis in signal.axes_manager.signal_axes:
        axis.scale, axis.units = 0.025, "nm"
    found = signal.chirality(model, show_progressbar=False)
    print(found.tubes.to_string())
    figure, axes = plt.subplots(figsize=(7, 7))
    signal.plot_chirality(found, ax=axes)
    folder = PICTURES / "chirality"
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / "tubes.png", dpi=110, bbox_inches="tight")


def real_images(folder: Path) -> str:
    """Return how many tubes are told and refused where there are none."""
    rows = []
    for name, (path, pixel) in REAL.items():
        image = hs.load(folder / path).data
        if image.dtype.names:
            image = image["R"]
        tubes, regions = measure_tubes(np.asarray(image, np.float32), pixel)
        told = len({region.tube for region in regions})
        rows.append([name, f"{len(tubes) - told}", f"{told}"])
    return table(["image without nanotubes", "refused", "told"], rows)


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / "../shared/data")
    parser.add_argument("--model", help="ONNX file of a network")
    parser.add_argument("--tubes", type=int, default=40)
    options = parser.parse_args()
    recipe = read_recipe(RECIPES / "nanotube-chirality.json")
    replace_part(PAGE, "real images", real_images(options.folder))
    picture(options.model)
    replace_part(PAGE, "scores", scores(recipe, options.tubes, options.model))


if __name__ == "__main__":
    main()
