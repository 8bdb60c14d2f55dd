# SPDX-License-Identifier: GPL-3.0-or-later
"""Labeled images: pairs of an image and what someone has drawn on it, from two folders.

They are read as everywhere else: images as HyperSpy does, masks and the labels of other
programs, outlines of ImageJ, and tables of points.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from hyperspy_hrtemnn.bad_frames import check_data
from hyperspy_hrtemnn.io.whole_frames import calibrate, load_images, load_movie
from hyperspy_hrtemnn.signals._particles.imagej_rois import read_points
from hyperspy_hrtemnn.signals._particles.rois_of_labels import instances_of_rois
from hyperspy_hrtemnn.signals._shared.calibration import sampling as sampling_of
from hyperspy_hrtemnn.signals._shared.entrance import in_one_form
from hyperspy_hrtemnn.signals._shared.labels import own_labels
from hyperspy_hrtemnn.signals._shared.units import unit_of

from .lengths import sampling_in_angstrom
from .warning_lines import warnings_as_lines

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_TABLES = {".csv"}
_ROIS = {".zip", ".roi"}

_MOST_TOLD = 5


@dataclass(frozen=True)
class Points:
    """Places in an image, such as atomic columns.

    Parameters
    ----------
    positions
        (row, column) of each, 0 in the middle of the first pixel, shape (point, 2).
    classes
        Name of the class of each; None where the table has none.
    """

    positions: NDArray[np.float64]
    classes: tuple[str, ...] | None


@dataclass(frozen=True)
class LabeledImage:
    """An image, or a focal series, and what someone has drawn on it.

    Parameters
    ----------
    path, label_path
        The two files.
    counts
        Pixels as they are in the file, shape (channel, y, x).
    sampling
        Pixel size [Å].
    mask
        Where objects are, shape (y, x); None where points were given.
    points
        Where columns are; None where a mask was given.
    """

    path: Path
    label_path: Path
    counts: NDArray[Any]
    sampling: float
    mask: NDArray[np.bool_] | None = None
    points: Points | None = None


def pair_files(images: Path, labels: Path) -> list[tuple[Path, Path]]:
    """Return the files of images and their labels, which have the same stem.

    Parameters
    ----------
    images, labels
        The two folders. Files without a partner are left out.

    Raises
    ------
    ValueError
        If a folder is missing, both are one, there is no pair, or two files could be
        the partner.
    """
    for name, folder in (("--images", images), ("--labels", labels)):
        if not folder.is_dir():
            raise ValueError(f"{name} is {folder}, which is not a folder.")
    if images.samefile(labels):
        raise ValueError(
            f"--images and --labels are both {images}; put the labels into a folder of "
            "their own, each named as its image."
        )
    of_images, of_labels = _by_stem(images), _by_stem(labels)
    pairs = [(of_images[s], of_labels[s]) for s in of_images if s in of_labels]
    if not pairs:
        raise ValueError(
            f"No image in {images} has a label of the same name in {labels}: there "
            f"are images {_listed(of_images)} and labels {_listed(of_labels)}. Name "
            "each label as its image, such as frame_12.tif and frame_12.png."
        )
    return pairs


def _by_stem(folder: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or not path.is_file():
            continue
        if path.stem in found:
            raise ValueError(
                f"{found[path.stem]} and {path.name} have the same name but for the "
                "ending; leave only one of them there."
            )
        found[path.stem] = path
    return found


def _listed(names: dict[str, Path]) -> str:
    some = ", ".join([*names][:_MOST_TOLD]) or "none"
    return f"{some}, ..." if len(names) > _MOST_TOLD else some


def read_labeled_image(
    path: Path, label_path: Path, *, sampling: float | str | None = None
) -> LabeledImage:
    """Return an image with its label.

    Parameters
    ----------
    path
        The image, or a focal series, that HyperSpy reads.
    label_path
        Its label: an image, whose pixels are 0 in the background, and anything else in
        objects; a .zip or .roi of ImageJ with outlines, or with points; or a .csv with
        columns ``x`` and ``y``, and ``class`` if there are several. A table is in the
        unit of the axes of the image, as those of this package and of ImageJ are; in
        pixels where the file of the image has no unit.
    sampling
        Pixel size in place of the file's, a number in Å or a text with a unit.

    Raises
    ------
    ValueError
        If a file cannot be read, the image is not calibrated, or the label does not
        fit the image.
    """
    with warnings_as_lines(path):
        size = sampling_in_angstrom(sampling)
        signal = in_one_form(load_movie(path, None))
        points = mask = None
        if label_path.suffix.lower() in _TABLES:
            points = _read_table(label_path, signal)
        elif label_path.suffix.lower() not in _ROIS:
            mask = _read_mask(label_path, path, signal)
        elif (places := read_points(label_path)) is not None:
            points = Points(places[:, ::-1], None)
        else:
            mask = _read_outlines(label_path, signal)
        if points is not None:
            _check_inside(points, label_path, path, signal)
        calibrate(signal, size)
        pixel = sampling_of(signal)
    return LabeledImage(path, label_path, _counts(path, signal), pixel, mask, points)


def _counts(path: Path, signal: Any) -> NDArray[Any]:
    images = np.asarray(signal.data)
    if images.ndim > 3:
        raise ValueError(
            f"{path} has {images.ndim} dimensions; give an image or a focal series."
        )
    check_data(images)
    return images.reshape(-1, *images.shape[-2:])


def _read_mask(path: Path, image: Path, signal: Any) -> NDArray[np.bool_]:
    # Lazily, the file of a TIFF would stay open.
    labels = np.asarray(load_images(path, lazy=False).data)
    labels = labels[0] if labels.ndim == 3 and len(labels) == 1 else labels
    shape = signal.data.shape[-2:]
    if labels.shape != shape:
        raise ValueError(
            f"{path} has the shape {labels.shape}, and the image {image} {shape}; they "
            "have to be the same."
        )
    try:
        mask = own_labels(labels, no_data=False) > 0
    except ValueError as error:
        raise ValueError(f"{path} is not a label: {error}") from None
    if mask.all():
        raise ValueError(
            f"{path} says that every pixel of {image} is an object's. The background "
            "has to be 0."
        )
    return np.asarray(mask)


def _read_outlines(path: Path, signal: Any) -> NDArray[np.bool_]:
    first = signal.inav[0] if signal.data.ndim > 2 else signal
    drawn = instances_of_rois(path, first, None)
    return np.asarray(drawn.data) > 0


def _read_table(path: Path, signal: Any) -> Points:
    try:
        table = pd.read_csv(path)
    except ValueError as error:  # of pandas, too
        raise ValueError(f"{path} is not a table: {error}") from None
    table.columns = table.columns.astype(str).str.strip().str.lower()
    if not {"x", "y"} <= set(table.columns):
        columns = ", ".join(table.columns)
        raise ValueError(f"{path} has no columns x and y, only {columns}.")
    places = table[["y", "x"]].apply(pd.to_numeric, errors="coerce").to_numpy(float)
    if not np.isfinite(places).all():
        row = int(np.argmin(np.isfinite(places).all(axis=1)))
        raise ValueError(f"Row {row + 1} of {path} has an x or y that is no number.")
    x, y = signal.axes_manager.signal_axes
    if unit_of(x):
        scales, offsets = (y.scale, x.scale), (y.offset, x.offset)
        places = (places - offsets) / scales
    classes = None
    if "class" in table.columns:
        classes = tuple(str(name).strip() for name in table["class"])
    return Points(places, classes)


def _check_inside(points: Points, path: Path, image: Path, signal: Any) -> None:
    """Raise a ValueError if points are not in the image."""
    places = points.positions
    shape = np.array(signal.data.shape[-2:])
    outside = ~np.all((places >= -0.5) & (places <= shape - 0.5), axis=1)
    if outside.any():
        unit = unit_of(signal.axes_manager.signal_axes[0]) or "pixels"
        raise ValueError(
            f"{int(outside.sum())} of {len(places)} points of {path} are outside of "
            f"{image}. The points of a table are taken in the unit of its axes, "
            f"{unit}."
        )
