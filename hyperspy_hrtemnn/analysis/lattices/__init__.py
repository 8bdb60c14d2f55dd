# SPDX-License-Identifier: GPL-3.0-or-later
"""The ideal lattice of columns, and how far they are from it."""
