# SPDX-License-Identifier: GPL-3.0-or-later
"""Spectra of a spectrum image, summed over each particle of a survey image."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import dask
import dask.array as da
import numpy as np
from hyperspy.signals import Signal1D

from hyperspy_hrtemnn import __version__
from hyperspy_hrtemnn.signals._shared.derived import computed
from hyperspy_hrtemnn.signals._shared.entrance import is_turned
from hyperspy_hrtemnn.signals._shared.units import ratio, unit_of
from hyperspy_hrtemnn.user_warnings import warn_user

if TYPE_CHECKING:
    from hyperspy.signals import Signal2D
    from numpy.typing import NDArray


def sum_spectra(
    instances: Signal2D,
    spectrum_image: Signal1D,
    *,
    show_progressbar: bool | None,
    num_workers: int | None,
    lazy_output: bool | None,
) -> Signal1D:
    """Return what `Instances.sum_spectra` does."""
    labels = _one_image(instances)
    axes = spectrum_image.axes_manager
    if (axes.navigation_dimension, axes.signal_dimension) != (2, 1):
        raise ValueError(
            f"{spectrum_image} is not a spectrum image; spectra along two navigation "
            "axes, x and y, are needed."
        )
    x, y = axes.navigation_axes[:: -1 if is_turned(axes.navigation_axes) else 1]
    owner = _owners(labels, (x, y), instances.axes_manager.signal_axes)
    ids = np.unique(labels[labels > 0])
    pixels = np.array([np.count_nonzero(owner == number) for number in ids])
    if not pixels.all():
        without = ", ".join(map(str, ids[pixels == 0]))
        warn_user(
            f"No spectrum of the spectrum image is in the particles {without}; their "
            "sums are 0. Do the axes of both images have the same origin?"
        )
    (energy,) = axes.signal_axes
    metadata = copy.deepcopy(spectrum_image.metadata.as_dictionary())
    # These speak of the pixels of the spectrum image.
    for node in ("Markers", "_HyperSpy"):
        metadata.pop(node, None)
    metadata.get("Signal", {}).pop("Noise_properties", None)
    result = Signal1D(
        _sums(spectrum_image, owner, ids),
        axes=[
            {"name": "id", "size": len(ids), "navigate": True},
            energy.get_axis_dictionary(),
        ],
        metadata=metadata,
        original_metadata=spectrum_image.original_metadata.as_dictionary(),
    ).as_lazy()
    result.set_signal_type(spectrum_image._signal_type)
    result.metadata.set_item(
        "HRTEMNN.Spectra",
        {"ids": ids.tolist(), "pixels": pixels.tolist(), "version": __version__},
    )
    return computed(  # type: ignore[no-any-return]
        result,
        lazy=spectrum_image._lazy if lazy_output is None else lazy_output,
        show_progressbar=show_progressbar,
        num_workers=num_workers,
    )


def _one_image(instances: Signal2D) -> NDArray[np.integer]:
    if instances.axes_manager.navigation_dimension:
        raise ValueError(
            f"{instances} is a movie; choose the frame that is the survey image, for "
            "example with inav[0]."
        )
    labels = np.asarray(instances.data)
    if not (labels > 0).any():
        raise ValueError("There are no particles in the survey image.")
    return labels


def _owners(
    labels: NDArray[np.integer], spectrum_axes: Any, survey_axes: Any
) -> NDArray[np.integer]:
    """Return the id of the particle at the middle of each pixel of a spectrum image."""
    (x, x_inside), (y, y_inside) = (
        _survey_pixels(axis, survey)
        for axis, survey in zip(spectrum_axes, survey_axes, strict=True)
    )
    return np.where(np.outer(y_inside, x_inside), labels[np.ix_(y, x)], 0)


def _survey_pixels(
    axis: Any, survey: Any
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Return the survey pixel at the middle of each spectrum pixel, if there is one."""
    for one, image in ((axis, "spectrum image"), (survey, "survey image")):
        if not one.is_uniform:
            raise ValueError(f"The axis {one.name!s} of the {image} is not uniform.")
    unit = ratio(unit_of(axis), unit_of(survey))
    if unit is None:
        raise ValueError(
            f"The axis {axis.name!s} has the unit {axis.units!s} in the spectrum image "
            f"and {survey.units!s} in the survey image; set both to units of length."
        )
    scale, offset = axis.scale * unit, axis.offset * unit
    pixel = abs(survey.scale)
    same_width = abs(scale * axis.size - survey.scale * survey.size) < pixel / 2
    if same_width and abs(offset - survey.offset) < pixel / 8:
        # The same field: what coincides are the edges, not the middles of first pixels.
        offset += (scale - survey.scale) / 2
    position = (offset + scale * np.arange(axis.size) - survey.offset) / survey.scale
    # A middle may lie on an edge; rounding errors are not to choose the side.
    index = np.floor(position + 0.5 + 1e-6).astype(int)
    return index.clip(0, survey.size - 1), (index >= 0) & (index < survey.size)


def _sums(
    spectrum_image: Signal1D, owner: NDArray[np.integer], ids: NDArray[np.integer]
) -> da.Array:
    """Return the sum over each particle, shape (id, energy), to be computed."""
    axes = spectrum_image.axes_manager
    x, y = axes.navigation_axes[:: -1 if is_turned(axes.navigation_axes) else 1]
    order = [axis.index_in_array for axis in (y, x, axes.signal_axes[0])]
    data = spectrum_image.data.transpose(order)
    if np.issubdtype(data.dtype, np.floating):
        dtype = np.dtype(np.float64)
    else:
        dtype = np.zeros(0, data.dtype).sum().dtype
    options = {"ids": ids, "total": dtype}
    if not spectrum_image._lazy:
        # An array of dask would be a copy of the data.
        total = dask.delayed(_sum_block, pure=False)(data, owner, **options)
        return da.from_delayed(total, (1, 1, len(ids), data.shape[2]), dtype)[0, 0]
    # Every block of energies has the same owners.
    owners = da.from_array(owner[..., np.newaxis], chunks=(*data.chunks[:2], 1))
    rows, columns = ((1,) * blocks for blocks in data.numblocks[:2])
    of_blocks = da.map_blocks(
        _sum_block,
        data,
        owners,
        **options,
        new_axis=2,
        chunks=(rows, columns, (len(ids),), data.chunks[2]),
        dtype=dtype,
        meta=np.empty((0,) * 4, dtype),
    )
    return of_blocks.sum(axis=(0, 1), dtype=dtype)


def _sum_block(
    spectra: NDArray[Any],
    owner: NDArray[np.integer],
    *,
    ids: NDArray[np.integer],
    total: np.dtype[Any],
) -> NDArray[Any]:
    """Return the sums over a block, shape (1, 1, id, energy)."""
    owner = owner.reshape(spectra.shape[:2])
    sums = [spectra[owner == number].sum(axis=0, dtype=total) for number in ids]
    return np.stack(sums)[np.newaxis, np.newaxis]
