# SPDX-License-Identifier: GPL-3.0-or-later
"""Files into files: what the commands do with those they are given."""
