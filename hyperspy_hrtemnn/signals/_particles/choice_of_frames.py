# SPDX-License-Identifier: GPL-3.0-or-later
"""Choice of frames and ids, as users give them to the methods that edit labels."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_hrtemnn.analysis.particles.boxes import boxes
from hyperspy_hrtemnn.bad_frames import spans
from hyperspy_hrtemnn.signals._shared.labels import check_ids

if TYPE_CHECKING:
    from hyperspy.signals import Signal2D

    Frames = int | Iterable[int]

_LARGEST = int(np.iinfo(np.int32).max)


def frame_numbers(
    instances: Signal2D, chosen: Frames | None, *, ascending: bool = False
) -> list[int] | None:
    """Return the numbers of chosen frames, ascending; None for all of them.

    Parameters
    ----------
    instances
        The labels, or the images.
    chosen
        What the user has given.
    ascending
        Whether they have to be ascending as they are given.

    Raises
    ------
    IndexError
        If the movie does not have one of them, none is chosen, or they are in another
        order.
    """
    if chosen is None:
        return None
    total = math.prod(instances.data.shape[:-2])
    found: list[int] = []
    for number in _several(chosen):
        if not _is_whole(number):
            raise IndexError(
                f"frames has {number!r}; it is the number of a frame, from 0 on, or "
                "several of them."
            )
        if not -total <= number < total:
            raise IndexError(f"There is no frame {number}; there are {total}.")
        found.append(int(number) % total)
    if not found:
        raise IndexError("frames is empty; without it all frames are meant.")
    if ascending and found != sorted(set(found)):
        raise IndexError(f"frames have to be ascending, each once, not {found}.")
    return sorted(set(found))


def frames_text(chosen: list[int] | None) -> str:
    """Return what one types as the last argument for some frames."""
    if chosen is None:
        return ""
    first, last = chosen[0], chosen[-1] + 1
    in_a_row = len(chosen) > 2 and chosen == list(range(first, last))
    return f", frames={range(first, last) if in_a_row else chosen}"


def whole_ids(ids: Frames) -> list[int]:
    """Return one id or several as a list.

    Raises
    ------
    ValueError
        If one is not a possible id, there is none, or one is given twice.
    """
    found = _several(ids)
    for number in found:
        if not _is_whole(number) or not 1 <= number <= _LARGEST:
            raise ValueError(
                f"An id is a whole number from 1 to {_LARGEST}, not {number!r:.40}."
            )
    known = [int(number) for number in found]
    if not known or len(set(known)) < len(known):
        raise ValueError(f"Different ids are needed, at least one, not {known}.")
    return known


def whole_id(number: int) -> int:
    """Return an id; raise a ValueError if it is not possible, or is several."""
    if isinstance(number, Iterable) and not isinstance(number, str):
        raise ValueError(f"One id is needed, not {number!r:.40}.")
    return whole_ids(number)[0]


def check_there(instances: Signal2D, ids: list[int], chosen: list[int] | None) -> None:
    """Raise a ValueError unless each particle is in one of the frames.

    A lazy movie is not read for that, and nothing is raised.
    """
    if instances._lazy:
        return
    movie = instances.data.reshape(-1, *instances.data.shape[-2:])
    ids_of = [boxes(frame).keys() for frame in movie]
    for number in ids:
        there = [index for index, known in enumerate(ids_of) if number in known]
        if not there:
            check_ids([number], sorted(set().union(*ids_of)))
        if chosen is not None and not set(there) & set(chosen):
            raise ValueError(
                f"Particle {number} is in none of the frames {spans(chosen)}; it is in "
                f"{spans(there)}."
            )


def _several(given: Any) -> list[Any]:
    if isinstance(given, str) or not isinstance(given, Iterable):
        return [given]
    return list(given)


def _is_whole(number: Any) -> bool:
    return isinstance(number, numbers.Integral) and not isinstance(number, bool)
