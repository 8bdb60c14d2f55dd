# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels of other programs, converted to our ids and background."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np

from hyperspy_hrtemnn.image_data import without_mask

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

NO_DATA_LABEL = -1
"""Of pixels, and whole frames, without data; ``metadata.HRTEMNN.Instances.no_data``."""

_LARGEST = np.iinfo(np.int32).max


def own_labels(data: Any, *, no_data: bool) -> Any:
    """Return labels as whole numbers of at most 32 bits, 0 = background.

    Parameters
    ----------
    data
        Labels of any program: whole numbers of any type, floats that are whole, or a
        mask of True and False; of numpy or, to be read later, of dask.
    no_data
        Whether -1 says that nothing is known of a pixel, as in our own labels; in those
        of other programs, whatever is negative or NaN is background.

    Returns
    -------
    The same array where there is nothing to change.

    Raises
    ------
    ValueError
        If a label is not a whole number, or an id does not fit; of lazy labels when
        they are computed.
    """
    if isinstance(data, da.Array):
        is_masked = isinstance(data._meta, np.ma.MaskedArray)
        small = data.dtype.kind == "u" and data.dtype.itemsize < 4
        if small and not no_data and not is_masked:
            return data
        signed = no_data or is_masked
        kept = _fits(data.dtype) and not (signed and data.dtype.kind == "u")
        dtype = data.dtype if kept else np.dtype(np.int32)
        meta = np.empty((0,) * data.ndim, dtype)
        return data.map_blocks(_of_block, no_data=no_data, dtype=dtype, meta=meta)
    data = without_mask(data, NO_DATA_LABEL)
    if data.ndim < 3 or _fits(data.dtype):
        return _of_block(data, no_data=no_data)
    # Frame by frame: what is needed in between is as large as what is converted.
    labels = np.empty(data.shape, np.int32)
    for own, frame in zip(labels, data, strict=True):
        own[...] = _of_block(frame, no_data=no_data)
    return labels


def has_no_data(labels: NDArray[np.integer]) -> bool:
    """Return whether nobody could look at a frame: all its labels are negative."""
    return bool(labels.size and labels.flat[0] < 0 and (labels < 0).all())


def distinct_labels(frame: NDArray[np.integer[Any]]) -> NDArray[np.integer[Any]]:
    """Return the labels of the particles of a frame of any shape, ascending."""
    return np.unique(frame[frame > 0])


def check_ids(wanted: Iterable[int], known: list[int]) -> None:
    """Raise a ValueError that lists the ids if one is unknown."""
    for number in wanted:
        if number not in known:
            some = ", ".join(map(str, known[:50])) + (
                ", ..." if len(known) > 50 else ""
            )
            raise ValueError(
                f"There is no particle {number}; there are {some or 'none'}."
            )


def _fits(dtype: np.dtype[Any]) -> bool:
    return dtype.kind in "iu" and np.iinfo(dtype).max <= _LARGEST


def _of_block(data: NDArray[Any], *, no_data: bool) -> NDArray[np.integer[Any]]:
    data = without_mask(data, NO_DATA_LABEL)
    if data.dtype.kind not in "iufb":
        raise ValueError(
            f"Labels are whole numbers, one for each pixel, not {data.dtype}."
        )
    if data.dtype.kind == "f":
        data = np.where(np.isnan(data), 0, data)
        broken = ~np.isfinite(data) | (data != np.rint(data))
        if broken.any():
            raise ValueError(
                f"There is a label {data[broken][0]:g}, and labels are whole numbers. "
                "Probabilities are made labels by set_signal_type('HRTEM_segmentation')"
                " and track_instances."
            )
    unknown = None
    if no_data and data.dtype.kind == "u":
        # A type without a sign has made -1 its largest value.
        unknown = data == np.iinfo(data.dtype).max
        data = np.where(unknown, 0, data)
    largest = data.max(initial=0)
    if largest > _LARGEST:
        raise ValueError(
            f"The largest id is {int(largest)}; ids go up to {_LARGEST}. "
            "Number the particles anew, for example\n"
            "    signal.data = skimage.segmentation.relabel_sequential(signal.data)[0]"
        )
    if unknown is not None:
        return np.where(unknown, np.int32(-1), data.astype(np.int32))
    if data.dtype.kind in "if" and data.min(initial=0) < 0:
        strange = (data < 0) & (data != -1) if no_data else data < 0
        data = np.where(strange, 0, data)
    return data if _fits(data.dtype) else data.astype(np.int32)
