# SPDX-License-Identifier: GPL-3.0-or-later
"""Tracking: particles are split in each frame and linked through a movie."""
