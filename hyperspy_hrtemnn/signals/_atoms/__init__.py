# SPDX-License-Identifier: GPL-3.0-or-later
"""Atoms that explain the images of a sample, and what is made of them."""
