# SPDX-License-Identifier: GPL-3.0-or-later
"""The error of a frame that cannot be used."""

from __future__ import annotations


class BadFrameError(ValueError):
    """A frame is blank, constant, saturated or unreadable, or holds no data."""
