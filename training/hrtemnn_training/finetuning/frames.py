# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames: a user's images as the network sees them, to train on and left out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hrtemnn_training.images.grid import Grid
from hyperspy_hrtemnn.image_data import image_data
from hyperspy_hrtemnn.networks import resample, resampled_shape, standardize

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from hrtemnn_training.labels import LabelKind
    from hyperspy_hrtemnn.jobs.labeled_images import LabeledImage
    from hyperspy_hrtemnn.networks import Card

    from .settings import TuningSettings

Pair = tuple["NDArray[np.float32]", "NDArray[Any]"]


class Part(NamedTuple):
    """A rectangle of an image, in shares of its height and width."""

    top: float
    bottom: float
    left: float
    right: float

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing in it."""
        return self.top == self.bottom or self.left == self.right

    def pixels(self, shape: tuple[int, int]) -> tuple[slice, slice]:
        """Return the rows and columns of an image of this shape (y, x)."""
        y, x = shape
        rows = slice(round(self.top * y), round(self.bottom * y))
        return rows, slice(round(self.left * x), round(self.right * x))


_WHOLE, _NOTHING = Part(0, 1, 0, 1), Part(0, 0, 0, 0)


@dataclass(frozen=True)
class Frame:
    """An image with its label, at the sampling of the network.

    Parameters
    ----------
    image
        As it was read.
    standardized
        Shape (y, x, channel).
    label
        Shape (y, x, class).
    trained
        Part that crops to train on are taken from; it may be empty.
    left_out
        Part that judges; it may be empty.
    """

    image: LabeledImage
    standardized: NDArray[np.float32]
    label: NDArray[Any]
    trained: Part = _NOTHING
    left_out: Part = _NOTHING

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels of the network."""
        height, width = self.label.shape[:2]
        return height, width

    @property
    def trained_region(self) -> tuple[slice, slice]:
        """Rows and columns of the part to train on, in pixels of the image."""
        _, height, width = self.image.counts.shape
        return self.trained.pixels((height, width))

    @property
    def region(self) -> tuple[slice, slice]:
        """Rows and columns of the part that judges, in pixels of the image."""
        _, height, width = self.image.counts.shape
        return self.left_out.pixels((height, width))

    def crop(self, size: tuple[int, int], rng: np.random.Generator) -> Pair:
        """Return image and label of a place that is drawn from the part to train on.

        Parameters
        ----------
        size
            Height and width [pixels of the network].
        rng
            Source of the place.
        """
        place = [
            int(rng.integers(part.start, part.stop - side + 1))
            for part, side in zip(self.trained.pixels(self.shape), size, strict=True)
        ]
        return self._window(place, size)

    def windows(
        self, size: tuple[int, int]
    ) -> Iterator[tuple[Pair, NDArray[np.bool_]]]:
        """Yield crops that cover the part that judges, and which pixels of each count.

        Every pixel of the part counts once.

        Parameters
        ----------
        size
            Height and width [pixels of the network].
        """
        if self.left_out.is_empty:
            return
        counts = np.zeros(self.shape, bool)
        region = self.left_out.pixels(self.shape)
        counts[region] = True
        starts = [
            _starts(part, side, whole)
            for part, side, whole in zip(region, size, self.shape, strict=True)
        ]
        for row in starts[0]:
            for column in starts[1]:
                window = slice(row, row + size[0]), slice(column, column + size[1])
                counted = counts[window].copy()
                counts[window] = False
                yield self._window((row, column), size), counted

    def _window(self, place: Sequence[int], size: tuple[int, int]) -> Pair:
        (row, column), (height, width) = place, size
        window = slice(row, row + height), slice(column, column + width)
        return self.standardized[window], self.label[window]


def _starts(part: slice, side: int, whole: int) -> list[int]:
    """Return where windows begin that cover a part of a whole, without leaving it."""
    last = max(part.stop - side, 0)
    first = min(part.start, whole - side)
    return sorted({*range(first, last, side), max(first, last)})


def make_frames(
    images: Sequence[LabeledImage],
    label: LabelKind,
    card: Card,
    settings: TuningSettings,
) -> list[Frame]:
    """Return images as the network sees them, and divide them.

    Of fewer than `TuningSettings.whole_images` a quarter of each is left out, a strip
    at the side where the share of objects is nearest to that of the whole image. Of
    more, every fourth image is, the last of four each.

    Parameters
    ----------
    images
        With their labels.
    label
        Label of the network; that of a recipe.
    card
        Its sampling and standardization.
    settings
        What is left out.

    Raises
    ------
    ValueError
        If the labels do not fit the network or all together show nothing, or an image
        has pixels without data or is too small for a crop.
    """
    frames = [_at_work(image, label, card) for image in images]
    seen = np.any([_objects(frame, label).any() for frame in frames])
    if not seen:
        raise ValueError(
            f"The labels of all {len(images)} images are empty; there is nothing to "
            "learn from them."
        )
    if len(frames) < settings.whole_images:
        divided = [_divided(frame, label, settings.left_out) for frame in frames]
    else:
        every = round(1 / settings.left_out)
        divided = [
            replace(frame, left_out=_WHOLE)
            if number % every == every - 1
            else replace(frame, trained=_WHOLE)
            for number, frame in enumerate(frames)
        ]
    x, y = label.parameters.image_size
    for frame in divided:
        _check_size(frame, (y, x), card)
    return divided


def _at_work(image: LabeledImage, label: LabelKind, card: Card) -> Frame:
    _, height, width = image.counts.shape
    shape = resampled_shape((height, width), image.sampling / card.sampling)
    data = image_data(image.counts)
    if data.no_data:
        raise ValueError(
            f"{image.path} has {data.no_data} pixels without data, such as a bar or a "
            "constant border; cut them off, of the label, too."
        )
    counts = np.stack([resample(channel, shape) for channel in data.values])
    sigma = card.standardization_width
    standardized = standardize(counts, None if sigma is None else sigma / card.sampling)
    size = height * image.sampling, width * image.sampling
    drawn = label.draw_by_hand(image, Grid((0.0, 0.0), size, shape))  # type: ignore[attr-defined]
    return Frame(image, np.moveaxis(standardized, 0, -1), drawn)


def _objects(frame: Frame, label: LabelKind) -> NDArray[np.floating]:
    shown: NDArray[np.floating] = frame.label[..., : label.objects].sum(axis=-1)
    return shown


def _divided(frame: Frame, label: LabelKind, share: float) -> Frame:
    rest = 1 - share
    choices = [
        (Part(0, 1, 0, rest), Part(0, 1, rest, 1)),
        (Part(0, rest, 0, 1), Part(rest, 1, 0, 1)),
        (Part(0, 1, share, 1), Part(0, 1, 0, share)),
        (Part(share, 1, 0, 1), Part(0, share, 0, 1)),
    ]
    objects = _objects(frame, label)

    def difference(choice: tuple[Part, Part]) -> float:
        strip = objects[choice[1].pixels(frame.shape)]
        return abs(float(strip.mean()) - float(objects.mean()))

    trained, left_out = min(choices, key=difference)
    return replace(frame, trained=trained, left_out=left_out)


def _check_size(frame: Frame, size: tuple[int, int], card: Card) -> None:
    """Raise a ValueError if no crop fits into a frame, or its part to train on."""
    part = _WHOLE if frame.trained.is_empty else frame.trained
    room = [each.stop - each.start for each in part.pixels(frame.shape)]
    if room[0] < size[0] or room[1] < size[1]:
        height, width = (side * card.sampling / 10 for side in size)
        raise ValueError(
            f"{frame.image.path} has too few pixels: of {frame.shape[0]} x "
            f"{frame.shape[1]} at the {card.sampling:g} Å of the network "
            f"{room[0]} x {room[1]} are left to train on, and crops of {size[0]} x "
            f"{size[1]}, {height:.3g} x {width:.3g} nm, are needed. Give larger "
            "images, or check --sampling."
        )
