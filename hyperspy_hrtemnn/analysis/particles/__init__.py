# SPDX-License-Identifier: GPL-3.0-or-later
"""Particles: separated, followed, measured, and their Fourier transforms."""
