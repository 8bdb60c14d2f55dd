# SPDX-License-Identifier: GPL-3.0-or-later
"""Regions of images: the second output of a graph, of one image after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnxruntime

from hrtemnn_training.export.guard_graph import CELL, MARGIN
from hyperspy_hrtemnn.cores import usable_cores

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Regions:
    """A graph that is asked for its second output only.

    Parameters
    ----------
    proto
        The graph.
    """

    def __init__(self, proto: onnx.ModelProto) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = usable_cores()
        options.log_severity_level = 4
        # What only the prediction needs is not computed.
        part = onnx.ModelProto()
        part.CopyFrom(proto)
        del part.graph.output[0]
        self._session = onnxruntime.InferenceSession(
            part.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )

    def __call__(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return a row for each region of an image, as of one that goes on around it.

        The images of a training are small. The margin in which no region is begins at
        their border here, and they are continued by reflection, which regions feel only
        as they feel what is around them.

        Parameters
        ----------
        image
            Standardized image, shape (channel, y, x).

        Returns
        -------
        Shape (region, feature), one feature if it is the novelty.
        """
        around = MARGIN * CELL
        height, width = (size // CELL * CELL for size in image.shape[1:])
        whole = ((0, 0), (around, around), (around, around))
        given = np.pad(image[:, :height, :width], whole, mode="reflect")[np.newaxis]
        name = self._session.get_inputs()[0].name
        (answer,) = self._session.run(None, {name: given})
        found: NDArray[np.float32] = answer[0].reshape(answer.shape[1], -1).T
        return found
