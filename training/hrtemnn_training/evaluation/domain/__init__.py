# SPDX-License-Identifier: GPL-3.0-or-later
"""Domain of a network: how far beyond its training its scores hold."""
