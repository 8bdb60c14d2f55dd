# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a network waits for its images: formed by itself, ahead of it, and kept.

    python benchmarks/training_pipeline.py [STRUCTURES]

Trains the network of the shipped recipe for an epoch in three ways. Alone, each batch
is formed when the network asks for it, in its own thread; ahead, all cores form batches
while it trains, as in the first epochs of a training; kept, the same images return from
the disk, as in all later ones. The cores' share is CPU time over wall time and cores.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import keras
from tqdm import tqdm

from hrtemnn_training.generation import data_path, make_structures, make_waves
from hrtemnn_training.losses import make_loss
from hrtemnn_training.recipe import Recipe, read_recipe
from hrtemnn_training.store import DataSet
from hrtemnn_training.train.batches import ImageEpoch
from hrtemnn_training.train.loop import train_epoch
from hrtemnn_training.train.new_network import network_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

RECIPE = Path(__file__).parents[1] / "training" / "recipes" / "au-ceo2-mask.json"


class Alone(ImageEpoch):
    """The same batches, formed by the thread that trains."""

    def ahead(self) -> Iterator[tuple[np.ndarray, ...]]:
        """Yield the batches, each formed when it is asked for."""
        for index in range(len(self)):
            yield self[index]


def measure(
    name: str, model: keras.Model, images: ImageEpoch, batch_size: int
) -> float:
    """Train for an epoch, print how that went, and return the images a second."""
    wall, cpu = time.perf_counter(), time.process_time()
    _, waited = train_epoch(model, images, tqdm(disable=True))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    rate = len(images) * batch_size / wall
    busy = cpu / wall / (os.cpu_count() or 1)
    print(f"{name:8}{rate:10.2f}{waited:12.1%}{busy:12.0%}")
    return rate


def main() -> None:
    """Print images a second and how long the network waits."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 64
    values = read_recipe(RECIPE).model_dump(mode="json", exclude_unset=True)
    recipe = Recipe.model_validate(values | {"size": {"train": count}})
    settings = recipe.training
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_structures(recipe, folder, purposes=["train"])
        make_waves(recipe, folder, purposes=["train"])
        data = DataSet(data_path(folder, "train"))

        def images(kind: type[ImageEpoch], cache: Path | None = None) -> ImageEpoch:
            return kind(
                data,
                recipe.images,
                sampling=recipe.sampling,
                epoch=0,
                batch_size=settings.batch_size,
                cache=cache,
            )

        keras.mixed_precision.set_global_policy(settings.precision)
        model = network_of(recipe)
        loss = make_loss(recipe.loss, recipe.images.image_size, recipe.sampling)
        model.compile(optimizer="adam", loss=loss)
        model.train_on_batch(*images(Alone)[0])  # compiled

        print(f"{len(data)} structures, batches of {settings.batch_size}")
        print("        images/s  wait of data  cores busy")
        size = settings.batch_size
        alone = measure("alone", model, images(Alone), size)
        ahead = measure("ahead", model, images(ImageEpoch, folder / "kept"), size)
        kept = measure("kept", model, images(ImageEpoch, folder / "kept"), size)
    print(f"ahead over alone {ahead / alone:.2f}, kept over alone {kept / alone:.2f}")


if __name__ == "__main__":
    main()
