# SPDX-License-Identifier: GPL-3.0-or-later
"""Foreign images: what a network was not trained for, to try its guard on.

What is not simulated from exit waves is a caricature, made of what makes the kind: a
STEM image of bright atoms on a dark ground, a diffraction pattern of the power spectrum
of an image.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter

from hrtemnn_training.evaluation.domain.conditions import conditions_of
from hrtemnn_training.evaluation.samples import draw_sample

from .images import as_seen, in_threads, turned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from hrtemnn_training.images.keys import ImageKeys
    from hrtemnn_training.recipe import Recipe
    from hrtemnn_training.store import DataSet

    Image = NDArray[np.float32]

_FAR = 3.0  # times the range of the training
_SEED, _CRYSTAL_SEED = 5000, 5001  # of their own for these images


@dataclass(frozen=True)
class _Place:
    """What a foreign image is made from: a structure, and a source of chance."""

    recipe: Recipe
    data: DataSet
    index: int
    rng: np.random.Generator


def foreign_images(
    recipe: Recipe, data: DataSet, count: int, *, progress: bool
) -> Iterator[tuple[str, int, Image]]:
    """Yield foreign images with their kind, and their number in it.

    Parameters
    ----------
    recipe
        Recipe of the training.
    data
        Exit waves of the test set.
    count
        Number of images of each kind.
    progress
        Whether to show progress bars.

    Yields
    ------
    Standardized images as the network would see them, shape (channel, y, x).
    """
    for kind in KINDS:
        make = partial(_numbered, recipe, data, kind)
        for i, made in in_threads(make, count, kind if progress else None):
            yield kind, i, made


def foreign_image(recipe: Recipe, data: DataSet, kind: str, number: int) -> Image:
    """Return a single image of `foreign_images`.

    Parameters
    ----------
    recipe, data
        See there.
    kind
        One of `KINDS`.
    number
        Number of the image among those of its kind.
    """
    place = list(KINDS).index(kind)
    rng = np.random.default_rng((recipe.seed, _SEED, place, number))
    made = KINDS[kind](_Place(recipe, data, number % len(data), rng))
    return turned(made, rng)


def _numbered(
    recipe: Recipe, data: DataSet, kind: str, number: int
) -> tuple[int, Image]:
    return number, foreign_image(recipe, data, kind, number)


def crystal_images(
    recipe: Recipe, name: str, data: DataSet, count: int, *, progress: bool
) -> Iterator[tuple[str, int, Image]]:
    """Yield images of another crystal, in the conditions of a training.

    Parameters
    ----------
    recipe
        Recipe of the training.
    name
        Name of the crystal.
    data
        Its exit waves.
    count
        Number of images.
    progress
        Whether to show a progress bar.

    Yields
    ------
    As `foreign_images`, with the name as the kind.
    """

    def image(i: int) -> tuple[int, Image]:
        rng = np.random.default_rng((recipe.seed, _CRYSTAL_SEED, i))
        sample = draw_sample(recipe, data, i % len(data), rng)
        return i, turned(sample.standardized, rng)

    for i, made in in_threads(image, count, name if progress else None):
        yield name, i, made


def _of_pixels(place: _Place, factor: float) -> Image:
    """Return an image whose pixels are said to be larger by a factor."""
    sample = draw_sample(place.recipe, place.data, place.index, place.rng)
    return as_seen(sample, sample.exposure.counts, sample.pixel * factor)


def _twice(place: _Place) -> Image:
    return _of_pixels(place, 2.0)


def _half(place: _Place) -> Image:
    return _of_pixels(place, 0.5)


def _in(place: _Place, images: ImageKeys) -> Image:
    return draw_sample(
        place.recipe, place.data, place.index, place.rng, images
    ).standardized


def _blurred(place: _Place) -> Image:
    condition = conditions_of(place.recipe)["blur"]
    _, most = condition.trained or (0.0, 0.0)
    return _in(place, condition.images_at(place.recipe, _FAR * most))


def _defocused(place: _Place) -> Image:
    condition = conditions_of(place.recipe)["defocus"]
    low, high = condition.trained or (0.0, 0.0)
    side = place.rng.choice([-1, 1])
    value = (low + high) / 2 + side * _FAR * (high - low) / 2
    return _in(place, condition.images_at(place.recipe, float(value)))


def _stem(place: _Place) -> Image:
    """Return atoms as a probe scatters them to high angles, with noise of counts."""
    sample = draw_sample(place.recipe, place.data, place.index, place.rng)
    structure = place.data.read_structure(place.index)
    pixel = sample.pixel
    shape = tuple(round(side / pixel) for side in sample.specimen.extent)
    rows, columns = np.rint(structure.positions[:, 1::-1] / pixel).astype(int).T
    image = np.zeros(shape, np.float32)
    np.add.at(image, (rows % shape[0], columns % shape[1]), structure.numbers**1.7)
    image = gaussian_filter(image, 0.5 / pixel)
    image /= max(float(image.max()), 1e-6)
    electrons = 10 ** place.rng.uniform(1.5, 4.5) * pixel**2
    counts = place.rng.poisson((image + 0.02) * electrons).astype(np.float32)
    return as_seen(sample, _channels(sample.exposure.counts, counts), pixel)


def _diffraction(place: _Place) -> Image:
    sample = draw_sample(place.recipe, place.data, place.index, place.rng)
    counts = sample.exposure.counts
    power = np.abs(np.fft.fftshift(np.fft.fft2(counts - counts.mean()), (-2, -1))) ** 2
    bright = np.percentile(power, 99.9)
    pattern = np.log1p(power) if place.rng.integers(2) else np.minimum(power, bright)
    return as_seen(sample, pattern.astype(np.float32), sample.pixel)


def _noise(place: _Place) -> Image:
    """Return noise: of counts, or of correlated pixels."""
    sample = draw_sample(place.recipe, place.data, place.index, place.rng)
    shape = sample.exposure.counts.shape
    noise = place.rng.normal(size=shape)
    if place.rng.integers(2):
        width = place.rng.uniform(0.5, 2.5)
        noise = gaussian_filter(noise, (0, width, width))
    return as_seen(sample, noise.astype(np.float32), sample.pixel)


def _text(place: _Place) -> Image:
    """Return dark letters on white paper."""
    from PIL import Image as Picture
    from PIL import ImageDraw, ImageFont

    sample = draw_sample(place.recipe, place.data, place.index, place.rng)
    counts, rng = sample.exposure.counts, place.rng
    height, width = counts.shape[-2:]
    page = Picture.new("L", (width, height), 255)
    size = int(rng.integers(14, 60))
    font = ImageFont.load_default(size=size)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz "))
    for top in range(0, height, int(1.3 * size)):
        line = "".join(rng.choice(letters, 200))
        ImageDraw.Draw(page).text((0, top), line, fill=0, font=font)
    noisy = np.asarray(page, np.float32)
    noisy = noisy + rng.choice([0, 5, 30]) * rng.normal(size=noisy.shape)
    return as_seen(sample, _channels(counts, noisy), sample.pixel)


def _channels(counts: Image, image: NDArray[np.floating]) -> Image:
    """Return an image as a series of as many as there are in `counts`."""
    return np.stack([image.astype(np.float32)] * len(counts))


KINDS: Mapping[str, Callable[[_Place], Image]] = {
    "pixels twice as large": _twice,
    "pixels half as large": _half,
    "blur three times outside": _blurred,
    "defocus three times outside": _defocused,
    "STEM": _stem,
    "diffraction": _diffraction,
    "noise": _noise,
    "text": _text,
}
"""Kinds of foreign images by name."""
