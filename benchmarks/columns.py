# SPDX-License-Identifier: GPL-3.0-or-later
"""Columns of gold at 10 and 2 electrons per pixel: a network and the matched filter.

    python benchmarks/columns.py [NETWORK.onnx]

Free particles of gold along [110], through abTEM, a good lens and a camera of 0.1 Å
pixels. The matched filter is a Gaussian filter with the best width and peaks
above the best absolute threshold, both tuned at each dose on other images of the kind.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import numpy as np

from hrtemnn_training.baselines.column_search import tune_column_search
from hrtemnn_training.evaluation.samples import draw_sample
from hrtemnn_training.recipe import Recipe
from hrtemnn_training.store import Specimen
from hrtemnn_training.waves.multislice import exit_wave
from hyperspy_hrtemnn.networks import load

if TYPE_CHECKING:
    from hrtemnn_training.structures import Purpose

SAMPLING = 0.1

RECIPE = {
    "name": "gold-columns",
    "description": "Columns of gold in one image",
    "material": "Au",
    "classes": ["Au"],
    "seed": 0,
    "size": {"train": 1, "validation": 1, "test": 1},
    "structures": {
        "field": 70,
        "particles": [1, 1],
        "axis_tilt": [0, 1],
        "far_tilted": 0,
        "free_particles": 1,
        "bare_support": 0,
        "empty": 0,
    },
    "waves": {},
    "images": {
        "label": "Disk",
        "spotsize": 1.2,
        "sampling": [SAMPLING, SAMPLING],
        "defocus": [50, 90],
        "ctf_c30": [-50000, 50000],
        "focal_spread": [5, 10],
        "blur": [0.0159, 0.0637],
        "mtf_c1": [0.5, 0.6],
    },
    "sampling": 0.2,
    "network": {},
    "training": {"stages": [{"epochs": 1, "learning_rate": [1e-3, 1e-3]}]},
}


class Particles:
    """Exit waves of particles, computed once and kept in memory."""

    def __init__(self, recipe: Recipe, purpose: Purpose, count: int, seed: int) -> None:
        generator = recipe.structures.of(purpose)
        self._specimens = []
        for index in range(count):
            made = generator.make(np.random.SeedSequence((seed, index)))
            x, y, _ = made.box
            wave = exit_wave(made, recipe.waves)
            energy = recipe.waves.energy_of(0)
            parts = (made.outlines, made.kinds, made.sites, made.values)
            self._specimens.append(Specimen(wave, (y, x), energy, *parts))

    def __len__(self) -> int:
        """Return their number."""
        return len(self._specimens)

    def read_specimen(self, index: int) -> Specimen:
        """Return one of them."""
        return self._specimens[index]


def main() -> None:
    """Print atomic F1 at both doses."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", nargs="?", help="name or path")
    parser.add_argument("--images", type=int, default=24)
    parser.add_argument("--tuning", type=int, default=12, help="images to tune on")
    options = parser.parse_args()
    recipe = Recipe.model_validate(RECIPE)
    label = recipe.label
    test = Particles(recipe, "test", options.images, 1)
    validation = Particles(recipe, "validation", options.tuning, 2)
    network = load(options.network) if options.network else None
    for electrons in (10, 2):
        dose = np.log10(electrons / SAMPLING**2)
        at_dose = recipe.images.changed({"log_dose": (dose, dose)})
        samples = {
            seed: [
                draw_sample(recipe, data, i, np.random.default_rng((seed, i)), at_dose)
                for i in range(len(data))
            ]
            for seed, data in ((1, test), (2, validation))
        }
        contenders = {"matched filter": tune_column_search(samples[2])}
        if network is not None:
            contenders[network.name] = lambda sample: label.predict(network, sample)
        for name, find in contenders.items():
            metrics = [label.metrics(find(sample), sample) for sample in samples[1]]
            f1 = np.array([each["atomic_f1"] for each in metrics])
            error = np.nanmean([each["position_error"] for each in metrics])
            print(
                f"{electrons:2d} e-/pixel  {name:20s} "
                f"atomic F1 mean {np.nanmean(f1):.3f}, "
                f"10th percentile {np.nanquantile(f1, 0.1):.3f}; "
                f"position error {100 * error:.0f} pm"
            )


if __name__ == "__main__":
    main()
