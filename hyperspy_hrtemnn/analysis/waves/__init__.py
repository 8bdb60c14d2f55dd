# SPDX-License-Identifier: GPL-3.0-or-later
"""Exit waves: reconstruction, registration, comparison, and the mass of columns."""
