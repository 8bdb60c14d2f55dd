# SPDX-License-Identifier: GPL-3.0-or-later
"""Local Fourier transforms, their reflections and zone axes."""
