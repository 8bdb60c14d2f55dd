# SPDX-License-Identifier: GPL-3.0-or-later
"""Dose studies: networks on simulated series of rising dose."""
