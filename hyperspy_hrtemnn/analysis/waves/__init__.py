# SPDX-License-Identifier: GPL-3.0-or-later
"""Exit waves: reconstructed, compared, and what their columns tell."""
