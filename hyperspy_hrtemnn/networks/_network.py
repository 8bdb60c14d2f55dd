# SPDX-License-Identifier: GPL-3.0-or-later
"""Network: an ONNX file with its card, and predictions for standardized arrays."""

from __future__ import annotations

import hashlib
import os
import threading
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ._apart import try_apart
from ._copies import place_of
from ._devices import chosen_device
from ._errors import NetworkError
from ._file import read_file
from ._novelty import to_pixels
from ._opening import opened
from ._orientations import average_orientations
from ._shipped import MODELS, available, is_shipped, shipped_path
from ._starting import started
from ._threads import inference_threads
from ._trial import card_test, fault_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._card import CardTest


class Network:
    """A network in an ONNX file, with its card.

    It can be pickled, for a distributed scheduler: the file is then read again, of a
    shipped network by its name, of another one from its path or from the copy that the
    worker was sent, and must be the same. That is done when the network is first used,
    because the scheduler, which hands it on, may have no file, and once in a process.

    Parameters
    ----------
    path
        Path of the ONNX file.
    device
        What it runs on; see `load`.

    Attributes
    ----------
    card
        Card of the network: task, ranges of the training, and scores.
    path
        Path of the file.
    sha256
        Hash of the file.
    is_averaged
        Whether predictions are averaged over eight orientations; see `averaged`.
    has_spread
        Whether the spread over the orientations is predicted, too.
    has_novelty
        Whether the novelty is predicted, too; see `with_novelty`.

    Raises
    ------
    NetworkError
        If the file is missing, is not an ONNX file, has no valid card, or its graph
        does not fit the card.
    DeviceError
        A NetworkError, too. If the device is not there, or the network does not run on
        it as on the CPU.
    """

    def __init__(self, path: str | Path, *, device: str | None = None) -> None:
        chosen = chosen_device(device)
        self.path = Path(path).resolve()
        content = read_file(self.path)
        self.sha256 = hashlib.sha256(content).hexdigest()
        self.is_averaged = self.has_spread = self.has_novelty = False
        if not is_shipped(self.path, self.sha256):
            try_apart(content, self.sha256, self.path)
        try:
            on_cpu, self.card = opened(content, self.path)
            self._engine = started(chosen, on_cpu, self.card)
        except MemoryError:
            raise NetworkError(
                f"There is not enough memory to load {self.path}."
            ) from None

    @property
    def name(self) -> str:
        """Name of the network, from its card."""
        return self.card.name

    @property
    def device(self) -> str:
        """Name of the device that it runs on, never "auto"."""
        return self._engine.device

    @property
    def place(self) -> str:
        """Name of a shipped network, or else the path of the file.

        Another machine may have the package in another folder.
        """
        return self.path.stem if self.path.parent == MODELS else str(self.path)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Read the file of a network that was unpickled."""
            closed = self.__dict__.get("_closed")
            if closed is not None and name in ("path", "card", "_engine"):
                opened = _opened(self.sha256, *closed)
                self.path, self.card = opened.path, opened.card
                self._engine = opened._engine
                self.__dict__.pop("_closed", None)
            if name in self.__dict__:
                # Perhaps another thread was faster.
                return self.__dict__[name]
            raise AttributeError(name)

    @property
    def content(self) -> bytes:
        """Bytes of the file."""
        return self._engine.content

    @property
    def outputs(self) -> int:
        """Number of channels of a prediction: classes, and spreads and novelty if any.

        The spreads of all classes follow the classes, and the novelty is the last.
        """
        return len(self.card.classes) * (2 if self.has_spread else 1) + self.has_novelty

    def averaged(self, *, spread: bool = False) -> Network:
        """Return the network with predictions averaged over eight orientations.

        These are the orientations of a square. A network distinguishes them, though
        physics does not: the mean is better where images are noisy, and takes eight
        times as long. The result can be given wherever a name of a network can::

            series.segment(load("mos2-columns").averaged())

        Parameters
        ----------
        spread
            Whether to predict the standard deviation of the eight predictions, too,
            which are there anyway. It shows where the network contradicts itself; an
            error that it makes in all orientations does not show. The mean stays the
            same to the last bit. What `HRTEM.segment` and `HRTEM.reconstruct_exitwave`
            return has it as ``spread``, `LocalFFT.zone_axis_probability` as a column::

                segmentation = image.segment(load("au-columns").averaged(spread=True))
                segmentation.spread.plot()
        """
        return self._with(is_averaged=True, has_spread=spread)

    def with_novelty(self) -> Network:
        """Return the network with the novelty of each pixel as one channel more.

        It is how unlike the images of its training the network finds the region around
        the pixel, as a share of the threshold that 1 % of the regions of such images
        exceed. Above 1, the region is foreign to the network. `HRTEM.segment` does this
        by itself.

        Raises
        ------
        NetworkError
            If the network has no guard: its card has no ``novelty``.
        """
        if self.card.novelty is None:
            raise NetworkError(
                f"The network {self.name!r} has no guard, which finds the novelty of "
                "images. Give it one with hrtemnn guard."
            )
        return self._with(has_novelty=True)

    def limited(self, num_workers: int | None) -> Network:
        """Return the network with inferences of at most this many threads.

        Without a limit these are the cores that this process may use, or what the
        environment variable ``OMP_NUM_THREADS`` says, if that is less.

        Parameters
        ----------
        num_workers
            Largest number of threads; None for no other limit.
        """
        return self._with(_engine=self._engine.limited(num_workers))

    def send(self, client: Any) -> None:
        """Send the file to each worker of a cluster, once, also to later workers.

        Methods of signals do this by themselves if there is a client. A worker keeps
        the file for as long as it lives, unless it can read it where it is. Inferences
        on it then have as many threads as the worker or, if that is more, as the
        environment variable ``OMP_NUM_THREADS`` says there.

        Parameters
        ----------
        client
            A `distributed.Client`.
        """
        from ._sending import send

        send(self, client)

    def on(self, device: str | None) -> Network:
        """Return the network on another device.

        Parameters
        ----------
        device
            See `load`; None for where it is.

        Raises
        ------
        NetworkError
            As `load`; or if the file has changed.
        """
        if device is None:
            return self
        chosen = chosen_device(device)
        if chosen == self.device:
            return self
        made = self.place, chosen, self._engine.num_workers
        return _opened(self.sha256, *made)._with(**self._asked)

    def card_test(self) -> CardTest:
        """Return a test for the card of a network that is exported."""
        return card_test(self._engine, self.card)

    def _with(self, **changes: Any) -> Network:
        # `copy` would use `__reduce__`, as `pickle` does, and return the cached
        # network.
        network = object.__new__(type(self))
        network.__dict__ |= self.__dict__ | changes
        return network

    def predict(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run the network on standardized images.

        Images are continued by reflection to a multiple of the network's stride, and
        the result is cropped to their size. Inferences run one at a time, also if they
        are called from several threads.

        Parameters
        ----------
        batch
            Images, shape (N, channel, y, x).

        Returns
        -------
        Predictions, shape (N, class, y, x), or (N, class) if they are for the whole
        image. If the network `has_spread`, the classes are followed by the spread of
        each, so that there are twice as many. If it `has_novelty`, that is one channel
        more, the last.

        Raises
        ------
        ValueError
            If the images are too small for the network.
        """
        if not self.is_averaged:
            return self._predict(batch)
        result = average_orientations(self._predict, batch, spread=self.has_spread)
        if self.has_novelty and self.has_spread:
            # Its spread is left out, and its mean comes last.
            classes = len(self.card.classes)
            means, novelty, spreads = np.split(result, [classes, classes + 1], axis=1)
            result = np.concatenate([means, spreads[:, :classes], novelty], axis=1)
        return result

    def _predict(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        height, width = batch.shape[2:]
        if min(height, width) < self.card.smallest_side:
            raise ValueError(
                f"The network {self.name!r} takes images, and tiles, of at least "
                f"{self.card.smallest_side} x {self.card.smallest_side} pixels, not "
                f"{height} x {width}."
            )
        below, beside = (-size % self.card.stride for size in (height, width))
        if below or beside:
            # Reflection needs as many pixels inside as it adds outside.
            fits = below < height and beside < width
            batch = np.pad(
                batch,
                ((0, 0), (0, 0), (0, below), (0, beside)),
                mode="reflect" if fits else "edge",
            )
        result = self._run(batch)
        return result if self.card.per_image else result[..., :height, :width]

    def _run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the answer of the graph, with the novelty of each pixel if asked for.

        Raises
        ------
        ValueError
            If the batch is not finite.
        NetworkError
            If the answer cannot be right.
        """
        if self.has_novelty and self.card.novelty is not None:
            answer, regions = self._engine.run_all(batch)
            self._check(batch, answer)
            novelty = to_pixels(regions, batch.shape[2:], self.card.novelty)
            return np.concatenate([answer, novelty], axis=1)
        answer = self._engine.run(batch)
        self._check(batch, answer)
        return answer

    def _check(self, batch: NDArray[np.float32], answer: NDArray[np.float32]) -> None:
        if why := fault_of(answer, self.card):
            if not np.isfinite(batch).all():
                raise ValueError(
                    f"The images for the network {self.name!r} are not finite."
                )
            raise NetworkError(
                f"The answer of the network {self.name!r} ({self.path}) {why}. Its "
                "weights are damaged, or it was not meant for such images."
            )

    def __repr__(self) -> str:
        averaged = ", averaged" if self.is_averaged else ""
        averaged += " with its spread" if self.has_spread else ""
        what = f"{self.card.task}, {self.card.material}{averaged}"
        return f"<Network {self.name!r}, {what}, on {self.device}>"

    def __reduce__(self) -> tuple[Any, ...]:
        # Not "auto": what the metadata say of the device is true on a cluster, too.
        if (closed := self.__dict__.get("_closed")) is None:
            closed = self.place, self.device, self._engine.num_workers
        return _closed, (self.sha256, self._asked, *closed)

    @property
    def _asked(self) -> dict[str, bool]:
        """What is predicted."""
        return {
            "is_averaged": self.is_averaged,
            "has_spread": self.has_spread,
            "has_novelty": self.has_novelty,
        }

    def __dask_tokenize__(self) -> tuple[Any, ...]:
        states = self.is_averaged, self.has_spread, self.has_novelty
        return "hyperspy_hrtemnn.Network", self.sha256, *states


def load(name_or_path: str | Path, device: str | None = None) -> Network:
    """Load a network, by the name of a shipped one or by the path of a file.

    A file is read only once as long as it does not change.

    Parameters
    ----------
    name_or_path
        Name from `available()`, or path of an ONNX file.
    device
        What it runs on: ``"cpu"``, ``"cuda"``, ``"directml"``, ``"openvino"`` or
        ``"coreml"``; or ``"auto"`` for the best that is there, with a warning if that
        does not work and the network runs on the CPU. By default what the environment
        variable ``HRTEMNN_DEVICE`` says, or else ``"auto"``.

    Raises
    ------
    NetworkError
        If there is no such network, or its file cannot be used.
    DeviceError
        A NetworkError, too. If the device that is named is not there, or the network
        does not run on it as on the CPU, to 1e-3.
    """
    chosen = chosen_device(device)
    path = _find(name_or_path)
    try:
        status = path.stat()
    except (OSError, ValueError):
        raise NetworkError(f"There is no file {path}.") from None
    return _cached(path, status.st_mtime_ns, status.st_size, chosen)


def _find(name_or_path: str | Path) -> Path:
    if isinstance(name_or_path, str) and name_or_path in available():
        return shipped_path(name_or_path)
    path = Path(name_or_path).expanduser()
    if isinstance(name_or_path, str) and not os.path.lexists(path):
        looks_like_a_name = path.name == name_or_path and path.suffix != ".onnx"
        if looks_like_a_name:
            names = ", ".join(available()) or "none"
            raise NetworkError(
                f"There is no network {name_or_path!r}. Shipped networks: {names}. "
                "For another one, give the path of its .onnx file."
            )
    return path.resolve()


# One thread loads a network, and the others get what it has loaded.
_loading = threading.Lock()


def _after_fork() -> None:
    """Forget a lock that a thread which a fork has left behind may hold."""
    global _loading  # noqa: PLW0603
    _loading = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _cached(path: Path, mtime_ns: int, size: int, device: str) -> Network:
    with _loading:
        return _loaded(path, mtime_ns, size, device)


@lru_cache(maxsize=32)  # whoever asks which network fits loads all that are shipped
def _loaded(
    path: Path,
    mtime_ns: int,  # noqa: ARG001 - part of the key
    size: int,  # noqa: ARG001 - part of the key
    device: str,
) -> Network:
    return Network(path, device=device)


def _closed(sha256: str, asked: dict[str, bool], *made: Any) -> Network:
    """Return a network whose file is read when it is used."""
    network = object.__new__(Network)
    network.__dict__ |= {"sha256": sha256, "_closed": made, **asked}
    return network


def _opened(sha256: str, place: str, device: str, num_workers: int | None) -> Network:
    """Return a network that is known from another process, or on another device.

    Raises
    ------
    NetworkError
        If its file is not on this machine, or has changed.
    """
    path = place_of(sha256, place)
    try:
        status = path.stat()
    except OSError:
        raise NetworkError(
            f"There is no file {path} on this machine. Network.send gives it to all "
            "workers of a cluster."
        ) from None
    key = path, status.st_mtime_ns, status.st_size, device
    with _loading:
        # Each task of a cluster brings the network anew.
        network = _limited(key, num_workers, inference_threads(num_workers))
    if network.sha256 != sha256:
        raise NetworkError(f"The file {path} has changed since the network was loaded.")
    return network


@lru_cache(maxsize=2)
def _limited(
    key: tuple[Path, int, int, str],
    num_workers: int | None,
    threads: int,  # noqa: ARG001 - part of the key
) -> Network:
    return _loaded(*key).limited(num_workers)
