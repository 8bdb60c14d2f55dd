# SPDX-License-Identifier: GPL-3.0-or-later
"""Tracking of particles in a segmentation in a file: the job of `hrtemnn track`."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from hyperspy_hrtemnn import __version__
from hyperspy_hrtemnn.analysis import ParticleTracker
from hyperspy_hrtemnn.bad_frames import NO_DATA
from hyperspy_hrtemnn.checkpoint import Checkpoint
from hyperspy_hrtemnn.io.whole_frames import load_segmentation
from hyperspy_hrtemnn.locks import locked
from hyperspy_hrtemnn.signals._shared.deferred import (
    deferred_blocks,
    lenient_blocks,
    whole_frames,
)
from hyperspy_hrtemnn.signals._shared.entrance import in_one_form
from hyperspy_hrtemnn.signals._shared.labels import has_no_data
from hyperspy_hrtemnn.signals._shared.output_files import write_csv
from hyperspy_hrtemnn.signals._shared.probabilities import threshold_of
from hyperspy_hrtemnn.signals._shared.skipping import FrameRule
from hyperspy_hrtemnn.signals._shared.tables import check_property_table, frame_table
from hyperspy_hrtemnn.signals._tracking.dropped import DroppedRegions
from hyperspy_hrtemnn.signals._tracking.linking import separated
from hyperspy_hrtemnn.signals._tracking.track import (
    linking_in_pixels,
    split_frame,
    splitting_in_pixels,
)

from .lengths import sampling_in_angstrom
from .outputs import (
    check_output,
    check_table,
    finish,
    frames_folder,
    frames_path,
    opened,
)
from .own_files import OwnFiles
from .reports import particles
from .reports.facts import is_reportable, options_as_text
from .reports.files import ReportFiles
from .reports.particles import FoundParticles
from .reports.tracked import report_tracked
from .sources import Input, pixels, with_frames_before
from .warning_lines import warnings_as_lines

if TYPE_CHECKING:
    from pathlib import Path

    from hyperspy_hrtemnn.checkpoint import Source
    from hyperspy_hrtemnn.options import (
        LinkingOptions,
        SplittingOptions,
        TrackingOptions,
    )


def track_file(
    segmentation: Path,
    out: Path,
    *,
    table: Path | None = None,
    sampling: float | str | None = None,
    options: TrackingOptions,
    force: bool = False,
    report: bool = False,
) -> None:
    """Track the particles of a segmentation; go on where an earlier run stopped.

    Parameters
    ----------
    segmentation
        A file written by `segment_file`, or any other that HyperSpy reads with values
        from 0 to 1.
    out
        The .hspy file to write.
    table
        A .csv file for the properties of the particles. A second file beside it, with
        ``_frames`` in its name, says which frames have data.
    sampling
        Pixel size in place of the file's, a number in Å or a text with a unit.
    options
        How particles are split and linked.
    force
        Whether to replace `out` and `table`, and the finished frames of another job.
    report
        Whether to draw pictures and to write a page of what was found, into a folder
        beside `out`.

    Raises
    ------
    ValueError
        If the file cannot be read or tracked, or another job is unfinished.
    """
    source = Input.of(segmentation)
    folder = frames_folder(out)
    with warnings_as_lines(segmentation) as told, locked(out), _locked(table):
        own, files = OwnFiles(folder), ReportFiles.beside(out)
        check_output(source, out, own, force=force)
        if report:
            files.check(particles.NAMES)
        if table is not None:
            check_table(table, source, out, own, force=force)
        size = sampling_in_angstrom(sampling)
        signal = in_one_form(load_segmentation(segmentation, size))
        probability = threshold_of(signal, options.probability)
        options = replace(options, probability=probability)
        # This checks the options, and gives the axes and metadata of the result.
        result = signal.track_instances(**vars(options), lazy_output=True)
        if table is not None:
            # Otherwise this would fail when the last frame is tracked.
            check_property_table(result)
        frames = max(signal.axes_manager.navigation_size, 1)
        source.check(signal)
        known = with_frames_before(source.source(frames))
        job = {
            "command": "track",
            "version": __version__,
            **known.identity,
            **pixels(signal),
            **({} if size is None else {"sampling": size}),
            **vars(options),
        }
        checkpoint = Checkpoint(folder, job, names=known.names, discard=force)
        if not own.wrote(out, checkpoint.digest):
            _track(signal, result, options, checkpoint, known)
            finish(result, checkpoint, out, own)
        reported = report and is_reportable(signal)
        if reported or table is not None:
            with opened(out) as labels:
                found = _found(labels, signal)
                if table is not None:
                    _write_tables(found, table, own, checkpoint.digest)
                if reported:
                    report_tracked(
                        found,
                        segmentation=segmentation,
                        out=out,
                        options=options_as_text(options, sampling=sampling),
                        told=told,
                        files=files,
                    )
        if not reported:
            files.remove(particles.NAMES)
        checkpoint.remove()


def _locked(table: Path | None) -> AbstractContextManager[None]:
    """Hold the lock of a table, which two jobs may have in common."""
    # A folder that is missing is refused later, and not made.
    if table is None or not table.parent.is_dir():
        return nullcontext()
    return locked(table)


def _track(
    signal: Any,
    result: Any,
    options: TrackingOptions,
    checkpoint: Checkpoint,
    known: Source,
) -> None:
    """Track the frames that are not stored yet, and tell what was dropped in all."""
    splitting = splitting_in_pixels(signal, options)
    linking = linking_in_pixels(signal, options)
    dropped = Checkpoint(
        checkpoint.folder / "dropped", {"command": "track"}, names=known.names
    )
    _track_missing(signal, splitting, linking, checkpoint, dropped)
    regions = DroppedRegions(result, splitting.smallest_area, by_hand=True)
    regions.take(sum(int(dropped.read(number)) for number in dropped.done()))
    regions.tell()


def _found(labels: Any, signal: Any) -> FoundParticles:
    """Return the particles that were written, their properties, and the frames."""
    properties = labels.properties()
    axes = labels.axes_manager
    unknown = properties.attrs.get("unknown_frames", [])
    frames = frame_table(
        axes.navigation_axes,
        max(axes.navigation_size, 1),
        dict.fromkeys(unknown, NO_DATA),
    )
    return FoundParticles(labels, signal, properties, frames)


def _write_tables(
    found: FoundParticles, table: Path, own: OwnFiles, made_from: str
) -> None:
    """Write the properties of particles, and which frames are known beside them."""
    paths = table, frames_path(table)
    for rows, path in zip((found.properties, found.frames), paths, strict=True):
        write_csv(rows, path, writing=own.writing(made_from))


def _track_missing(
    signal: Any,
    splitting: SplittingOptions,
    linking: LinkingOptions,
    checkpoint: Checkpoint,
    dropped: Checkpoint,
) -> None:
    """Track the frames that are not stored yet, in their order."""
    done = sorted({*checkpoint.done()} & {*dropped.done()})
    # Ids depend on all earlier frames: they are known up to the first gap.
    first = next((i for i, number in enumerate(done) if i != number), len(done))
    largest = max([0, *(int(checkpoint.read(i).max()) for i in range(first))])
    recent = range(_first_needed(checkpoint, first, linking.memory + 1), first)
    tracker = ParticleTracker.resume(
        map(checkpoint.read, recent), largest + 1, **vars(linking)
    )

    movie = whole_frames(signal)
    rule = FrameRule("skip", known=True, by_hand=True).over(movie.shape[:1])
    separate = partial(split_frame, options=splitting)
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
    """Return from which frame on `known` frames with data come before `first`."""
    while first and known:
        first -= 1
        known -= not has_no_data(checkpoint.read(first))
    return first
