# SPDX-License-Identifier: GPL-3.0-or-later
"""Event rates: how often columns appear, vanish and jump, with confidence bands."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import chi2

from .diffusion import atoms_gained
from .table import check_columns, known_frames

if TYPE_CHECKING:
    from collections.abc import Iterator


KINDS = ("appears", "vanishes", "jumps", "changes")
"""What an event can be."""


def count_once(events: pd.DataFrame) -> pd.DataFrame:
    """Return a table of events with one row for each jump, that of its end.

    A jump is real where either of its two rows is: where they are errors, they are so
    independent of each other. Its ``probability`` is therefore one minus the product of
    what is missing to 1 in both.

    Parameters
    ----------
    events
        Table from `column_events`.
    """
    check_columns(events, "jump", "frame", "frame_before", "probability")
    jump = events["jump"].to_numpy()
    missing = 1 - events["probability"]
    both = 1 - missing.groupby(jump).transform("prod")
    counted = events.assign(probability=events["probability"].where(jump == 0, both))
    kept = (jump == 0) | (atoms_gained(events) > 0)
    result: pd.DataFrame = counted[kept].reset_index(drop=True)
    result.attrs = dict(events.attrs)
    return result


def event_rates(
    events: pd.DataFrame,
    tracks: pd.DataFrame,
    *,
    false_rate: float = 0.0,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Return how many events each particle has in a time, with a confidence band.

    A rate is over the time in which a particle was observed: from each known frame to
    the next, if none is missing between. Events that happened while frames were missing
    are not counted. Events that do not depend on each other have a Poisson distribution
    about their mean, so that the band is known whatever their number (Garwood).

    Parameters
    ----------
    events
        Table from `column_events`.
    tracks
        The table it was made from. Its ``time``, if there is one, is the unit of the
        rates; otherwise they are per frame.
    false_rate
        Rate of false events of a column, ``rate_per_column`` of a movie with the same
        dose in which nothing happens. What is expected of these is subtracted.
    confidence
        Probability with which the band holds the rate.

    Returns
    -------
    A row for each particle, with its ``id`` if there is one: the number of ``events``,
    a jump counted once, and of each kind, those that are expected to be false,
    ``false_events``, the time that was ``observed``, the mean number of ``columns`` in
    a frame, ``rate`` with ``rate_low`` and ``rate_high``, and the same of a column,
    ``rate_per_column``, ``rate_per_column_low`` and ``rate_per_column_high``. NaN where
    nothing was observed. ``attrs["units"]`` has the units.

    Raises
    ------
    ValueError
        If a table lacks a column, or a number is out of range.

    References
    ----------
    Garwood, Biometrika 28 (1936) 437.
    """
    check_columns(tracks, "frame")
    if not 0 <= false_rate < np.inf:
        raise ValueError(f"false_rate is {false_rate}; it has to be 0 or more.")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence}; it has to be between 0 and 1.")
    rows = []
    for number, columns, steps, own in _observed(events, tracks):
        observed = steps["duration"].sum()
        size = columns.groupby("frame").size().mean()
        kinds = {kind: int((own["kind"] == kind).sum()) for kind in KINDS}
        false = false_rate * size * observed
        limits = np.array([len(own), *poisson_band(len(own), confidence)]) - false
        with np.errstate(divide="ignore", invalid="ignore"):
            rates = np.maximum(limits, 0) / (observed or np.nan)
        row: dict[str, float] = {} if number is None else {"id": number}
        row |= {"events": len(own), **kinds, "false_events": false}
        row |= {"observed": observed, "columns": size}
        ends = ("", "_low", "_high")
        row |= {f"rate{e}": v for e, v in zip(ends, rates, strict=True)}
        row |= {
            f"rate_per_column{e}": v / size for e, v in zip(ends, rates, strict=True)
        }
        rows.append(row)
    table = pd.DataFrame(rows)
    unit = tracks.attrs.get("units", {}).get("time") if "time" in tracks else "frame"
    if unit:
        table.attrs["units"] = {"observed": unit} | {
            name: f"1/{unit}" for name in table if str(name).startswith("rate")
        }
    return table


def _observed(
    events: pd.DataFrame, tracks: pd.DataFrame
) -> Iterator[tuple[int | None, pd.DataFrame, pd.DataFrame, pd.DataFrame]]:
    """Yield number, columns, observed steps, and events in these, of each particle."""
    counted = count_once(events)
    counted = counted[counted["frame"] - counted["frame_before"] == 1]
    tracks = tracks[tracks["frame"].isin(known_frames(tracks))]
    ids = np.unique(tracks["id"]).tolist() if "id" in tracks else [None]
    for number in ids:
        columns, own = tracks, counted
        if number is not None:
            columns = tracks[tracks["id"] == number]
            own = counted[counted["id"] == number]
        steps = steps_of(columns)
        yield number, columns, steps, own[own["frame"].isin(steps["frame"])]


def steps_of(columns: pd.DataFrame) -> pd.DataFrame:
    """Return the steps from each known frame to the next, where none is missing.

    Parameters
    ----------
    columns
        Columns of one particle, with ``frame`` and, if there is one, ``time``.

    Returns
    -------
    ``frame``, the later of the two, ``start`` and ``end``, their times or frames, and
    the ``duration`` of the step.
    """
    when = "time" if "time" in columns else "frame"
    frames = columns.drop_duplicates("frame").sort_values("frame")
    number = frames["frame"].to_numpy()
    time = frames[when].to_numpy(float)
    near = np.flatnonzero(np.diff(number) == 1)
    return pd.DataFrame(
        {
            "frame": number[near + 1],
            "start": time[near],
            "end": time[near + 1],
            "duration": time[near + 1] - time[near],
        }
    )


class TimedRate(NamedTuple):
    """Rate of events in a part of a movie.

    Attributes
    ----------
    start, end
        When it begins and ends.
    rate, low, high
        The rate, and the ends of its confidence band; NaN where nothing was observed.
    """

    start: float
    end: float
    rate: float
    low: float
    high: float


def rates_in_time(
    events: pd.DataFrame,
    tracks: pd.DataFrame,
    *,
    parts: int = 8,
    confidence: float = 0.95,
) -> list[TimedRate]:
    """Return the rate of the events of all particles in equal parts of the movie.

    Parameters
    ----------
    events, tracks, confidence
        See `event_rates`. The rate is that of a particle, the mean over all.
    parts
        Number of parts.
    """
    if parts < 1 or parts != int(parts):
        raise ValueError(f"parts is a number, 1 or more, not {parts}.")
    found = [(steps, own) for _, _, steps, own in _observed(events, tracks)]
    steps = pd.concat([step for step, _ in found])
    if steps.empty:
        return []
    edges = np.linspace(steps["start"].min(), steps["end"].max(), int(parts) + 1)
    observed, number = np.zeros(int(parts)), np.zeros(int(parts), int)
    for step, own in found:
        middle = (step["start"] + step["end"]) / 2
        part = np.clip(np.searchsorted(edges, middle) - 1, 0, int(parts) - 1)
        np.add.at(observed, part, step["duration"].to_numpy())
        of_frame = pd.Series(part, index=step["frame"])
        np.add.at(number, of_frame[own["frame"]].to_numpy(), 1)
    result = []
    for k in range(int(parts)):
        limits = np.array([number[k], *poisson_band(int(number[k]), confidence)])
        rate, low, high = limits / (observed[k] or np.nan)
        result.append(TimedRate(edges[k], edges[k + 1], rate, low, high))
    return result


def poisson_band(number: int, confidence: float) -> tuple[float, float]:
    """Return the lowest and highest mean that a number of events speaks for.

    Parameters
    ----------
    number
        Number of events.
    confidence
        Probability with which the mean is between the two.

    Examples
    --------
    >>> [round(limit, 2) for limit in poisson_band(0, 0.95)]
    [0.0, 3.69]
    >>> [round(limit, 2) for limit in poisson_band(10, 0.95)]
    [4.8, 18.39]
    """
    outside = (1 - confidence) / 2
    low = 0.0 if number == 0 else float(chi2.ppf(outside, 2 * number)) / 2
    return low, float(chi2.ppf(1 - outside, 2 * number + 2)) / 2
