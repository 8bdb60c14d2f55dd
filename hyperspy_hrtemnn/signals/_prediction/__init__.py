# SPDX-License-Identifier: GPL-3.0-or-later
"""Predictions of networks for the images of a signal."""
