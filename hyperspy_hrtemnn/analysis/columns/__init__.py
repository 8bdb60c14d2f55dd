# SPDX-License-Identifier: GPL-3.0-or-later
"""Atomic columns: found, followed, and what becomes of them."""
