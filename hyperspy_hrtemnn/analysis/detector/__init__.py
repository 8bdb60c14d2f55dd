# SPDX-License-Identifier: GPL-3.0-or-later
"""Measurement of a detector in a region of vacuum: noise, MTF and readout noise."""
