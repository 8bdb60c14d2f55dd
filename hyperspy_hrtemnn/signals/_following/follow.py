# SPDX-License-Identifier: GPL-3.0-or-later
"""From a movie to its particles and their reflections: `HRTEM.follow_particles`."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hyperspy_hrtemnn import __version__
from hyperspy_hrtemnn.analysis import find_reflections, follow_reflections
from hyperspy_hrtemnn.bad_frames import BadFrameError
from hyperspy_hrtemnn.signals._answers import load_for
from hyperspy_hrtemnn.signals._calibration import sampling
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
from hyperspy_hrtemnn.signals._movies.deferred import deferred_blocks, whole_frames
from hyperspy_hrtemnn.signals._movies.replaced import ReplacedPixels
from hyperspy_hrtemnn.signals._particles.dropped import DroppedRegions
from hyperspy_hrtemnn.signals._probabilities import threshold_of
from hyperspy_hrtemnn.signals._progress import is_shown
from hyperspy_hrtemnn.signals._segmentation import (
    linking_in_pixels,
    separation_in_pixels,
)
from hyperspy_hrtemnn.signals._tables import check_property_table, property_table

from .followed_movie import FollowedMovie
from .frame_analysis import FrameAnalysis, SpectrumAnalysis

if TYPE_CHECKING:
    from collections.abc import Sequence

    import dask.array as da
    import pandas as pd
    from hyperspy.signals import Signal2D
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.networks import Network
    from hyperspy_hrtemnn.signals._hrtem import HRTEM
    from hyperspy_hrtemnn.signals._instances import Instances
    from hyperspy_hrtemnn.signals._movies.deferred import DeferredBlock
    from hyperspy_hrtemnn.signals._movies.skipping import FrameRule


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

    particles: Instances
    properties: pd.DataFrame
    reflections: pd.DataFrame | None


def follow_particles(
    signal: HRTEM,
    model: str | Path | Network,
    folder: str | Path,
    *,
    segment: dict[str, Any],
    track: dict[str, Any],
    spectra: dict[str, Any] | None,
    search: dict[str, Any],
    follow: dict[str, Any],
    rule: FrameRule,
    overwrite: bool,
    show_progressbar: bool | None,
    num_workers: int | None,
) -> FollowedParticles:
    """Return the particles of a movie; see `HRTEM.follow_particles`.

    Parameters
    ----------
    signal, model, folder
        As there.
    segment, track
        Options of `HRTEM.segment` and `Segmentation.track_instances`.
    spectra
        ``size`` and ``apodization`` of `HRTEM.local_fft`; None for no spectra.
    search, follow
        Options of `find_reflections` and `follow_reflections`.
    rule
        What is done about frames that cannot be used.
    overwrite, show_progressbar, num_workers
        As there.
    """
    network = load_for("segmentation", model)
    if network.card.channels > 1:
        raise ValueError(
            f"The network {network.card.name!r} takes focal series; particles are "
            "followed by one that takes single images."
        )
    # Both check their options and know the metadata; their pixels are not used.
    segmentation = signal.segment(network, **segment, lazy_output=True)
    probability = threshold_of(segmentation, track["probability"])
    track = {**track, "probability": probability}
    particles = segmentation.track_instances(**track, lazy_output=True)
    separation = {
        name: track[name] for name in ("min_separation", "probability", "min_area")
    }
    analysis = FrameAnalysis(
        network=network,
        pixel_size=sampling(signal) if segment["resample"] else None,
        prediction=segment,
        separation=separation_in_pixels(signal, **separation),
        side=sampling(signal, str(signal.axes_manager.signal_axes[0].units)),
        spectra=None if spectra is None else _spectra(signal, spectra, search, follow),
    )
    # What would otherwise fail when the last frame is done.
    check_property_table(particles)
    if spectra is not None:
        check_reflection_table(signal)
    movie = whole_frames(signal)
    job = {
        "version": __version__,
        **_identity(signal, movie),
        "model sha256": network.sha256,
        "averaged": network.is_averaged,
        # Frames of runs in which bad pixels were data are others.
        "bad pixels": "replaced",
        **segment,
        **separation,
        **({"size": None} if spectra is None else spectra | search),
    }
    store = FollowedMovie(
        movie,
        Path(folder).resolve(),
        job,
        overwrite=overwrite,
        progress=is_shown(show_progressbar),
        num_workers=num_workers,
        rule=rule,
    )
    store.analyze(analysis)
    if len(store.bad) == len(movie):
        store.tell()
    dropped = DroppedRegions.of(
        particles, analysis.separation["min_area"], by_hand=True
    )
    dropped.note(store.dropped())
    linking = {name: track[name] for name in track.keys() - separation.keys()}
    ids = store.link(linking_in_pixels(signal, **linking))
    particles.data = store.labels(ids).reshape(signal.data.shape)
    table = property_table(particles, store.properties(ids))
    replaced = ReplacedPixels(by_hand=True)
    replaced.metadata = particles.metadata
    for number, counts in store.replaced().items():
        replaced.add(number, *counts)
    replaced.tell()
    table.attrs["images"] = replaced.counts()
    reflections = None
    if analysis.spectra is not None:
        axes = signal.axes_manager.navigation_axes
        reflections = _reflections(
            store,
            analysis.spectra,
            ids,
            axes,
            follow,
            show_progressbar=show_progressbar,
        )
    store.tell()
    dropped.tell()
    return FollowedParticles(particles, table, reflections)


def _reflections(
    store: FollowedMovie,
    spectra: SpectrumAnalysis,
    ids: list[NDArray[np.int32]],
    axes: Sequence[Any],
    follow: dict[str, Any],
    *,
    show_progressbar: bool | None,
) -> pd.DataFrame:
    """Return the table of reflections of a movie whose ids are known."""
    found, shown = store.reflections(ids)
    rows = followed(found, shown, follow, show_progressbar=show_progressbar)
    unseen = rows.loc[~rows["found"], ["frame", "id", "spacing", "angle"]]
    labels = shown.set_index(["frame", "id"])["label"]
    unseen = unseen.join(labels, on=["frame", "id"])
    unseen = unseen.sort_values(["frame", "label"], kind="stable")
    limits = {name: value for name, value in follow.items() if name != "crystal"}
    measured = store.measure(spectra, unseen, limits)
    rows.loc[unseen.index, ["intensity", "amplitude"]] = measured
    indexed = follow["crystal"] is not None
    return reflection_table(rows, axes, store.bad, indexed=indexed)


def _spectra(
    signal: Signal2D,
    spectra: dict[str, Any],
    search: dict[str, Any],
    follow: dict[str, Any],
) -> SpectrumAnalysis:
    soft = soft_edge(signal, spectra["apodization"])
    side = crop_side(signal, spectra["size"])
    check_room(signal, min(side, *signal.data.shape[-2:]), soft)
    step = 1 / (side * sampling(signal, "nm"))
    # Options out of range are refused now, not in the middle of the movie.
    nothing = find_reflections(np.zeros((3, 3)), (step, step), **search)
    follow_reflections(nothing.assign(frame=0), [], **follow)
    return SpectrumAnalysis(
        shape=(side, side),
        apodization=soft,
        step=(step, step),
        search=search,
    )


def _identity(signal: Signal2D, movie: da.Array) -> dict[str, Any]:
    """Return what tells a movie from another, whatever file it comes from.

    To hash every frame would be to read the whole movie again only to go on.
    """
    ends = [_hash(block) for block in deferred_blocks(movie[[0, -1]].rechunk({0: 1}))]
    return {
        "shape of the movie": list(signal.data.shape),
        "type of its pixels": str(signal.data.dtype),
        "their size in Å": sampling(signal),
        # What options without a unit, and what is measured, are in.
        "unit of the axes": str(signal.axes_manager.signal_axes[0].units),
        "hash of its first frame": ends[0],
        "hash of its last frame": ends[1],
    }


def _hash(block: DeferredBlock) -> str:
    try:
        return hashlib.sha256(block.load().tobytes()).hexdigest()
    except BadFrameError:
        return "it cannot be read"
