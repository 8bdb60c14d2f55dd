# SPDX-License-Identifier: GPL-3.0-or-later
"""Command `hrtemnn suggest`: the networks that fit an image, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hyperspy_hrtemnn.command_options import EXISTING, sampling_option
from hyperspy_hrtemnn.terminal import as_line

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@click.argument("image", type=EXISTING)
@sampling_option
@click.option(
    "--energy",
    help='Beam energy in keV, or a text, "80 kV"; by default that of the file.',
)
def suggest(*, image: Path, sampling: str | None, energy: str | None) -> None:
    """Name the networks that fit IMAGE, an image or a movie, and say why.

    The size of the pixels, the beam energy and the reflections of the image are
    compared with those that each network was trained on.
    """
    from hyperspy_hrtemnn.jobs.suggesting import spacings_text, suggest_networks

    seen, suggestions = suggest_networks(image, sampling=sampling, energy=energy)
    known = "energy unknown" if seen.energy is None else f"{seen.energy:g} keV"
    reflections = "no reflections"
    if seen.spacings:
        reflections = f"reflections at {spacings_text(seen.spacings)}"
    click.echo(f"{as_line(image)}: {seen.sampling:.4g} Å/pixel, {known}, {reflections}")
    width = max((len(one.name) for one in suggestions), default=0)
    for one in suggestions:
        fits = "yes" if one.fits else "no "
        click.echo(f"{fits}  {one.name:{width}}  {as_line(one.reason)}")
    if not any(one.fits for one in suggestions):
        click.echo(
            "No network that comes with the package fits; docs/new_material.md says "
            "how to make one.",
            err=True,
        )
