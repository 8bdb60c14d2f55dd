# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks: the shipped ONNX files, their cards, and how they run on an image."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
