# SPDX-License-Identifier: GPL-3.0-or-later
"""Report of `hrtemnn events`: how many events there were, how often, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from hyperspy_hrtemnn.analysis import count_once
from hyperspy_hrtemnn.plots import plot_events
from hyperspy_hrtemnn.signals._columns.column_plots import plot_columns
from hyperspy_hrtemnn.terminal import as_line

from .facts import code_to_load, facts_of_movie, facts_of_network
from .files import PAGE
from .page import Page, Shown, Step, rows_of, write_page
from .particles import picture_of_frame

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import pandas as pd
    from hyperspy.signals import Signal2D

    from hyperspy_hrtemnn.networks import Network
    from hyperspy_hrtemnn.signals._one_pass.count_events import CountedEvents

    from .files import ReportFiles

_MOST_FRAMES = 4  # with the most events, of which there are pictures

_CERTAIN = 0.5  # confidence of the columns that are drawn

_FILES = {
    "events.csv": "one row for each event of a site; a jump has two",
    "rates.csv": "one row for each particle: its events, and how often they are",
    "columns.csv": "one row for each column in each frame on a zone axis",
    "zone_axis.csv": "how probable it is that a particle is on a zone axis",
    "properties.csv": "one row for each particle in each frame",
    "frames.csv": "which frames could be used, and why others could not",
    "particles.hspy": "the particles for HyperSpy",
    "pictures": "the pictures of this page",
}

_CODE = """\
import hyperspy.api as hs
import hyperspy_hrtemnn
import pandas as pd
from hyperspy_hrtemnn.analysis.columns.table import with_units_of_headers
from hyperspy_hrtemnn.plots import plot_events

movie = {movie}
movie.set_signal_type("HRTEM")
columns, events = (
    with_units_of_headers(pd.read_csv(f"{out}/{{name}}.csv"))
    for name in ("columns", "events")
)
plot_events(events, columns)
movie.plot_columns(columns, frame={frame}, events=events)"""


@dataclass(frozen=True)
class FoundEvents:
    """What a job found in a movie.

    Parameters
    ----------
    counted
        The events, and all that they come from.
    images
        The movie.
    frames
        Table of the frames, with ``valid``.
    """

    counted: CountedEvents
    images: Signal2D
    frames: pd.DataFrame


def report_events(
    found: FoundEvents,
    *,
    movie: Path,
    networks: Mapping[str, Network],
    bad: Mapping[int, str],
    options: Mapping[str, str],
    told: Sequence[str],
    files: ReportFiles,
) -> None:
    """Write pictures, and the page with all of them.

    Parameters
    ----------
    found
        What was found.
    movie
        The movie.
    networks
        The networks that were used, by what they find.
    bad
        Why frames could not be used, by number.
    options, told
        The options of the command, and the warnings that it printed.
    files
        The files of the report.
    """
    files.remove_page()
    pictures = [*_curves(found, files), *_frames(found, files)]
    files.remove_older()
    events = found.counted.events
    number = len(count_once(events))
    facts = {
        "command": "hrtemnn events",
        **facts_of_movie("movie", movie, found.images, bad),
    }
    for what, network in networks.items():
        own = facts_of_network(network)
        facts |= {f"{name} of {what}": text for name, text in own.items()}
    frame = int(events["frame"].iloc[0]) if len(events) else 0
    code = _CODE.format(
        movie=code_to_load(movie), out=as_line(files.folder), frame=frame
    )
    text = (
        "One row for each particle: events, of which each jump counts once, the time "
        "in which they were observed, and their rate with its band of 95 %."
    )
    page = Page(
        title=f"Events of columns in {as_line(movie.name)}",
        facts={**facts, "events": str(number)},
        options=options,
        warnings=told,
        table=rows_of(found.counted.rates, text),
        pictures=pictures,
        files=_FILES,
        steps=[
            Step("Draw events and columns in Python:", code),
            Step(
                "How many of them are false says a movie of the same dose in which "
                "nothing happens: its rate_per_column is --false-rate. The network "
                "does not run again."
            ),
        ],
    )
    write_page(page, files.folder / PAGE, writing=files.writing())


def _curves(found: FoundEvents, files: ReportFiles) -> Iterator[Shown]:
    columns = found.counted.columns
    if columns.empty:
        return
    figure = Figure(figsize=(10, 5), layout="constrained")
    mosaic = figure.subplot_mosaic([["number", "map"], ["rate", "map"]])
    plot_events(
        found.counted.events, columns, [mosaic[n] for n in ("number", "rate", "map")]
    )
    text = (
        "Number of events of each particle, dotted where it was not on a zone axis; "
        "rate of a particle with its band of 95 %; and where they were."
    )
    yield Shown(files.draw("curve_events", figure), text)


def _frames(found: FoundEvents, files: ReportFiles) -> Iterator[Shown]:
    """Draw the frames with the most events."""
    events, columns = found.counted.events, found.counted.columns
    certain = columns[columns["confidence"] >= _CERTAIN]
    most = count_once(events)["frame"].value_counts(sort=True).head(_MOST_FRAMES)
    for number, count in most.sort_index().items():
        figure = picture_of_frame(found.images)
        place = (int(number),)  # type: ignore[call-overload]
        plot_columns(
            found.images,
            certain,
            place,
            figure.add_subplot(),
            vacancies=None,
            events=events,
            diffusion=None,
        )
        path = files.draw(f"frame_{place[0]:06d}", figure)
        kinds = events.loc[events["frame"] == number, "kind"].unique()
        of = f"{count} event{'' if count == 1 else 's'} ({', '.join(kinds)})"
        yield Shown(path, f"Frame {number}: {of}.")
