# SPDX-License-Identifier: GPL-3.0-or-later
"""Reflections of Fourier transforms: finding, linking, indexing, and zone axes."""
