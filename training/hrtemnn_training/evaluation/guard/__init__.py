# SPDX-License-Identifier: GPL-3.0-or-later
"""Guard of a network: fitted to the images of its training, tried on foreign ones."""
