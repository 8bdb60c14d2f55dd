# SPDX-License-Identifier: GPL-3.0-or-later
"""Following the particles of several movies: one after the other, and tables of all."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import click
import pandas as pd

from hyperspy_hrtemnn.full_disk import DiskFullError
from hyperspy_hrtemnn.locks import locked
from hyperspy_hrtemnn.signals._shared.output_files import with_units
from hyperspy_hrtemnn.signals._shared.units import ratio
from hyperspy_hrtemnn.terminal import as_line

from .own_files import OwnFiles
from .reports.files import PAGE
from .reports.page import Page, Rows, Step, as_cell, write_page

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from .following import Followed

TABLES = ("properties.csv", "reflections.csv", "summary.csv")
_ALL = "all_"
INDEX = f"{_ALL}movies.html"

_CODE = """\
import pandas as pd

table = pd.read_csv({out!r} + "/all_properties.csv")
table.groupby(["movie", "frame"]).size()  # the number of particles in each frame"""

_UNREADABLE = "{} of {} movies could not be followed: {} The same command tries again."


def follow_several(
    movies: Sequence[Path],
    out: Path,
    follow: Callable[[Path, Path], Followed],
    *,
    report: bool,
) -> None:
    """Follow the particles of movies; go on where an earlier run stopped.

    A movie that cannot be followed does not stop the others.

    Parameters
    ----------
    movies
        The movies.
    out
        The folder of the results: those of each movie are in a folder of its name, and
        ``all_properties.csv``, ``all_reflections.csv`` and ``all_summary.csv`` are of
        all, with the name of the movie in each row; ``all_movies.html`` has a line for
        each, which leads to its page.
    follow
        What follows a movie and writes into a folder: `follow_file`, with its options.
    report
        Whether to write the page of all.

    Raises
    ------
    ValueError
        If two movies have one name, a file in the folder is not ours, or movies could
        not be followed; those that could are finished then.
    """
    _check_names(movies)
    own = OwnFiles(out)
    with locked(out):
        own.check(out / name for name in (*(_ALL + table for table in TABLES), INDEX))
        done: dict[Path, Followed] = {}
        failed: dict[Path, str] = {}
        for number, movie in enumerate(movies, 1):
            click.echo(f"Movie {number} of {len(movies)}: {as_line(movie)}", err=True)
            try:
                done[movie] = follow(movie, out / movie.name)
            except (DiskFullError, ConnectionError):
                # The next one would fail, too.
                raise
            except (ValueError, OSError) as error:
                failed[movie] = as_line(error)
                click.echo(f"{as_line(movie)}: {failed[movie]}", err=True)
        if done:
            _write_tables(done, out, own)
        if report and done:
            _write_index(done, failed, out, own)
        else:
            own.remove(out / INDEX)
    if failed:
        reasons = " ".join(
            f"{as_line(m.name)}: {why.rstrip('.')}." for m, why in failed.items()
        )
        raise ValueError(_UNREADABLE.format(len(failed), len(movies), reasons))


def _check_names(movies: Sequence[Path]) -> None:
    """Raise a ValueError if results of two movies would be in one folder."""
    known: dict[str, Path] = {}
    for movie in movies:
        # Many drives take upper and lower case for the same.
        other = known.setdefault(movie.name.casefold(), movie)
        if other is not movie:
            raise ValueError(
                f"{other} and {movie} have one name, which their results are filed "
                "under; follow them in two runs, with another --out each."
            )


def _write_tables(done: Mapping[Path, Followed], out: Path, own: OwnFiles) -> None:
    """Write the tables of all movies, with those of one in memory at a time."""
    for name in TABLES:
        path = out / f"{_ALL}{name}"
        having = {m: each for m, each in done.items() if name in each.columns}
        if not having:
            # Those of other options would be taken for what belongs to the rest.
            own.remove(path)
            continue
        # A column has the unit that it has in the first movie with this column.
        units: dict[str, str] = {}
        for each in having.values():
            for column, unit in each.columns[name].items():
                units.setdefault(column, unit)
        header = list(
            dict.fromkeys(c for e in having.values() for c in e.columns[name])
        )
        with own.writing()(path) as temporary:
            for number, (movie, each) in enumerate(having.items()):
                table = _in_units(each, name, units).reindex(columns=header)
                table.insert(0, "movie", as_line(movie.name))
                named = with_units(table, units)
                named.to_csv(
                    temporary,
                    mode="a",
                    header=not number,
                    index=False,
                    encoding="utf-8",
                )


def _in_units(each: Followed, name: str, units: Mapping[str, str]) -> pd.DataFrame:
    """Return a table of a movie in the units of the table of all."""
    own = each.columns[name]
    table = pd.read_csv(each.folder / name, float_precision="round_trip")
    # As they are in memory, without the unit behind the name.
    table.columns = pd.Index(list(own))
    for column, unit in own.items():
        if unit == units[column]:
            continue
        factor = ratio(unit, units[column])
        if factor is None:
            raise ValueError(
                f"{column} is in {unit or 'no unit'} in {each.folder / name}, and in "
                f"{units[column] or 'no unit'} in the movies before, which cannot be "
                "in one table. Calibrate the movies alike, or follow them in two runs."
            )
        table[column] *= factor
    return table


def _write_index(
    done: Mapping[Path, Followed], failed: Mapping[Path, str], out: Path, own: OwnFiles
) -> None:
    """Write a page with a line for each movie."""
    cells, links = [], []
    warnings = [f"{as_line(movie.name)}: {why}" for movie, why in failed.items()]
    for movie, each in done.items():
        area = f"{as_cell(each.mean_area)} {each.area_unit}"
        numbers = map(str, (each.frames, each.unusable, each.particles))
        cells.append([as_line(movie.name), *numbers, area])
        links.append(f"./{quote(movie.name)}/{PAGE}")
        warnings += [f"{as_line(movie.name)}: {line}" for line in each.warnings]
    for movie in failed:
        cells.append([as_line(movie.name), "failed", "", "", ""])
        links.append("")
    header = ["movie", "frames", "not usable", "particles", "mean area"]
    page = Page(
        title=f"Particles of {len(done) + len(failed)} movies",
        facts={
            "command": "hrtemnn follow",
            "movies": f"{len(done)} followed, {len(failed)} failed",
            "particles": str(sum(each.particles for each in done.values())),
        },
        options={},
        warnings=warnings,
        table=Rows(header, cells, "Each movie leads to its own page.", links),
        files={
            f"{_ALL}{name}": f"{name} of all movies"
            for name in TABLES
            if any(name in each.columns for each in done.values())
        },
        steps=[
            Step("Compare the movies in Python:", _CODE.format(out=as_line(out))),
        ],
    )
    write_page(page, out / INDEX, writing=own.writing())
