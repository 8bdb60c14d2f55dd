# SPDX-License-Identifier: GPL-3.0-or-later
"""Command `hrtemnn events`: a movie into events of columns, and their rates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hyperspy_hrtemnn.command_options import (
    EXISTING,
    LENGTH,
    apodization_option,
    device_option,
    new_pass_option,
    on_bad_frame_option,
    overlap_option,
    pass_folder_option,
    report_option,
    run_job,
    sampling_option,
    separation_option,
    tile_option,
    tracking_options,
)
from hyperspy_hrtemnn.options import (
    EventOptions,
    PredictionOptions,
    SpectrumOptions,
    TrackingOptions,
)

if TYPE_CHECKING:
    from pathlib import Path

    from hyperspy_hrtemnn.bad_frames import OnBadFrame


@click.command()
@click.argument("movie", type=EXISTING)
@click.option(
    "--model", required=True, help="Network that finds particles: its name or file."
)
@click.option(
    "--columns", required=True, help="Network that finds columns: its name or file."
)
@click.option(
    "--zone-axis",
    default="au-zone-axis",
    show_default=True,
    help='Network that tells zone axes: its name or file, or "none" to take all '
    "frames.",
)
@pass_folder_option
@separation_option
@click.option(
    "--size",
    type=LENGTH,
    default="8 nm",
    show_default=True,
    help="Side of the crop of a particle whose spectrum tells the zone axis.",
)
@apodization_option
@click.option(
    "--min-on-axis",
    type=float,
    default=EventOptions.min_on_axis,
    show_default=True,
    help="Smallest probability that a particle is on a zone axis.",
)
@click.option(
    "--column-probability",
    type=float,
    default=EventOptions.probability,
    show_default=True,
    help="Smallest probability of a doubtful column.",
)
@click.option(
    "--min-frames",
    type=int,
    default=EventOptions.min_frames,
    show_default=True,
    help="Shortest duration of what an event separates.",
)
@click.option(
    "--min-probability",
    type=float,
    default=EventOptions.min_probability,
    show_default=True,
    help="Smallest probability of an event.",
)
@click.option(
    "--false-rate",
    type=float,
    default=EventOptions.false_rate,
    show_default=True,
    help="False events of a column in a unit of time, rate_per_column of a movie in "
    "which nothing happens.",
)
@tracking_options
@sampling_option
@tile_option
@overlap_option
@device_option
@on_bad_frame_option
@report_option
@new_pass_option
def events(
    *,
    movie: Path,
    model: str,
    columns: str,
    zone_axis: str,
    out: Path,
    device: str | None,
    sampling: str | None,
    size: str,
    apodization: str,
    min_on_axis: float,
    column_probability: float,
    min_frames: int,
    min_probability: float,
    false_rate: float,
    tile: int | None,
    overlap: int | None,
    on_bad_frame: OnBadFrame | None,
    report: bool,
    force: bool,
    **tracking: Any,
) -> None:
    """Count the columns of particles that appear, vanish and jump in MOVIE.

    MOVIE is a file HyperSpy reads, or a folder of an in-situ camera. Frames in which a
    particle is not on a zone axis are left out, and finished frames are kept in the
    folder: after an interruption, the same command continues. The results are tables of
    events, rates and columns as .csv files, the particles as an .hspy file, and a page
    with pictures.
    """
    from hyperspy_hrtemnn.jobs.counting import count_file

    run_job(
        count_file,
        movie,
        model,
        out,
        columns=columns,
        zone_axis=None if zone_axis == "none" else zone_axis,
        device=device,
        sampling=sampling,
        running=PredictionOptions(tile=tile, overlap=overlap),
        tracking=TrackingOptions(**tracking),
        crop=SpectrumOptions(size, apodization),
        counting=EventOptions(
            min_on_axis, column_probability, min_frames, min_probability, false_rate
        ),
        on_bad_frame=on_bad_frame,
        report=report,
        overwrite=force,
    )
