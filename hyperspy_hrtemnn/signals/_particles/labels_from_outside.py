# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels from outside: those edited in another program become particles again."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np

from hyperspy_hrtemnn import __version__
from hyperspy_hrtemnn.signals._shared.derived import derived_signal
from hyperspy_hrtemnn.signals._shared.entrance import in_one_form
from hyperspy_hrtemnn.signals._shared.labels import own_labels

from .changed_frames import changed_lazily, same
from .choice_of_frames import frame_numbers, frames_text
from .edits import edit, label_frames, put_lazily

if TYPE_CHECKING:
    from hyperspy.signals import Signal2D
    from numpy.typing import NDArray

    from .changed_frames import Change
    from .choice_of_frames import Frames

INSTANCES = "HRTEM_instances"


def instances_of(
    labels: Any, like: Signal2D, frames: Frames | None, text: str | None = None
) -> Any:
    """Return particles with the labels of another program; see `from_labels`.

    Parameters
    ----------
    labels, like, frames
        See `Instances.from_labels`.
    text
        What it is noted as among the edits of `like`, without the frames; by default
        ``from_labels(labels``.
    """
    shown = in_one_form(like)
    chosen = frame_numbers(shown, frames, ascending=True)
    data = _data_of(labels)
    data = _in_shape(data, shown, chosen)
    if shown._signal_type != INSTANCES:
        return _of_images(data, shown, chosen)
    no_data = shown.metadata.get_item("HRTEMNN.Instances.no_data", None) == -1
    data = own_labels(data, no_data=no_data)
    result = shown._deepcopy_with_new_data(shown.data)
    said = (text or "from_labels(labels") + frames_text(chosen) + ")"
    if isinstance(data, np.ndarray) and not result._lazy:
        _replace_in_memory(result, data, chosen, said)
        return result
    result = result.as_lazy()
    _replace_lazily(result, data, chosen, said)
    return result


def _data_of(labels: Any) -> Any:
    """Return the array of labels, of a signal or of a layer of napari, too."""
    if hasattr(labels, "axes_manager"):
        return in_one_form(labels).data
    if not isinstance(labels, np.ndarray | da.Array) and hasattr(labels, "data"):
        labels = labels.data
    return labels if isinstance(labels, da.Array) else np.asarray(labels)


def _in_shape(data: Any, shown: Signal2D, chosen: list[int] | None) -> Any:
    """Return labels in the shape that is needed; raise a ValueError if they have not.

    That of one chosen frame may be one image, and that of several movies the pages that
    `to_tiff` writes of them, one after the other.
    """
    needed = shown.data.shape
    if chosen is None and data.shape == (math.prod(needed[:-2]), *needed[-2:]):
        data = data.reshape(needed)
    if chosen is not None:
        needed = (len(chosen), *shown.data.shape[-2:])
        if len(chosen) == 1 and data.ndim == 2:
            data = data[np.newaxis]
    if data.shape != needed:
        raise ValueError(
            f"The labels have the shape {data.shape}, and {needed} is needed: that of "
            f"{shown}" + ("." if chosen is None else " for the chosen frames.")
        )
    return data


def _of_images(data: Any, images: Signal2D, chosen: list[int] | None) -> Any:
    """Return the first labels of images."""
    if chosen is not None:
        raise ValueError(
            "Labels of some frames need the particles of the others: give Instances "
            f"as like, not {images}."
        )
    data = own_labels(data, no_data=False)
    lazy = isinstance(data, da.Array)
    whole = data if lazy else da.from_array(data, chunks=data.shape, name=False)
    result = derived_signal(images, whole, INSTANCES)
    made = {"from_labels": True, "version": __version__}
    result.metadata.set_item("HRTEMNN.Instances", made)
    if not lazy:
        result.compute(show_progressbar=False)
    return result


def _replace_in_memory(
    result: Signal2D, data: NDArray[Any], chosen: list[int] | None, text: str
) -> None:
    movie = data.reshape(-1, *data.shape[-2:])
    place = _places(len(movie), chosen)

    def change_of(number: int) -> Change | None:
        if number not in place:
            return None
        return partial(_replaced, new=movie[place[number]])

    edit(result, text, change_of)


def _replace_lazily(
    result: Signal2D, data: Any, chosen: list[int] | None, text: str
) -> None:
    if isinstance(data, np.ndarray):
        data = da.from_array(data, chunks=data.shape, name=False)
    movie = data.reshape(-1, *data.shape[-2:]).rechunk((1, -1, -1))
    place = _places(len(movie), chosen)
    beside = {number: (movie.name, at, 0, 0) for number, at in place.items()}

    def change_of(number: int) -> Change | None:
        return _replaced if number in place else None

    labels = changed_lazily(label_frames(result), change_of, beside=(beside, movie))
    put_lazily(result, text, labels)


def _places(total: int, chosen: list[int] | None) -> dict[int, int]:
    """Return which of the given frames each frame of the movie is."""
    numbers = range(total) if chosen is None else chosen
    return {number: at for at, number in enumerate(numbers)}


def _replaced(before: NDArray[Any], new: NDArray[Any]) -> NDArray[Any]:
    """Return new labels; pixels without data stay that, unless they are painted."""
    return np.where((before < 0) & (new <= 0), before, same(new))
