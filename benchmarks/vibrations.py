# SPDX-License-Identifier: GPL-3.0-or-later
"""Exit-wave networks on flakes of MoS2 that vibrate in different ways.

    python benchmarks/vibrations.py STILL VIBRATING [--networks NETWORK ...]

The folders hold the structures and exit waves of the recipes mos2-exitwave and
mos2-exitwave-vibrations. Trains a network on each, alike: on as many flakes, for the
first half of the recipes' stages. Goes on where it stopped.

The flakes are the test structures of training/recipes/mos2-exitwave.json, which no
network was trained on, at rest, smeared alike, and with the frozen phonons measured in
molecular dynamics (training/vibrations). Each flake is seen by the same microscope,
camera and noise with all vibrations and by all networks. The truth is the wave that the
images are of.
"""

from __future__ import annotations

import argparse
import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from hrtemnn_training.evaluation.samples import draw_sample
from hrtemnn_training.export.onnx_file import export
from hrtemnn_training.generation import PURPOSES, share_data
from hrtemnn_training.recipe import Recipe, read_recipe
from hrtemnn_training.store import Specimen
from hrtemnn_training.train.loop import train
from hrtemnn_training.waves.local_frozen_phonons import LocalFrozenPhonons
from hrtemnn_training.waves.multislice import exit_wave
from hrtemnn_training.waves.vibrations import NoVibrations, Vibrations
from hyperspy_hrtemnn.networks import load

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hrtemnn_training.images.sample import Sample

TRAINING = Path(__file__).parents[1] / "training"
RECIPES = ("mos2-exitwave", "mos2-exitwave-vibrations")
RECIPE = read_recipe(TRAINING / "recipes" / f"{RECIPES[0]}.json")
FLAKES = 200
STAGES = 3
TEST = PURPOSES.index("test")


def train_alike(still: Path, vibrating: Path) -> list[str]:
    """Train and export a network on the waves in each folder; return their paths."""
    networks = []
    for name, folder in zip(RECIPES, (still, vibrating), strict=True):
        content = read_recipe(TRAINING / "recipes" / f"{name}.json").model_dump()
        content["training"]["stages"] = content["training"]["stages"][:STAGES]
        content["training"]["limit_data"] = FLAKES
        content["name"] = f"{name}-{FLAKES}"
        recipe = Recipe.model_validate(content)
        run = folder / "compared"
        share_data(folder, run)
        train(recipe, run)
        networks.append(str(export(recipe, run)))
    return networks


class OneSpecimen:
    """A specimen under any number."""

    def __init__(self, specimen: Specimen) -> None:
        self._specimen = specimen

    def __len__(self) -> int:
        """Return 1."""
        return 1

    def read_specimen(self, index: int) -> Specimen:  # noqa: ARG002
        """Return the specimen."""
        return self._specimen


class Vacuum:
    """Prediction without a network: a wave of 1 everywhere."""

    def predict(self, sample: Sample) -> NDArray[np.float32]:
        """Return the prediction, (2, y, x)."""
        parts = np.zeros((2, *sample.grid.shape), np.float32)
        parts[0] = 1
        return parts


def kinds(configurations: int) -> dict[str, Vibrations]:
    """Return the vibrations by name."""
    measured = {
        f"local environment, {path.stem.removeprefix('mos2-')}": (
            LocalFrozenPhonons.model_validate_json(path.read_text()).model_copy(
                update={"configurations": configurations}
            )
        )
        for path in (TRAINING / "vibrations" / f"mos2-{t}K.json" for t in (300, 1200))
    }
    return {
        "none": NoVibrations(),
        "uniform smearing": RECIPE.waves.vibrations,
        **measured,
    }


def waves_of(index: int, vibrations: dict[str, Vibrations]) -> dict[str, Specimen]:
    """Return a flake with its wave for each kind of vibration."""
    seed = np.random.SeedSequence((RECIPE.seed, TEST, index))
    flake = RECIPE.structures.of("test").make(seed)
    x, y, _ = flake.box
    specimens = {}
    for name, kind in vibrations.items():
        settings = RECIPE.waves.model_copy(update={"vibrations": kind})
        with threadpool_limits(1):
            wave = exit_wave(flake, settings, index)
        specimens[name] = Specimen(
            wave,
            (y, x),
            settings.energy_of(index),
            flake.outlines,
            flake.kinds,
            flake.sites,
            flake.values,
        )
    return specimens


def main() -> None:
    """Print the median RMSE of each network for each kind of vibration."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("still", type=Path)
    parser.add_argument("vibrating", type=Path)
    parser.add_argument("--networks", nargs="*", default=[], help="names or paths")
    parser.add_argument("--flakes", type=int, default=40)
    parser.add_argument("--configurations", type=int, default=8, help="of each flake")
    parser.add_argument("--numproc", type=int, default=os.cpu_count())
    options = parser.parse_args()
    names = train_alike(options.still, options.vibrating) + options.networks
    networks: dict[str, Any] = {
        network.name: partial(RECIPE.label.predict, network)
        for network in map(load, names)
    }
    networks["vacuum everywhere"] = Vacuum().predict
    work = partial(waves_of, vibrations=kinds(options.configurations))
    rows = []
    with ProcessPoolExecutor(options.numproc, get_context("spawn")) as pool:
        flakes = pool.map(work, range(options.flakes))
        for index, specimens in enumerate(tqdm(flakes, total=options.flakes)):
            for kind, specimen in specimens.items():
                # The same seed: microscope, camera and noise do not depend on the kind.
                rng = np.random.default_rng(index)
                sample = draw_sample(RECIPE, OneSpecimen(specimen), index, rng)
                for name, predict in networks.items():
                    metrics = RECIPE.label.metrics(predict(sample), sample)
                    rows.append({"network": name, "vibrations": kind, **metrics})
    table = pd.DataFrame(rows).pivot_table(
        "rmse", "network", "vibrations", "median", sort=False
    )
    print(f"Median RMSE over {options.flakes} flakes:")
    print(table.round(4).to_string())


if __name__ == "__main__":
    main()
