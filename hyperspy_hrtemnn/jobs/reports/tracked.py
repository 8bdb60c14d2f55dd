# SPDX-License-Identifier: GPL-3.0-or-later
"""Report of `hrtemnn track`: the particles on the probabilities they were found in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hyperspy_hrtemnn.bad_frames import NO_DATA
from hyperspy_hrtemnn.terminal import as_line

from .facts import facts_of_movie
from .page import Step
from .particles import IN_IMAGEJ, Said, report_particles

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from .files import ReportFiles
    from .particles import FoundParticles

_CODE = """\
import hyperspy.api as hs

particles = hs.load({out!r})
movie = hs.load("MOVIE", lazy=True)  # the images
particles.plot_overlay(movie, frame=0)
table = particles.properties(movie)"""


def report_tracked(
    found: FoundParticles,
    *,
    segmentation: Path,
    out: Path,
    options: Mapping[str, str],
    told: Sequence[str],
    files: ReportFiles,
) -> None:
    """Write the report of tracked particles.

    Parameters
    ----------
    found
        The particles, with the segmentation as their images.
    segmentation, out
        What was tracked, and the labels that were written.
    options, told
        The options of the command, and the warnings that it printed.
    files
        The files of the report.
    """
    unknown = found.properties.attrs.get("unknown_frames", [])
    facts = facts_of_movie(
        "segmentation", segmentation, found.images, dict.fromkeys(unknown, NO_DATA)
    )
    metadata = found.images.metadata
    if network := metadata.get_item("HRTEMNN.Segmentation.network", None):
        facts["network"] = as_line(network)
    code = _CODE.format(out=as_line(out))
    steps = [
        Step("Draw the particles on the images, and measure their intensity:", code),
        IN_IMAGEJ,
        Step(
            "If particles are divided or merged, take another --min-separation; if "
            "their outlines are too wide or too narrow, another --probability; if they "
            "get new ids, another --memory or --search-range."
        ),
    ]
    said = Said(
        title=f"Particles of {as_line(segmentation.name)}",
        facts={"command": "hrtemnn track", **facts},
        options=options,
        warnings=told,
        steps=steps,
    )
    report_particles(found, said, files)
