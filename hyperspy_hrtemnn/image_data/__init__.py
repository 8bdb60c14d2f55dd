# SPDX-License-Identifier: GPL-3.0-or-later
"""What in an image is data, for every method that reads pixels.

Ground for networks, analysis and signals; knows numpy and scipy only.
"""

from .reading import ImageData, contrast_checked, image_data

__all__ = ["ImageData", "contrast_checked", "image_data"]
