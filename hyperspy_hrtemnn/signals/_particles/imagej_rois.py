# SPDX-License-Identifier: GPL-3.0-or-later
"""Regions of interest of ImageJ: a file of polygons, each with an id and a frame."""

from __future__ import annotations

import re
import zipfile
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    Polygons = list[NDArray[Any]]

_NAME = re.compile(r"frame(\d+)_id(\d+)(-\d+)?")  # ImageJ adds -1 to a second one

_LARGEST_ROI = 2**24  # bytes; an outline with a million corners has 12e6

# As java.awt.geom.PathIterator numbers the steps of a path.
_MOVE, _LINE, _CLOSE = 0.0, 1.0, 4.0


class Region(NamedTuple):
    """An outline: its name, its frame, its id or None, and corners in pixels."""

    name: str
    frame: int
    id: int | None
    polygons: Polygons


def roifile_module() -> Any:
    """Return roifile, which is needed for these files only.

    Raises
    ------
    ModuleNotFoundError
        If it is not installed.
    """
    try:
        import roifile
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "ROIs of ImageJ need roifile, which is not installed: pip install roifile",
            name="roifile",
        ) from error
    return roifile


def roi_bytes(name: str, frame: int | None, polygons: Polygons) -> bytes:
    """Return the content of a ROI of a frame of a movie, or of one image."""
    roi = _roi(polygons)
    roi.name = name
    roi.position = 0 if frame is None else frame + 1
    content: bytes = roi.tobytes()
    return content


def region_name(frame: int, number: int) -> str:
    """Return the name of a particle in a frame."""
    return f"frame{frame:04d}_id{number:04d}"


def _roi(polygons: Polygons) -> Any:
    """Return a ROI without a name: a polygon, or a shape of several."""
    roifile = roifile_module()
    if len(polygons) == 1:
        return roifile.ImagejRoi.frompoints(polygons[0].astype(np.float32))
    path: list[float] = []
    for polygon in polygons:
        for step, (x, y) in enumerate(polygon.tolist()):
            path += [_LINE if step else _MOVE, x, y]
        path.append(_CLOSE)
    corners = np.concatenate(polygons)
    (left, top), (right, bottom) = np.floor(corners.min(0)), np.ceil(corners.max(0))
    roi = roifile.ImagejRoi()
    roi.roitype = roifile.ROI_TYPE.RECT
    roi.left, roi.top, roi.right, roi.bottom = map(int, (left, top, right, bottom))
    roi.shape_roi_size = len(path)
    roi.multi_coordinates = np.array(path, np.float32)
    return roi


def read_regions(path: Path, *, is_movie: bool) -> list[Region]:
    """Return the regions of a .zip of ROIs, or of one in a .roi."""
    regions = []
    for name, content in _contents(path):
        roi, polygons = _unpacked(path, name, content, _polygons)
        regions.append(_named(name, roi, polygons, is_movie=is_movie))
    return regions


def read_points(path: Path) -> NDArray[np.float64] | None:
    """Return the points of a .zip of ROIs, or of one in a .roi.

    Returns
    -------
    (x, y) of each, 0 in the middle of the first pixel, shape (point, 2); None if one of
    the ROIs is something else.
    """
    rois = [
        _unpacked(path, name, content, _places) for name, content in _contents(path)
    ]
    places = [places for _, places in rois if places is not None]
    return np.concatenate(places) if places and len(places) == len(rois) else None


def _places(roi: Any) -> NDArray[np.float64] | None:
    if roi.roitype != type(roi.roitype).POINT:
        return None
    # Whole numbers are of pixels; others are from the corner of the first one.
    corner = 0.5 if roi.subpixelresolution else 0.0
    return np.asarray(roi.coordinates(), float) - corner


def _unpacked(
    path: Path, name: str, content: bytes, read: Callable[[Any], Any]
) -> tuple[Any, Any]:
    """Return a ROI and what is read of it."""
    try:
        roi = roifile_module().ImagejRoi.frombytes(content)
        return roi, read(roi)
    # roifile raises what its unpacking of damaged bytes does.
    except Exception as error:
        raise ValueError(
            f"The ROI {name!r} of {path} cannot be read: {error}"
        ) from error


def _contents(path: Path) -> list[tuple[str, bytes]]:
    roifile_module()
    if path.suffix.lower() == ".roi":
        return [(path.stem, path.read_bytes())]
    try:
        with zipfile.ZipFile(path) as file:
            for entry in file.infolist():
                if entry.file_size > _LARGEST_ROI:
                    raise ValueError(
                        f"{entry.filename!r} in {path} has {entry.file_size} bytes, "
                        "more than an outline."
                    )
            return [
                (name.removesuffix(".roi"), file.read(name)) for name in file.namelist()
            ]
    except zipfile.BadZipFile as error:
        raise ValueError(
            f"{path} is not a zip of ROIs, as the ROI Manager of ImageJ saves it."
        ) from error


def _polygons(roi: Any) -> Polygons:
    kind = type(roi.roitype)
    if roi.roitype == kind.OVAL:
        return [_ellipse(roi)]
    areas = (kind.POLYGON, kind.RECT, kind.FREEHAND, kind.TRACED)
    if roi.roitype not in areas or roi.subtype.name in {"TEXT", "IMAGE"}:
        raise ValueError(f"It is a {roi.roitype.name.lower()}, which has no area.")
    if roi.subpixelrect and not roi.composite:
        right, bottom = roi.xd + roi.widthd, roi.yd + roi.heightd
        ends = ((roi.xd, roi.yd), (right, roi.yd), (right, bottom), (roi.xd, bottom))
        return [np.array(ends)]
    polygons: Polygons = roi.coordinates(multi=True)
    return polygons


def _ellipse(roi: Any) -> NDArray[np.float64]:
    """Return the corners of an ellipse, finer than the 32 that roifile makes of it."""
    start, end = np.array([roi.left, roi.top]), np.array([roi.right, roi.bottom])
    if roi.subpixelrect:
        start = np.array([roi.xd, roi.yd])
        end = start + np.array([roi.widthd, roi.heightd])
    angle = np.linspace(0, 2 * np.pi, 360, endpoint=False)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return np.asarray((start + end) / 2 + circle * (end - start) / 2)


def _named(name: str, roi: Any, polygons: Polygons, *, is_movie: bool) -> Region:
    """Return a region with the frame and id that its name, or its position, says."""
    match = _NAME.fullmatch(name)
    if match:
        return Region(name, int(match[1]), int(match[2]), polygons)
    place = max(roi.t_position, roi.position)
    if is_movie and place < 1:
        raise ValueError(
            f"The ROI {name!r} does not say in which frame it is: rename it as "
            "frame0012_id0007, or set its position in ImageJ."
        )
    return Region(name, max(place - 1, 0) if is_movie else 0, None, polygons)
