# SPDX-License-Identifier: GPL-3.0-or-later
"""Layers of napari: images, labels and tracks, as the data that napari takes.

napari itself is not imported: what is given to it is plain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_hrtemnn.analysis.kinds_of_tables import check_properties
from hyperspy_hrtemnn.image_data.scaling import one_number_a_pixel
from hyperspy_hrtemnn.signals._shared.calibration import sampling
from hyperspy_hrtemnn.signals._shared.output_files import ascii_unit
from hyperspy_hrtemnn.signals._shared.units import name_of, unit_of

from .properties import properties_of

if TYPE_CHECKING:
    import pandas as pd
    from hyperspy.signals import Signal2D

    Layer = tuple[Any, dict[str, Any], str]


def napari_layers(
    instances: Signal2D,
    image: Signal2D | None,
    viewer: Any,
    properties: pd.DataFrame | None,
    *,
    show_progressbar: bool | None,
    num_workers: int | None,
) -> list[Layer]:
    """Return layers, and add them to a viewer if there is one; see `to_napari`."""
    options = _calibration(instances)
    layers: list[Layer] = []
    if image is not None:
        layers.append((_gray(image.data), {"name": "image", **options}, "image"))
    # A copy: what is painted in it does not change the signal. No data is background.
    labels = np.maximum(instances.data, 0)
    layers.append((labels, {"name": "particles", "opacity": 0.5, **options}, "labels"))
    # napari has tracks along one axis.
    if instances.axes_manager.navigation_dimension == 1:
        if properties is None:
            properties = properties_of(
                instances,
                None,
                show_progressbar=show_progressbar,
                num_workers=num_workers,
            )
        check_properties(properties)
        # An empty layer of tracks is an error of napari's.
        if len(properties):
            layers.append(_tracks(instances, properties, options))
    for data, given, kind in layers if viewer is not None else ():
        getattr(viewer, f"add_{kind}")(data, **given)
    return layers


def _gray(images: Any) -> Any:
    """Return one of three equal colors, of a lazy movie when it is read."""
    if isinstance(images, np.ndarray):
        return one_number_a_pixel(images)
    dtype = one_number_a_pixel(np.zeros(1, images.dtype)).dtype
    return images.map_blocks(one_number_a_pixel, dtype=dtype)


def _calibration(instances: Signal2D) -> dict[str, Any]:
    """Return scale, offset, unit and name of the axes; frames are counted."""
    sampling(instances)
    x, y = instances.axes_manager.signal_axes
    frame_axes = instances.axes_manager.navigation_axes[::-1]
    n_axes = len(frame_axes)
    names = [name_of(axis, f"frame_{at}") for at, axis in enumerate(frame_axes)]
    return {
        "scale": [1.0] * n_axes + [float(y.scale), float(x.scale)],
        "translate": [0.0] * n_axes + [float(y.offset), float(x.offset)],
        "units": ["pixel"] * n_axes + [ascii_unit(unit_of(x))] * 2,
        "axis_labels": [*names, "y", "x"],
    }


def _tracks(
    instances: Signal2D, properties: pd.DataFrame, options: dict[str, Any]
) -> Layer:
    """Return the layer of the centroids, in pixels, sorted as napari wants them."""
    x, y = instances.axes_manager.signal_axes
    table = properties.sort_values(["id", "frame"], ignore_index=True)
    data = np.stack(
        [
            table["id"],
            table["frame"],
            (table["y"] - y.offset) / y.scale,
            (table["x"] - x.offset) / x.scale,
        ],
        axis=1,
    )
    features = table.drop(columns=["id"]).select_dtypes(["number", "bool"])
    return data, {"name": "tracks", "features": features, **options}, "tracks"
