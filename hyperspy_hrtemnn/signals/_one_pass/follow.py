# SPDX-License-Identifier: GPL-3.0-or-later
"""Following the particles of a movie in one pass: `HRTEM.follow_particles`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hyperspy_hrtemnn.analysis import find_reflections, follow_reflections
from hyperspy_hrtemnn.locks import locked
from hyperspy_hrtemnn.signals._fourier.local_fft import (
    check_room,
    crop_side,
    soft_edge,
)
from hyperspy_hrtemnn.signals._fourier.reflections import (
    check_reflection_table,
    followed,
    reflection_table,
)
from hyperspy_hrtemnn.signals._shared.calibration import sampling
from hyperspy_hrtemnn.signals._shared.progress import is_shown
from hyperspy_hrtemnn.signals._tracking.track import linking_in_pixels

from .followed_movie import FollowedMovie
from .frame_analysis import SpectrumAnalysis
from .particle_work import ParticleWork, prepare, take_particles

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from hyperspy.signals import Signal2D
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.checkpoint import Source
    from hyperspy_hrtemnn.networks import Network
    from hyperspy_hrtemnn.options import (
        FollowingOptions,
        LinkingOptions,
        PredictionOptions,
        ReflectionOptions,
        SpectrumOptions,
        TrackingOptions,
    )
    from hyperspy_hrtemnn.signals._shared.skipping import FrameRule


class FollowedParticles(NamedTuple):
    """What `HRTEM.follow_particles` finds.

    Attributes
    ----------
    particles
        As of `Segmentation.track_instances`, lazy; each frame is read from the folder
        when it is needed.
    properties
        The table of `Instances.properties`, with the mean intensity.
    reflections
        The table of `LocalFFT.peak_table`; None if no size of the spectra was given.
    """

    particles: Signal2D
    properties: pd.DataFrame
    reflections: pd.DataFrame | None


def follow_particles(
    signal: Signal2D,
    model: str | Path | Network,
    folder: str | Path,
    *,
    device: str | None,
    running: PredictionOptions,
    tracking: TrackingOptions,
    crop: SpectrumOptions,
    searching: ReflectionOptions,
    following: FollowingOptions,
    rule: FrameRule,
    overwrite: bool,
    show_progressbar: bool | None,
    num_workers: int | None,
    source: Source | None = None,
) -> FollowedParticles:
    """Return the particles of a movie; see `HRTEM.follow_particles`.

    Parameters
    ----------
    signal, model, folder, device
        See there.
    running, tracking
        Options for running the network, and for splitting and linking particles.
    crop
        Crop and soft edge of the spectra; without a size there are none.
    searching, following
        Options for finding reflections, and for following and indexing them.
    rule
        Rule for frames that cannot be used.
    overwrite, show_progressbar, num_workers
        See there.
    source
        What the movie is known by; by default its first and last frame.
    """
    work = prepare_following(
        signal,
        model,
        device=device,
        running=running,
        tracking=tracking,
        crop=crop,
        searching=searching,
        following=following,
        show_progressbar=show_progressbar,
        num_workers=num_workers,
        source=source,
    )
    with locked(Path(folder)):
        store = FollowedMovie(
            work.movie,
            Path(folder).resolve(),
            work.job,
            overwrite=overwrite,
            progress=is_shown(show_progressbar),
            num_workers=num_workers,
            rule=rule,
            names=None if source is None else source.names,
        )
        store.analyze(work.analysis)
        linking = linking_in_pixels(signal, work.tracking)
        return _followed(store, work, linking, following)


def prepare_following(
    signal: Signal2D,
    model: str | Path | Network,
    *,
    device: str | None,
    running: PredictionOptions,
    tracking: TrackingOptions,
    crop: SpectrumOptions,
    searching: ReflectionOptions,
    following: FollowingOptions,
    show_progressbar: bool | None,
    num_workers: int | None,
    source: Source | None,
) -> ParticleWork:
    """Return the work on the frames of a movie, checked; see `follow_particles`."""
    if crop.apodization != type(crop).apodization:
        # Nonsense is refused also where there is nothing that it is for.
        soft_edge(signal, crop.apodization)
    spectra = None if crop.size is None else crop
    work = prepare(
        signal,
        model,
        device=device,
        running=running,
        tracking=tracking,
        show_progressbar=show_progressbar,
        num_workers=num_workers,
        source=source,
    )
    if spectra is None:
        return replace(work, job=work.job | {"size": None})
    found = _spectra(signal, spectra, searching, following)
    # What would otherwise fail when the last frame is done.
    check_reflection_table(signal)
    return replace(
        work,
        analysis=replace(work.analysis, spectra=found),
        job=work.job | vars(spectra) | vars(searching),
    )


def _followed(
    store: FollowedMovie,
    work: ParticleWork,
    linking: LinkingOptions,
    following: FollowingOptions,
) -> FollowedParticles:
    """Return what is found in a movie whose frames are analyzed."""
    ids, table, dropped = take_particles(store, work, linking)
    reflections = None
    if work.analysis.spectra is not None:
        axes = work.particles.axes_manager.navigation_axes
        reflections = _reflections(store, work.analysis.spectra, ids, axes, following)
    store.tell()
    dropped.tell()
    return FollowedParticles(work.particles, table, reflections)


def _reflections(
    store: FollowedMovie,
    spectra: SpectrumAnalysis,
    ids: list[NDArray[np.int32]],
    axes: Sequence[Any],
    following: FollowingOptions,
) -> pd.DataFrame:
    """Return the table of reflections of a movie whose ids are known."""
    found, shown = store.reflections(ids)
    rows = followed(found, shown, following, show_progressbar=store.progress)
    unseen = rows.loc[~rows["found"], ["frame", "id", "spacing", "angle"]]
    labels = shown.set_index(["frame", "id"])["label"]
    unseen = unseen.join(labels, on=["frame", "id"])
    unseen = unseen.sort_values(["frame", "label"], kind="stable")
    measured = store.measure(spectra, unseen, following)
    rows.loc[unseen.index, ["intensity", "amplitude"]] = measured
    indexed = following.crystal is not None
    return reflection_table(rows, axes, store.bad, indexed=indexed)


def _spectra(
    signal: Signal2D,
    spectra: SpectrumOptions,
    searching: ReflectionOptions,
    following: FollowingOptions,
) -> SpectrumAnalysis:
    soft = soft_edge(signal, spectra.apodization)
    side = crop_side(signal, spectra.size or 0)
    check_room(signal, min(side, *signal.data.shape[-2:]), soft)
    step = 1 / (side * sampling(signal, "nm"))
    # Options out of range are refused now, not in the middle of the movie.
    nothing = find_reflections(np.zeros((3, 3)), (step, step), **vars(searching))
    follow_reflections(nothing.assign(frame=0), [], **vars(following))
    return SpectrumAnalysis(
        shape=(side, side),
        apodization=soft,
        step=(step, step),
        search=searching,
    )
