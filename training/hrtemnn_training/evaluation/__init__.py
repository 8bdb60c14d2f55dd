# SPDX-License-Identifier: GPL-3.0-or-later
"""Evaluation of networks and baselines on structures they never saw."""
