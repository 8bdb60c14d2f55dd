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
from hyperspy_hrtemnn.signals._one_pass.follow import follow_particles
from hyperspy_hrtemnn.signals._one_pass.followed_movie import FRAMES
from hyperspy_hrtemnn.signals._shared.entrance import in_one_form
from hyperspy_hrtemnn.signals._shared.output_files import write_csv
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

    from hyperspy_hrtemnn.bad_frames import OnBadFrame
    from hyperspy_hrtemnn.options import (
        PredictionOptions,
        SpectrumOptions,
        TrackingOptions,
    )
    from hyperspy_hrtemnn.signals._one_pass.follow import FollowedParticles

_OUTPUTS = ("properties.csv", "reflections.csv", "frames.csv", "particles.hspy")


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
    files = ReportFiles(out, own)
    with warnings_as_lines(movie) as told, locked(out):
        own.check(out / name for name in _OUTPUTS)
        if report:
            files.check(particles.NAMES)
        signal = in_one_form(load_movie(movie, sampling_in_angstrom(sampling)))
        frames = max(signal.axes_manager.navigation_size, 1)
        source.check(signal)
        # A file is known by its content, wherever it lies now.
        known = source.source(frames) if source.files else None
        known_crystal = None if crystal is None else as_crystal(crystal)
        spread = processes is not None or scheduler is not None
        with cluster_client(processes, scheduler) if spread else nullcontext():
            result = follow_particles(
                signal,
                model,
                out,
                device=device,
                running=running,
                tracking=tracking,
                crop=spectra,
                searching=ReflectionOptions(),
                following=FollowingOptions(known_crystal),
                rule=FrameRule(on_bad_frame, by_hand=True),
                overwrite=overwrite,
                show_progressbar=True,
                num_workers=None,
                source=known,
            )
        names = None if known is None else known.names
        bad = bad_frames(out / FRAMES, names)
        frames = _write(result, out, own, bad)
        found = FoundParticles(
            result.particles, signal, result.properties, frames, result.reflections
        )
        summary = None
        if report:
            summary = report_followed(
                found,
                movie=movie,
                network=load(model, "cpu"),
                bad=bad,
                options=options_as_text(
                    tracking,
                    spectra,
                    crystal=crystal,
                    sampling=sampling,
                    tile=running.tile,
                    overlap=running.overlap,
                    device=device,
                ),
                told=told,
                files=files,
            )
        else:
            files.remove(particles.NAMES)
        return Followed.of(found, out, told, summary)


def _write(
    result: FollowedParticles, out: Path, own: OwnFiles, bad: Mapping[int, str]
) -> pd.DataFrame:
    """Write what was found into files of ours; return which frames are known."""
    properties, reflections, frames, labels = (out / name for name in _OUTPUTS)
    write_csv(result.properties, properties, writing=own.writing())
    if result.reflections is None:
        # Those of other options would be taken for what belongs to the rest.
        own.remove(reflections)
    else:
        write_csv(result.reflections, reflections, writing=own.writing())
    return write_particles(result.particles, frames, labels, own, bad)
