# SPDX-License-Identifier: GPL-3.0-or-later
"""Lenses and camera: from a wave to an image."""
