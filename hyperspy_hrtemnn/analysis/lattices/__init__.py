# SPDX-License-Identifier: GPL-3.0-or-later
"""Lattices: the ideal lattice of columns, missing sites, and strain."""
