# SPDX-License-Identifier: GPL-3.0-or-later
"""Refusal of a file: the error that says why it is not loaded, and what to do."""

from __future__ import annotations


class RefusedFileError(ValueError):
    """A file that would run code, open other files, or claims more than it holds."""
