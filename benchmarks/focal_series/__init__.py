# SPDX-License-Identifier: GPL-3.0-or-later
"""Focal series with a known truth, and scores of what is made of them."""
