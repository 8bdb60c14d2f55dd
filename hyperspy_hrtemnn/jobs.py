# SPDX-License-Identifier: GPL-3.0-or-later
"""Files into files, frame by frame: what `hrtemnn segment` and `track` do."""

from __future__ import annotations

import logging
import os
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
import dask.array as da
import hyperspy.api as hs
import numpy as np
from tqdm import tqdm

from hyperspy_hrtemnn import __version__, load_in_situ
from hyperspy_hrtemnn.analysis import Tracker
from hyperspy_hrtemnn.checkpoint import Checkpoint, input_identity
from hyperspy_hrtemnn.networks import load
from hyperspy_hrtemnn.signals._movies.deferred import deferred_blocks, whole_frames
from hyperspy_hrtemnn.signals._segmentation import (
    linking_in_pixels,
    separate_frame,
    separation_in_pixels,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

# Inference runs one frame at a time, on all cores; a few more frames are resampled and
# standardized meanwhile. Each costs memory.
_FRAMES_AT_ONCE = 4


def segment_file(
    movie: Path,
    model: str,
    out: Path,
    *,
    sampling: float | None = None,
    options: dict[str, Any],
    force: bool = False,
) -> None:
    """Segment a file; go on where an earlier run stopped.

    Parameters
    ----------
    movie
        What HyperSpy reads, or a folder of an in-situ camera.
    model
        Name or path of a network.
    out
        The .hspy file.
    sampling
        Pixel size in Å, in place of what the file says.
    options
        Of `HRTEM.segment`.
    force
        Whether to replace `out`, and the finished frames of another job.

    Raises
    ------
    ValueError
        If the file cannot be read or segmented, or another job is unfinished.
    """
    _check_output(movie, out, force=force)
    network = load(model)
    signal = load_movie(movie, sampling)
    with told_in_lines(movie):
        result = signal.segment(network, **options, lazy_output=True)

    job = {
        "command": "segment",
        "version": __version__,
        **input_identity(movie),
        "model sha256": network.sha256,
        "sampling": sampling,
        **options,
    }
    checkpoint = Checkpoint(_frames_folder(out), job, discard=force)
    _segment_missing(result, checkpoint)
    _finish(result, checkpoint, out)


def track_file(
    segmentation: Path,
    out: Path,
    *,
    table: Path | None = None,
    options: dict[str, Any],
    force: bool = False,
) -> None:
    """Track the particles of a segmentation; go on where an earlier run stopped.

    Parameters
    ----------
    segmentation
        A file written by `segment_file`, or any that HyperSpy reads with values from
        0 to 1.
    out
        The .hspy file.
    table
        A .csv file for the properties of the particles.
    options
        Of `Segmentation.track_instances`.
    force
        Whether to replace `out` and `table`, and the finished frames of another job.

    Raises
    ------
    ValueError
        If the file cannot be read or tracked, or another job is unfinished.
    """
    _check_output(segmentation, out, force=force)
    if table is not None and table.exists() and not force:
        raise ValueError(f"{table} exists; --force replaces it.")
    signal = _images(segmentation)
    signal.set_signal_type("HRTEM_segmentation")
    options = {
        **options,
        "min_separation": number_or_text(options["min_separation"]),
        "min_area": number_or_text(options["min_area"]),
        "reach": number_or_text(options["reach"]),
    }
    # Checks the options, and knows the axes and metadata of the result.
    result = signal.track_instances(**options, lazy_output=True)
    job = {
        "command": "track",
        "version": __version__,
        **input_identity(segmentation),
        **options,
    }
    checkpoint = Checkpoint(_frames_folder(out), job, discard=force)
    _track_missing(signal, options, checkpoint)
    _finish(result, checkpoint, out)
    if table is not None:
        hs.load(out, lazy=True).to_csv(table, overwrite=True)


def load_movie(path: Path, sampling: float | None) -> Any:
    """Load a file, or the folders of an in-situ camera, lazily, as an HRTEM signal.

    Parameters
    ----------
    path
        The file or folder.
    sampling
        Pixel size in Å, in place of what the file says.

    Raises
    ------
    ValueError
        If the file cannot be read, or the pixel size is not positive.
    """
    signal = _images(path)
    signal.set_signal_type("HRTEM")
    if sampling is not None:
        if not 0 < sampling < np.inf:
            raise ValueError(f"--sampling is {sampling}; it must be positive, in Å.")
        for axis in signal.axes_manager.signal_axes:
            axis.scale, axis.units = sampling, "Å"
    return signal


@contextmanager
def told_in_lines(movie: Path) -> Iterator[None]:
    """Write warnings as single lines, and say how the shell mends a calibration."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = _write_line  # type: ignore[assignment]
        try:
            yield
        except ValueError as error:
            if "not calibrated" not in str(error):
                raise
            raise ValueError(
                f"{movie} has no calibration; give the pixel size in Å with --sampling."
            ) from None


def _write_line(message: Warning | str, *_: Any) -> None:
    click.echo(f"Warning: {message}", err=True)


def _check_output(source: Path, out: Path, *, force: bool) -> None:
    if out.suffix != ".hspy":
        raise ValueError(f"--out is {out}; its name must end with .hspy.")
    if out.resolve() == source.resolve():
        raise ValueError(f"--out is the input, {source}; give another name.")
    if out.exists() and not force:
        raise ValueError(f"{out} exists; --force replaces it.")


def _images(path: Path) -> Any:
    """Load the images of a file, or of the folders of an in-situ camera, lazily."""
    if path.is_dir() and path.suffix != ".zspy":
        return load_in_situ(path)
    # HyperSpy logs the error that is raised here.
    logging.disable(logging.ERROR)
    # Every reader has its own exceptions for what it does not understand.
    try:
        loaded = hs.load(path, lazy=True)
    except Exception:
        # Some formats, color PNG among them, cannot be read lazily.
        try:
            loaded = hs.load(path)
        except Exception as error:
            raise ValueError(f"{path} cannot be read: {error}") from error
    finally:
        logging.disable(logging.NOTSET)
    signals = loaded if isinstance(loaded, list) else [loaded]
    images = [one for one in signals if one.axes_manager.signal_dimension == 2]
    if len(images) != 1:
        titles = "; ".join(str(one) for one in signals)
        raise ValueError(
            f"{path} holds {len(images)} images or movies instead of one: {titles}. "
            "Save the one that is meant by itself."
        )
    return images[0] if images[0]._lazy else images[0].as_lazy()


def _segment_missing(result: Any, checkpoint: Checkpoint) -> None:
    """Compute and store the frames that are not stored yet, in any order."""
    data = result.data
    shape = _frame_shape(result)
    total = int(np.prod(shape))
    done = checkpoint.done()
    missing = np.setdiff1d(np.arange(total), done)
    with tqdm(total=total, initial=len(done), desc="segment", unit="frame") as bar:

        def store(
            block: NDArray[np.float32], block_id: tuple[int, ...]
        ) -> NDArray[np.bool_]:
            number = _number(block_id[: len(shape)], shape)
            checkpoint.write(number, block.reshape(block.shape[len(shape) :]))
            bar.update()
            return np.ones((1,) * block.ndim, bool)

        stored = da.map_blocks(
            store,
            data,
            chunks=tuple((1,) * blocks for blocks in data.numblocks),
            dtype=bool,
            meta=np.empty((0,) * data.ndim, bool),
        )
        workers = min(_FRAMES_AT_ONCE, os.cpu_count() or 1)
        stored.ravel()[missing].compute(scheduler="threads", num_workers=workers)


def _track_missing(
    signal: Any, options: dict[str, Any], checkpoint: Checkpoint
) -> None:
    """Track the frames after the last stored one, in their order."""
    of_one_frame = ("min_separation", "probability", "min_area")
    separation = separation_in_pixels(signal, *(options[name] for name in of_one_frame))
    of_several = ("min_overlap", "memory", "drift", "reach")
    linking = linking_in_pixels(signal, *(options[name] for name in of_several))
    done = checkpoint.done()
    # Ids are only known as far as no frame is missing.
    first = next((i for i, number in enumerate(done) if i != number), len(done))
    largest = max((int(checkpoint.read(i).max()) for i in range(first)), default=0)
    recent = range(max(first - options["memory"] - 1, 0), first)
    tracker = Tracker.resume(map(checkpoint.read, recent), largest + 1, **linking)

    movie = whole_frames(signal)
    number = 0
    with tqdm(
        total=len(movie), initial=first, desc="track", unit="frame"
    ) as progress_bar:
        for size, block in zip(movie.chunks[0], deferred_blocks(movie), strict=True):
            if number + size > first:
                for index, frame in enumerate(block.load(), start=number):
                    if index >= first:
                        labels = separate_frame(frame, **separation)
                        checkpoint.write(index, tracker.link(labels))
                        progress_bar.update()
            number += size


def _finish(result: Any, checkpoint: Checkpoint, out: Path) -> None:
    """Put all frames into the output, at once, and delete them."""
    data = result.data
    shape = _frame_shape(result)
    n_axes = len(shape)

    def read(block_id: tuple[int, ...]) -> NDArray[Any]:
        frame = checkpoint.read(_number(block_id[:n_axes], shape))
        return frame.reshape((1,) * n_axes + frame.shape)

    result.data = da.map_blocks(
        read,
        chunks=tuple((1,) * size for size in shape)
        + tuple((size,) for size in data.shape[n_axes:]),
        dtype=data.dtype,
        meta=np.empty((0,) * data.ndim, data.dtype),
    )
    whole = checkpoint.folder / "whole.hspy"
    result.save(whole, overwrite=True)
    whole.replace(out)
    checkpoint.remove()


def _frame_shape(result: Any) -> tuple[int, ...]:
    """Return the shape of the axes along which there are frames, not classes."""
    axes = result.axes_manager.navigation_axes[::-1]
    return tuple(axis.size for axis in axes if axis.name != "class")


def _number(index: tuple[int, ...], shape: tuple[int, ...]) -> int:
    return int(np.ravel_multi_index(index, shape)) if shape else 0


def number_or_text(value: str | None) -> float | str | None:
    """Return "1.5" as a number, in the unit of the axes, "2 nm" as it is."""
    if value is None:
        return None
    try:
        return float(value)
    except ValueError:
        return value


def _frames_folder(out: Path) -> Path:
    return out.with_name(f"{out.name}.frames")
