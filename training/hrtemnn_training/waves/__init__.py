# SPDX-License-Identifier: GPL-3.0-or-later
"""Exit waves of structures, also of vibrating ones."""
