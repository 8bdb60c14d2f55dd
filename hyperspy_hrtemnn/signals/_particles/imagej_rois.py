# SPDX-License-Identifier: GPL-3.0-or-later
"""Regions of interest of ImageJ: a file of polygons, each with an id and a frame."""

from __future__ import annotations

import re
import zipfile
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hyperspy_hrtemnn.user_warnings import warn_user

from .imagej_positions import frames_of_rois

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
    names, rois, polygons = [], [], []
    for name, content in _contents(path):
        roi, outline = _unpacked(path, name, content, _polygons)
        names.append(name)
        rois.append(roi)
        polygons.append(outline)
    if is_movie:
        return _in_frames(path, names, rois, polygons)
    return list(map(_of_one_image, names, polygons))


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
            entries = [each for each in file.infolist() if _is_roi(each.filename)]
            if file.filelist and not entries:
                raise ValueError(f"{path} is a zip of other files, and of no ROIs.")
            for entry in entries:
                if entry.file_size > _LARGEST_ROI:
                    raise ValueError(
                        f"{entry.filename!r} in {path} has {entry.file_size} bytes, "
                        "more than an outline."
                    )
            return [(PurePosixPath(e.filename).stem, file.read(e)) for e in entries]
    except zipfile.BadZipFile as error:
        raise ValueError(
            f"{path} is not a zip of ROIs, as the ROI Manager of ImageJ saves it."
        ) from error


def _is_roi(name: str) -> bool:
    """Return whether an entry of a zip is a ROI, as ImageJ tells them apart.

    A Mac that packs a folder anew adds a folder of its own, with files of equal names.
    """
    return name.endswith(".roi") and not name.startswith("__MACOSX/")


def _polygons(roi: Any) -> Polygons:
    kind = type(roi.roitype)
    if roi.roitype == kind.OVAL:
        return [_ellipse(roi)]
    if roi.roitype == kind.RECT and roi.rounded_rect_arc_size and not roi.composite:
        return [_rounded(roi)]
    areas = (kind.POLYGON, kind.RECT, kind.FREEHAND, kind.TRACED)
    if roi.roitype not in areas or roi.subtype.name in {"TEXT", "IMAGE"}:
        raise ValueError(f"It is a {roi.roitype.name.lower()}, which has no area.")
    if roi.subpixelrect and not roi.composite:
        (left, top), (right, bottom) = _box(roi)
        return [np.array([(left, top), (right, top), (right, bottom), (left, bottom)])]
    polygons: Polygons = roi.coordinates(multi=True)
    return polygons


def _ellipse(roi: Any) -> NDArray[np.float64]:
    """Return the corners of an ellipse, finer than the 32 that roifile makes of it."""
    start, end = _box(roi)
    return np.asarray((start + end) / 2 + _circle() * (end - start) / 2)


def _rounded(roi: Any) -> NDArray[np.float64]:
    """Return the corners of a rectangle whose corners are quarters of a circle."""
    start, end = _box(roi)
    radius = np.minimum(roi.rounded_rect_arc_size / 2, (end - start) / 2)
    circle = _circle()
    middles = np.where(circle > 0, end - radius, start + radius)
    return np.asarray(middles + circle * radius)


def _box(roi: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the corners of the box of a ROI, as x and y."""
    if roi.subpixelrect:
        start = np.array([roi.xd, roi.yd], float)
        return start, start + np.array([roi.widthd, roi.heightd])
    return np.array([roi.left, roi.top], float), np.array(
        [roi.right, roi.bottom], float
    )


def _circle() -> NDArray[np.float64]:
    # Angles between the axes, so that each corner belongs to one quarter.
    angle = (np.arange(360) + 0.5) / 180 * np.pi
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def _of_one_image(name: str, polygons: Polygons) -> Region:
    match = _NAME.fullmatch(name)
    return Region(name, 0, int(match[2]) if match else None, polygons)


def _in_frames(
    path: Path, names: list[str], rois: list[Any], polygons: list[Polygons]
) -> list[Region]:
    """Return regions with the frame and id that a name, or a position, says."""
    named = [_NAME.fullmatch(name) for name in names]
    try:
        drawn_in = frames_of_rois(rois)
    except ValueError as error:
        if not all(named):
            raise ValueError(f"{path}: {error}") from None
        drawn_in = [None] * len(rois)
    regions = []
    moved = []
    for name, match, place, outline in zip(
        names, named, drawn_in, polygons, strict=True
    ):
        frame = int(match[1]) if match else place
        if frame is None:
            raise ValueError(
                f"The ROI {name!r} does not say in which frame it is: rename it as "
                "frame0012_id0007, or set its position in ImageJ."
            )
        regions.append(Region(name, frame, int(match[2]) if match else None, outline))
        if place not in (None, frame):
            moved.append(f"{name!r} in frame {place}")
    if moved:
        warn_user(
            f"{len(moved)} ROIs were drawn in another frame than their name says, such "
            f"as {moved[0]}. The frame of their name is taken; rename them if that is "
            "wrong."
        )
    return regions
