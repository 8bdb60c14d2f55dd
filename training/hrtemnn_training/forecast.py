# SPDX-License-Identifier: GPL-3.0-or-later
"""Forecast of `hrtemnn make`: structures, disk and hours, before anything is made."""

from __future__ import annotations

import io
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import keras
import numpy as np

from hyperspy_hrtemnn.cores import usable_cores

from .generation import PURPOSES, alone, data_path
from .store import DataSet, StoreError
from .train.batches import ImageEpoch, cache_path, image_epochs
from .train.files import epochs_done
from .train.new_network import new_model
from .waves.multislice import exit_wave

if TYPE_CHECKING:
    from collections.abc import Callable

    from .recipe import Recipe

    Pair = tuple[np.ndarray, np.ndarray]

Result = TypeVar("Result")

# What is quicker is measured twice: the first time some of it is compiled [s].
_QUICK = 300.0

# Three files hold each weight, with three more numbers of it for the optimizer: the
# last network, the best, and one that is being written [bytes].
_OF_A_WEIGHT = 3 * 4 * 4


_HONESTLY = (
    "This is an estimate, from one structure, one wave, one image and one step of the "
    "training on this machine as busy as it is now. Structures differ, so that it may "
    "be off by a factor of two. Validation and evaluation come on top."
)


@dataclass(frozen=True)
class Work:
    """One kind of thing that is made: how many, how many are there, what each takes.

    Parameters
    ----------
    name
        Name of the kind.
    wanted
        How many the recipe asks for.
    there
        How many are in the folder.
    size
        Disk that one takes [bytes].
    seconds
        Time that one takes, shared by all processes.
    """

    name: str
    wanted: int
    there: int
    size: float
    seconds: float

    @property
    def disk(self) -> float:
        """Disk that all that are missing take [bytes]."""
        return max(self.wanted - self.there, 0) * self.size

    @property
    def time(self) -> float:
        """Time that all that are missing take [s]."""
        return max(self.wanted - self.there, 0) * self.seconds

    def __str__(self) -> str:
        """Return a line of the forecast."""
        return (
            f"{self.name:12}{self.wanted:>9,}{self.there:>9,}"
            f"{_bytes(self.disk):>12}{_time(self.time):>12}"
        )


@dataclass(frozen=True)
class Forecast:
    """What is left to be made of a recipe, in the order in which it is made."""

    works: tuple[Work, ...]
    free: int

    def __str__(self) -> str:
        """Return the forecast as the lines of a table."""
        disk = sum(work.disk for work in self.works)
        seconds = sum(work.time for work in self.works)
        lines = [
            f"{'':12}{'wanted':>9}{'there':>9}{'disk':>12}{'time':>12}",
            *map(str, self.works),
            f"{'in all':30}{_bytes(disk):>12}{_time(seconds):>12}",
            f"{_bytes(self.free)} are free on this disk"
            + (": not enough." if self.free < disk else "."),
            _HONESTLY,
        ]
        return "\n".join(lines)


def forecast(recipe: Recipe, folder: Path, processes: int | None = None) -> Forecast:
    """Measure one of each thing that a recipe needs, and count what is there.

    Parameters
    ----------
    recipe
        The recipe.
    folder
        Folder of the run, which need not exist, and in which nothing changes.
    processes
        Processes that structures and waves are to be made in; as many as cores if None.
    """
    with tempfile.TemporaryDirectory() as name:
        scratch = DataSet(Path(name) / "train.zarr", "a")
        specimens = _specimens(recipe, folder, scratch, processes)
        images, pair = _images(recipe, folder, scratch)
    return Forecast(
        (*specimens, images, _steps(recipe, folder, pair)),
        shutil.disk_usage(_existing(folder.absolute())).free,
    )


def _specimens(
    recipe: Recipe, folder: Path, scratch: DataSet, processes: int | None
) -> tuple[Work, Work]:
    """Make a structure and its exit wave."""
    shared = processes or usable_cores()
    count = sum(recipe.size.get(purpose, 0) for purpose in PURPOSES)
    generator, seed = recipe.structures.of("train"), (recipe.seed, 0, 0)
    scratch.prepare(1, {})
    structure, of_atoms = _timed(
        lambda: alone(generator.make, np.random.SeedSequence(seed))
    )
    scratch.write_structure(0, structure)
    atoms = _size(scratch.path)
    scratch.prepare_waves({})
    wave, of_wave = _timed(lambda: alone(exit_wave, structure, recipe.waves))
    scratch.write_wave(0, wave, recipe.waves.energy_of(0))
    waves = _size(scratch.path) - atoms
    there = {part: _there(folder, part) for part in ("atoms", "wave")}
    return (
        Work("structures", count, there["atoms"], atoms, of_atoms / shared),
        Work("waves", count, there["wave"], waves, of_wave / shared),
    )


def _images(recipe: Recipe, folder: Path, scratch: DataSet) -> tuple[Work, Pair]:
    """Form an image of the structure; all cores do so while the network trains."""
    epoch = ImageEpoch(
        scratch,
        recipe.images,
        sampling=recipe.sampling,
        epoch=0,
        batch_size=1,
    )
    pair, seconds = _timed(lambda: epoch.pair(0))
    packed = io.BytesIO()
    np.savez(packed, pair[0].astype(np.float16), pair[1])
    wanted = _structures(recipe) * len(image_epochs(recipe))
    there = sum(1 for _ in cache_path(folder).glob("*/*.npz"))
    share = seconds / usable_cores()
    return Work("images", wanted, there, packed.tell(), share), pair


def _steps(recipe: Recipe, folder: Path, pair: Pair) -> Work:
    """Take a step of the training with a batch of one image."""
    training = recipe.training
    keras.mixed_precision.set_global_policy(training.precision)
    model = new_model(recipe)
    images, labels = (
        np.repeat(array[np.newaxis], training.batch_size, axis=0).astype(np.float32)
        for array in pair
    )
    _, seconds = _timed(lambda: model.train_on_batch(images, labels))
    keras.mixed_precision.set_global_policy("float32")
    of_epoch = _structures(recipe) // training.batch_size
    wanted = of_epoch * training.epochs
    size = model.count_params() * _OF_A_WEIGHT / max(wanted, 1)
    return Work("steps", wanted, of_epoch * epochs_done(folder), size, seconds)


def _structures(recipe: Recipe) -> int:
    """Return how many structures are trained on."""
    count = recipe.size.get("train", 0)
    return min(count, recipe.training.limit_data or count)


def _there(folder: Path, part: str) -> int:
    count = 0
    for purpose in PURPOSES:
        try:
            data = DataSet(data_path(folder, purpose))
        except StoreError:
            continue
        count += len(data) - len(data.missing(part))
    return count


def _bytes(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count > 1e9 else f"{count / 1e6:.1f} MB"


def _time(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds > 3600 else f"{seconds / 60:.1f} min"


def _timed(function: Callable[[], Result]) -> tuple[Result, float]:
    """Call a function and return its result and how long it took [s]."""
    start = time.perf_counter()
    result = function()
    seconds = time.perf_counter() - start
    if seconds < _QUICK:
        start = time.perf_counter()
        result = function()
        seconds = time.perf_counter() - start
    return result, seconds


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())
