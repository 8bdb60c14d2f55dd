# SPDX-License-Identifier: GPL-3.0-or-later
"""Counting the events of columns in a file: the job of `hrtemnn events`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hyperspy_hrtemnn.checkpoint import bad_frames
from hyperspy_hrtemnn.io.whole_frames import load_movie
from hyperspy_hrtemnn.locks import locked
from hyperspy_hrtemnn.networks import load
from hyperspy_hrtemnn.signals._one_pass.count_events import (
    EventNetworks,
    count_events,
)
from hyperspy_hrtemnn.signals._one_pass.followed_movie import FRAMES
from hyperspy_hrtemnn.signals._shared.entrance import in_one_form
from hyperspy_hrtemnn.signals._shared.output_files import write_csv
from hyperspy_hrtemnn.signals._shared.skipping import FrameRule

from .lengths import sampling_in_angstrom
from .outputs import is_same
from .own_files import OwnFiles
from .pass_files import write_particles
from .reports.counted import FoundEvents, report_events
from .reports.facts import options_as_text
from .reports.files import ReportFiles
from .sources import Input
from .warning_lines import warnings_as_lines

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd

    from hyperspy_hrtemnn.bad_frames import OnBadFrame
    from hyperspy_hrtemnn.options import (
        EventOptions,
        PredictionOptions,
        SpectrumOptions,
        TrackingOptions,
    )
    from hyperspy_hrtemnn.signals._one_pass.count_events import CountedEvents

_TABLES = ("events", "rates", "columns", "zone_axis", "properties")
_FRAME_TABLE, _LABELS = "frames.csv", "particles.hspy"


def count_file(
    movie: Path,
    model: str,
    out: Path,
    *,
    columns: str,
    zone_axis: str | None,
    device: str | None = None,
    sampling: float | str | None,
    running: PredictionOptions,
    tracking: TrackingOptions,
    crop: SpectrumOptions,
    counting: EventOptions,
    on_bad_frame: OnBadFrame | None,
    overwrite: bool,
    report: bool = False,
) -> CountedEvents:
    """Count the events of a file; go on where an earlier run stopped.

    Parameters
    ----------
    movie
        A file that HyperSpy reads, or a folder of an in-situ camera.
    model
        Name of the network that finds particles, or path of its file.
    out
        The folder of `HRTEM.count_events`, which also gets its tables as .csv files,
        ``frames.csv`` and ``particles.hspy``; and what is in a report.
    columns, zone_axis
        The same of those that find columns and tell zone axes; None for all frames.
    device
        What the networks run on; see `HRTEM.segment`.
    sampling
        Pixel size in place of the file's, a number in Å or a text with a unit.
    running, tracking, crop, counting
        How networks are run, how particles are split and linked, what tells a zone
        axis, and what is an event.
    on_bad_frame, overwrite
        See `HRTEM.count_events`.
    report
        Whether to draw pictures and to write a page of what was found.

    Raises
    ------
    ValueError
        If the file cannot be read, or if `HRTEM.count_events` raises one.
    """
    source = Input.of(movie)
    if any(is_same(out, path) for path in (movie, *source.files)):
        raise ValueError(f"--out is the input, {movie}; give another name.")
    own = OwnFiles(out)
    files = ReportFiles(out, own)
    outputs = [*(f"{name}.csv" for name in _TABLES), _FRAME_TABLE, _LABELS]
    with warnings_as_lines(movie) as told, locked(out):
        own.check(out / name for name in outputs)
        if report:
            files.check(())
        signal = in_one_form(load_movie(movie, sampling_in_angstrom(sampling)))
        source.check(signal)
        frames = max(signal.axes_manager.navigation_size, 1)
        # A file is known by its content, wherever it lies now.
        known = source.source(frames) if source.files else None
        result = count_events(
            signal,
            EventNetworks(model, columns, zone_axis),
            out,
            device=device,
            running=running,
            tracking=tracking,
            crop=crop,
            counting=counting,
            rule=FrameRule(on_bad_frame, by_hand=True),
            overwrite=overwrite,
            show_progressbar=True,
            num_workers=None,
            source=known,
        )
        bad = bad_frames(out / FRAMES, None if known is None else known.names)
        valid = _write(result, out, own, bad)
        if not report:
            files.remove(())
            return result
        report_events(
            FoundEvents(result, signal, valid),
            movie=movie,
            networks={
                what: load(name, "cpu")
                for what, name in (
                    ("particles", model),
                    ("columns", columns),
                    ("zone axes", zone_axis),
                )
                if name is not None
            },
            bad=bad,
            options=options_as_text(
                tracking,
                crop,
                counting,
                sampling=sampling,
                tile=running.tile,
                overlap=running.overlap,
                device=device,
            ),
            told=told,
            files=files,
        )
    return result


def _write(
    result: CountedEvents, out: Path, own: OwnFiles, bad: Mapping[int, str]
) -> pd.DataFrame:
    """Write what was found into files of ours; return which frames are known."""
    for name in _TABLES:
        table = getattr(result, name)
        path = out / f"{name}.csv"
        if table is None:
            # That of other options would be taken for what belongs to the rest.
            own.remove(path)
        else:
            write_csv(table, path, writing=own.writing())
    return write_particles(
        result.particles, out / _FRAME_TABLE, out / _LABELS, own, bad
    )
