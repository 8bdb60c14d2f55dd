# SPDX-License-Identifier: GPL-3.0-or-later
"""Baselines: methods without a network, tuned on validation samples."""
