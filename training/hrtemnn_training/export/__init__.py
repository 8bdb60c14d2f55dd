# SPDX-License-Identifier: GPL-3.0-or-later
"""From a trained network to the ONNX file that users get."""
