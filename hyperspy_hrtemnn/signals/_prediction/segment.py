# SPDX-License-Identifier: GPL-3.0-or-later
"""Segmentation of images by a network: `HRTEM.segment`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hyperspy_hrtemnn import __version__
from hyperspy_hrtemnn.networks import Network
from hyperspy_hrtemnn.signals._optics.lens_warning import warn_of_lens
from hyperspy_hrtemnn.signals._shared.calibration import sampling
from hyperspy_hrtemnn.signals._shared.derived import computed, derived_signal
from hyperspy_hrtemnn.signals._shared.frames import free_name

from .novelty import novelty_signal, step_of
from .predictions import load_for, predictions, with_guard
from .spread import spread_signal

if TYPE_CHECKING:
    from pathlib import Path

    import dask.array as da
    from hyperspy.signals import Signal2D

    from hyperspy_hrtemnn.options import PredictionOptions
    from hyperspy_hrtemnn.signals._shared.skipping import FrameRule


def segment(
    signal: Signal2D,
    model: str | Path | Network,
    options: PredictionOptions,
    *,
    check_lens: str | Path | Network | None = None,
    device: str | None,
    rule: FrameRule,
    show_progressbar: bool | None,
    num_workers: int | None,
    lazy_output: bool | None,
) -> Signal2D:
    """Return the probabilities of a network's classes; see `HRTEM.segment`."""
    network = load_for("segmentation", model, device, show_progressbar=show_progressbar)
    if network.card.counts_atoms and not isinstance(model, Network):
        # A number is of use with its error, which is the spread.
        network = network.averaged(spread=True)
    network = with_guard(network.limited(num_workers))
    card = network.card
    if check_lens is not None:
        warn_of_lens(signal, card, check_lens, device=device)
    data, axes = predictions(signal, network, options, rule=rule)
    free_name(axes, "class")
    classes = len(card.classes)
    probability = data[..., :classes, :, :]
    if classes > 1:
        axes.insert(-2, {"name": "class", "size": classes, "navigate": True})
    result = derived_signal(
        signal, _of_classes(probability), "HRTEM_segmentation", axes
    )
    quantity = "number of atoms" if card.counts_atoms else "probability"
    if network.has_spread:
        spread = _of_classes(data[..., classes : 2 * classes, :, :])
        result._spread = spread_signal(signal, spread, axes, network, quantity=quantity)
    if network.has_novelty:
        novelty = data[..., [-1] * classes, :, :]
        size = sampling(signal) if options.resample else None
        step = step_of(network, size)
        kept = novelty_signal(signal, _of_classes(novelty), axes, network, step)
        result._novelty = kept
    provenance = {
        "network": card.name,
        "sha256": network.sha256,
        "averaged": network.is_averaged,
        "device": network.device,
        "version": __version__,
        "task": card.task,
        "classes": list(card.classes),
        "sampling": card.sampling,
        **vars(options),
    }
    if card.counts_atoms:
        result.metadata.set_item("Signal.quantity", "Atoms in a column")
    else:
        provenance["threshold"] = card.unbiased_threshold
    result.metadata.set_item("HRTEMNN.Segmentation", provenance)
    return computed(  # type: ignore[no-any-return]
        result,
        lazy=signal._lazy if lazy_output is None else lazy_output,
        show_progressbar=show_progressbar,
        num_workers=num_workers,
        rule=rule,
        beside=[
            *([result._spread] if network.has_spread else []),
            *([result._novelty.signal] if network.has_novelty else []),
        ],
    )


def _of_classes(data: da.Array) -> da.Array:
    """Return data of classes without the axis of classes if there is only one."""
    return data[..., 0, :, :] if data.shape[-3] == 1 else data
