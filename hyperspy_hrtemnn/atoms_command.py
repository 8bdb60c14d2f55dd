# SPDX-License-Identifier: GPL-3.0-or-later
"""Command `hrtemnn atoms`: a focal series into atoms, lenses and a wave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import click

from hyperspy_hrtemnn.command_options import (
    EXISTING,
    FOLDER,
    LENGTH,
    device_option,
    sampling_option,
)
from hyperspy_hrtemnn.options import AtomOptions, CameraOptions

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@click.argument("series", type=EXISTING)
@click.option("--model", required=True, help="Name of a network, or its file.")
@click.option("--out", required=True, type=FOLDER, help="Folder for the results.")
@click.option(
    "--detector",
    type=EXISTING,
    help="The camera: the file that hrtemnn detector wrote; by default --mtf.",
)
@click.option(
    "--mtf",
    type=(float, float),
    help="c0 and c3 of its MTF, or inf 1 for none; by default that of --detector.",
)
@click.option(
    "--readout",
    type=float,
    help="Variance of its readout noise [e-/pixel]; by default that of --detector, or "
    "0 with --mtf.",
)
@click.option(
    "--counts-per-electron",
    type=float,
    help="Counts of one electron; by default those of the file, if it says them.",
)
@click.option(
    "--offset",
    type=float,
    help="Counts of a pixel without beam; by default the file's, or 0.",
)
@click.option(
    "--dose",
    type=float,
    help="Dose of an image [e-/Å²], if the counts of an electron are not known; by "
    "default counted.",
)
@click.option(
    "--energy",
    help='Beam energy in keV, or a text, "80 kV"; by default that of the file.',
)
@click.option(
    "--defocus",
    type=LENGTH,
    multiple=True,
    help='Guess of the defocus, such as "5 nm", positive = underfocus: once for each '
    "image. A number is in the unit of the image axes, Å with --sampling. By default "
    "that of the file's axis named defocus.",
)
@click.option(
    "--cs",
    "Cs",
    type=LENGTH,
    default=AtomOptions.Cs,
    show_default=True,
    help='Guess of the spherical aberration, such as "10 um", right to 1.5 µm; a '
    "number is in the unit of the image axes.",
)
@click.option(
    "--dopant",
    "dopants",
    multiple=True,
    help="Symbol of an element that may stand in place of another, once for each; by "
    "default none.",
)
@click.option(
    "--vibration",
    type=LENGTH,
    default=AtomOptions.vibration,
    show_default=True,
    help="Mean square displacement of the atoms along one direction.",
)
@click.option(
    "--any-contrast",
    is_flag=True,
    help="Fit the contrast of each image, too, as of stretched images.",
)
@click.option(
    "--support",
    type=click.Choice(["graphene"]),
    help="What the sheet lies on; by default nothing.",
)
@sampling_option
@device_option
def atoms(
    *,
    series: Path,
    model: str,
    out: Path,
    device: str | None,
    energy: str | None,
    defocus: tuple[float | str, ...],
    sampling: float | str | None,
    Cs: float | str,
    dopants: tuple[str, ...],
    vibration: float | str,
    any_contrast: bool,
    support: Literal["graphene"] | None,
    **camera: Any,
) -> None:
    """Find the atoms that explain SERIES, one image or a focal series.

    The network guesses the columns, and positions, classes and lenses are refined until
    the images of the atoms are those of SERIES. OUT gets columns.csv, empty_sites.csv,
    lenses.csv, wave.hspy, residuals.hspy, atoms.xyz and atoms.png, and support.csv and
    empty_support_sites.csv if there is a support; only such files that this command has
    written are replaced.
    """
    from hyperspy_hrtemnn.jobs.atoms import find_atoms_file

    found = find_atoms_file(
        series,
        model,
        out,
        device=device,
        sampling=sampling,
        energy=energy,
        defocus=defocus,
        camera=CameraOptions(**camera),
        options=AtomOptions(
            Cs=Cs,
            dopants=dopants,
            vibration=vibration,
            any_contrast=any_contrast,
            support=support,
        ),
    )
    click.echo(repr(found))
