# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels: what a network is to give for an image, one file each (thesis 3.2).

Mask, Disk, Gaussian, Exitwave, Column height, Clean image and Unaberrated image have a
value for each pixel; Value, Class and Zone axis are of the image as a whole. Everything
that differs from label to label is in its `LabelKind`.
"""

from ._kind import LabelKind
from ._registry import LABELS, check_label, find_label

__all__ = ["LABELS", "LabelKind", "check_label", "find_label"]
