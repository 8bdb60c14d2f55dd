# SPDX-License-Identifier: GPL-3.0-or-later
"""Reflections of Fourier transforms: found, followed, indexed, compared."""
