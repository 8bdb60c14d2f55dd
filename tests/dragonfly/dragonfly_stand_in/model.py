# SPDX-License-Identifier: GPL-3.0-or-later
"""Channels, ROIs and MultiROIs as far as they were seen."""

from __future__ import annotations

from uuid import uuid4

import numpy as np

guesses_hold = True

living = {}
published = []


class Deleted:
    """What an object is after `deleteObject`: nothing can be done with it."""


class Grid:
    """What channels, ROIs and MultiROIs have in common: sizes, spacing, title."""

    def __init__(self):
        self._size = self._data = None
        self._spacing = [1.0, 1.0, 1.0]
        self._title = ""
        self._guid = f"{uuid4().hex.upper()}Cxv{type(self).__name__}"
        living[self._guid] = self

    def setXYZTSize(self, x, y, z, t):
        assert all(type(size) is int and size > 0 for size in (x, y, z, t))
        self._size = (x, y, z, t)

    def getXSize(self):
        return self._size[0]

    def getYSize(self):
        return self._size[1]

    def getZSize(self):
        return self._size[2]

    def getTSize(self):
        return self._size[3]

    def getXSpacing(self):
        return self._spacing[0]

    def getYSpacing(self):
        return self._spacing[1]

    def getZSpacing(self):
        return self._spacing[2]

    def setXSpacing(self, meters):
        self._spacing[0] = float(meters)

    def setYSpacing(self, meters):
        self._spacing[1] = float(meters)

    def setZSpacing(self, meters):
        self._spacing[2] = float(meters)

    def getOrigin(self):
        return (0.0, 0.0, 0.0)

    def copyShapeFromStructuredGrid(self, other):
        self._size = other._size
        self._spacing = list(other._spacing)

    def getTitle(self):
        return self._title

    def setTitle(self, title):
        assert type(title) is str
        self._title = title

    def getGUID(self):
        return self._guid

    def publish(self):
        assert self not in published
        self._check_complete()
        published.append(self)

    def deleteObject(self):
        del living[self._guid]
        if self in published:
            published.remove(self)
        self.__class__ = Deleted

    def _check_complete(self):
        assert self._data is not None

    def _blank(self, kind):
        x, y, z, t = self._size
        self._data = np.zeros((t, z, y, x), kind)
        return True

    def _at(self, t):
        assert type(t) is int
        assert 0 <= t < self._size[3]
        return self._data[t]


class Channel(Grid):
    _told = False

    def initializeDataForFLOAT(self):
        return self._blank(np.float32)

    def initializeDataForUSHORT(self):
        return self._blank(np.uint16)

    def initializeDataForUINT(self):
        return self._blank(np.uint32)

    def getNDArray(self, t):
        return self._at(t)

    def setDataDirty(self):
        self._told = True

    def _check_complete(self):
        # Dragonfly does not notice by itself that an array was written to.
        assert self._told
        assert self._data is not None

    def getAsROIWithinRange(self, lowest, highest, progress, out_roi_or_None):
        self._check_complete()
        roi = ROI() if out_roi_or_None is None else out_roi_or_None
        inside = (self._data >= lowest) & (self._data <= highest)
        _fill(roi, self, inside.astype(np.uint8))
        return roi

    def getAsMultiROI(self, inOutStructuredGrid, IProgress):
        self._check_complete()
        assert self._data.dtype.kind == "u"
        _fill(inOutStructuredGrid, self, self._data.astype(np.uint32))
        inOutStructuredGrid._names = {}
        return inOutStructuredGrid


class ROI(Grid):
    def getAsNDArray(self, *t):
        if t and not guesses_hold:
            raise TypeError("getAsNDArray() takes 1 positional argument")
        volume = self._at(*t or (0,))
        return volume.copy() if volume.any() else np.zeros(0, np.uint8)

    def getVoxelCount(self, t):
        return int(np.count_nonzero(self._at(t)))

    def getCenterOfMass(self, t):
        z, y, x = np.argwhere(self._at(t)).mean(axis=0)
        return [p * d for p, d in zip((x, y, z), self._spacing, strict=True)]


class MultiROI(Grid):
    def setLabelCount(self, count):
        assert type(count) is int
        # Dragonfly destroys the labels above.
        self._data[self._data > count] = 0
        self._names = dict.fromkeys(range(1, count + 1), "")

    def setLabelName(self, number, text):
        assert number in self._names
        assert type(text) is str
        self._names[number] = text

    def getAsChannel(self, inOutStructuredGrid, IProgress):
        _fill(inOutStructuredGrid, self, self._data)
        inOutStructuredGrid._told = True


class DatasetHelper:
    @staticmethod
    def createMultiROIFromDataset(dataset, multiROI=None, IProgress=None):
        out = MultiROI() if multiROI is None else multiROI
        return dataset.getAsMultiROI(inOutStructuredGrid=out, IProgress=IProgress)


def createChannelFromNumpyArray(array):
    assert array.ndim == 3
    assert array.dtype == np.float32 or array.dtype.kind in "iu"
    assert array.dtype.itemsize <= 4
    channel = Channel()
    channel.setXYZTSize(*array.shape[::-1], 1)
    channel._data = array[np.newaxis].copy()
    channel._told = True
    return channel


def _fill(target, source, data):
    """Convert from one kind to another, of one time step where guesses do not hold."""
    target.copyShapeFromStructuredGrid(source)
    target._data = data.copy()
    if not guesses_hold:
        target._data[1:] = 0
