# SPDX-License-Identifier: GPL-3.0-or-later
"""Particles: their properties, plots, files and spectra."""
