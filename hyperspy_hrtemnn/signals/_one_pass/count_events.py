# SPDX-License-Identifier: GPL-3.0-or-later
"""Counting diffusion events of a movie in one pass: `HRTEM.count_events`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hyperspy_hrtemnn.analysis import (
    column_coordination,
    column_events,
    event_rates,
    on_axis_columns,
    on_axis_frames,
    place_on_sites,
)
from hyperspy_hrtemnn.locks import locked
from hyperspy_hrtemnn.networks import check_prediction, predict_spectra
from hyperspy_hrtemnn.signals._fourier.local_fft import (
    check_room,
    crop_side,
    soft_edge,
)
from hyperspy_hrtemnn.signals._prediction.predictions import load_for, warn_out_of_range
from hyperspy_hrtemnn.signals._shared.calibration import field_of, sampling
from hyperspy_hrtemnn.signals._shared.lenses import known_energy
from hyperspy_hrtemnn.signals._shared.progress import is_shown
from hyperspy_hrtemnn.signals._shared.tables import join_frames
from hyperspy_hrtemnn.signals._shared.units import unit_of
from hyperspy_hrtemnn.signals._tracking.track import linking_in_pixels

from .column_analysis import ColumnAnalysis, ZoneAxisAnalysis
from .followed_movie import FollowedMovie
from .particle_work import ParticleWork, prepare, take_particles

if TYPE_CHECKING:
    import pandas as pd
    from hyperspy.signals import Signal2D

    from hyperspy_hrtemnn.checkpoint import Source
    from hyperspy_hrtemnn.networks import Network
    from hyperspy_hrtemnn.options import (
        EventOptions,
        PredictionOptions,
        SpectrumOptions,
        TrackingOptions,
    )
    from hyperspy_hrtemnn.signals._shared.skipping import FrameRule

    Model = str | Path | Network

_BACKGROUND = "background"


class CountedEvents(NamedTuple):
    """What `HRTEM.count_events` finds.

    Attributes
    ----------
    particles
        As of `Segmentation.track_instances`, lazy; each frame is read from the folder
        when it is needed.
    properties
        The table of `Instances.properties`, with the mean intensity.
    zone_axis
        The probability that a particle is on a zone axis, by ``frame`` and ``id``; None
        if nobody asked for it.
    columns
        The columns of particles on a zone axis, on their sites: the table of
        `Segmentation.find_columns` with that of
        `hyperspy_hrtemnn.analysis.place_on_sites` and
        `hyperspy_hrtemnn.analysis.column_coordination`.
    events
        The table of `hyperspy_hrtemnn.analysis.column_events`.
    rates
        The table of `hyperspy_hrtemnn.analysis.event_rates`.
    """

    particles: Signal2D
    properties: pd.DataFrame
    zone_axis: pd.DataFrame | None
    columns: pd.DataFrame
    events: pd.DataFrame
    rates: pd.DataFrame


class EventNetworks(NamedTuple):
    """The networks of `HRTEM.count_events`; without one for zone axes all are taken."""

    particles: Model
    columns: Model
    zone_axis: Model | None


def count_events(
    signal: Signal2D,
    models: EventNetworks,
    folder: str | Path,
    *,
    device: str | None,
    running: PredictionOptions,
    tracking: TrackingOptions,
    crop: SpectrumOptions,
    counting: EventOptions,
    rule: FrameRule,
    overwrite: bool,
    show_progressbar: bool | None,
    num_workers: int | None,
    source: Source | None = None,
) -> CountedEvents:
    """Return the events of a movie; see `HRTEM.count_events`.

    Parameters
    ----------
    signal, folder, device
        See there.
    models
        The networks.
    running, tracking
        Options for running the networks, and for splitting and linking particles.
    crop
        Crop and soft edge of the spectra that tell a zone axis.
    counting
        What is an event.
    rule
        Rule for frames that cannot be used.
    overwrite, show_progressbar, num_workers
        See there.
    source
        What the movie is known by; by default its first and last frame.
    """
    if signal.axes_manager.navigation_dimension != 1:
        raise ValueError(
            "Events are counted in a movie, with one navigation axis, and this signal "
            f"has {signal.axes_manager.navigation_dimension}."
        )
    columns, names = _column_analysis(
        signal,
        models.columns,
        device,
        running,
        counting,
        show_progressbar=show_progressbar,
        num_workers=num_workers,
    )
    axis = None
    if models.zone_axis is not None:
        axis = _zone_axis_analysis(
            signal,
            models.zone_axis,
            device,
            crop,
            show_progressbar=show_progressbar,
            num_workers=num_workers,
        )
    work = prepare(
        signal,
        models.particles,
        device=device,
        running=running,
        tracking=tracking,
        show_progressbar=show_progressbar,
        num_workers=num_workers,
        source=source,
    )
    analysis = replace(work.analysis, columns=columns, zone_axis=axis)
    job = work.job | {
        "network of columns": columns.network.sha256,
        "probability of columns": counting.probability,
        "network of zone axes": None if axis is None else axis.network.sha256,
        **({} if axis is None else vars(crop)),
    }
    with locked(Path(folder)):
        store = FollowedMovie(
            work.movie,
            Path(folder).resolve(),
            job,
            overwrite=overwrite,
            progress=is_shown(show_progressbar),
            num_workers=num_workers,
            rule=rule,
            names=None if source is None else source.names,
        )
        store.analyze(analysis)
        linking = linking_in_pixels(signal, work.tracking)
        ids, properties, dropped = take_particles(store, work, linking)
        found = _columns_of(store.rows("columns", ids), work, names)
        upright = None
        if axis is not None:
            upright = _zone_axes_of(store.rows("zone_axis", ids), work)
        store.tell()
        dropped.tell()
    return _counted(work, properties, upright, found, counting)


def _counted(
    work: ParticleWork,
    properties: pd.DataFrame,
    upright: pd.DataFrame | None,
    found: pd.DataFrame,
    counting: EventOptions,
) -> CountedEvents:
    """Return what the columns of all frames tell."""
    if upright is not None:
        taken = on_axis_frames(upright, min_probability=counting.min_on_axis)
        found = on_axis_columns(found, taken)
    units = found.attrs["units"]
    columns = column_coordination(place_on_sites(found))
    columns.attrs["units"] = units | {
        "x_corrected": units["x"],
        "y_corrected": units["y"],
        "rotation": "°",
    }
    events = column_events(
        columns,
        min_frames=counting.min_frames,
        min_probability=counting.min_probability,
    )
    rates = event_rates(events, columns, false_rate=counting.false_rate)
    return CountedEvents(work.particles, properties, upright, columns, events, rates)


def _column_analysis(
    signal: Signal2D,
    model: Model,
    device: str | None,
    running: PredictionOptions,
    counting: EventOptions,
    *,
    show_progressbar: bool | None,
    num_workers: int | None,
) -> tuple[ColumnAnalysis, list[str]]:
    """Return how columns are found in a frame, and the names of their classes."""
    network = load_for("segmentation", model, device, show_progressbar=show_progressbar)
    card = network.card
    if card.channels > 1:
        raise ValueError(
            f"The network {card.name!r} takes focal series; columns of a movie are "
            "found by one that takes single images."
        )
    pixel_size = sampling(signal) if running.resample else None
    width, height = signal.axes_manager.signal_shape
    check_prediction(card, (height, width), pixel_size, running)
    warn_out_of_range(signal, card, pixel_size, known_energy(signal))
    kept = tuple(i for i, name in enumerate(card.classes) if name != _BACKGROUND)
    analysis = ColumnAnalysis(
        network=network.limited(num_workers),
        pixel_size=pixel_size,
        prediction=running,
        probability=counting.probability,
        kept=kept,
    )
    return analysis, [card.classes[i] for i in kept]


def _zone_axis_analysis(
    signal: Signal2D,
    model: Model,
    device: str | None,
    crop: SpectrumOptions,
    *,
    show_progressbar: bool | None,
    num_workers: int | None,
) -> ZoneAxisAnalysis:
    """Return how a zone axis is told in a frame."""
    network = load_for("zone axis", model, device, show_progressbar=show_progressbar)
    network = network.limited(num_workers)
    soft = soft_edge(signal, crop.apodization)
    side = crop_side(signal, crop.size or 0)
    check_room(signal, min(side, *signal.data.shape[-2:]), soft)
    step = 1 / (side * sampling(signal, "nm"))
    # A crop whose spectrum ends too early is refused now.
    predict_spectra(network, [np.ones((side, side), np.float32)], (step, step))
    warn_out_of_range(signal, network.card, sampling(signal), known_energy(signal))
    return ZoneAxisAnalysis(
        network=network, shape=(side, side), apodization=soft, step=(step, step)
    )


def _columns_of(
    tables: list[pd.DataFrame | None], work: ParticleWork, names: list[str]
) -> pd.DataFrame:
    """Return the columns of all frames, as `Segmentation.find_columns` does."""
    axes = work.particles.axes_manager
    table, units = join_frames(tables, axes.navigation_axes, 0, 1)
    table["class"] = np.array(names, object)[table["class"].to_numpy(int)]
    for name, axis in zip("xy", axes.signal_axes, strict=True):
        table[name] = axis.offset + axis.scale * table[name]
        units[name] = unit_of(axis)
    table["outside"] *= abs(axes.signal_axes[0].scale)
    units["outside"] = units["x"]
    field = field_of(work.particles)
    table.attrs |= {"units": units, "frames": len(tables), "field": field}
    table.attrs["classes"] = names
    return table


def _zone_axes_of(
    tables: list[pd.DataFrame | None], work: ParticleWork
) -> pd.DataFrame:
    """Return the table of `LocalFFT.zone_axis_probability`."""
    axes = work.particles.axes_manager.navigation_axes
    table, units = join_frames(tables, axes, 0, 1)
    table.attrs["units"] = units
    return table
