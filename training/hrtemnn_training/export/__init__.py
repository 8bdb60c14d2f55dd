# SPDX-License-Identifier: GPL-3.0-or-later
"""Export of a trained network to the ONNX file that users get."""
