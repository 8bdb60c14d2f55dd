# SPDX-License-Identifier: GPL-3.0-or-later
"""Denoising: what neighboring frames add to an image, and what noise is left."""
