# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels and regions of interest: outlines of particles, and labels drawn of them."""

from __future__ import annotations

import math
import zipfile
from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import dask.array as da
import numpy as np
from dask.highlevelgraph import HighLevelGraph

from hyperspy_hrtemnn.analysis.particles.boxes import boxes
from hyperspy_hrtemnn.analysis.particles.polygons import fill_polygons, mask_polygons
from hyperspy_hrtemnn.atomic import written_whole
from hyperspy_hrtemnn.signals._shared.entrance import in_one_form
from hyperspy_hrtemnn.signals._shared.runner import each_frame
from hyperspy_hrtemnn.user_warnings import warn_user

from .choice_of_frames import frame_numbers, whole_ids
from .imagej_rois import read_regions, region_name, roi_bytes, roifile_module
from .labels_from_outside import instances_of

if TYPE_CHECKING:
    from hyperspy.signals import Signal2D
    from numpy.typing import NDArray

    from .choice_of_frames import Frames
    from .imagej_rois import Polygons, Region


def write_rois(
    instances: Signal2D,
    path: Path,
    *,
    show_progressbar: bool | None,
    num_workers: int | None,
) -> None:
    """Write the outline of each particle in each frame; see `to_imagej_rois`."""
    roifile_module()
    movie = instances.axes_manager.navigation_dimension > 0
    total = math.prod(instances.data.shape[:-2])
    found = each_frame(
        instances,
        partial(_rois_of, movie=movie),
        arguments=range(total),
        label="ROIs",
        show_progressbar=show_progressbar,
        num_workers=num_workers,
    )
    with (
        written_whole(path) as temporary,
        zipfile.ZipFile(temporary, "x", zipfile.ZIP_DEFLATED) as file,
    ):
        for name, content in (pair for pairs in found for pair in pairs or ()):
            file.writestr(f"{name}.roi", content)


def instances_of_rois(path: str | Path, like: Signal2D, frames: Frames | None) -> Any:
    """Return the particles of a file of ROIs; see `Instances.from_imagej_rois`."""
    shown = in_one_form(like)
    shape = shown.data.shape
    chosen = frame_numbers(shown, frames)
    numbers = chosen or range(math.prod(shape[:-2]))
    regions = read_regions(Path(path), is_movie=len(shape) > 2)
    by_frame = defaultdict(list)
    for region, number in zip(regions, _ids(regions, shown, frames), strict=True):
        _check(region, shown)
        by_frame[region.frame].append((number, region.polygons))
    outside = sorted(set(by_frame) - set(numbers))
    if outside and frames is not None:
        raise ValueError(f"{path} has ROIs in frame {outside[0]}, which is not chosen.")
    draw = partial(_drawn, shape=shape[-2:])
    drawn: Any
    if shown._lazy:
        drawn = _drawn_lazily(draw, [by_frame[number] for number in numbers], shape)
    else:
        drawn = np.stack([draw(by_frame[number]) for number in numbers])
    if frames is None:
        drawn = drawn.reshape(shape)
    return instances_of(drawn, like, chosen, f"from_imagej_rois({Path(path).name!r}")


def _rois_of(
    frame: NDArray[np.integer], number: int, *, movie: bool
) -> list[tuple[str, bytes]]:
    """Return name and content of the ROI of each particle of a frame."""
    (labels,) = frame
    rois = []
    for id_, box in boxes(labels).items():
        corner = (box[1].start, box[0].start)
        polygons = [each + corner for each in mask_polygons(labels[box] == id_)]
        name = region_name(number, id_)
        rois.append((name, roi_bytes(name, number if movie else None, polygons)))
    return rois


def _ids(regions: list[Region], shown: Signal2D, frames: Frames | None) -> list[int]:
    """Return the id of each region: new ones, above all others, where it has none."""
    known = [region.id for region in regions if region.id is not None]
    largest = max(known, default=0)
    unnamed = [region.name for region in regions if region.id is None]
    if unnamed and frames is not None:
        # Particles of the frames that are not chosen have ids, too.
        if shown._lazy:
            raise ValueError(
                f"The ROI {unnamed[0]!r} has no id, and which are free is not known of "
                "a lazy movie; rename it as frame0012_id0007."
            )
        largest = max(largest, int(shown.data.max()))
    new = iter(range(largest + 1, largest + 1 + len(unnamed)))
    return [next(new) if region.id is None else region.id for region in regions]


def _check(region: Region, shown: Signal2D) -> None:
    """Raise a ValueError if a region has no possible id or is not in the images."""
    height, width = shown.data.shape[-2:]
    total = math.prod(shown.data.shape[:-2])
    if region.id is not None:
        whole_ids(region.id)
    if region.frame >= total:
        raise ValueError(
            f"The ROI {region.name!r} is in frame {region.frame}; there are {total}."
        )
    x, y = np.concatenate(region.polygons).T
    if x.max() < 0 or y.max() < 0 or x.min() > width or y.min() > height:
        raise ValueError(
            f"The ROI {region.name!r} is outside of the image, which is {width} x "
            f"{height} pixels; it begins at ({x.min():g}, {y.min():g})."
        )


def _drawn(
    regions: list[tuple[int, Polygons]], *, shape: tuple[int, int]
) -> NDArray[np.int32]:
    """Return the labels of a frame; of regions that overlap the last one is on top."""
    labels = np.zeros(shape, np.int32)
    for number, polygons in regions:
        corners = np.concatenate(polygons)
        left, top = np.clip(np.floor(corners.min(0)), 0, shape[::-1]).astype(int)
        right, bottom = np.clip(np.ceil(corners.max(0)), 0, shape[::-1]).astype(int)
        moved = [np.subtract(each, (left, top)) for each in polygons]
        inside = fill_polygons(moved, (bottom - top, right - left))
        if not inside.any():
            warn_user(
                f"The ROI of particle {number} has no pixel in the image: the middle "
                "of none is inside. There is no such particle in its frame."
            )
        labels[top:bottom, left:right][inside] = number
    return labels


def _drawn_lazily(
    draw: Any, regions: list[list[tuple[int, Polygons]]], shape: tuple[int, ...]
) -> da.Array:
    name = f"rois-{uuid4().hex}"
    graph = {
        (name, at, 0, 0): (partial(_one_drawn, draw, of_frame),)
        for at, of_frame in enumerate(regions)
    }
    chunks = ((1,) * len(regions), *((side,) for side in shape[-2:]))
    layer = HighLevelGraph.from_collections(name, graph, dependencies=())
    return da.Array(layer, name, chunks=chunks, dtype=np.int32)


def _one_drawn(draw: Any, regions: list[tuple[int, Polygons]]) -> NDArray[np.int32]:
    drawn: NDArray[np.int32] = draw(regions)[np.newaxis]
    return drawn
