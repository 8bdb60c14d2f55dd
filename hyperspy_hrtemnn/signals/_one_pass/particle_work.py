# SPDX-License-Identifier: GPL-3.0-or-later
"""Particle work: what every pass through a movie does to find its particles.

It is prepared before the first frame, so that nonsense is refused then, and taken up
when all frames are done.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hyperspy_hrtemnn import __version__
from hyperspy_hrtemnn.bad_frames import BadFrameError
from hyperspy_hrtemnn.file_states import digest
from hyperspy_hrtemnn.io.in_situ import files_in_metadata
from hyperspy_hrtemnn.signals._prediction.predictions import load_for, with_guard
from hyperspy_hrtemnn.signals._shared.calibration import sampling
from hyperspy_hrtemnn.signals._shared.deferred import deferred_blocks, whole_frames
from hyperspy_hrtemnn.signals._shared.foreign import ForeignFrames
from hyperspy_hrtemnn.signals._shared.probabilities import threshold_of
from hyperspy_hrtemnn.signals._shared.replaced import ReplacedPixels
from hyperspy_hrtemnn.signals._shared.tables import check_property_table, property_table
from hyperspy_hrtemnn.signals._tracking.dropped import DroppedRegions
from hyperspy_hrtemnn.signals._tracking.track import splitting_in_pixels

from .frame_analysis import FrameAnalysis

if TYPE_CHECKING:
    from pathlib import Path

    import dask.array as da
    import pandas as pd
    from hyperspy.signals import Signal2D
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.checkpoint import Source
    from hyperspy_hrtemnn.networks import Network
    from hyperspy_hrtemnn.options import (
        LinkingOptions,
        PredictionOptions,
        TrackingOptions,
    )
    from hyperspy_hrtemnn.signals._shared.deferred import DeferredBlock

    from .followed_movie import FollowedMovie


@dataclass(frozen=True)
class ParticleWork:
    """How the particles of a movie are found.

    Parameters
    ----------
    movie
        Blocks of whole frames, shape (frame, y, x).
    particles
        The signal that gets them, with the axes and metadata of the movie.
    analysis
        What is done to each frame.
    tracking
        How particles are split and linked, with the threshold that is used.
    job
        Everything that the frames depend on, in terms of JSON.
    """

    movie: da.Array
    particles: Signal2D
    analysis: FrameAnalysis
    tracking: TrackingOptions
    job: dict[str, Any]


def prepare(
    signal: Signal2D,
    model: str | Path | Network,
    *,
    device: str | None,
    running: PredictionOptions,
    tracking: TrackingOptions,
    show_progressbar: bool | None,
    num_workers: int | None,
    source: Source | None,
) -> ParticleWork:
    """Return the work on the particles of a movie, checked.

    Parameters
    ----------
    signal
        The movie.
    model, device
        Network that finds particles, and what it runs on.
    running, tracking
        Options for running the network, and for splitting and linking particles.
    show_progressbar, num_workers
        See `HRTEM.follow_particles`.
    source
        What the movie is known by; by default its first and last frame.

    Raises
    ------
    ValueError
        See `HRTEM.follow_particles`.
    """
    network = load_for("segmentation", model, device, show_progressbar=show_progressbar)
    network = with_guard(network.limited(num_workers))
    if network.card.channels > 1:
        raise ValueError(
            f"The network {network.card.name!r} takes focal series; particles are "
            "followed by one that takes single images."
        )
    if len(classes := network.card.classes) > 1:
        raise ValueError(
            f"The network {network.card.name!r} finds several classes "
            f"({', '.join(classes)}); particles are followed by one that finds one "
            "class. Use segment, choose a class of the segmentation with inav, and "
            "track_instances."
        )
    # Both check their options and know the metadata; their pixels are not used.
    segmentation = signal.segment(
        network, **vars(running), show_progressbar=show_progressbar, lazy_output=True
    )
    probability = threshold_of(segmentation, tracking.probability)
    tracking = replace(tracking, probability=probability)
    particles = segmentation.track_instances(**vars(tracking), lazy_output=True)
    analysis = FrameAnalysis(
        network=network,
        pixel_size=sampling(signal) if running.resample else None,
        prediction=running,
        splitting=splitting_in_pixels(signal, tracking),
        side=sampling(signal, str(signal.axes_manager.signal_axes[0].units)),
    )
    # What would otherwise fail when the last frame is done.
    check_property_table(particles)
    movie = whole_frames(signal)
    job = {
        "version": __version__,
        **(_identity(signal, movie) if source is None else _pixels(signal)),
        **({} if source is None else source.identity),
        "model sha256": network.sha256,
        "averaged": network.is_averaged,
        "device": network.device,
        # Frames of runs in which bad pixels were data are others.
        "bad pixels": "replaced",
        **vars(running),
        "min_separation": tracking.min_separation,
        "probability": tracking.probability,
        "min_area": tracking.min_area,
    }
    return ParticleWork(movie, particles, analysis, tracking, job)


def take_particles(
    store: FollowedMovie, work: ParticleWork, linking: LinkingOptions
) -> tuple[list[NDArray[Any]], pd.DataFrame, DroppedRegions]:
    """Return the particles of a movie whose frames are analyzed.

    Parameters
    ----------
    store
        The frames.
    work
        How they were analyzed; its particles get their labels.
    linking
        How particles are linked [pixels].

    Returns
    -------
    The id of each label in each frame, the table of properties, and what is told at
    the end of the regions that were dropped.
    """
    store.tell_if_none()
    particles = work.particles
    dropped = DroppedRegions(
        particles, work.analysis.splitting.smallest_area, by_hand=True
    )
    dropped.take(store.dropped())
    ids = store.link(linking)
    particles.data = store.labels(ids).reshape(particles.data.shape)
    table = property_table(particles, store.properties(ids))
    replaced = ReplacedPixels(by_hand=True)
    replaced.metadata = particles.metadata
    for number, counts in store.replaced().items():
        replaced.add(number, *counts)
    replaced.tell()
    table.attrs["images"] = replaced.counts()
    if work.analysis.network.has_novelty:
        foreign = ForeignFrames(by_hand=True)
        foreign.metadata = particles.metadata
        for number, share in store.foreign().items():
            foreign.add(number, share)
        foreign.tell()
    return ids, table, dropped


def _identity(signal: Signal2D, movie: da.Array) -> dict[str, Any]:
    """Return what tells a movie from another, whatever file it comes from.

    To hash every frame would be to read the whole movie again only to go on.
    """
    ends = [_hash(block) for block in deferred_blocks(movie[[0, -1]].rechunk({0: 1}))]
    return {
        "shape of the movie": list(signal.data.shape),
        **_pixels(signal),
        "hash of its first frame": ends[0],
        "hash of its last frame": ends[1],
        **_frames_of_folder(signal),
    }


def _frames_of_folder(signal: Signal2D) -> dict[str, str]:
    """Return what tells the frames in between, where each is a file of its own."""
    files = files_in_metadata(signal)
    if files is None:
        return {}
    # The files are those of the whole folder; the times tell a part from another.
    axes = signal.axes_manager.navigation_axes
    times = [axis.axis.tolist() for axis in axes]
    return {"files and times of its frames": digest(f"{files} {times}")}


def _pixels(signal: Signal2D) -> dict[str, Any]:
    """Return what is the same in all frames of a movie."""
    return {
        "shape of its frames": list(signal.data.shape[-2:]),
        "type of its pixels": str(signal.data.dtype),
        "their size in Å": sampling(signal),
        # What options without a unit, and what is measured, are in.
        "unit of the axes": str(signal.axes_manager.signal_axes[0].units),
    }


def _hash(block: DeferredBlock) -> str:
    try:
        return hashlib.sha256(block.load().tobytes()).hexdigest()
    except BadFrameError:
        return "it cannot be read"
