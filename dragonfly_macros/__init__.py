# SPDX-License-Identifier: GPL-3.0-or-later
"""Menu items for the program Dragonfly, thin over the analysis and the networks.

Only `cli`, `install` and `places` can be imported outside Dragonfly. What is needed of
Dragonfly and was seen nowhere is in `guesses`.
"""
