# SPDX-License-Identifier: GPL-3.0-or-later
"""Mixed batches: simulated images and crops of a user's images, in every step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hrtemnn_training.train.batches import ImageEpoch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hrtemnn_training.parameters import ImageParameters
    from hrtemnn_training.store import DataSet

    from .frames import Frame

_ROUND = 5000  # seeds of its own for crops


class MixedEpoch(ImageEpoch):
    """Batches of one pass over the exit waves, with crops of frames in each.

    Crops are flipped, turned and varied in intensity as the simulated images are.

    Parameters
    ----------
    data, parameters
        See `ImageEpoch`.
    frames
        Frames with a part to train on.
    crops
        How many of a batch are crops.
    batch_size
        Images in a batch, crops and simulated ones.
    options
        Those of `ImageEpoch`; objects have no weight of their own.
    """

    def __init__(
        self,
        data: DataSet,
        parameters: ImageParameters,
        *,
        frames: Sequence[Frame],
        crops: int,
        batch_size: int,
        **options: Any,
    ) -> None:
        super().__init__(data, parameters, batch_size=batch_size - crops, **options)
        self._frames = frames
        self._crops = crops

    def __getitem__(self, index: int) -> tuple[np.ndarray, ...]:
        """Return images, shape (batch, y, x, image), and labels; crops come last."""
        images, labels = super().__getitem__(index)
        rng = np.random.default_rng((self._parameters.seed, self._epoch, index, _ROUND))
        pairs = [self._crop(rng) for _ in range(self._crops)]
        crops, drawn = map(np.stack, zip(*pairs, strict=True))
        return (
            np.concatenate([images, crops.astype(np.float32)]),
            np.concatenate([labels, drawn.astype(np.float32)]),
        )

    def _crop(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        frame = self._frames[int(rng.integers(len(self._frames)))]
        x, y = self._parameters.image_size
        return self._parameters.kind.augment(*frame.crop((y, x), rng), rng)
