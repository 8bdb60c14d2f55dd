# SPDX-License-Identifier: GPL-3.0-or-later
"""Report of `hrtemnn follow`: the particles of a movie on its images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hyperspy_hrtemnn.terminal import as_line

from .facts import code_to_load, facts_of_movie, facts_of_network
from .page import Step
from .particles import IN_IMAGEJ, Said, report_particles

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from hyperspy_hrtemnn.networks import Network

    from .files import ReportFiles
    from .particles import FoundParticles

_FILES = {
    "properties.csv": "one row for each particle in each frame",
    "frames.csv": "which frames could be used, and why others could not",
    "particles.hspy": "the particles for HyperSpy",
}
_REFLECTIONS = {"reflections.csv": "the reflections of each particle in each frame"}

_CODE = """\
import hyperspy.api as hs
import hyperspy_hrtemnn

movie = {movie}
movie.set_signal_type("HRTEM")
particles = hs.load({labels!r}, lazy=True)
particles.plot_overlay(movie, frame=0)"""


def report_followed(
    found: FoundParticles,
    *,
    movie: Path,
    network: Network,
    bad: Mapping[int, str],
    options: Mapping[str, str],
    told: Sequence[str],
    files: ReportFiles,
) -> pd.DataFrame:
    """Write the report of followed particles.

    Parameters
    ----------
    found
        The particles.
    movie
        The movie that was followed.
    network
        The network that found them.
    bad
        Why frames could not be used, by number.
    options, told
        The options of the command, and the warnings that it printed.
    files
        The files of the report.

    Returns
    -------
    The summary of the particles.
    """
    labels = as_line(files.folder / "particles.hspy")
    code = _CODE.format(movie=code_to_load(movie), labels=labels)
    steps = [
        Step("Look at any frame in Python:", code),
        IN_IMAGEJ,
        Step(
            "If particles get new ids where they should keep theirs, run the same "
            "command with another --memory, --search-range or --min-overlap: the "
            "network does not run again."
        ),
    ]
    said = Said(
        title=f"Particles of {as_line(movie.name)}",
        facts={
            "command": "hrtemnn follow",
            **facts_of_movie("movie", movie, found.images, bad),
            **facts_of_network(network),
        },
        options=options,
        warnings=told,
        files=_FILES | ({} if found.reflections is None else _REFLECTIONS),
        steps=steps,
    )
    return report_particles(found, said, files)
