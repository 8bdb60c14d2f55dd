# SPDX-License-Identifier: GPL-3.0-or-later
"""Memory of inference: what to do where there is not enough of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._tiling import smallest_tile, spans

if TYPE_CHECKING:
    from hyperspy_hrtemnn.options import PredictionOptions

    from ._card import Card


def not_enough_memory(
    card: Card, shape: tuple[int, int], options: PredictionOptions
) -> str:
    """Return in one line what to do where an inference has not got enough memory.

    Parameters
    ----------
    card
        Card of the network.
    shape
        Shape of the image, (y, x), at the sampling of the network.
    options
        How the network was run.
    """
    lack = f"There is not enough memory to run the network {card.name!r} on "
    fewer = "fewer workers (num_workers or --numproc)"
    height, width = shape
    if card.per_image:
        return (
            f"{lack}an image of {height} x {width} pixels. Take {fewer}, or a part of "
            "the image."
        )
    used = 0
    for size in shape:
        parts = spans(
            size,
            receptive_field=card.receptive_field,
            stride=card.stride,
            tile=options.tile,
            overlap=options.overlap,
            window=options.window,
        )
        used = max(used, *(part.stop - part.start for part in parts))
    least = max(
        smallest_tile(card.receptive_field, card.stride, options.overlap),
        card.smallest_side,
    )
    tile = max(-(-used // (2 * card.stride)) * card.stride, least)
    lack += f"tiles of {used} pixels, of an image of {height} x {width}. Take "
    if tile >= used:
        return f"{lack}{fewer}, or a part of the image."
    return f"{lack}--tile {tile} (in Python: tile={tile}) or {fewer}."
