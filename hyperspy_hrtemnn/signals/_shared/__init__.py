# SPDX-License-Identifier: GPL-3.0-or-later
"""Code that all topics share: axes and units, tables, the frame runner."""
