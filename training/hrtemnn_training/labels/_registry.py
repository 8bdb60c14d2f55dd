# SPDX-License-Identifier: GPL-3.0-or-later
"""Registry of the labels, by the names that recipes have for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .chemical_order import ChemicalOrder
from .chirality import Chirality
from .clean_image import CleanImage
from .column_height import ColumnHeight
from .columns import Disk, Gaussian
from .exitwave import Exitwave
from .image_class import ImageClass
from .mask import Mask
from .optics import Optics
from .unaberrated_image import UnaberratedImage
from .value import Value
from .zone_axis import ZoneAxis

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hrtemnn_training.images.keys import ImageKeys

    from ._kind import LabelKind

_KINDS: tuple[type[LabelKind], ...] = (
    Mask,
    Disk,
    Gaussian,
    Exitwave,
    ColumnHeight,
    CleanImage,
    UnaberratedImage,
    Value,
    ImageClass,
    Optics,
    ZoneAxis,
    Chirality,
    ChemicalOrder,
)

LABELS: dict[str, type[LabelKind]] = {kind.name: kind for kind in _KINDS}
"""All labels, by name."""

_ALIASES = {alias: kind for kind in _KINDS for alias in kind.aliases}


def find_label(name: str) -> type[LabelKind]:
    """Return the label of a name.

    Raises
    ------
    ValueError
        If there is no such label; the message lists those there are.
    """
    known = LABELS | _ALIASES
    if name not in known:
        raise ValueError(f"there is no label {name!r}, only {', '.join(LABELS)}")
    return known[name]


def check_label(parameters: ImageKeys) -> None:
    """Raise a ValueError if the keys of the images do not fit their label."""
    kind = find_label(parameters.label)
    if (parameters.value is None) == kind.needs_value:
        needing = _listed(k.name for k in _KINDS if k.needs_value)
        raise ValueError(f"value: the labels {needing} need it, no other takes it")
    if parameters.categories and not kind.takes_categories:
        taking = _listed(k.name for k in _KINDS if k.takes_categories)
        raise ValueError(f"categories: only the labels {taking} take them")
    kind(parameters).check()


def _listed(names: Iterable[str]) -> str:
    return " and ".join(names)
