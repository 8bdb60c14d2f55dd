# SPDX-License-Identifier: GPL-3.0-or-later
"""Metrics of predictions, and their summaries over many samples."""
