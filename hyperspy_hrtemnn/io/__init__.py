# SPDX-License-Identifier: GPL-3.0-or-later
"""What files say that readers do not tell."""
