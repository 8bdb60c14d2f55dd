# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches: what Keras trains on, one image epoch after another, formed meanwhile."""

from __future__ import annotations

import hashlib
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING
from zipfile import BadZipFile

import numpy as np
from keras.utils import PyDataset
from tqdm import tqdm

from hrtemnn_training.generation import data_path
from hrtemnn_training.store import DataSet
from hyperspy_hrtemnn.atomic import written_whole
from hyperspy_hrtemnn.cores import usable_cores
from hyperspy_hrtemnn.user_warnings import warn_user

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from hrtemnn_training.parameters import ImageParameters
    from hrtemnn_training.recipe import Recipe


# What reading a file raises that a power failure left empty, short or full of zeros;
# the checksums in it are those of zip files.
_DAMAGE = (EOFError, BadZipFile, KeyError, ValueError)


class ImageEpoch(PyDataset):
    """Batches of one pass: every exit wave imaged once, in random order.

    The same seed and epoch give the same images; with more epochs than
    ``image_epochs`` the images return, flipped and turned anew.

    Parameters
    ----------
    data
        The exit waves.
    parameters
        Ranges that the images are drawn from.
    sampling
        Working sampling of the network [Å].
    epoch
        Number of the pass.
    batch_size
        Images in a batch.
    augment
        Whether images are flipped, turned and varied in intensity.
    object_weight
        Weight of an object's pixels in the loss; that of the others is 1.
    limit
        Only so many of the exit waves, the first ones; all if None.
    cache
        Folder that keeps the images of the first `image_epochs` epochs for the later
        ones; without it each is formed again when it returns.
    workers
        Threads that form images while the network trains; as many as cores if None.
    """

    def __init__(
        self,
        data: DataSet,
        parameters: ImageParameters,
        *,
        sampling: float,
        epoch: int,
        batch_size: int,
        augment: bool = True,
        object_weight: float = 1.0,
        limit: int | None = None,
        cache: Path | None = None,
        workers: int | None = None,
    ) -> None:
        super().__init__(workers=workers or usable_cores())
        self._data = data
        self._parameters = parameters
        self._sampling = sampling
        self._epoch = epoch
        self._image_epoch = epoch % parameters.image_epochs
        self._augment = augment
        self._object_weight = object_weight
        self._cache = cache and cache / self._key()
        rng = np.random.default_rng((parameters.seed, epoch))
        order = rng.permutation(min(len(data), limit or len(data)))
        n_batches = len(order) // batch_size
        self._batches = order[: n_batches * batch_size].reshape(n_batches, batch_size)

    def __len__(self) -> int:
        """Return the number of batches."""
        return len(self._batches)

    def __getitem__(self, index: int) -> tuple[np.ndarray, ...]:
        """Return images and labels of a batch, and the pixels' weights if not all 1.

        Images have the shape (batch, y, x, image), labels (batch, y, x, class), or
        (batch, class) where they are of the image as a whole; all are float32.
        """
        pairs = [self._make(int(i)) for i in self._batches[index]]
        images, labels = map(np.stack, zip(*pairs, strict=True))
        labels = labels.astype(np.float32)
        if self._object_weight == 1:
            return images, labels
        objects = self._parameters.kind.objects
        return images, labels, pixel_weights(labels, objects, self._object_weight)

    def ahead(self) -> Iterator[tuple[np.ndarray, ...]]:
        """Yield the batches in their order, formed ahead by the workers.

        Twice as many as there are workers are formed or wait. Keras' own queue is not
        used because nobody can tell how long the network waits for it.
        """
        pool = ThreadPoolExecutor(self.workers)
        waiting: deque[Future[tuple[np.ndarray, ...]]] = deque()
        try:
            for index in range(len(self)):
                waiting.append(pool.submit(self.__getitem__, index))
                if len(waiting) == 2 * self.workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)

    def pair(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Return image and label of one structure, not augmented, kept or formed."""
        if self._cache is None:
            return self._form(index)
        path = self.keep(index)
        try:
            return _read_pair(path)
        except _DAMAGE:
            warn_user(f"{path} was damaged and is formed anew.")
            path.unlink(missing_ok=True)
            return _read_pair(self.keep(index))

    def keep(self, index: int) -> Path:
        """Form image and label of one structure into the cache, if not there yet."""
        if self._cache is None:
            raise ValueError("There is no cache to keep images in.")
        path = self._cache / f"{self._image_epoch:03d}-{index:05d}.npz"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            image, label = self._form(index)
            with written_whole(path, lasting=False) as temporary:
                np.savez(temporary, image=image.astype(np.float16), label=label)
        return path

    def _make(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        image, label = self.pair(index)
        if self._augment:
            rng = np.random.default_rng((self._parameters.seed, self._epoch, index, 1))
            return self._parameters.kind.augment(image, label, rng)
        return image, label

    def _key(self) -> str:
        # Stages may draw from other ranges, so the ranges are part of the name; so is
        # what another recipe in the same folder may change without new waves.
        text = self._parameters.model_dump_json(exclude={"debug"}) + f"{self._sampling}"
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def _form(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        parameters = self._parameters
        return parameters.kind.pair(
            self._data.read_specimen(index),
            sampling=self._sampling,
            rng=np.random.default_rng((parameters.seed, self._image_epoch, index)),
        )


def _read_pair(path: Path) -> tuple[np.ndarray, np.ndarray]:
    # Opened here: numpy leaves a damaged file open, which Windows then does not delete.
    with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
        return kept["image"].astype(np.float32), kept["label"]


def pixel_weights(
    labels: NDArray[np.float32], objects: int, object_weight: float
) -> NDArray[np.float32]:
    """Return how much each pixel counts in the loss, shape (batch, y, x).

    Parameters
    ----------
    labels
        Shape (batch, y, x, class), between 0 and 1.
    objects
        Number of the first classes that are not the background.
    object_weight
        Weight of a pixel that is an object's; that of the others is 1.
    """
    weights: NDArray[np.float32] = labels[..., :objects].sum(axis=-1)
    return 1 + (object_weight - 1) * weights


def cache_path(folder: Path) -> Path:
    """Return where the images of a training are kept in the folder of a run."""
    return folder / "images"


def image_epochs(recipe: Recipe) -> list[tuple[ImageParameters, int]]:
    """Return the image epochs of a training that differ, each once.

    Parameters
    ----------
    recipe
        Images and stages.
    """
    found: dict[tuple[str, int], tuple[ImageParameters, int]] = {}
    first = 0
    for stage in recipe.training.stages:
        # Images return after so many epochs, but not where ranges widen.
        returning = recipe.images_of(stage).image_epochs
        count = stage.epochs if stage.widen else min(stage.epochs, returning)
        for epoch in range(first, first + count):
            parameters = recipe.images_at(epoch)
            number = epoch % parameters.image_epochs
            found[parameters.model_dump_json(), number] = parameters, number
        first += stage.epochs
    return list(found.values())


def form_images(recipe: Recipe, folder: Path, *, progress: bool = True) -> None:
    """Form and keep all images of a training that are not kept yet.

    Parameters
    ----------
    recipe
        Images and stages.
    folder
        Folder of the run, with the exit waves.
    progress
        Whether to show a progress bar.
    """
    data = DataSet(data_path(folder, "train"))
    jobs = []
    for parameters, image_epoch in image_epochs(recipe):
        images = ImageEpoch(
            data,
            parameters,
            sampling=recipe.sampling,
            epoch=image_epoch,
            batch_size=1,
            limit=recipe.training.limit_data,
            cache=cache_path(folder),
        )
        jobs += [(images, index) for index in range(len(images))]
    with ThreadPoolExecutor(usable_cores()) as pool:
        formed = pool.map(lambda job: job[0].keep(job[1]), jobs)
        for _ in tqdm(formed, "images", len(jobs), disable=not progress):
            pass
