# SPDX-License-Identifier: GPL-3.0-or-later
"""Atomic columns: finding, linking, events, vacancies and rings."""
