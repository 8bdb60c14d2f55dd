# SPDX-License-Identifier: GPL-3.0-or-later
"""Trial run: what a network answers to a known input, when it is loaded.

It shows whether the graph does what the card says: the shape of its answer, whether it
sees its input at all and nothing else, whether probabilities are some, and whether the
weights are still those that were exported.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ._card import INPUTS, CardTest
from ._errors import NetworkError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ._card import Card
    from ._engine import Engine

# Least side of the trial images; their second side differs by one stride, which shows
# whether the stride is larger than in the card.
_SIDE = 32

# Images of the trial. A network that answers with a few numbers for the whole image
# gives few for each.
_IMAGES, _WHOLE_IMAGES = 2, 24

# Input of networks whose card names none: of those that shipped, nearly all answer it
# with different values.
_USUAL_INPUT = 7

# Largest number of places at which an answer is compared with the card.
_PLACES = 64

# Largest difference from the card, of a probability or of the largest value. Orders of
# summation on processors differ by up to 1e-5.
_TOLERANCE = 1e-4

# Largest value beside 0 to 1 of a probability, by rounding.
_ROUNDING = 1e-3


def trial_input(
    card: Card, number: int, *, least_side: int = _SIDE
) -> NDArray[np.float32]:
    """Return images, the same for ever, shape (N, channel, y, x).

    Mixtures of a lattice and noise. All of it is made of whole numbers and divisions by
    powers of 2, so that no version of a library rounds it differently.

    Parameters
    ----------
    card
        Card of the network.
    number
        One of `INPUTS` inputs: the period of the lattice is 4, 8, 16 or 32 pixels, and
        the contrast 1, 2, 4 or 8 times that of a standardized image.
    least_side
        Least height and width [pixels]; that of the test of cards by default.
    """
    side = -(-max(least_side, card.smallest_side) // card.stride) * card.stride
    count = _WHOLE_IMAGES if card.per_image else _IMAGES
    shape = (count, card.input_channels, side, side + card.stride)
    image, _, y, x = np.indices(shape, sparse=True)
    gain, period = 1 << number // 4, 4 << number % 4
    teeth = [np.abs(64 * z // period % 64 - 32) for z in (y, x + y)]
    lattice = teeth[0] + teeth[1] - 32
    noise = _noise(math.prod(shape)).reshape(shape)
    share = image % 4
    mixed = share * (lattice / 2**5) + (4 - share) * (noise / 2**32)
    return np.asarray(gain * mixed, np.float32)


def usual_input(card: Card) -> NDArray[np.float32]:
    """Return the trial input that is in the card, or that fits most networks."""
    return trial_input(card, _USUAL_INPUT if card.test is None else card.test.input)


def _noise(count: int) -> NDArray[np.int64]:
    """Return pseudo-random numbers from -2^32 to 2^32.

    The finalizer of MurmurHash3 (A. Appleby, public domain).
    """
    h = np.arange(1, count + 1, dtype=np.uint32) * np.uint32(0x9E3779B1)
    for factor, shift in ((0x85EBCA6B, 16), (0xC2B2AE35, 13), (1, 16)):
        h ^= h >> np.uint32(shift)
        h *= np.uint32(factor)
    return 2 * h.astype(np.int64) - 2**32


def card_test(engine: Engine, card: Card) -> CardTest:
    """Return a test for the card: the input whose answer says most about the weights.

    A network that is sure of everything would be sure with damaged weights, too. Half
    of the places are where the answer says most, the others are spread over it.
    """
    answers = [engine.run(trial_input(card, number)) for number in range(INPUTS)]
    telling = [_sensitivity(answer, card) for answer in answers]
    number = int(np.argmax([each.mean() for each in telling]))
    answer = answers[number].ravel()
    spread = np.arange(_PLACES // 2) * answer.size // (_PLACES // 2)
    most = np.argsort(-telling[number].ravel(), kind="stable")[: _PLACES // 2]
    places = np.unique([*spread, *most])
    values = tuple(float(f"{value:.6g}") for value in answer[places])
    return CardTest(input=number, places=tuple(places.tolist()), answer=values)


def _sensitivity(answer: NDArray[np.float32], card: Card) -> NDArray[np.float32]:
    """Return how much each value of an answer would change with the weights."""
    if card.gives_probabilities:
        # What a probability changes by with its log-odds.
        return answer * (1 - answer)
    others = (0, *range(2, answer.ndim))
    off: NDArray[np.float32] = np.abs(answer - answer.mean(axis=others, keepdims=True))
    return off


def run_trial(engine: Engine, card: Card, path: Path) -> NDArray[np.float32]:
    """Run a network on the trial input, and check its answer.

    Parameters
    ----------
    engine
        The network's graph.
    card
        Its card.
    path
        Path of the file, for errors.

    Returns
    -------
    The answer.

    Raises
    ------
    NetworkError
        If it does not fit the card, or the weights have changed since the export.
    """
    batch = usual_input(card)
    try:
        answer = engine.run(batch)
    except NetworkError as error:
        raise misfit(path, str(error)) from error
    _check_shape(answer, batch, card, path)
    if why := fault_of(answer, card):
        raise misfit(path, f"its answer to a test input {why}")
    if _ignores(engine, batch, answer):
        raise misfit(path, "it answers the same to different inputs")
    if differs(engine.run(batch[:1]), answer[:1], _TOLERANCE):
        raise misfit(
            path,
            "it answers differently to the same image a second time, without the "
            "images beside it: it draws random numbers, or mixes images. Export it "
            "for inference, without dropout",
        )
    _compare(answer, card, path)
    return answer


def fault_of(answer: NDArray[np.float32], card: Card) -> str | None:
    """Return what is wrong with the values of an answer, None if they may be right."""
    low, high = float(answer.min(initial=0)), float(answer.max(initial=0))
    if not (math.isfinite(low) and math.isfinite(high)):
        return "is not finite"
    if card.gives_probabilities and (low < -_ROUNDING or high > 1 + _ROUNDING):
        return (
            f"has values from {low:.3g} to {high:.3g}, and the task {card.task!r} "
            "gives probabilities, 0 to 1: its last sigmoid or softmax may be missing"
        )
    return None


def _ignores(
    engine: Engine, batch: NDArray[np.float32], answer: NDArray[np.float32]
) -> bool:
    """Return whether a network answers the same to whatever it sees."""
    # A sigmoid of large numbers is 1, and of other contrasts it is not.
    return bool((answer == answer[:1]).all()) and all(
        np.array_equal(engine.run(batch * np.float32(contrast)), answer)
        for contrast in (1 / 64, 1 / 8, 8)
    )


def differs(given: NDArray[Any], known: NDArray[Any], tolerance: float) -> float | None:
    """Return by how much an answer differs, None if it does not.

    Parameters
    ----------
    given, known
        The answers.
    tolerance
        Largest difference of a probability, or of the largest value if it is above 1.
    """
    if given.shape != known.shape:
        return math.inf
    off = float(np.abs(known - given).max())
    return None if off <= tolerance * max(1.0, float(np.abs(known).max())) else off


def misfit(path: Path, why: str) -> NetworkError:
    """Return the error that a graph does not fit its card."""
    return NetworkError(f"The graph of {path} does not fit its card: {why}.")


def _check_shape(
    answer: NDArray[np.float32], batch: NDArray[np.float32], card: Card, path: Path
) -> None:
    image = () if card.per_image else batch.shape[2:]
    expected = (len(batch), len(card.classes), *image)
    if answer.shape != expected:
        raise misfit(
            path,
            f"its output for input of shape {batch.shape} has the shape "
            f"{answer.shape}, not {expected} as for the task {card.task!r} and "
            f"{len(card.classes)} classes of the card",
        )


def _compare(answer: NDArray[np.float32], card: Card, path: Path) -> None:
    """Raise an error if an answer is not that of the card, where there is one."""
    if card.test is None:
        return
    if max(card.test.places) >= answer.size:
        raise misfit(path, "its test is of more values than it answers with")
    known, given = np.array(card.test.answer), answer.ravel()[[*card.test.places]]
    if off := differs(given, known, _TOLERANCE):
        raise NetworkError(
            f"{path} is damaged: its answer to the test input differs by {off:.2g} "
            "from that in its card. Get the file again, or export the network again."
        )
