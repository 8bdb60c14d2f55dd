# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that several commands have, and the types of their values."""

from __future__ import annotations

import os
from glob import glob, has_magic
from pathlib import Path
from typing import Any

import click


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
report_option = click.option(
    "--report/--no-report",
    default=True,
    show_default=True,
    help="Draw pictures, and write a page of what was found, report.html.",
)
