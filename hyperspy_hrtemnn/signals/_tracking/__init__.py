# SPDX-License-Identifier: GPL-3.0-or-later
"""Particles of a segmentation, separated in each frame and linked through a movie."""
