# SPDX-License-Identifier: GPL-3.0-or-later
"""A segmentation into particles, frame by frame: what `hrtemnn track` does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import hyperspy.api as hs
from tqdm import tqdm

from hyperspy_hrtemnn import __version__
from hyperspy_hrtemnn.analysis import Tracker
from hyperspy_hrtemnn.checkpoint import Checkpoint, input_identity
from hyperspy_hrtemnn.signals._movies.deferred import deferred_blocks, whole_frames
from hyperspy_hrtemnn.signals._probabilities import threshold_of
from hyperspy_hrtemnn.signals._segmentation import (
    linking_in_pixels,
    separate_frame,
    separation_in_pixels,
)

from .movies import load_images, number_or_text
from .outputs import check_output, finish, frames_folder

if TYPE_CHECKING:
    from pathlib import Path


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
    check_output(segmentation, out, force=force)
    if table is not None and table.exists() and not force:
        raise ValueError(f"{table} exists; --force replaces it.")
    signal = load_images(segmentation)
    signal.set_signal_type("HRTEM_segmentation")
    options = {
        **options,
        "probability": threshold_of(signal, options["probability"]),
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
    checkpoint = Checkpoint(frames_folder(out), job, discard=force)
    _track_missing(signal, options, checkpoint)
    finish(result, checkpoint, out)
    if table is not None:
        hs.load(out, lazy=True).to_csv(table, overwrite=True)


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
