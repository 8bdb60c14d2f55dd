# SPDX-License-Identifier: GPL-3.0-or-later
"""What Keras trains on: one image epoch after another, formed while it trains."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
from keras.utils import PyDataset

from .augmentation import flip_and_turn, vary_intensity
from .images import training_pair
from .whole_files import written_whole

if TYPE_CHECKING:
    from pathlib import Path

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
    cache
        Folder that keeps the images of the first `image_epochs` epochs for the later
        ones; without it each is formed again when it returns.
    workers
        Threads that form images while the network trains.
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
        cache: Path | None = None,
        workers: int = 2,
    ) -> None:
        super().__init__(workers=workers, max_queue_size=4)
        self._data = data
        self._parameters = parameters
        self._energy = energy
        self._sampling = sampling
        self._epoch = epoch
        self._augment = augment
        self._cache = cache
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
        image, label = self._image(index, self._epoch % self._parameters.image_epochs)
        if self._augment:
            rng = np.random.default_rng((self._parameters.seed, self._epoch, index, 1))
            image, label = flip_and_turn(vary_intensity(image, rng), label, rng)
        return image, label.astype(np.float32)

    def _image(self, index: int, image_epoch: int) -> tuple[np.ndarray, np.ndarray]:
        if self._cache is None:
            return self._form(index, image_epoch)
        # Stages may draw from other ranges, so the ranges are part of the name.
        key = hashlib.sha256(self._parameters.model_dump_json().encode()).hexdigest()
        path = self._cache / key[:12] / f"{image_epoch:03d}-{index:05d}.npy"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            with written_whole(path) as temporary:
                np.save(
                    temporary, np.stack(self._form(index, image_epoch)).astype("f2")
                )
        image, label = np.load(path)
        return image.astype(np.float32), label > 0

    def _form(self, index: int, image_epoch: int) -> tuple[np.ndarray, np.ndarray]:
        parameters = self._parameters
        return training_pair(
            self._data.read_sample(index),
            parameters,
            energy=self._energy,
            sampling=self._sampling,
            rng=np.random.default_rng((parameters.seed, image_epoch, index)),
        )
