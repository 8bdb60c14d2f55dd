# SPDX-License-Identifier: GPL-3.0-or-later
"""Corrections: particles are merged, deleted, given other ids, or dropped if short."""

from __future__ import annotations

import math
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

from hyperspy_hrtemnn.analysis.kinds_of_tables import check_properties
from hyperspy_hrtemnn.analysis.particles.editing import replace_ids
from hyperspy_hrtemnn.signals._shared.labels import distinct_labels
from hyperspy_hrtemnn.signals._shared.runner import each_frame
from hyperspy_hrtemnn.signals._shared.skipping import FrameRule

from .choice_of_frames import (
    check_there,
    frame_numbers,
    frames_text,
    whole_id,
    whole_ids,
)
from .edits import edit

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from hyperspy.signals import Signal2D

    from .changed_frames import Change
    from .choice_of_frames import Frames


def merge(
    instances: Signal2D, first: int, others: Frames, frames: Frames | None
) -> None:
    """Merge particles; see `Instances.merge`."""
    chosen = frame_numbers(instances, frames)
    kept, joined = whole_id(first), whole_ids(others)
    if kept in joined:
        raise ValueError(f"Particle {kept} cannot be merged with itself.")
    check_there(instances, [kept, *joined], None)
    if chosen is not None:
        check_there(instances, joined, chosen)
    text = f"merge({kept}, {_one_or_more(joined)}{frames_text(chosen)})"
    change = partial(replace_ids, ids=dict.fromkeys(joined, kept), join=True)
    edit(instances, text, _in_frames(change, chosen))


def delete(instances: Signal2D, ids: Frames, frames: Frames | None) -> None:
    """Delete particles; see `Instances.delete`."""
    chosen, deleted = frame_numbers(instances, frames), whole_ids(ids)
    check_there(instances, deleted, chosen)
    text = f"delete({_one_or_more(deleted)}{frames_text(chosen)})"
    _delete(instances, deleted, text, chosen)


def relabel(instances: Signal2D, ids: Mapping[int, int], frames: Frames | None) -> None:
    """Give particles other ids; see `Instances.relabel`."""
    chosen = frame_numbers(instances, frames)
    if not hasattr(ids, "items"):
        raise ValueError(
            f"Give the old and the new id, such as {{3: 7}}, not {ids!r:.40}."
        )
    old, new = whole_ids(list(ids)), whole_ids(list(ids.values()))
    check_there(instances, old, chosen)
    mapping = dict(zip(old, new, strict=True))
    text = f"relabel({mapping}{frames_text(chosen)})"
    edit(instances, text, _in_frames(partial(replace_ids, ids=mapping), chosen))


def remove_short_tracks(
    instances: Signal2D,
    min_frames: int,
    properties: pd.DataFrame | None,
    *,
    show_progressbar: bool | None,
    num_workers: int | None,
) -> list[int]:
    """Delete particles seen in few frames; see `Instances.remove_short_tracks`."""
    total = math.prod(instances.data.shape[:-2])
    (least,) = _whole_number(min_frames, total)
    if properties is None:
        found = each_frame(
            instances,
            distinct_labels,
            rule=FrameRule("raise"),
            label="tracks",
            show_progressbar=show_progressbar,
            num_workers=num_workers,
        )
        seen = Counter(
            number for ids in found if ids is not None for number in ids.tolist()
        )
    else:
        check_properties(properties)
        seen = Counter(properties.groupby("id")["frame"].nunique().to_dict())
    short = sorted(int(number) for number, count in seen.items() if count < least)
    if short:
        _delete(instances, short, f"remove_short_tracks({least})", None)
    return short


def _delete(
    instances: Signal2D, ids: list[int], text: str, chosen: list[int] | None
) -> None:
    change = partial(replace_ids, ids=dict.fromkeys(ids, 0))
    edit(instances, text, _in_frames(change, chosen))


def _in_frames(change: Change, chosen: list[int] | None) -> Any:
    """Return what gives the same change for each chosen frame."""
    if chosen is None:
        return lambda _: change
    numbers = set(chosen)
    return lambda number: change if number in numbers else None


def _one_or_more(ids: list[int]) -> str:
    return str(ids[0] if len(ids) == 1 else ids)


def _whole_number(min_frames: Any, total: int) -> list[int]:
    try:
        least = whole_ids(min_frames)
    except ValueError:
        least = []
    if len(least) != 1 or least[0] > total:
        raise ValueError(
            f"min_frames is a number of frames from 1 to {total}, those of the movie, "
            f"not {min_frames!r:.40}."
        )
    return least
