# SPDX-License-Identifier: GPL-3.0-or-later
"""Signals frame by frame, in bounded memory."""
