# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading of formats: in-situ folders, movies in whole frames, units in TIFFs."""
