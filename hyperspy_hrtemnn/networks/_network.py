# SPDX-License-Identifier: GPL-3.0-or-later
"""Network: an ONNX file with its card, and predictions for standardized arrays."""

from __future__ import annotations

import hashlib
import threading
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError

from ._card import METADATA_KEY, Card
from ._orientations import average_orientations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MODELS = Path(__file__).parent.parent / "models"
"""Folder of the networks that come with the package."""

# Not all available providers are used: some compile for minutes before the first image.
_PROVIDERS = ("CPUExecutionProvider",)

# Side of the image with which a graph is tested when it is loaded; a second side that
# differs by one stride shows whether the stride is larger than in the card.
_TRIAL_SIDE = 32


class NetworkError(ValueError):
    """The file of a network is missing, is not a network, or contradicts its card."""


class Network:
    """A network in an ONNX file, with its card.

    It can be pickled, for a distributed scheduler: the file is then read again from its
    path, and must be the same.

    Parameters
    ----------
    path
        Path of the ONNX file.
    providers
        Execution providers of onnxruntime, in the order of preference.

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

    Raises
    ------
    NetworkError
        If the file is missing, is not an ONNX file, has no valid card, or its graph
        does not fit the card.
    """

    def __init__(
        self, path: str | Path, *, providers: Sequence[str] = _PROVIDERS
    ) -> None:
        self.path = Path(path).resolve()
        try:
            content = self.path.read_bytes()
        except OSError as error:
            raise NetworkError(
                f"{self.path} cannot be read: {error.strerror or error}."
            ) from None
        self.sha256 = hashlib.sha256(content).hexdigest()
        self.is_averaged = False
        self._requested = tuple(providers)
        self._session = _session(content, self.path, self._requested)
        self.card = _card(self._session, self.path)
        # onnxruntime runs one inference on all cores: a second one at the same time
        # would only double the memory.
        self._lock = threading.Lock()
        _check_signature(self._session, self.card, self.path)
        self._check_by_trial()

    @property
    def name(self) -> str:
        """Name of the network, from its card."""
        return self.card.name

    @property
    def providers(self) -> tuple[str, ...]:
        """Execution providers that are in use, the preferred one first."""
        return tuple(self._session.get_providers())

    def averaged(self) -> Network:
        """Return the network with predictions averaged over eight orientations.

        These are the orientations of a square. A network distinguishes them, though
        physics does not: the mean is better where images are noisy, and takes eight
        times as long. The result can be given wherever a name of a network can::

            series.segment(load("mos2-columns").averaged())
        """
        # `copy` would use `__reduce__`, as `pickle` does, and return the cached
        # network.
        network = object.__new__(type(self))
        network.__dict__ |= self.__dict__ | {"is_averaged": True}
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
        image.

        Raises
        ------
        ValueError
            If the images are too small for the network.
        """
        if self.is_averaged:
            return average_orientations(self._predict, batch)
        return self._predict(batch)

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
        name = self._session.get_inputs()[0].name
        batch = np.ascontiguousarray(batch, dtype=np.float32)
        with self._lock:
            result: NDArray[np.float32] = self._session.run(None, {name: batch})[0]
        return result

    def _check_by_trial(self) -> None:
        stride = self.card.stride
        side = -(-max(_TRIAL_SIDE, self.card.smallest_side) // stride) * stride
        image = (side, side + stride)
        shape = (2, self.card.channels, *image)
        expected = (2, len(self.card.classes)) + (() if self.card.per_image else image)
        try:
            result = self._run(np.zeros(shape, np.float32))
        # onnxruntime's exceptions have no common base.
        except Exception as error:
            raise _misfit(
                self.path, f"it fails on input of shape {shape}: {error}"
            ) from (error)
        if result.shape != expected:
            raise _misfit(
                self.path,
                f"its output for input of shape {shape} has the shape {result.shape}, "
                f"not {expected} as for the task {self.card.task!r} and "
                f"{len(self.card.classes)} classes of the card",
            )

    def __repr__(self) -> str:
        averaged = ", averaged" if self.is_averaged else ""
        return (
            f"<Network {self.name!r}, {self.card.task}, {self.card.material}{averaged}>"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        known = (self.path, self.sha256, self._requested, self.is_averaged)
        return _reload, known

    def __dask_tokenize__(self) -> tuple[Any, ...]:
        return "hyperspy_hrtemnn.Network", self.sha256, self.is_averaged


def available() -> tuple[str, ...]:
    """Return the names of the networks that come with the package."""
    return tuple(sorted(path.stem for path in MODELS.glob("*.onnx")))


def load(name_or_path: str | Path) -> Network:
    """Load a network, by the name of a shipped one or by the path of a file.

    A file is read only once as long as it does not change.

    Parameters
    ----------
    name_or_path
        Name from `available()`, or path of an ONNX file.

    Raises
    ------
    NetworkError
        If there is no such network, or its file cannot be used.
    """
    path = _find(name_or_path)
    try:
        status = path.stat()
    except OSError:
        raise NetworkError(f"There is no file {path}.") from None
    return _cached(path, status.st_mtime_ns, status.st_size, _PROVIDERS)


def _find(name_or_path: str | Path) -> Path:
    if isinstance(name_or_path, str) and name_or_path in available():
        return MODELS / f"{name_or_path}.onnx"
    path = Path(name_or_path).expanduser()
    if isinstance(name_or_path, str) and not path.exists():
        looks_like_a_name = path.name == name_or_path and path.suffix != ".onnx"
        if looks_like_a_name:
            names = ", ".join(available()) or "none"
            raise NetworkError(
                f"There is no network {name_or_path!r}. Shipped networks: {names}. "
                "For another one, give the path of its .onnx file."
            )
    return path.resolve()


@lru_cache(maxsize=8)
def _cached(
    path: Path,
    mtime_ns: int,  # noqa: ARG001 - part of the key
    size: int,  # noqa: ARG001 - part of the key
    providers: tuple[str, ...],
) -> Network:
    return Network(path, providers=providers)


def _reload(
    path: Path, sha256: str, providers: tuple[str, ...], is_averaged: bool
) -> Network:
    try:
        status = path.stat()
    except OSError:
        raise NetworkError(f"There is no file {path} on this machine.") from None
    network = _cached(path, status.st_mtime_ns, status.st_size, providers)
    if network.sha256 != sha256:
        raise NetworkError(f"The file {path} has changed since the network was loaded.")
    return network.averaged() if is_averaged else network


def _session(content: bytes, path: Path, providers: tuple[str, ...]) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # Planning the memory for each shape in advance is not faster, and takes a third
    # more memory with a U-net, and twice as much with an MSD-net.
    options.enable_mem_pattern = False
    try:
        return onnxruntime.InferenceSession(content, options, providers=list(providers))
    # onnxruntime's exceptions have no common base.
    except Exception as error:
        raise NetworkError(
            f"onnxruntime cannot read {path}: it is not an ONNX file, or it is "
            f"incomplete ({error})."
        ) from error


def _card(session: Any, path: Path) -> Card:
    text = session.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
    if text is None:
        raise NetworkError(
            f"{path} has no card ({METADATA_KEY!r} in its metadata): it was not "
            "exported by hrtemnn export."
        )
    try:
        return Card.model_validate_json(text)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'card'}: {fault['msg']}"
            for fault in error.errors()
        )
        raise NetworkError(f"The card of {path} is not valid: {faults}.") from None


def _misfit(path: Path, why: str) -> NetworkError:
    return NetworkError(f"The graph of {path} does not fit its card: {why}.")


def _check_signature(session: Any, card: Card, path: Path) -> None:
    """Compare the declarations of the graph with the card, before it runs."""
    answer = 2 if card.per_image else 4
    sides = (
        ("input", session.get_inputs(), card.channels, 4),
        ("output", session.get_outputs(), len(card.classes), answer),
    )
    for side, ports, channels, dimensions in sides:
        if len(ports) != 1:
            raise _misfit(path, f"it has {len(ports)} {side}s, not 1")
        (port,) = ports
        if port.type != "tensor(float)":
            raise _misfit(path, f"its {side} is {port.type}, not float32")
        if len(port.shape) != dimensions:
            raise _misfit(
                path,
                f"its {side} has {len(port.shape)} dimensions, not "
                f"{', '.join(('N', 'C', 'y', 'x')[:dimensions])}",
            )
        if isinstance(port.shape[1], int) and port.shape[1] != channels:
            raise _misfit(
                path,
                f"its {side} has {port.shape[1]} channels, the card says {channels}",
            )
    batch, _, *image = session.get_inputs()[0].shape
    if any(isinstance(size, int) for size in (batch, *image)):
        raise _misfit(
            path,
            f"its input has the fixed shape {session.get_inputs()[0].shape}; the "
            "number of images, the height and the width must be symbolic",
        )
