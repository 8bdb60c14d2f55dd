# SPDX-License-Identifier: GPL-3.0-or-later
"""Following the particles of a movie in one pass: `HRTEM.follow_particles`."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hyperspy_hrtemnn import __version__
from hyperspy_hrtemnn.analysis import find_reflections, follow_reflections
from hyperspy_hrtemnn.bad_frames import BadFrameError
from hyperspy_hrtemnn.file_states import digest
from hyperspy_hrtemnn.io.in_situ import files_in_metadata
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
from hyperspy_hrtemnn.signals._prediction.predictions import load_for
from hyperspy_hrtemnn.signals._shared.calibration import sampling
from hyperspy_hrtemnn.signals._shared.deferred import deferred_blocks, whole_frames
from hyperspy_hrtemnn.signals._shared.probabilities import threshold_of
from hyperspy_hrtemnn.signals._shared.progress import is_shown
from hyperspy_hrtemnn.signals._shared.replaced import ReplacedPixels
from hyperspy_hrtemnn.signals._shared.tables import check_property_table, property_table
from hyperspy_hrtemnn.signals._tracking.dropped import DroppedRegions
from hyperspy_hrtemnn.signals._tracking.track import (
    linking_in_pixels,
    splitting_in_pixels,
)

from .followed_movie import FollowedMovie
from .frame_analysis import FrameAnalysis, SpectrumAnalysis

if TYPE_CHECKING:
    from collections.abc import Sequence

    import dask.array as da
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
    from hyperspy_hrtemnn.signals._shared.deferred import DeferredBlock
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
    if crop.apodization != type(crop).apodization:
        # Nonsense is refused also where there is nothing that it is for.
        soft_edge(signal, crop.apodization)
    spectra = None if crop.size is None else crop
    network = load_for("segmentation", model, device, show_progressbar=show_progressbar)
    network = network.limited(num_workers)
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
        spectra=None
        if spectra is None
        else _spectra(signal, spectra, searching, following),
    )
    # What would otherwise fail when the last frame is done.
    check_property_table(particles)
    if spectra is not None:
        check_reflection_table(signal)
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
        **({"size": None} if spectra is None else vars(spectra) | vars(searching)),
    }
    with locked(Path(folder)):
        store = FollowedMovie(
            movie,
            Path(folder).resolve(),
            job,
            overwrite=overwrite,
            progress=is_shown(show_progressbar),
            num_workers=num_workers,
            rule=rule,
            names=None if source is None else source.names,
        )
        store.analyze(analysis)
        linking = linking_in_pixels(signal, tracking)
        return _followed(store, particles, analysis, linking, following)


def _followed(
    store: FollowedMovie,
    particles: Signal2D,
    analysis: FrameAnalysis,
    linking: LinkingOptions,
    following: FollowingOptions,
) -> FollowedParticles:
    """Return what is found in a movie whose frames are analyzed."""
    store.tell_if_none()
    dropped = DroppedRegions(particles, analysis.splitting.smallest_area, by_hand=True)
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
    reflections = None
    if analysis.spectra is not None:
        axes = particles.axes_manager.navigation_axes
        reflections = _reflections(store, analysis.spectra, ids, axes, following)
    store.tell()
    dropped.tell()
    return FollowedParticles(particles, table, reflections)


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
