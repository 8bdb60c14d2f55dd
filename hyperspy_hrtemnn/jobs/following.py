# SPDX-License-Identifier: GPL-3.0-or-later
"""Following the particles of a movie in a file: the job of `hrtemnn follow`."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from hyperspy_hrtemnn.checkpoint import bad_frames
from hyperspy_hrtemnn.cluster import cluster_client
from hyperspy_hrtemnn.io.whole_frames import load_movie
from hyperspy_hrtemnn.signals._one_pass.followed_movie import FRAMES
from hyperspy_hrtemnn.signals._particles.instance_files import write_csv
from hyperspy_hrtemnn.signals._shared.tables import frame_table

from .lengths import sampling_in_angstrom
from .warning_lines import warnings_as_lines

if TYPE_CHECKING:
    from pathlib import Path

    from hyperspy_hrtemnn.bad_frames import OnBadFrame
    from hyperspy_hrtemnn.options import (
        PredictionOptions,
        SpectrumOptions,
        TrackingOptions,
    )


def follow_file(
    movie: Path,
    model: str,
    out: Path,
    *,
    sampling: float | str | None,
    processes: int | None,
    scheduler: str | None,
    running: PredictionOptions,
    tracking: TrackingOptions,
    spectra: SpectrumOptions,
    crystal: str | None,
    on_bad_frame: OnBadFrame | None,
    overwrite: bool,
) -> None:
    """Follow the particles of a file; go on where an earlier run stopped.

    Parameters
    ----------
    movie
        A file that HyperSpy reads, or a folder of an in-situ camera.
    model
        Name of a network, or path of its file.
    out
        The folder of `HRTEM.follow_particles`, which also gets ``particles.hspy``,
        ``properties.csv``, ``reflections.csv`` and ``frames.csv``.
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

    Raises
    ------
    ValueError
        If the file cannot be read, or if `HRTEM.follow_particles` raises one.
    """
    signal = load_movie(movie, sampling_in_angstrom(sampling))
    spread = processes is not None or scheduler is not None
    cluster = cluster_client(processes, scheduler) if spread else nullcontext()
    with warnings_as_lines(movie), cluster:
        particles, properties, reflections = signal.follow_particles(
            model,
            out,
            **vars(running),
            **vars(tracking),
            **vars(spectra),
            crystal=crystal,
            on_bad_frame=on_bad_frame,
            overwrite=overwrite,
            show_progressbar=True,
        )
    write_csv(properties, out / "properties.csv")
    if reflections is not None:
        write_csv(reflections, out / "reflections.csv")
    axes = particles.axes_manager
    frames = frame_table(
        axes.navigation_axes, max(axes.navigation_size, 1), bad_frames(out / FRAMES)
    )
    write_csv(frames, out / "frames.csv")
    particles.to_hspy(out / "particles.hspy", overwrite=True, show_progressbar=True)
