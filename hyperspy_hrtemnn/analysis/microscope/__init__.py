# SPDX-License-Identifier: GPL-3.0-or-later
"""Microscope: lenses and detector, from a wave to an image."""
