# SPDX-License-Identifier: GPL-3.0-or-later
"""Costs of architectures: operations, seconds in onnxruntime and in training.

Not a script: `architectures.py` measures its networks with it.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np
import onnx
import pandas as pd
from tqdm import tqdm

from hrtemnn_training.architectures.networks import make_network
from hrtemnn_training.architectures.operations import count_operations
from hrtemnn_training.evaluation.report import write_table
from hrtemnn_training.export.cards import write_card
from hrtemnn_training.export.graph import to_onnx
from hrtemnn_training.export.onnx_file import make_card
from hrtemnn_training.train.new_network import network_of, new_model
from hyperspy_hrtemnn.networks import Network, load

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hrtemnn_training.architectures import AnyArchitecture
    from hrtemnn_training.recipe import Recipe

_SIDE = 1024  # of the image that is timed [pixels]
_ROUNDS = 7  # of which the fastest counts: whatever else runs only makes it slower
_STEPS = 3  # of the training, in a round


@dataclass(frozen=True)
class Costs:
    """What a network takes on this machine.

    Parameters
    ----------
    seconds_a_megapixel
        Seconds for a million pixels in onnxruntime, as a user runs it.
    seconds_a_step
        Seconds for a step of the training with its images at hand.
    """

    seconds_a_megapixel: float
    seconds_a_step: float


def count(settings: AnyArchitecture) -> tuple[float, int]:
    """Return the operations of one pixel, and the parameters of a network."""
    model = make_network(settings)
    side = 64 * settings.stride
    return count_operations(model, side, side) / side**2, model.count_params()


def known_costs(path: Path) -> dict[str, Costs]:
    """Return the costs of networks by name, as `measure_costs` wrote them."""
    if not path.exists():
        return {}
    table = pd.read_csv(path, index_col="network")
    return {
        str(name): Costs(float(megapixel), float(step))
        for name, megapixel, step in table.itertuples()
    }


def measure_costs(recipes: Mapping[str, Recipe], path: Path) -> None:
    """Measure what networks take with new weights, in turn, and write it as CSV.

    What is there already stays: a training that goes on another day has the steps that
    it began with.

    Parameters
    ----------
    recipes
        Recipes of the networks by name, as they are trained.
    path
        Path of the table.
    """
    costs = known_costs(path)
    missing = {name: recipe for name, recipe in recipes.items() if name not in costs}
    if not missing:
        return
    with tempfile.TemporaryDirectory() as folder:
        ways: list[Callable[[], object]] = []
        for recipe in missing.values():
            network = _exported(recipe, Path(folder) / f"{recipe.name}.onnx")
            ways += [_inference(network), _training(recipe)]
        seconds = iter(_fastest(ways))
    for name in missing:
        costs[name] = Costs(next(seconds) / (_SIDE**2 / 1e6), next(seconds) / _STEPS)
    rows = [{"network": name} | asdict(each) for name, each in costs.items()]
    write_table(pd.DataFrame(rows), path)
    keras.utils.clear_session()


def _exported(recipe: Recipe, path: Path) -> Network:
    keras.mixed_precision.set_global_policy("float32")
    proto = to_onnx(network_of(recipe))
    write_card(proto, make_card(recipe, {}))
    onnx.save(proto, path)
    return load(path)


def _inference(network: Network) -> Callable[[], object]:
    image = np.random.default_rng(0).standard_normal((1, 1, _SIDE, _SIDE), np.float32)
    return lambda: network.predict(image)


def _training(recipe: Recipe) -> Callable[[], object]:
    keras.mixed_precision.set_global_policy(recipe.training.precision)
    model = new_model(recipe)
    nx, ny = recipe.images.image_size
    shape = (recipe.training.batch_size, ny, nx, 1)
    rng = np.random.default_rng(0)
    images = rng.standard_normal(shape, np.float32)
    labels = rng.integers(0, 2, shape).astype(np.float32)
    return lambda: [model.train_on_batch(images, labels) for _ in range(_STEPS)]


def _fastest(ways: Sequence[Callable[[], object]]) -> list[float]:
    """Return the time of the fastest round of each [s]."""
    for run in ways:
        run()  # compiled
    seconds = [float("inf")] * len(ways)
    for _ in tqdm(range(_ROUNDS), "costs"):
        for i, run in enumerate(ways):
            start = time.perf_counter()
            run()
            seconds[i] = min(seconds[i], time.perf_counter() - start)
    return seconds
