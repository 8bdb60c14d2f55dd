# SPDX-License-Identifier: GPL-3.0-or-later
"""Nanotubes of images, and their chiral indices."""
