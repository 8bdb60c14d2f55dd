# SPDX-License-Identifier: GPL-3.0-or-later
"""What `Instances` shows of particles, writes, and sums over them."""
