# SPDX-License-Identifier: GPL-3.0-or-later
"""Exit waves from images, images from exit waves, and waves without a support."""
