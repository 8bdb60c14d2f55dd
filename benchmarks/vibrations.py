# SPDX-License-Identifier: GPL-3.0-or-later
"""Exit-wave networks on flakes of MoS2 that vibrate in different ways.

    python benchmarks/vibrations.py NETWORK.onnx OTHER.onnx

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

from hrtemnn_training.evaluation.pixel_tasks import ExitWaves
from hrtemnn_training.evaluation.shots import Shot, take
from hrtemnn_training.generation import PURPOSES
from hrtemnn_training.recipe import read_recipe
from hrtemnn_training.store import Sample
from hrtemnn_training.waves.local_frozen_phonons import LocalFrozenPhonons
from hrtemnn_training.waves.multislice import exit_wave
from hrtemnn_training.waves.vibrations import NoVibrations, Vibrations
from hyperspy_hrtemnn.networks import load

if TYPE_CHECKING:
    from numpy.typing import NDArray

TRAINING = Path(__file__).parents[1] / "training"
RECIPE = read_recipe(TRAINING / "recipes" / "mos2-exitwave.json")
TEST = PURPOSES.index("test")


class OneSample:
    """A sample under any number."""

    def __init__(self, sample: Sample) -> None:
        self._sample = sample

    def read_sample(self, index: int) -> Sample:  # noqa: ARG002
        """Return the sample."""
        return self._sample


class Vacuum:
    """What knows nothing: a wave of 1 everywhere."""

    def ask(self, shot: Shot) -> NDArray[np.float32]:
        """Return the answer, (2, y, x)."""
        parts = np.zeros((2, *shot.grid.shape), np.float32)
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


def waves_of(index: int, vibrations: dict[str, Vibrations]) -> dict[str, Sample]:
    """Return a flake with its wave for each kind of vibration."""
    seed = np.random.SeedSequence((RECIPE.seed, TEST, index))
    flake = RECIPE.structures.of("test").make(seed)
    x, y, _ = flake.box
    samples = {}
    for name, kind in vibrations.items():
        settings = RECIPE.waves.model_copy(update={"vibrations": kind})
        with threadpool_limits(1):
            wave = exit_wave(flake, settings, index)
        samples[name] = Sample(
            wave, (y, x), flake.outlines, flake.kinds, flake.sites, flake.values
        )
    return samples


def main() -> None:
    """Print the median RMSE of each network for each kind of vibration."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", nargs="+", help="names or paths")
    parser.add_argument("--flakes", type=int, default=40)
    parser.add_argument("--configurations", type=int, default=8, help="of each flake")
    parser.add_argument("--numproc", type=int, default=os.cpu_count())
    options = parser.parse_args()
    networks: dict[str, Any] = {
        name: partial(ExitWaves().ask, load(name)) for name in options.networks
    }
    networks["vacuum everywhere"] = Vacuum().ask
    work = partial(waves_of, vibrations=kinds(options.configurations))
    rows = []
    with ProcessPoolExecutor(options.numproc, get_context("spawn")) as pool:
        flakes = pool.map(work, range(options.flakes))
        for index, samples in enumerate(tqdm(flakes, total=options.flakes)):
            for kind, sample in samples.items():
                # The same seed: microscope, camera and noise do not depend on the kind.
                rng = np.random.default_rng(index)
                shot = take(RECIPE, OneSample(sample), index, rng)
                for name, ask in networks.items():
                    scores = ExitWaves().score(ask(shot), shot)
                    rows.append({"network": name, "vibrations": kind, **scores})
    table = pd.DataFrame(rows).pivot_table(
        "rmse", "network", "vibrations", "median", sort=False
    )
    print(f"Median RMSE over {options.flakes} flakes:")
    print(table.round(4).to_string())


if __name__ == "__main__":
    main()
