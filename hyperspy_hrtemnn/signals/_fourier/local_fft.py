# SPDX-License-Identifier: GPL-3.0-or-later
"""Fourier transforms of single particles, frame by frame."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import partial
from operator import index as whole_number
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import dask.array as da
import numpy as np
from dask.highlevelgraph import HighLevelGraph

from hyperspy_hrtemnn import __version__
from hyperspy_hrtemnn.analysis import (
    crop_sizes,
    local_spectrum,
    particle_spectra,
    smallest_crop_size,
)
from hyperspy_hrtemnn.bad_frames import check_data
from hyperspy_hrtemnn.image_data import ImageData, image_data
from hyperspy_hrtemnn.signals._shared.calibration import pixels, sampling
from hyperspy_hrtemnn.signals._shared.deferred import (
    deferred_blocks,
    lenient_blocks,
    whole_frames,
)
from hyperspy_hrtemnn.signals._shared.derived import computed, derived_signal
from hyperspy_hrtemnn.signals._shared.entrance import in_one_form, in_same_form
from hyperspy_hrtemnn.signals._shared.frames import axis_dicts, free_name
from hyperspy_hrtemnn.signals._shared.labels import check_ids, has_no_data
from hyperspy_hrtemnn.signals._shared.skipping import FrameRule
from hyperspy_hrtemnn.user_warnings import warn_user

if TYPE_CHECKING:
    from hyperspy.signals import Signal2D
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.bad_frames import OnBadFrame
    from hyperspy_hrtemnn.signals._shared.deferred import LenientBlock

# Of the spectra of several frames; those of one frame may take more.
_BLOCK_BYTES = 64 * 2**20

# Largest side of a crop where the image is smaller [pixels]; zeros are around it.
_LARGEST_SIDE = 4096


def local_fft(
    signal: Signal2D,
    instances: Signal2D | None = None,
    id: int | Iterable[int] | None = None,  # noqa: A002 - as the column of tables
    *,
    apodization: float | str = "0.5 nm",
    size: float | str | None = None,
    on_bad_frame: OnBadFrame | None = None,
    show_progressbar: bool | None = None,
    num_workers: int | None = None,
    lazy_output: bool | None = None,
) -> Signal2D:
    """Return the Fourier transform of one particle, or of several, frame by frame.

    The definition and normalization are those of
    `hyperspy_hrtemnn.analysis.local_spectrum`.

    Parameters
    ----------
    signal
        Real images, array order (..., y, x).
    instances
        The particles, with the navigation and signal shape of the images. By default
        the whole image is transformed.
    id
        The particle, or several, along an additional navigation axis ``id``; by
        default all. Where a particle is absent the result is 0. Whether it is anywhere
        is not known of lazy instances; what computes the spectra warns if they are all
        empty.
    apodization
        Standard deviation of the Gaussian edge of the window: a number in the unit of
        the signal axes, or a text with a unit.
    size
        Height and width of the crop that is transformed: a number in the unit of the
        signal axes, or a text with a unit. By default the smallest even number of
        pixels that holds the particles in all frames with their soft edges, or the
        whole image if there are no instances. A particle that is larger is trimmed; a
        warning says so, but not where `instances` are lazy, so that it is not known.
    on_bad_frame
        What to do about a frame that has no data or cannot be read: ``"raise"`` or
        ``"skip"``; by default skip where there are several frames. Skipped frames, and
        those of which the instances know nothing, are NaN.
    show_progressbar
        Whether to show a progress bar; by default as in HyperSpy's preferences.
    num_workers
        Number of threads of dask; by default dask's own.
    lazy_output
        Whether to leave the computation for later; by default if the signal is lazy.

    Raises
    ------
    ValueError
        If the signal is not calibrated, `instances` does not fit it or has no
        particle `id`, a particle is named twice, or if `instances` is lazy, so that
        neither the ids nor the size are known, and they are not given. If `size` or the
        image is not larger than four apodizations, which the soft edges take.
    TypeError
        If `id` is not a whole number.
    """
    nanometers = sampling(signal, "nm")
    soft = soft_edge(signal, apodization)
    side = None if size is None else crop_side(signal, size)
    fitting: dict[int, int] = {}
    if instances is None:
        if id is not None:
            raise ValueError(
                f"The particle {id} is wanted, but no instances are given."
            )
        ids = None
        shape = signal.data.shape[-2:] if side is None else (side, side)
    else:
        instances = in_one_form(instances)
        in_same_form(instances, signal)
        wanted = None if id is None else _numbers(id)
        ids, fitting = _ids_and_fitting(instances, wanted, side, soft)
        side = max(fitting.values()) if side is None else side
        shape = (side, side)
    check_room(signal, min(*shape, *signal.data.shape[-2:]), soft)
    _warn_of_larger(signal, shape[0], fitting)

    rule = FrameRule(on_bad_frame).over(signal.data.shape[:-2])
    data = _transformed(signal, instances, ids, shape, soft, rule=rule)
    axes = axis_dicts(signal)[:-2]
    free_name(axes, "id")
    if id is None or isinstance(id, Iterable):
        if ids is not None:
            axes.append({"name": "id", "size": len(ids), "navigate": True})
    else:
        data = data[:, 0]
    axes += [
        {
            "name": name,
            "size": n,
            "units": "1/nm",
            "scale": 1 / (n * nanometers),
            # Zero frequency is the pixel n // 2.
            "offset": -(n // 2) / (n * nanometers),
            "navigate": False,
        }
        for name, n in zip(("ky", "kx"), shape, strict=True)
    ]
    data = data.reshape(signal.data.shape[:-2] + data.shape[1:])
    result = derived_signal(signal, data, "HRTEM_local_fft", axes)
    result.metadata.set_item(
        "HRTEMNN.LocalFFT", {"apodization": apodization, "version": __version__}
    )
    if ids is not None:
        result.metadata.set_item("HRTEMNN.ids", ids)
    return computed(  # type: ignore[no-any-return]
        result,
        lazy=signal._lazy if lazy_output is None else lazy_output,
        show_progressbar=show_progressbar,
        num_workers=num_workers,
        rule=rule,
        # Of instances it is known before which frames are empty.
        empty_frames=instances is None,
    )


def soft_edge(signal: Signal2D, apodization: float | str) -> float:
    """Return the standard deviation of a window's edge in pixels."""
    soft = pixels(apodization, signal)
    if not 0 <= soft < math.inf:
        raise ValueError(
            f"apodization has to be a length of 0 or more, not {apodization!r}."
        )
    return soft


def crop_side(signal: Signal2D, size: float | str) -> int:
    """Return the height and width of a crop in pixels."""
    side = pixels(size, signal)
    if not round(side) >= 1:
        raise ValueError(f"size must be at least one pixel, not {size!r}.")
    largest = max(_LARGEST_SIDE, 2 * max(signal.data.shape[-2:]))
    if side > largest:
        raise ValueError(
            f"size is {size!r}, {side:.3g} pixels; a crop has {largest} pixels or "
            "fewer on each side. Give a smaller size, or check the calibration."
        )
    return round(side)


def _numbers(wanted: int | Iterable[int]) -> list[int]:
    """Return the particles that are asked for."""
    several = wanted if isinstance(wanted, Iterable) else [wanted]
    numbers = [whole_number(number) for number in several]
    if not numbers:
        raise ValueError("id names no particle.")
    if min(numbers) < 1:
        raise ValueError(f"The ids of particles begin at 1; id is {min(numbers)}.")
    twice = sorted({number for number in numbers if numbers.count(number) > 1})
    if twice:
        raise ValueError(f"id names the particle {twice[0]} twice.")
    return numbers


def check_room(signal: Signal2D, side: int, soft: float) -> None:
    """Raise a ValueError if nothing but soft edges is in a crop of this side."""
    least = smallest_crop_size(soft)
    if side < least:
        raise ValueError(
            f"A crop or an image of {_length(signal, side)} is all soft edge: the "
            f"edges take four apodizations, {_length(signal, least - 1)}. It has to be "
            f"at least {_length(signal, least)}, and as much larger as a particle is. "
            "Give a larger size, or a smaller apodization."
        )


def _warn_of_larger(signal: Signal2D, side: int, fitting: dict[int, int]) -> None:
    """Warn of the particles that do not fit into a crop."""
    larger = sum(needed > side for needed in fitting.values())
    if larger:
        warn_user(
            f"{larger} of {len(fitting)} particles and their soft edges are larger "
            f"than the crop of {_length(signal, side)}, which trims them. "
            f"size='{_length(signal, max(fitting.values()))}' holds them in all "
            "frames."
        )


def _length(signal: Signal2D, side: int) -> str:
    """Return a length in pixels as a text, in the unit of the axes."""
    axis = signal.axes_manager.signal_axes[0]
    return f"{side * abs(axis.scale):.4g} {axis.units}"


def _ids_and_fitting(
    instances: Signal2D,
    wanted: list[int] | None,
    side: int | None,
    apodization: float,
) -> tuple[list[int], dict[int, int]]:
    """Return the particles to transform and, if known, the crop that holds each."""
    if instances._lazy:
        if wanted is None or side is None:
            raise ValueError(
                "The instances are not computed, so neither their ids nor the size of "
                "the particles are known. Give both, for example "
                "local_fft(particles, id=particles.ids(), size='8 nm'), where ids() "
                "goes through the movie once, or call particles.compute()."
            )
        return wanted, {}
    known = instances.ids(show_progressbar=False)
    if wanted is not None:
        check_ids(wanted, known)
        known = wanted
    if not known:
        raise ValueError("There are no particles in the instances.")
    frames = instances.data.reshape(-1, *instances.data.shape[-2:])
    return known, crop_sizes(frames, known, apodization)


def _transformed(
    signal: Signal2D,
    instances: Signal2D | None,
    ids: list[int] | None,
    shape: tuple[int, int],
    apodization: float,
    *,
    rule: FrameRule,
) -> da.Array:
    """Return the spectra, shape (frame, id, ky, kx) or, of whole frames, without id."""
    movie = whole_frames(signal)
    labels = None
    if instances is not None and ids is not None:
        most = max(1, _BLOCK_BYTES // (4 * len(ids) * math.prod(shape)))
        if max(movie.chunks[0]) > most:
            movie = movie.rechunk({0: most})
        # And not the other way around: a task reads the whole blocks of the movie that
        # its frames are in, however few they are.
        labels = whole_frames(instances).rechunk({0: movie.chunks[0]})
    name = f"local-fft-{uuid4().hex}"
    each = () if ids is None else (len(ids),)
    zeros = (0,) * (len(each) + 2)
    transform = partial(_transform_block, ids=ids, shape=shape, apodization=apodization)
    graph = {
        (name, index, *zeros): (
            partial(transform, block),
            None if labels is None else (labels.name, index, 0, 0),
        )
        for index, block in enumerate(lenient_blocks(deferred_blocks(movie), rule))
    }
    depends = () if labels is None else (labels,)
    return da.Array(
        HighLevelGraph.from_collections(name, graph, dependencies=depends),
        name,
        chunks=(movie.chunks[0], *((n,) for n in (*each, *shape))),
        dtype=np.float32,
    )


def _transform_block(
    block: LenientBlock,
    labels: NDArray[np.integer] | None,
    *,
    ids: list[int] | None,
    shape: tuple[int, int],
    apodization: float,
) -> NDArray[np.float32]:
    frames = block.load()
    each = () if ids is None else (len(ids),)
    spectra = np.full((len(frames), *each, *shape), np.nan, np.float32)
    options: dict[str, Any] = {"size": shape, "apodization": apodization}
    rule = block.rule
    for number, (frame, row) in enumerate(zip(frames, spectra, strict=True)):
        data = rule.result(rule.index(block.first + number), partial(_data, frame))
        if data is None:
            continue
        rule.replaced.add_data(block.first + number, data)
        image = data.counts()[0]
        if ids is None or labels is None:
            row[:] = local_spectrum(image, **options)
        elif not has_no_data(labels[number]):
            found = particle_spectra(image, labels[number], ids, **options)
            for position, spectrum in enumerate(found):
                row[position] = 0 if spectrum is None else spectrum
    return spectra


def _data(frame: NDArray[Any]) -> ImageData:
    check_data(frame)
    return image_data(frame)
