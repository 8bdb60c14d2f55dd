# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks: shipped ONNX files, their cards, and predictions for images and spectra."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
