# SPDX-License-Identifier: GPL-3.0-or-later
"""Menu items for the program Dragonfly, which call the analysis and the networks.

Only `cli`, `install` and `places` can be imported outside Dragonfly. Calls of Dragonfly
that are not documented in any example are in `guesses`.

The files in `menu_items` repeat each other because Dragonfly runs each by itself, also
where this package is missing; they then show a message.
"""
