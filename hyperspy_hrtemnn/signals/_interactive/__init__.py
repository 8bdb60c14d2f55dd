# SPDX-License-Identifier: GPL-3.0-or-later
"""Tools whose options are tried out on one frame before the work on all of them."""
