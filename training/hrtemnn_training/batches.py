# SPDX-License-Identifier: GPL-3.0-or-later
"""What Keras trains on: one image epoch after another, formed while it trains."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from keras.utils import PyDataset

from .augmentation import flip_and_turn, vary_intensity
from .images import training_pair

if TYPE_CHECKING:
    from .parameters import ImageParameters
    from .store import DataSet


class ImageEpoch(PyDataset):
    """Batches of one pass: every exit wave imaged once, in random order.

    The same seed and epoch give the same images; with more epochs than
    ``image_epochs`` the images return, flipped and turned anew.

    Parameters
    ----------
    data
        The exit waves.
    parameters
        What the images are drawn from.
    energy
        Beam energy of the waves [keV].
    sampling
        Working sampling of the network [Å].
    epoch
        Which pass.
    batch_size
        Images in a batch.
    augment
        Whether images are flipped, turned and varied in intensity.
    """

    def __init__(
        self,
        data: DataSet,
        parameters: ImageParameters,
        *,
        energy: float,
        sampling: float,
        epoch: int,
        batch_size: int,
        augment: bool = True,
        workers: int = 2,
    ) -> None:
        super().__init__(workers=workers, max_queue_size=4)
        self._data = data
        self._parameters = parameters
        self._energy = energy
        self._sampling = sampling
        self._epoch = epoch
        self._augment = augment
        rng = np.random.default_rng((parameters.seed, epoch))
        order = rng.permutation(len(data))
        n_batches = len(order) // batch_size
        self._batches = order[: n_batches * batch_size].reshape(n_batches, batch_size)

    def __len__(self) -> int:
        """Return the number of batches."""
        return len(self._batches)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Return images and labels, float32, shape (batch, y, x, 1)."""
        pairs = [self._make(int(i)) for i in self._batches[index]]
        images, labels = (
            np.stack(part)[..., np.newaxis] for part in zip(*pairs, strict=True)
        )
        return images, labels

    def _make(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        p = self._parameters
        conditions = np.random.default_rng(
            (p.seed, self._epoch % p.image_epochs, index)
        )
        image, label = training_pair(
            self._data.read_sample(index),
            p,
            energy=self._energy,
            sampling=self._sampling,
            rng=conditions,
        )
        if self._augment:
            rng = np.random.default_rng((p.seed, self._epoch, index, 1))
            image, label = flip_and_turn(vary_intensity(image, rng), label, rng)
        return image, label.astype(np.float32)
