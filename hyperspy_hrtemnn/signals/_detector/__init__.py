# SPDX-License-Identifier: GPL-3.0-or-later
"""Detector: dose, MTF and readout noise from a region of vacuum."""
