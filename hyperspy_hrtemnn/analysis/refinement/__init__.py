# SPDX-License-Identifier: GPL-3.0-or-later
"""Refinement: lenses, and later atoms, that explain the images of a focal series."""
