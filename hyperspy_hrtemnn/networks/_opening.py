# SPDX-License-Identifier: GPL-3.0-or-later
"""Opening of a network: from the bytes of a file to a checked graph and its card."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._card import METADATA_KEY
from ._card_text import card_of
from ._engine import Engine
from ._errors import NetworkError
from ._novelty import NOVELTY_OUTPUT
from ._trial import misfit, run_trial

if TYPE_CHECKING:
    from pathlib import Path

    from ._card import Card


def opened(
    content: bytes, path: Path, num_workers: int | None = None
) -> tuple[Engine, Card]:
    """Return the graph, on the CPU, and the card of a network, after a trial run.

    Parameters
    ----------
    content
        Bytes of the ONNX file.
    path
        Its path, for errors.
    num_workers
        See `Engine`.

    Raises
    ------
    NetworkError
        If it is not an ONNX file, has no valid card, or its graph does not fit it.
    """
    engine = Engine(content, path, num_workers=num_workers)
    card = _card(engine.session, path)
    _check_signature(engine.session, card, path)
    run_trial(engine, card, path)
    return engine, card


def _card(session: Any, path: Path) -> Card:
    text = session.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
    if text is None:
        raise NetworkError(
            f"{path} has no card ({METADATA_KEY!r} in its metadata): it was not "
            "exported by hrtemnn export. Give it one with hrtemnn adopt."
        )
    return card_of(text, path)


def _check_signature(session: Any, card: Card, path: Path) -> None:
    """Compare the declarations of the graph with the card, before it runs."""
    answer = 2 if card.per_image else 4
    outputs = session.get_outputs()
    if card.novelty is not None:
        outputs = _without_novelty(outputs, path)
    sides = (
        ("input", session.get_inputs(), card.input_channels, 4),
        ("output", outputs, len(card.classes), answer),
    )
    for side, ports, channels, dimensions in sides:
        if len(ports) != 1:
            raise misfit(
                path,
                f"it has {len(ports)} {side}s, not 1; export it with the one that the "
                "card describes",
            )
        (port,) = ports
        if port.type != "tensor(float)":
            raise misfit(
                path,
                f"its {side} is {port.type}, not float32; export it in this type",
            )
        if len(port.shape) != dimensions:
            raise misfit(
                path,
                f"its {side} has {len(port.shape)} dimensions, not "
                f"{', '.join(('N', 'C', 'y', 'x')[:dimensions])}",
            )
        if isinstance(port.shape[1], int) and port.shape[1] != channels:
            raise misfit(
                path,
                f"its {side} has {port.shape[1]} channels, the card says {channels}",
            )
    batch, channel, *image = session.get_inputs()[0].shape
    if isinstance(image[-1], int) and not any(
        isinstance(size, int) for size in (batch, channel, *image[:-1])
    ):
        raise misfit(
            path,
            f"its input has the shape {session.get_inputs()[0].shape}, whose channels "
            "seem to be last; export it with (N, channel, y, x)",
        )
    if any(isinstance(size, int) for size in (batch, *image)):
        raise misfit(
            path,
            f"its input has the fixed shape {session.get_inputs()[0].shape}; the "
            "number of images, the height and the width must be symbolic: export it "
            "with dynamic axes",
        )


def _without_novelty(outputs: list[Any], path: Path) -> list[Any]:
    """Return all outputs but that of the guard, which the card speaks of."""
    last = outputs[-1]
    if (
        last.name != NOVELTY_OUTPUT
        or last.type != "tensor(float)"
        or len(last.shape) != 4
    ):
        raise misfit(
            path,
            f"its last output is {last.name}, {last.type} with {len(last.shape)} "
            f"dimensions, and that of the guard is {NOVELTY_OUTPUT}, float32 with 4; "
            "write the guard again with hrtemnn guard",
        )
    return outputs[:-1]
