# SPDX-License-Identifier: GPL-3.0-or-later
"""Optics of single images: what `HRTEM.estimate_optics` does."""
