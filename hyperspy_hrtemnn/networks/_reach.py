# SPDX-License-Identifier: GPL-3.0-or-later
"""Reach: how far a pixel of the input is seen, which tiles of an image rely on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ._card import Card
    from ._engine import Engine

# Largest side of the image on which it is measured [pixels].
_LARGEST_SIDE = 1024

# How far beyond the receptive field of the card it is looked for [pixels].
_BEYOND = 64

# The changed pixel, in deviations of the image: more than any pixel of an image.
_CHANGE = 20

# Share of the largest difference below which there is none. Sums in another order
# differ by rounding.
_ROUNDING = 1e-5


def measured_reach(engine: Engine, card: Card) -> int | None:
    """Return how far from a pixel that is changed the answer changes [pixels].

    The true reach may be larger, where the answer hardly depends on the pixel.

    Parameters
    ----------
    engine
        The network's graph, which answers for each pixel.
    card
        Its card.

    Returns
    -------
    The largest distance along an axis, at most to the edge of the image that it is
    measured on; None if the receptive field of the card is too large for that.
    """
    stride = card.stride
    least = max(card.smallest_side, 2 * (card.receptive_field // 2 + _BEYOND))
    side = -(-least // stride) * stride
    if side > _LARGEST_SIDE:
        return None
    rng = np.random.default_rng(0)
    image = rng.standard_normal((1, card.input_channels, side, side)).astype(np.float32)
    before = engine.run(image)
    reaches = []
    # Where a pixel lies in a block of the stride changes how far it is seen.
    for place in {side // 2, side // 2 + stride - 1}:
        changed = image.copy()
        changed[..., place, place] += _CHANGE
        difference = np.abs(engine.run(changed) - before).max(axis=(0, 1))
        rows, columns = np.nonzero(difference > _ROUNDING * difference.max())
        reaches.append(max(np.abs(rows - place).max(), np.abs(columns - place).max()))
    return int(max(reaches))
