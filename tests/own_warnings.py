# SPDX-License-Identifier: GPL-3.0-or-later
"""Warnings of ours among those that were recorded.

Python may find a file of an earlier test unclosed at any time, and warn of that, too.
"""

from __future__ import annotations


def of_ours(recorded):
    return [one for one in recorded if one.category is not ResourceWarning]
