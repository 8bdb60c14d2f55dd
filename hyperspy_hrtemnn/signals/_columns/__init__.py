# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of atomic columns, of probabilities and of waves, and their plots."""
