# SPDX-License-Identifier: GPL-3.0-or-later
"""Reconstruction of the exit wave of a focal series: `HRTEM.reconstruct_exitwave`."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
from tqdm import tqdm

from hyperspy_hrtemnn import __version__
from hyperspy_hrtemnn.analysis import reconstruct_exit_wave
from hyperspy_hrtemnn.bad_frames import reading
from hyperspy_hrtemnn.image_data import contrast_checked, image_data
from hyperspy_hrtemnn.ranges import energy_range
from hyperspy_hrtemnn.signals._prediction.predictions import load_for, predictions
from hyperspy_hrtemnn.signals._prediction.spread import spread_signal
from hyperspy_hrtemnn.signals._shared.calibration import sampling
from hyperspy_hrtemnn.signals._shared.defocus import series_defocus
from hyperspy_hrtemnn.signals._shared.derived import computed, derived_signal
from hyperspy_hrtemnn.signals._shared.frames import axis_dicts, frames
from hyperspy_hrtemnn.signals._shared.lenses import (
    angstroms,
    beam_energy,
    known_energy,
    lenses,
    set_energy,
)
from hyperspy_hrtemnn.signals._shared.progress import is_shown
from hyperspy_hrtemnn.signals._shared.runner import map_frames

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hyperspy.signals import Signal2D
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.analysis import ExitWaveReconstruction
    from hyperspy_hrtemnn.networks import Network
    from hyperspy_hrtemnn.options import (
        IterationOptions,
        LensOptions,
        PredictionOptions,
    )
    from hyperspy_hrtemnn.signals._shared.replaced import ReplacedPixels
    from hyperspy_hrtemnn.signals._shared.skipping import FrameRule

_PARTS = ("real", "imaginary")


def reconstruct_by_network(
    signal: Signal2D,
    model: str | Path | Network | None,
    options: PredictionOptions,
    *,
    device: str | None,
    energy: float | str | None,
    rule: FrameRule,
    lazy: bool,
    show_progressbar: bool | None,
    num_workers: int | None,
) -> Signal2D:
    """Return the exit wave as a network sees it; see `HRTEM.reconstruct_exitwave`.

    Parameters
    ----------
    signal
        The focal series.
    model
        Name, path or network.
    options
        Options for running the network.
    device
        What it runs on.
    energy
        Beam energy [keV]; by default the metadata's, or else the network's if it was
        trained for one. If none is known, the wave has none.
    rule
        Rule for series that cannot be used.
    lazy
        Whether to leave the computation for later.
    show_progressbar, num_workers
        See the methods of the signals.
    """
    if model is None:
        raise ValueError(
            "The method 'network' needs a model: the name of a network "
            "(hyperspy_hrtemnn.networks.available()) or the path of an ONNX file. "
            "Without one there is method='gerchberg-saxton', where the lenses are "
            "known."
        )
    network = load_for("exit wave", model, device, show_progressbar=show_progressbar)
    network = network.limited(num_workers)
    card = network.card
    if tuple(card.classes) != _PARTS:
        raise ValueError(
            f"The network {card.name!r} gives {', '.join(card.classes)}, not the real "
            "and the imaginary part of a wave."
        )
    if energy is not None:
        energy = beam_energy(signal, energy)
    data, axes = predictions(signal, network, options, energy, rule=rule)
    wave = data[..., 0, :, :] + np.complex64(1j) * data[..., 1, :, :]
    # A Fourier transform of the wave would spread a NaN over all of it.
    wave = da.where(da.isnan(data[..., 0, :, :]), np.complex64(1), wave)
    result = derived_signal(signal, wave, "exit_wave", axes)
    if network.has_spread:
        # Of a complex number: the root of the sum of the variances of its two parts.
        spread = da.sqrt((data[..., 2:, :, :] ** 2).sum(axis=-3))
        result._spread = spread_signal(signal, spread, axes, network, quantity="wave")
    energies = card.ranges.energy
    lowest, highest = (None, None) if energies is None else energy_range(energies)
    trained = lowest if lowest == highest else None
    if known := energy or known_energy(signal) or trained:
        set_energy(result, known)
    provenance = {
        "method": "network",
        "network": card.name,
        "sha256": network.sha256,
        "averaged": network.is_averaged,
        "device": network.device,
        "version": __version__,
        "sampling": card.sampling,
        **vars(options),
    }
    result.metadata.set_item("HRTEMNN.ExitWave", provenance)
    return computed(  # type: ignore[no-any-return]
        result,
        lazy=lazy,
        show_progressbar=show_progressbar,
        num_workers=num_workers,
        rule=rule,
        beside=[] if result._spread is None else [result._spread],
    )


def reconstruct_classically(
    signal: Signal2D,
    energy: float | str | None,
    lens: LensOptions,
    options: IterationOptions,
    *,
    rule: FrameRule,
    lazy: bool,
    show_progressbar: bool | None,
) -> Signal2D:
    """Return the exit wave that fits the images; see `HRTEM.reconstruct_exitwave`.

    Parameters
    ----------
    signal
        The focal series.
    energy
        Beam energy [keV], or a text; by default the metadata's.
    lens
        The lenses.
    options
        Options of the iterations.
    rule
        Rule for series that cannot be used.
    lazy
        Whether to leave the computation for later.
    show_progressbar
        See the methods of the signals.
    """
    defocus = series_defocus(signal)
    (axis,) = (a for a in signal.axes_manager.navigation_axes if a.name == "defocus")
    optics = lenses(signal, defocus, energy, lens)
    margin = options.margin
    run = partial(
        _reconstruct,
        sampling=sampling(signal),
        optics=optics,
        iterations=options.iterations,
        align=options.align,
        margin=None if margin is None else angstroms(margin, signal),
        smoothing=angstroms(options.smoothing, signal),
        mtf=options.mtf,
        replaced=rule.replaced,
    )
    series = frames(signal, axis)
    fits = {}
    if lazy:
        mapped = map_frames(
            partial(_wave, run), series, 1, np.complex64, indexed=True, rule=rule
        )
        waves = mapped[..., 0, :, :]
    else:
        found = _now(
            run, series, options.iterations, rule, show=is_shown(show_progressbar)
        )
        nothing = np.full(series.shape[-2:], np.nan, np.complex64)
        stack = np.stack([nothing if fit is None else fit.wave for fit in found])
        waves = stack.reshape(series.shape[:-3] + stack.shape[-2:])
        # One list for each series, in the order of the data.
        fits = {
            "errors": _listed(found, "errors", 1, options.iterations),
            "drift": _listed(found, "drift", 10, (len(defocus), 2)),
        }
    result = derived_signal(
        signal, waves, "exit_wave", axis_dicts(signal, without=axis)
    )
    set_energy(result, optics[0].energy)
    provenance = {
        "method": "gerchberg-saxton",
        "version": __version__,
        "defocus": [value / 10 for value in defocus.tolist()],
        **vars(lens),
        "energy": optics[0].energy,
        "aberrations": [asdict(each) for each in lens.aberrations],
        **vars(options),
        **fits,
    }
    result.metadata.set_item("HRTEMNN.ExitWave", provenance)
    # What was just reconstructed has had its progress bar.
    return computed(  # type: ignore[no-any-return]
        result,
        lazy=lazy,
        show_progressbar=False,
        num_workers=None,
        rule=rule,
        empty_frames=False,
    )


def _reconstruct(
    images: NDArray[Any],
    *,
    replaced: ReplacedPixels,
    index: tuple[int, ...],
    **options: Any,
) -> ExitWaveReconstruction:
    """Return the wave of a series, 1 where an image is no data."""
    data = contrast_checked(image_data(images))
    # Only the ratio to the mean counts, which may be of any size.
    intensities = data.values + np.float32(data.offset / data.scale)
    for intensity in intensities:
        intensity[~data.valid] = intensity[data.valid].mean()
    found = reconstruct_exit_wave(intensities, **options)
    found.wave[~data.valid] = 1
    replaced.add_data(index, data)
    return found


def _wave(
    run: Callable[..., ExitWaveReconstruction],
    images: NDArray[Any],
    *,
    index: tuple[int, ...],
) -> NDArray[np.complex64]:
    return run(images, index=index).wave[np.newaxis]


def _listed(
    found: list[ExitWaveReconstruction | None], name: str, unit: float, shape: Any
) -> list[Any]:
    """Return an array of each fit, in some unit, as a list; NaN of those skipped."""
    return [
        (np.full(shape, np.nan) if fit is None else getattr(fit, name) / unit).tolist()
        for fit in found
    ]


def _now(
    run: Callable[..., ExitWaveReconstruction],
    series: da.Array,
    iterations: int,
    rule: FrameRule,
    *,
    show: bool,
) -> list[ExitWaveReconstruction | None]:
    """Reconstruct one series after the other, each on all cores; None is skipped."""
    places = list(np.ndindex(series.shape[:-3]))
    rule.over(series.shape[:-3])
    rule.skipped.by_hand = rule.replaced.by_hand = True
    found = []
    with tqdm(total=len(places) * iterations, disable=not show) as bar:

        def advance(_: int, error: float) -> None:
            bar.set_postfix(error=f"{error:.2e}", refresh=False)
            bar.update()

        for place in places:
            one = partial(
                _read_and_run, run, series[place], index=place, callback=advance
            )
            found.append(rule.result(place, one))
    rule.skipped.tell()
    return found


def _read_and_run(
    run: Callable[..., ExitWaveReconstruction], series: da.Array, **known: Any
) -> ExitWaveReconstruction:
    with reading():
        images = np.asarray(series)
    return run(images, **known)
