# SPDX-License-Identifier: GPL-3.0-or-later
"""Carbon nanotubes: indices, spectra, and finding and straightening them in images."""
