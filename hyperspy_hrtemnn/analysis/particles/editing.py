# SPDX-License-Identifier: GPL-3.0-or-later
"""Editing of labels: other ids for particles, and one particle cut into several."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from .boxes import boxes
from .cutting import cut_into_parts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence, Set

    from numpy.typing import NDArray

    Labels = NDArray[np.integer]
    Places = NDArray[np.float64]


def replace_ids(
    labels: Labels, ids: Mapping[int, int], *, join: bool = False
) -> Labels:
    """Return labels with other ids.

    Parameters
    ----------
    labels
        Labels, shape (y, x).
    ids
        The new id of each particle that gets one, 0 for background. All are replaced
        at the same time, so that two particles can swap theirs.
    join
        Whether a particle may get the id of another one in the frame.

    Raises
    ------
    ValueError
        If two particles would have one id, and they are not to be joined.

    Examples
    --------
    >>> import numpy as np
    >>> replace_ids(np.array([[0, 3, 7]]), {3: 7, 7: 3}).tolist()
    [[0, 7, 3]]
    """
    # Boxes of all at once: to look for each id in the whole frame takes long for many.
    found = boxes(labels)
    there = [old for old in ids if old in found]
    if not join:
        _check_free([ids[old] for old in there if ids[old]], found.keys() - ids.keys())
    result = labels.copy()
    for old in there:
        box = found[old]
        result[box][labels[box] == old] = ids[old]
    return result


def cut_particle(
    labels: Labels, ids: Sequence[int], places: Places | None = None
) -> tuple[Labels, Places | None]:
    """Cut a particle into parts at its deepest necks, each with its own id.

    Parameters
    ----------
    labels
        Labels, shape (y, x).
    ids
        Id of the particle, which one part keeps, and those of the other parts.
    places
        What this function or `relative_places` returns for another frame: each part
        gets the id of the one in the same direction there. By default the largest part
        keeps the id, and the others get theirs by falling area.

    Returns
    -------
    The new labels, and the places of the parts in the order of `ids`. Where there is no
    such particle, the labels and places that were given.

    Raises
    ------
    ValueError
        If a new id is another particle's, or there are too few pixels.
    """
    found_boxes = boxes(labels)
    box = found_boxes.get(ids[0])
    if box is None:
        return labels, places
    _check_free(ids[1:], found_boxes.keys())
    # One pixel more on each side, where there is one: the rest is not an edge.
    wider = tuple(slice(max(part.start - 1, 0), part.stop + 1) for part in box)
    try:
        parts = cut_into_parts(labels[wider] == ids[0], len(ids))
    except ValueError as error:
        raise ValueError(f"Particle {ids[0]} cannot be split: {error}") from error
    order = np.arange(1, len(ids) + 1)
    found = _relative(parts, order)
    if places is not None:
        _, order = linear_sum_assignment(cdist(places, found))
        found, order = found[order], order + 1
    result = labels.copy()
    for part, number in zip(order, ids, strict=True):
        result[wider][parts == part] = number
    return result, found


def relative_places(labels: Labels, ids: Sequence[int]) -> Places | None:
    """Return where particles are, from the middle of them all; None if one is missing.

    Shape (id, 2), y and x in pixels. They stay the same when the field drifts.
    """
    if not all((labels == number).any() for number in ids):
        return None
    return _relative(labels, np.array(ids))


def _relative(labels: Labels, ids: NDArray[np.integer]) -> Places:
    centers = np.array(ndimage.center_of_mass(labels > 0, labels, ids))
    return np.asarray(centers - centers.mean(axis=0))


def _check_free(ids: Sequence[int], taken: Set[int]) -> None:
    """Raise a ValueError if an id is given twice, or is that of another particle."""
    for number in ids:
        if number in taken or ids.count(number) > 1:
            raise ValueError(
                f"There is already a particle {number}. Take a free id, or join the "
                "two with merge."
            )
