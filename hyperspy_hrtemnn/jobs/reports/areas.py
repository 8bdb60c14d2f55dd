# SPDX-License-Identifier: GPL-3.0-or-later
"""Areas of a segmentation: where each class is, as a mask for ImageJ, and how much."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from hyperspy_hrtemnn.signals._shared.calibration import sampling
from hyperspy_hrtemnn.signals._shared.deferred import deferred_blocks, whole_frames
from hyperspy_hrtemnn.signals._shared.probabilities import threshold_of
from hyperspy_hrtemnn.signals._shared.tables import frame_table
from hyperspy_hrtemnn.signals._shared.tiff_file import PagesOf, write_pages
from hyperspy_hrtemnn.signals._shared.units import unit_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import pandas as pd

    from hyperspy_hrtemnn.networks import Network

    from .files import ReportFiles

AREAS = "areas.csv"
MASK = "mask.tif"


@dataclass(frozen=True)
class Segmented:
    """What `hrtemnn segment` made.

    Parameters
    ----------
    path, segmentation
        The file of the probabilities, and what is in it.
    movie, images
        The file of the images, and what is in it.
    network
        The network.
    bad
        Why frames could not be used, by number.
    """

    path: Path
    segmentation: Any
    movie: Path
    images: Any
    network: Network
    bad: Mapping[int, str]

    @property
    def frame_axes(self) -> list[Any]:
        """The axes along which there are frames, the fastest first."""
        axes = self.segmentation.axes_manager.navigation_axes
        return [axis for axis in axes if axis.name != "class"]

    @property
    def shape(self) -> tuple[int, ...]:
        """Numbers of frames along these, in the order of the data."""
        return tuple(axis.size for axis in self.frame_axes[::-1])

    @property
    def threshold(self) -> float:
        """The smallest probability of what is found."""
        return threshold_of(self.segmentation, None)


def write_mask(found: Segmented, files: ReportFiles) -> pd.DataFrame:
    """Write the mask of each frame, and return the areas that are in them."""
    signal = found.segmentation
    classes = list(found.network.card.classes)
    side = sampling(signal, unit_of(signal.axes_manager.signal_axes[0]))
    blocks = deferred_blocks(whole_frames(signal))
    counts: list[int] = []

    def pages() -> Iterator[bytes]:
        with tqdm(
            total=len(classes) * max(1, int(np.prod(found.shape))),
            desc="mask",
            unit="frame",
        ) as bar:
            for block in blocks:
                for frame in block.load():
                    mask = frame >= found.threshold
                    counts.append(int(np.count_nonzero(mask)))
                    yield zlib.compress((mask * np.uint8(255)).tobytes())
                    bar.update()

    of = PagesOf(signal, np.uint8)
    write_pages(pages(), files.folder / MASK, of, writing=files.writing())
    total = max(1, int(np.prod(found.shape)))
    frames = frame_table(found.frame_axes, total, found.bad)
    rows = frames.loc[frames.index.repeat(len(classes))].reset_index(drop=True)
    rows = rows.drop(columns="reason")
    rows["class"] = classes * total
    rows["area"] = np.where(rows["valid"], np.array(counts) * side**2, np.nan)
    pixels = signal.data.shape[-1] * signal.data.shape[-2]
    rows["share"] = rows["area"] / (pixels * side**2)
    unit = unit_of(signal.axes_manager.signal_axes[0])
    rows.attrs["units"] = frames.attrs["units"] | {"area": f"{unit}²"}
    return rows
