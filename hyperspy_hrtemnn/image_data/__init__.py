# SPDX-License-Identifier: GPL-3.0-or-later
"""Image data: finite pixels, and which of them are data, for all that read images.

Networks, analysis and signals import this room; it imports numpy and scipy only.
"""

from .masked import without_mask
from .reading import ImageData, contrast_checked, image_data

__all__ = ["ImageData", "contrast_checked", "image_data", "without_mask"]
