# SPDX-License-Identifier: GPL-3.0-or-later
"""How well networks and their baselines do on structures they never saw."""
