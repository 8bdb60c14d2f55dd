# SPDX-License-Identifier: GPL-3.0-or-later
"""Dose, MTF and readout noise of the camera behind a signal."""
