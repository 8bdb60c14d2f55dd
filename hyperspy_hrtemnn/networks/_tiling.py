# SPDX-License-Identifier: GPL-3.0-or-later
"""Tiling of large images: overlapping tiles that are blended without seams."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.signal import get_window

from hyperspy_hrtemnn.options import PredictionOptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from hyperspy_hrtemnn.options import Window

# Largest side of a tile without its overlap [pixels]: large enough that the overlap
# takes little time, small enough that feature maps take a gigabyte or two.
_LARGEST_CORE = 2048

# Default width of the zone in which neighbors are blended, in addition to the receptive
# field [pixels].
_BLEND = 32


@dataclass(frozen=True)
class Span:
    """Pixels of a tile along one axis, and the weight of each in the result."""

    start: int
    stop: int
    weights: NDArray[np.float32]
    """Weights of the pixels `kept`; together with the neighbors' they add up to 1."""
    kept: slice
    """Pixels with a weight, counted from `start`."""


def spans(
    size: int,
    *,
    receptive_field: int,
    stride: int = 1,
    tile: int | None = PredictionOptions.tile,
    overlap: int | None = PredictionOptions.overlap,
    window: Window = PredictionOptions.window,
) -> list[Span]:
    """Divide one axis of an image into the fewest equal tiles that cover it.

    Tiles start at multiples of the stride, so that the network's pooling divides each
    tile as it would divide the whole image.

    Parameters
    ----------
    size
        Number of pixels along the axis.
    receptive_field
        Number of pixels that one pixel of the output sees. Up to its radius from an
        inner border of a tile, pixels have no weight.
    stride
        Number of which the starts of tiles are multiples.
    tile
        Largest size of a tile. The default is 2048 pixels and the overlap.
    overlap
        Number of pixels that neighbors share. The default is the receptive field and 32
        pixels in which neighbors are blended. With less than the receptive field, seams
        are possible.
    window
        Name of a window of `scipy.signal.get_window`, the form of the blending.

    Raises
    ------
    ValueError
        If `tile` or `overlap` is too small or `window` is unknown.
    """
    tile, overlap = _sizes(receptive_field, stride, tile, overlap)
    margin = min(receptive_field // 2, overlap // 2)
    ramp = _ramp(window, overlap - 2 * margin)
    if size <= tile:
        return [Span(0, size, np.ones(size, np.float32), slice(0, size))]

    count = -(-(size - overlap) // (tile - overlap))
    step = _up(-(-(size - overlap) // count), stride)
    count = -(-(size - overlap) // step)
    bounds = [(i * step, min(i * step + step + overlap, size)) for i in range(count)]

    weights = []
    for start, stop in bounds:
        weight = np.ones(stop - start)
        if start > 0:
            weight[:margin] = 0
            weight[margin : overlap - margin] *= ramp
        if stop < size:
            end = len(weight)
            weight[end - overlap + margin : end - margin] *= ramp[::-1]
            weight[end - margin :] = 0
        weights.append(weight)
    total = np.zeros(size)
    for (start, stop), weight in zip(bounds, weights, strict=True):
        total[start:stop] += weight
    return [
        _span(start, stop, weight / total[start:stop])
        for (start, stop), weight in zip(bounds, weights, strict=True)
    ]


def predict_tiled(
    predict: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    image: NDArray[np.float32],
    *,
    receptive_field: int,
    stride: int = 1,
    tile: int | None = PredictionOptions.tile,
    overlap: int | None = PredictionOptions.overlap,
    window: Window = PredictionOptions.window,
) -> NDArray[np.float32]:
    """Run a network on an image tile by tile.

    With the default overlap the result is that of the whole image in one piece, for any
    size of the tiles: pixels that the border of a tile influences have no weight, and
    the weights of all others add up to one.

    Parameters
    ----------
    predict
        Function from images, shape (1, channel, y, x), to predictions, shape
        (1, class, y, x).
    image
        Image, shape (channel, y, x).
    receptive_field, stride, tile, overlap, window
        See `spans`; the same along both axes.

    Returns
    -------
    The prediction, shape (class, y, x).
    """
    height, width = image.shape[1:]
    rows, columns = (
        spans(
            size,
            receptive_field=receptive_field,
            stride=stride,
            tile=tile,
            overlap=overlap,
            window=window,
        )
        for size in (height, width)
    )
    if len(rows) == len(columns) == 1:
        whole: NDArray[np.float32] = predict(image[np.newaxis])[0]
        return whole
    blended = np.zeros((0, height, width), np.float32)
    for row in rows:
        for column in columns:
            part = image[:, row.start : row.stop, column.start : column.stop]
            result = predict(part[np.newaxis])[0, :, row.kept, column.kept]
            if not len(blended):
                blended = np.zeros((len(result), height, width), np.float32)
            weights = row.weights[:, np.newaxis] * column.weights
            blended[:, _place(row), _place(column)] += result * weights
    return blended


def _sizes(
    receptive_field: int, stride: int, tile: int | None, overlap: int | None
) -> tuple[int, int]:
    """Return the largest tile and the overlap, in multiples of the stride."""
    overlap = _overlap(receptive_field, stride, overlap)
    if tile is None:
        tile = _LARGEST_CORE + overlap
    if tile < smallest_tile(receptive_field, stride, overlap):
        raise ValueError(
            f"A tile of {tile} pixels is too small for an overlap of {overlap}; give a "
            f"tile of {overlap + stride} or more"
            + (f", or an overlap below {overlap}." if overlap else ".")
        )
    return int(tile) // stride * stride, overlap


def smallest_tile(receptive_field: int, stride: int, overlap: int | None) -> int:
    """Return the smallest tile that an overlap allows, see `spans` [pixels]."""
    return _overlap(receptive_field, stride, overlap) + stride


def _overlap(receptive_field: int, stride: int, overlap: int | None) -> int:
    if overlap is None:
        overlap = 2 * (receptive_field // 2) + _BLEND
    elif overlap < 0:
        raise ValueError(f"overlap is {overlap}; it must be 0 or more pixels.")
    return _up(int(overlap), stride)


def _up(size: int, stride: int) -> int:
    return -(-size // stride) * stride


def _ramp(window: Window, length: int) -> NDArray[np.float64]:
    """Return the rising half of a window, without a zero at its start."""
    try:
        full = get_window(window, 2 * length + 2, fftbins=False)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"{window!r} is not a window of scipy.signal.get_window: {error}"
        ) from None
    # Some windows have negative values, which weights must not have.
    ramp: NDArray[np.float64] = np.maximum(full[1 : length + 1], 1e-3)
    return ramp


def _span(start: int, stop: int, weights: NDArray[np.float64]) -> Span:
    (positive,) = np.nonzero(weights)
    kept = slice(int(positive[0]), int(positive[-1]) + 1)
    return Span(start, stop, weights[kept].astype(np.float32), kept)


def _place(span: Span) -> slice:
    return slice(span.start + span.kept.start, span.start + span.kept.stop)
