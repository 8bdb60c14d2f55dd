# SPDX-License-Identifier: GPL-3.0-or-later
"""A segmentation into particles, frame by frame: what `hrtemnn track` does."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import hyperspy.api as hs
import numpy as np
from tqdm import tqdm

from hyperspy_hrtemnn import __version__
from hyperspy_hrtemnn.analysis import Tracker
from hyperspy_hrtemnn.bad_frames import NO_DATA
from hyperspy_hrtemnn.checkpoint import Checkpoint, input_identity
from hyperspy_hrtemnn.signals._entrance import in_one_form
from hyperspy_hrtemnn.signals._instances import has_no_data
from hyperspy_hrtemnn.signals._movies.deferred import (
    deferred_blocks,
    lenient_blocks,
    whole_frames,
)
from hyperspy_hrtemnn.signals._movies.linking import separated
from hyperspy_hrtemnn.signals._movies.skipping import FrameRule
from hyperspy_hrtemnn.signals._particles.dropped import DroppedRegions
from hyperspy_hrtemnn.signals._particles.instance_files import write_csv
from hyperspy_hrtemnn.signals._probabilities import threshold_of
from hyperspy_hrtemnn.signals._segmentation import (
    linking_in_pixels,
    separate_frame,
    separation_in_pixels,
)
from hyperspy_hrtemnn.signals._tables import check_property_table, frame_table

from .movies import (
    calibrate,
    load_images,
    number_or_text,
    sampling_in_angstrom,
    told_in_lines,
)
from .outputs import check_output, check_table, finish, frames_folder, frames_path

if TYPE_CHECKING:
    from pathlib import Path


def track_file(
    segmentation: Path,
    out: Path,
    *,
    table: Path | None = None,
    sampling: float | str | None = None,
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
        A .csv file for the properties of the particles. Beside it, with ``_frames`` in
        its name, another one says which frames have data.
    sampling
        Pixel size in place of what the file says, a number in Å or a text.
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
    if table is not None:
        check_table(table, (segmentation, out), force=force)
    size = sampling_in_angstrom(sampling)
    signal = load_images(segmentation)
    signal.set_signal_type("HRTEM_segmentation")
    calibrate(signal, size)
    signal = in_one_form(signal)
    options = {
        **options,
        "probability": threshold_of(signal, options["probability"]),
        "min_separation": number_or_text(options["min_separation"]),
        "min_area": number_or_text(options["min_area"]),
        "reach": number_or_text(options["reach"]),
    }
    # Checks the options, and knows the axes and metadata of the result.
    with told_in_lines(segmentation):
        result = signal.track_instances(**options, lazy_output=True)
        if table is not None:
            # What would otherwise fail when the last frame is tracked.
            check_property_table(result)
    job = {
        "command": "track",
        "version": __version__,
        **input_identity(segmentation),
        **({} if size is None else {"sampling": size}),
        **options,
    }
    checkpoint = Checkpoint(frames_folder(out), job, discard=force)
    separation, linking = _in_pixels(signal, options)
    dropped = Checkpoint(checkpoint.folder / "dropped", job)
    regions = DroppedRegions.of(result, separation["min_area"], by_hand=True)
    with told_in_lines(segmentation):
        _track_missing(signal, separation, linking, checkpoint, dropped)
        regions.note(sum(int(dropped.read(number)) for number in dropped.done()))
        regions.tell()
    finish(result, checkpoint, out)
    if table is not None:
        _write_tables(hs.load(out, lazy=True), table)


def _write_tables(particles: Any, path: Path) -> None:
    """Write the properties of particles and, beside them, which frames are known."""
    properties = particles.properties()
    write_csv(properties, path)
    axes = particles.axes_manager
    unknown = properties.attrs.get("unknown_frames", [])
    frames = frame_table(
        axes.navigation_axes,
        max(axes.navigation_size, 1),
        dict.fromkeys(unknown, NO_DATA),
    )
    write_csv(frames, frames_path(path))


def _in_pixels(
    signal: Any, options: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the options for separating and for linking."""
    of_one_frame = ("min_separation", "probability", "min_area")
    of_several = ("min_overlap", "memory", "drift", "reach")
    return (
        separation_in_pixels(signal, *(options[name] for name in of_one_frame)),
        linking_in_pixels(signal, *(options[name] for name in of_several)),
    )


def _track_missing(
    signal: Any,
    separation: dict[str, Any],
    linking: dict[str, Any],
    checkpoint: Checkpoint,
    dropped: Checkpoint,
) -> None:
    """Track the frames after the last stored one, in their order."""
    done = checkpoint.done()
    # Ids are only known as far as no frame is missing.
    first = next((i for i, number in enumerate(done) if i != number), len(done))
    largest = max([0, *(int(checkpoint.read(i).max()) for i in range(first))])
    recent = range(_first_needed(checkpoint, first, linking["memory"] + 1), first)
    tracker = Tracker.resume(map(checkpoint.read, recent), largest + 1, **linking)

    movie = whole_frames(signal)
    rule = FrameRule("skip", known=True, by_hand=True).over(movie.shape[:1])
    separate = partial(separate_frame, **separation)
    with tqdm(
        total=len(movie), initial=first, desc="track", unit="frame"
    ) as progress_bar:
        for block in lenient_blocks(deferred_blocks(movie), rule):
            if block.first + block.block.shape[0] > first:
                frames = separated(block, separate, max(first - block.first, 0))
                for index, found in enumerate(frames, max(first, block.first)):
                    labels, count = found
                    dropped.write(index, np.array(count))
                    checkpoint.write(index, tracker.link(labels))
                    progress_bar.update()
    rule.skipped.tell()


def _first_needed(checkpoint: Checkpoint, first: int, known: int) -> int:
    """Return the frame from which on so many that have data are before the first."""
    while first and known:
        first -= 1
        known -= not has_no_data(checkpoint.read(first))
    return first
