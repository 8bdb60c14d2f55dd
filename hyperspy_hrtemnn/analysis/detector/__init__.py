# SPDX-License-Identifier: GPL-3.0-or-later
"""What a camera is like, measured in a region of vacuum."""
