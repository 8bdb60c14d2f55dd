# SPDX-License-Identifier: GPL-3.0-or-later
"""Particles: splitting, tracking, properties, and local Fourier transforms."""
