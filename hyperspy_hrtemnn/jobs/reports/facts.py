# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts of a report: the movie, the network and the options, as texts."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from hyperspy_hrtemnn.signals._shared.calibration import CalibrationError, sampling
from hyperspy_hrtemnn.signals._shared.lenses import known_energy
from hyperspy_hrtemnn.signals._shared.units import unit_of
from hyperspy_hrtemnn.terminal import as_line
from hyperspy_hrtemnn.user_warnings import warn_user

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hyperspy_hrtemnn.networks import Network

# Pictures, most of which RosettaSciIO cannot open lazily.
_PICTURES = frozenset((".bmp", ".gif", ".jpeg", ".jpg", ".png"))


def is_reportable(signal: Any) -> bool:
    """Return whether there can be a report; warn if not."""
    try:
        sampling(signal)
    except ValueError as error:
        why = error.reason if isinstance(error, CalibrationError) else str(error)
        warn_user(
            f"There is no report, for which the pixels need a known size: {why} Give "
            '--sampling, for example --sampling "0.12 angstrom".'
        )
        return False
    return True


def facts_of_movie(
    kind: str, path: Path, signal: Any, bad: Mapping[int, str]
) -> dict[str, str]:
    """Return what is known of a movie.

    Parameters
    ----------
    kind
        What it is: a movie, or a segmentation of one.
    path
        Where it is.
    signal
        The images, calibrated.
    bad
        Why frames could not be used, by number.
    """
    axes = signal.axes_manager
    width, height = axes.signal_shape
    unit = unit_of(axes.signal_axes[0])
    total = max(axes.navigation_size, 1)
    unusable = f", of which {len(bad)} could not be used" if bad else ""
    facts = {
        kind: as_line(path),
        "title": as_line(signal.metadata.get_item("General.title", "")),
        "frames": f"{total}{unusable}",
        "pixels": f"{width} x {height} of {sampling(signal, unit):.4g} {unit}",
    }
    # What a file of others says there need not be an energy.
    with suppress(ValueError):
        energy = known_energy(signal)
        facts["beam energy"] = "" if energy is None else f"{energy:g} keV"
    return {name: text for name, text in facts.items() if text}


def facts_of_network(network: Network) -> dict[str, str]:
    """Return which network was used."""
    card = network.card
    return {
        "network": f"{card.name}: {card.description}",
        "its SHA-256": network.sha256,
    }


def options_as_text(*options: Any, **others: Any) -> dict[str, str]:
    """Return options by the names that the command line has for them.

    Parameters
    ----------
    options
        Dataclasses of `hyperspy_hrtemnn.options`.
    others
        Options by name.
    """
    together = {k: v for each in options for k, v in asdict(each).items()} | others
    return {f"--{k.replace('_', '-')}": _text(v) for k, v in together.items()}


def code_to_load(path: Path) -> str:
    """Return what a user types in Python to load a movie, lazily where that works."""
    name = as_line(path)
    if path.is_dir() and path.suffix != ".zspy":
        return f"hyperspy_hrtemnn.load_in_situ({name!r})"
    if path.suffix.lower() in _PICTURES:
        return f"hs.load({name!r})"
    return f"hs.load({name!r}, lazy=True)"


def _text(value: Any) -> str:
    if value is None:
        return "by default"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return as_line(value)
