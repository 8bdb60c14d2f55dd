# SPDX-License-Identifier: GPL-3.0-or-later
"""Atoms: positions, elements and tilt of a sheet that explain a focal series."""
