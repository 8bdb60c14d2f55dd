# SPDX-License-Identifier: GPL-3.0-or-later
"""Images for a guard: those of a training's conditions, as the network sees them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from hrtemnn_training.evaluation.samples import draw_sample
from hyperspy_hrtemnn.cores import usable_cores
from hyperspy_hrtemnn.networks import resample, resampled_shape, standardize

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from hrtemnn_training.images.sample import Sample
    from hrtemnn_training.recipe import Recipe
    from hrtemnn_training.store import Specimens

    Image = NDArray[np.float32]


def trained_images(
    recipe: Recipe, data: Specimens, count: int, seed: int, *, progress: str | None
) -> Iterator[tuple[int, Image]]:
    """Yield images in the conditions of a training, and the number of the structure.

    Parameters
    ----------
    recipe
        Recipe of the training.
    data
        Exit waves; each is imaged as often as is needed.
    count
        Number of images.
    seed
        Seed of their own.
    progress
        Name of the progress bar; None for no bar.

    Yields
    ------
    Standardized images, shape (channel, y, x), turned and mirrored like those of the
    training.
    """

    def image(number: int) -> tuple[int, Image]:
        return number % len(data), trained_image(recipe, data, seed, number)

    yield from in_threads(image, count, progress)


def trained_image(recipe: Recipe, data: Specimens, seed: int, number: int) -> Image:
    """Return a single image of `trained_images`, that with a number."""
    index = number % len(data)
    rng = np.random.default_rng((recipe.seed, seed, number))
    return turned(draw_sample(recipe, data, index, rng).standardized, rng)


def in_threads(
    make: Callable[[int], tuple[int, Image]], count: int, progress: str | None
) -> Iterator[tuple[int, Image]]:
    """Yield what a function makes of each number, a few of them at the same time."""
    with ThreadPoolExecutor(usable_cores()) as pool:
        made = pool.map(make, range(count))
        yield from tqdm(made, progress, count, disable=progress is None)


def turned(image: Image, rng: np.random.Generator) -> Image:
    """Return an image in one of its eight orientations."""
    image = np.rot90(image, int(rng.integers(4)), (-2, -1))
    return np.ascontiguousarray(image[..., ::-1] if rng.integers(2) else image)


def as_seen(sample: Sample, counts: Image, pixel: float) -> Image:
    """Return images as the network of a sample sees them, standardized.

    Parameters
    ----------
    sample
        A sample of the network's training.
    counts
        The images, shape (channel, y, x).
    pixel
        Pixel size that they are said to have [Å].
    """
    shape = resampled_shape(counts.shape[-2:], pixel / sample.sampling)
    resampled = np.stack([resample(image, shape) for image in counts])
    return standardize(resampled, sample.width)
