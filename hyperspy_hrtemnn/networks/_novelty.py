# SPDX-License-Identifier: GPL-3.0-or-later
"""Novelty: how unlike the images of its training an image is to a network.

A network with a guard has a second output, the distance of each region of its input
from the images of the training, as a share of the threshold above which a region is
foreign. Here it is brought to pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from numpy.typing import NDArray

NOVELTY_OUTPUT = "novelty"
"""Name of the second output of a graph with a guard."""

_Share = Annotated[float, Field(ge=0, le=1)]


class Novelty(BaseModel):
    """What is known of the guard of a network.

    Attributes
    ----------
    step
        Step between regions, half a region [pixels of the network].
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    cell: Annotated[int, Field(ge=1, le=4096)] = Field(
        description="side of the squares of which regions are made [pixels]"
    )
    cells: Annotated[int, Field(ge=2, le=4096)] = Field(
        description="cells along each side of a region"
    )
    margin: Annotated[int, Field(ge=0, le=4096)] = Field(
        description="cells at each border of an image that are in no region"
    )
    images: Annotated[int, Field(ge=1)] = Field(
        description="images of the training structures that it was fitted to"
    )
    false_alarms: _Share = Field(
        description="share of the regions of images that are like those of the "
        "training, and were not used in it, that are foreign to it"
    )
    alarms: dict[str, _Share] = Field(
        default_factory=dict,
        description="share of foreign regions in foreign images, by their kind",
    )

    @property
    def step(self) -> int:
        return self.cell * (self.cells // 2)


def to_pixels(
    regions: NDArray[np.float32], shape: tuple[int, int], novelty: Novelty
) -> NDArray[np.float32]:
    """Return the novelty of each pixel, between the centers of the regions.

    Parameters
    ----------
    regions
        Answer of a graph, shape (N, 1, row, column). Its regions are spread evenly
        over the image without its margin, which one covers where it is smaller.
    shape
        Shape of the image, (y, x).
    novelty
        What the regions are.

    Returns
    -------
    Shape (N, 1, y, x).
    """
    rows, columns = (
        _shares(size, count, novelty)
        for size, count in zip(shape, regions.shape[2:], strict=True)
    )
    return np.asarray(rows @ regions @ columns.T, np.float32)


def _shares(size: int, count: int, novelty: Novelty) -> NDArray[np.float32]:
    """Return the share of each region in each pixel along an axis, (pixel, region)."""
    first = (novelty.margin + novelty.cells / 2) * novelty.cell
    if count == 1:
        return np.ones((size, 1), np.float32)
    centers = np.linspace(first, size - first, count)
    places = np.arange(size) + 0.5
    return np.stack(
        [np.interp(places, centers, one) for one in np.eye(count)], axis=1
    ).astype(np.float32)
