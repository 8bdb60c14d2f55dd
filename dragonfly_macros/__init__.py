# SPDX-License-Identifier: GPL-3.0-or-later
"""Menu items for the program Dragonfly, thin over the analysis and the networks.

Only `cli`, `install` and `places` can be imported outside Dragonfly. What is needed of
Dragonfly and was seen nowhere is in `guesses`.

The files in `menu_items` repeat each other because Dragonfly runs each by itself, also
where this package is missing, which they then have to say.
"""
