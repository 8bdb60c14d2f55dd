# SPDX-License-Identifier: GPL-3.0-or-later
"""What all topics share: axes and units, tables, frames one after the other, words."""
