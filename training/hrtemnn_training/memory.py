# SPDX-License-Identifier: GPL-3.0-or-later
"""Memory that a recipe asks for, refused by its key before any is taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .parameters import ImageParameters

# Longest side of a wave or of a camera's image: a wave has 0.5 GB then, its multislice
# several times that [pixels].
_SIDE = 8192

# Images and labels of a batch, of which the network needs a multiple, and those for
# validation, which stay in memory through the training [bytes].
_MOST = {"batch_size": 16e9, "validation_images": 64e9}


def check_wave(field: float, sampling: float) -> None:
    """Raise a ValueError if an exit wave would be too large.

    Parameters
    ----------
    field
        Side of the field of view [Å].
    sampling
        Pixel of the multislice [Å].
    """
    side = field / sampling
    if side > _SIDE:
        raise ValueError(
            f"waves.sampling: the wave of a field of {field:g} Å has {side:.3g} pixels "
            f"along each side and takes {side**2 * 8 / 1e9:,.3g} GB; "
            f"{field / _SIDE:.2g} Å are the least"
        )


def check_camera(images: ImageParameters, sampling: float) -> None:
    """Raise a ValueError if the pixels of the camera would be too many.

    Parameters
    ----------
    images
        Keys of the images.
    sampling
        Working sampling of the network [Å].
    """
    longest = max(images.image_size) * sampling
    side = longest / images.widest("sampling")[0]
    if side > _SIDE:
        raise ValueError(
            f"images.sampling: an image of {longest:g} Å has {side:.3g} pixels of the "
            f"camera along a side; {longest / _SIDE:.2g} Å are the least"
        )


def check_pairs(key: str, count: int, images: ImageParameters) -> None:
    """Raise a ValueError if images with their labels would not fit into memory.

    Parameters
    ----------
    key
        Key of the training that says how many: batch_size or validation_images.
    count
        How many.
    images
        Keys of the images.
    """
    pair, most = pair_bytes(images), _MOST[key]
    if count * pair > most:
        raise ValueError(
            f"training.{key}: {count} images with their labels take "
            f"{count * pair / 1e9:,.0f} GB; {int(most / pair)} are the most"
        )


def pair_bytes(images: ImageParameters) -> int:
    """Return the memory of an image and its label as the network gets them [bytes]."""
    nx, ny = images.image_size
    label = 0 if images.kind.per_image else images.num_classes
    return nx * ny * (images.kind.input_channels + label) * 4
