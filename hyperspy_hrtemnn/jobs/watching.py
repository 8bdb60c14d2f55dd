# SPDX-License-Identifier: GPL-3.0-or-later
"""Watching a movie that a camera still writes: `watch`, the job of `hrtemnn watch`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hyperspy_hrtemnn.locks import locked
from hyperspy_hrtemnn.options import (
    PredictionOptions,
    SpectrumOptions,
    TrackingOptions,
)
from hyperspy_hrtemnn.signals._shared.progress import is_shown

from .following import FollowSettings
from .warning_lines import warnings_as_lines
from .watched_movie import WatchedMovie

if TYPE_CHECKING:
    from hyperspy_hrtemnn.bad_frames import OnBadFrame
    from hyperspy_hrtemnn.options import DeviceName
    from hyperspy_hrtemnn.signals._one_pass.follow import FollowedParticles


def watch(
    folder: str | Path,
    model: str | Path,
    out: str | Path,
    *,
    min_separation: float | str,
    min_overlap: float = TrackingOptions.min_overlap,
    probability: float | None = TrackingOptions.probability,
    min_area: float | str | None = TrackingOptions.min_area,
    memory: int = TrackingOptions.memory,
    drift: bool = TrackingOptions.drift is True,
    search_range: float | str | None = TrackingOptions.search_range,
    size: float | str | None = SpectrumOptions.size,
    apodization: float | str = SpectrumOptions.apodization,
    crystal: str | None = None,
    sampling: float | str | None = None,
    device: DeviceName | None = None,
    on_bad_frame: OnBadFrame | None = None,
    idle: float | None = None,
    frames: int | None = None,
    serve: int | None = None,
    overwrite: bool = False,
    show_progressbar: bool | None = None,
) -> FollowedParticles:
    """Segment, track and measure the particles of a movie while a camera writes it.

    Frames are taken in order, each as soon as it is whole. What is found is in the
    folder `out` at once: ``live.csv`` gets a row for each particle, and ``live.html``
    shows the last frame with the outlines of its particles, and their number and mean
    diameter so far. The watch ends after `frames` frames, after `idle` seconds without
    a new one, or with Ctrl-C. Then the movie is followed as a whole, without the
    network, and the result is that of `HRTEM.follow_particles`. The same call goes on
    where an earlier one has ended.

    Parameters
    ----------
    folder
        A folder that gets a file for each frame: files of any names, taken in the
        order in which HyperSpy stacks them, or the folders of an in-situ camera, see
        `load_in_situ`. Or a movie in one file that grows, such as a TIFF to which
        pages are added.
    model
        Name of a network, or path of its file, as in `HRTEM.segment`.
    out
        The folder of `HRTEM.follow_particles`, which also gets ``properties.csv``,
        ``reflections.csv``, ``frames.csv`` and ``particles.hspy`` at the end.
    min_separation, min_overlap, probability, min_area, memory, search_range
        As in `Segmentation.track_instances`.
    drift
        Whether to remove the drift of the whole field.
    size, apodization, crystal, device
        As in `HRTEM.follow_particles`.
    sampling
        Pixel size in place of that of the files, a number in Å or a text with a unit.
    on_bad_frame
        By default a frame that cannot be used, or whose file stays broken for 10 s, is
        left out, with a warning at the end; ``"raise"`` ends the watch there.
    idle
        Time without a new frame after which the watch ends [s]; by default none.
    frames
        Number of frames, those of earlier calls included, after which it ends; by
        default none.
    serve
        Port of this machine on which the page is shown to a browser; by default none,
        and 0 for any that is free.
    overwrite
        Whether to delete what a run with other options left in the folder.
    show_progressbar
        Whether to show progress bars; by default as in HyperSpy's preferences.

    Returns
    -------
    See `HRTEM.follow_particles`. A movie whose files do not say when frames were taken
    has no times.

    Raises
    ------
    ValueError
        If `HRTEM.follow_particles` raises one; if no frame came that could be used; or
        if a file in `out` was not written by this function.

    Examples
    --------
    >>> import hyperspy_hrtemnn
    >>> particles, properties, _ = hyperspy_hrtemnn.watch(
    ...     "camera/heating_03",
    ...     "au-ceo2-mask",
    ...     "heating_03_particles",
    ...     min_separation="2 nm",
    ...     idle=60,
    ... )  # doctest: +SKIP
    """
    tracking = TrackingOptions(
        min_separation,
        min_overlap,
        probability,
        min_area,
        memory,
        drift,
        search_range,
    )
    settings = FollowSettings(
        model,
        device,
        sampling,
        PredictionOptions(),
        tracking,
        SpectrumOptions(size, apodization),
        crystal,
        on_bad_frame,
        overwrite,
    )
    shown = is_shown(show_progressbar)
    with locked(Path(out)):
        job = WatchedMovie(Path(folder), Path(out), settings, report=False, told=())
        return job.run(idle=idle, frames=frames, serve=serve, show_progressbar=shown)


def watch_frames(
    path: Path,
    out: Path,
    settings: FollowSettings,
    *,
    idle: float | None,
    frames: int | None,
    serve: int | None,
    report: bool,
) -> None:
    """Watch a movie as `hrtemnn watch` does: warnings are lines, and there is a report.

    Parameters
    ----------
    path
        The folder or the file that grows.
    out
        The folder for what is found.
    settings
        What is done with each frame.
    idle, frames, serve
        See `watch`.
    report
        Whether to draw pictures and to write a page at the end.
    """
    with warnings_as_lines(path) as told, locked(out):
        job = WatchedMovie(path, out, settings, report=report, told=told)
        job.run(idle=idle, frames=frames, serve=serve, show_progressbar=True)
