# SPDX-License-Identifier: GPL-3.0-or-later
"""Following the particles of a movie in a file: the job of `hrtemnn follow`."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hyperspy_hrtemnn.checkpoint import bad_frames
from hyperspy_hrtemnn.cluster import cluster_client
from hyperspy_hrtemnn.crystals import as_crystal
from hyperspy_hrtemnn.io.whole_frames import load_movie
from hyperspy_hrtemnn.locks import locked
from hyperspy_hrtemnn.networks import load
from hyperspy_hrtemnn.options import FollowingOptions, ReflectionOptions
from hyperspy_hrtemnn.signals._one_pass.follow import (
    follow_particles,
    prepare_following,
)
from hyperspy_hrtemnn.signals._one_pass.followed_movie import FRAMES
from hyperspy_hrtemnn.signals._shared.entrance import in_one_form
from hyperspy_hrtemnn.signals._shared.output_files import (
    check_parquet,
    write_csv,
    write_parquet,
)
from hyperspy_hrtemnn.signals._shared.skipping import FrameRule

from .lengths import sampling_in_angstrom
from .outputs import is_same
from .own_files import OwnFiles
from .pass_files import write_particles
from .reports import particles
from .reports.facts import options_as_text
from .reports.files import ReportFiles
from .reports.followed import report_followed
from .reports.particles import FoundParticles
from .sources import Input
from .warning_lines import warnings_as_lines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pandas as pd
    from hyperspy.signals import Signal2D

    from hyperspy_hrtemnn.bad_frames import OnBadFrame
    from hyperspy_hrtemnn.checkpoint import Source
    from hyperspy_hrtemnn.options import (
        PredictionOptions,
        SpectrumOptions,
        TrackingOptions,
    )
    from hyperspy_hrtemnn.signals._one_pass.follow import FollowedParticles
    from hyperspy_hrtemnn.signals._one_pass.particle_work import ParticleWork

_OUTPUTS = ("properties.csv", "reflections.csv", "frames.csv", "particles.hspy")
_PARQUET = ("properties.parquet", "reflections.parquet")


@dataclass(frozen=True)
class Followed:
    """What was found in a movie, in short, and the tables that were written.

    Parameters
    ----------
    folder
        Where they are.
    columns
        The columns of each table by its file, with their units, "" for those without.
    frames, unusable, particles
        Numbers of frames, of those that could not be used, and of particles.
    mean_area, area_unit
        Mean area of all particles in all frames.
    warnings
        The warnings that were printed.
    """

    folder: Path
    columns: Mapping[str, Mapping[str, str]]
    frames: int
    unusable: int
    particles: int
    mean_area: float
    area_unit: str
    warnings: tuple[str, ...]

    @classmethod
    def of(
        cls,
        found: FoundParticles,
        folder: Path,
        told: Sequence[str],
        summary: pd.DataFrame | None,
    ) -> Followed:
        """Return it without the tables themselves, which may be large."""
        tables = {"properties.csv": found.properties}
        if found.reflections is not None:
            tables["reflections.csv"] = found.reflections
        if summary is not None:
            tables[particles.SUMMARY] = summary
        valid = found.frames["valid"]
        return cls(
            folder=folder,
            columns={name: _columns(table) for name, table in tables.items()},
            frames=len(valid),
            unusable=int((~valid).sum()),
            particles=int(found.properties["id"].nunique()),
            mean_area=float(found.properties["area"].mean()),
            area_unit=str(found.properties.attrs["units"]["area"]),
            warnings=tuple(told),
        )


def _columns(table: pd.DataFrame) -> dict[str, str]:
    units = table.attrs["units"]
    return {str(name): str(units.get(name, "")) for name in table.columns}


@dataclass(frozen=True)
class FollowSettings:
    """What `hrtemnn follow` and `hrtemnn watch` do to a movie.

    Parameters
    ----------
    model, device
        Name of a network, or path of its file, and what it runs on; see
        `HRTEM.segment`.
    sampling
        Pixel size in place of the file's, a number in Å or a text with a unit.
    running
        How the network is run.
    tracking
        How particles are split and linked.
    spectra
        Crop and soft edge of the spectra of particles.
    crystal, on_bad_frame, overwrite
        See `HRTEM.follow_particles`.
    parquet
        Whether the tables are also written as Parquet.
    """

    model: str | Path
    device: str | None
    sampling: float | str | None
    running: PredictionOptions
    tracking: TrackingOptions
    spectra: SpectrumOptions
    crystal: str | None
    on_bad_frame: OnBadFrame | None
    overwrite: bool
    parquet: bool = False

    def as_text(self) -> dict[str, str]:
        """Return the options as they are shown in a report."""
        return options_as_text(
            self.tracking,
            self.spectra,
            crystal=self.crystal,
            sampling=self.sampling,
            tile=self.running.tile,
            overlap=self.running.overlap,
            device=self.device,
        )

    def check(self) -> None:
        """Raise a ValueError for what can be refused before there is any frame."""
        if self.crystal is not None:
            as_crystal(self.crystal)
        if self.parquet:
            check_parquet()

    def prepare(self, signal: Signal2D, source: Source) -> ParticleWork:
        """Return the work on the frames of a movie, checked, without following it."""
        crystal = None if self.crystal is None else as_crystal(self.crystal)
        return prepare_following(
            signal,
            self.model,
            device=self.device,
            running=self.running,
            tracking=self.tracking,
            crop=self.spectra,
            searching=ReflectionOptions(),
            following=FollowingOptions(crystal),
            show_progressbar=False,
            num_workers=None,
            source=source,
        )

    def follow(
        self,
        signal: Signal2D,
        out: Path,
        source: Source | None,
        *,
        show_progressbar: bool | None = True,
    ) -> FollowedParticles:
        """Return the particles of a movie, found in a folder of `follow_particles`."""
        crystal = None if self.crystal is None else as_crystal(self.crystal)
        return follow_particles(
            signal,
            self.model,
            out,
            device=self.device,
            running=self.running,
            tracking=self.tracking,
            crop=self.spectra,
            searching=ReflectionOptions(),
            following=FollowingOptions(crystal),
            rule=FrameRule(self.on_bad_frame, by_hand=True),
            overwrite=self.overwrite,
            show_progressbar=show_progressbar,
            num_workers=None,
            source=source,
        )


def follow_file(
    movie: Path,
    model: str,
    out: Path,
    *,
    device: str | None = None,
    sampling: float | str | None,
    processes: int | None,
    scheduler: str | None,
    running: PredictionOptions,
    tracking: TrackingOptions,
    spectra: SpectrumOptions,
    crystal: str | None,
    on_bad_frame: OnBadFrame | None,
    overwrite: bool,
    report: bool = False,
    parquet: bool = False,
) -> Followed:
    """Follow the particles of a file; go on where an earlier run stopped.

    Parameters
    ----------
    movie
        A file that HyperSpy reads, or a folder of an in-situ camera.
    model
        Name of a network, or path of its file.
    out
        The folder of `HRTEM.follow_particles`, which also gets ``particles.hspy``,
        ``properties.csv``, ``reflections.csv`` and ``frames.csv``; and what is in a
        report.
    device
        What the network runs on; see `HRTEM.segment`.
    sampling
        Pixel size in place of the file's, a number in Å or a text with a unit.
    processes
        Number of processes to work in; by default one, with threads.
    scheduler
        Address of a cluster of dask.distributed to work on instead, which is trusted;
        see `hyperspy_hrtemnn.cluster`.
    running
        How the network is run.
    tracking
        How particles are split and linked.
    spectra
        Crop and soft edge of the spectra of particles.
    crystal, on_bad_frame, overwrite
        See `HRTEM.follow_particles`.
    report
        Whether to draw pictures and to write a page of what was found.
    parquet
        Whether to write the tables as Parquet, too.

    Returns
    -------
    What was found and written.

    Raises
    ------
    ValueError
        If the file cannot be read, or if `HRTEM.follow_particles` raises one.
    """
    source = Input.of(movie)
    if any(is_same(out, path) for path in (movie, *source.files)):
        raise ValueError(f"--out is the input, {movie}; give another name.")
    own = OwnFiles(out)
    settings = FollowSettings(
        model,
        device,
        sampling,
        running,
        tracking,
        spectra,
        crystal,
        on_bad_frame,
        overwrite,
        parquet,
    )
    with warnings_as_lines(movie) as told, locked(out):
        check_followed_files(out, own, report=report)
        signal = in_one_form(load_movie(movie, sampling_in_angstrom(sampling)))
        frames = max(signal.axes_manager.navigation_size, 1)
        source.check(signal)
        # A file is known by its content, wherever it lies now.
        known = source.source(frames) if source.files else None
        settings.check()
        spread = processes is not None or scheduler is not None
        with cluster_client(processes, scheduler) if spread else nullcontext():
            result = settings.follow(signal, out, known)
        files = FollowedFiles(out, own, None if known is None else known.names)
        return files.write(result, signal, movie, settings, told=told, report=report)


def check_followed_files(out: Path, own: OwnFiles, *, report: bool) -> None:
    """Raise a ValueError if a file would be replaced that the job did not write."""
    own.check(out / name for name in (*_OUTPUTS, *_PARQUET))
    if report:
        ReportFiles(out, own).check(particles.NAMES)


@dataclass(frozen=True)
class FollowedFiles:
    """The files that are written when a movie has been followed.

    Parameters
    ----------
    folder
        The folder of `HRTEM.follow_particles`.
    own
        The list of what is ours there.
    names
        What each frame is known by, if by a name.
    """

    folder: Path
    own: OwnFiles
    names: Sequence[str] | None

    def write(
        self,
        result: FollowedParticles,
        signal: Signal2D,
        movie: Path,
        settings: FollowSettings,
        *,
        told: Sequence[str],
        report: bool,
    ) -> Followed:
        """Write the files, and return what is in them.

        Parameters
        ----------
        result
            What was found.
        signal, movie
            The movie, and where it is.
        settings
            What was done.
        told
            The warnings that were printed.
        report
            Whether to draw pictures and to write a page of what was found.
        """
        bad = bad_frames(self.folder / FRAMES, self.names)
        frames = _write(result, self.folder, self.own, bad, parquet=settings.parquet)
        found = FoundParticles(
            result.particles, signal, result.properties, frames, result.reflections
        )
        files = ReportFiles(self.folder, self.own)
        summary = None
        if report:
            summary = report_followed(
                found,
                movie=movie,
                network=load(settings.model, "cpu"),
                bad=bad,
                options=settings.as_text(),
                told=told,
                files=files,
            )
        else:
            files.remove(particles.NAMES)
        return Followed.of(found, self.folder, told, summary)


def _write(
    result: FollowedParticles,
    out: Path,
    own: OwnFiles,
    bad: Mapping[int, str],
    *,
    parquet: bool,
) -> pd.DataFrame:
    """Write what was found into files of ours; return which frames are known."""
    frames, labels = (out / name for name in _OUTPUTS[-2:])
    tables = (result.properties, result.reflections)
    for table, name, column_wise in zip(tables, _OUTPUTS, _PARQUET, strict=False):
        # Those of other options would be taken for what belongs to the rest.
        if table is None:
            own.remove(out / name)
        else:
            write_csv(table, out / name, writing=own.writing())
        if table is None or not parquet:
            own.remove(out / column_wise)
        else:
            write_parquet(table, out / column_wise, writing=own.writing())
    return write_particles(result.particles, frames, labels, own, bad)
