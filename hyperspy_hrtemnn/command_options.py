# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that several commands have, the types of their values, and how jobs run."""

from __future__ import annotations

import os
import sys
from glob import glob, has_magic
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hyperspy_hrtemnn.options import SpectrumOptions, TrackingOptions

if TYPE_CHECKING:
    from collections.abc import Callable


class _Length(click.ParamType):  # type: ignore[type-arg]
    """A number, in the unit of the axes, or a text with a unit."""

    name = "length"

    def convert(self, value: Any, param: Any, ctx: Any) -> float | str:  # noqa: ARG002
        """Return "1.5" as a number, "2 nm" as it is."""
        try:
            return float(value)
        except ValueError:
            return str(value)


class _Movies(click.ParamType):  # type: ignore[type-arg]
    """A file or a folder that exists, or a pattern that the names of some have."""

    name = "path"

    def convert(self, value: Any, param: Any, ctx: Any) -> list[Path]:
        """Return the paths; a pattern that no shell has expanded is expanded here."""
        if isinstance(value, list):
            return value
        if not os.path.lexists(value) and has_magic(value):
            found = sorted(map(Path, glob(value)))  # noqa: PTH207 - of any folder
            if not found:
                self.fail(f"No file is named like {value!r}.", param, ctx)
            return found
        return [Path(str(EXISTING.convert(value, param, ctx)))]


EXISTING = click.Path(exists=True, path_type=Path)
LENGTH = _Length()
MOVIES = _Movies()
FILE = click.Path(dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)
on_bad_frame_option = click.option(
    "--on-bad-frame",
    type=click.Choice(["raise", "skip"]),
    help="Stop at a frame that is blank, saturated or cannot be read, or skip it; by "
    "default such frames of a movie are skipped.",
)
sampling_option = click.option(
    "--sampling",
    type=LENGTH,
    help='Pixel size, such as "0.12 angstrom", or a number in Å, for files without '
    "calibration, or with a wrong one; by default that of the file.",
)
tile_option = click.option(
    "--tile",
    type=int,
    help="Largest side of a tile, in pixels of the network; by default 2048.",
)
# The names are those of `networks`, which the help would wait for.
device_option = click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda", "directml", "openvino", "coreml"]),
    help="What the network runs on; by default what the environment variable "
    "HRTEMNN_DEVICE says, or else auto, the best that is there. See hrtemnn devices.",
)
overlap_option = click.option(
    "--overlap",
    type=int,
    help="Overlap of tiles, in pixels of the network; by default its receptive field "
    "and 32.",
)
separation_option = click.option(
    "--min-separation",
    type=LENGTH,
    required=True,
    help='Smallest distance of two touching particles, such as "2 nm".',
)
apodization_option = click.option(
    "--apodization",
    type=LENGTH,
    default=SpectrumOptions.apodization,
    show_default=True,
    help="Its edge.",
)
pass_folder_option = click.option(
    "--out",
    required=True,
    type=FOLDER,
    help="Folder for the results and the finished frames.",
)
new_pass_option = click.option(
    "--force", is_flag=True, help="Delete frames of other options."
)
numproc_option = click.option(
    "--numproc",
    "-n",
    "processes",
    type=click.IntRange(1),
    help="Number of processes, each of which needs memory for a frame; by default "
    "threads of one process.",
)
scheduler_option = click.option(
    "--scheduler",
    help="Address of a dask.distributed cluster, which is trusted: it can run code "
    "here; by default this machine.",
)
size_option = click.option(
    "--size",
    type=LENGTH,
    help='Side of the crop of a particle for its Fourier transform, such as "8 nm"; '
    "without it there are no reflections.",
)
crystal_option = click.option(
    "--crystal",
    help="Crystal of the particles: Au, CeO2, a CIF; by default unknown.",
)
parquet_option = click.option(
    "--parquet",
    is_flag=True,
    help="Write the tables of particles and reflections also as .parquet files, which "
    "are read fast and in parts; by default only as .csv. Needs pyarrow.",
)
report_option = click.option(
    "--report/--no-report",
    default=True,
    show_default=True,
    help="Draw pictures, and write a page of what was found, report.html.",
)


def tracking_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of tracking that have a default."""
    for option in (
        click.option(
            "--drift/--no-drift",
            default=TrackingOptions.drift,
            show_default=True,
            help="Remove the drift of the whole field.",
        ),
        click.option(
            "--search-range",
            type=LENGTH,
            help="Longest distance that a particle may move by itself between frames, "
            'such as "3 nm"; by default a particle that does not overlap with any of '
            "the frame before is new.",
        ),
        click.option(
            "--memory",
            type=int,
            default=TrackingOptions.memory,
            show_default=True,
            help="Number of frames in which a particle may be missing.",
        ),
        click.option(
            "--min-area",
            type=LENGTH,
            help='Smallest area of a particle, such as "4 nm^2"; by default a '
            "twentieth of the square of --min-separation. The number of dropped "
            "regions is reported.",
        ),
        click.option(
            "--min-overlap",
            type=float,
            default=TrackingOptions.min_overlap,
            show_default=True,
            help="Smallest overlap of one particle in two frames, 0 to 1.",
        ),
        click.option(
            "--probability",
            type=float,
            help="Smallest probability of the pixels of particles. The default is the "
            "network's threshold of unbiased area; it is 0.9 for segmentations of "
            "older networks, and 0.5 for those of other programs.",
        ),
    ):
        command = option(command)
    return command


def run_job(job: Any, *arguments: Any, **options: Any) -> None:
    """Run a job that can be interrupted.

    Parameters
    ----------
    job
        What is run.
    arguments, options
        What it is given.
    """
    try:
        job(*arguments, **options)
    except KeyboardInterrupt:
        click.echo(
            "\nStopped. The same command continues with the remaining frames.",
            err=True,
        )
        sys.exit(130)
