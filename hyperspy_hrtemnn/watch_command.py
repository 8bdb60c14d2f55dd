# SPDX-License-Identifier: GPL-3.0-or-later
"""Command `hrtemnn watch`: the particles of a movie while a camera writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hyperspy_hrtemnn.command_options import (
    EXISTING,
    apodization_option,
    crystal_option,
    device_option,
    new_pass_option,
    on_bad_frame_option,
    overlap_option,
    parquet_option,
    pass_folder_option,
    report_option,
    run_job,
    sampling_option,
    separation_option,
    size_option,
    tile_option,
    tracking_options,
)
from hyperspy_hrtemnn.options import (
    PredictionOptions,
    SpectrumOptions,
    TrackingOptions,
)

if TYPE_CHECKING:
    from pathlib import Path

    from hyperspy_hrtemnn.bad_frames import OnBadFrame

_PORT = 8765


@click.command()
@click.argument("folder", type=EXISTING)
@click.option("--model", required=True, help="Name of a network, or its file.")
@pass_folder_option
@separation_option
@click.option(
    "--idle",
    type=click.FloatRange(min=0, min_open=True),
    help="Seconds without a new frame after which the watch ends; by default it ends "
    "with Ctrl-C.",
)
@click.option(
    "--frames",
    type=click.IntRange(1),
    help="Number of frames, those of an earlier watch included, after which it ends.",
)
@click.option(
    "--serve",
    type=click.IntRange(0, 65535),
    is_flag=False,
    flag_value=_PORT,
    metavar="[PORT]",
    help="Show live.html to a browser of this machine, at http://127.0.0.1:PORT/; "
    f"without a port at {_PORT}, with 0 at any that is free.",
)
@size_option
@apodization_option
@crystal_option
@tracking_options
@sampling_option
@tile_option
@overlap_option
@device_option
@on_bad_frame_option
@parquet_option
@report_option
@new_pass_option
def watch(
    *,
    folder: Path,
    model: str,
    out: Path,
    idle: float | None,
    frames: int | None,
    serve: int | None,
    size: str | None,
    apodization: str,
    crystal: str | None,
    sampling: str | None,
    tile: int | None,
    overlap: int | None,
    device: str | None,
    on_bad_frame: OnBadFrame | None,
    parquet: bool,
    report: bool,
    force: bool,
    **tracking: Any,
) -> None:
    """Find particles in the frames of FOLDER as a camera writes them.

    FOLDER gets a file for each frame, also in the folders of an in-situ camera; or it
    is a movie in one file that grows, a TIFF or an MRC. Each frame is segmented,
    tracked and measured as soon as it is whole: live.csv in the output gets its rows,
    and live.html shows it with the curves so far. Ctrl-C ends the watch; the results
    are then those of hrtemnn follow. The same command goes on with the frames that
    came since.
    """
    from hyperspy_hrtemnn.jobs.following import FollowSettings
    from hyperspy_hrtemnn.jobs.watching import watch_frames

    settings = FollowSettings(
        model=model,
        device=device,
        sampling=sampling,
        running=PredictionOptions(tile=tile, overlap=overlap),
        tracking=TrackingOptions(**tracking),
        spectra=SpectrumOptions(size, apodization),
        crystal=crystal,
        on_bad_frame=on_bad_frame,
        overwrite=force,
        parquet=parquet,
    )
    run_job(
        watch_frames,
        folder,
        out,
        settings,
        idle=idle,
        frames=frames,
        serve=serve,
        report=report,
    )
