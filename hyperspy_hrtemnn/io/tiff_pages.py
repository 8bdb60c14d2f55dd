# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages of a TIFF: refused where some of them are cut off.

Readers take the pages that are there for the whole, the first one alone where the list
of the others stood at the end of the file.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import tifffile

from hyperspy_hrtemnn.unit_texts import quoted

from .refusal import RefusedFileError

if TYPE_CHECKING:
    from pathlib import Path


def check_pages(path: Path) -> None:
    """Raise a `RefusedFileError` if a TIFF is cut off.

    Parameters
    ----------
    path
        Any file.
    """
    if path.suffix.lower() not in {".tif", ".tiff"}:
        return
    with tifffile.TiffFile(path) as tiff:
        _check_folder(path, tiff)
        found = len(tiff.pages)
        size = tiff.filehandle.size
        if _is_last(tiff) and _end(tiff) <= size:
            return
    raise RefusedFileError(
        f"{path} is cut off or damaged after {found} pages, {size} bytes: its other "
        "pages, or pixels of these, are missing. Copy it again from where it was "
        "recorded."
    )


def _check_folder(path: Path, tiff: tifffile.TiffFile) -> None:
    """Raise a `RefusedFileError` if an OME-TIFF has pages in another folder."""
    text = (tiff.ome_metadata or "") if tiff.is_ome else ""
    for name in re.findall(r"""FileName\s*=\s*["']([^"']*[/\\][^"']*)""", text):
        raise RefusedFileError(
            f"{path} has pages in another folder, {quoted(name)}; save it as one file."
        )


def _is_last(tiff: tifffile.TiffFile) -> bool:
    """Return whether the last page that is there says that no other one follows."""
    place = tiff.pages.next_page_offset
    if place is None or tiff.pages.first is None:
        return False
    tiff.filehandle.seek(place)
    offset = tiff.filehandle.read(tiff.tiff.offsetsize)
    return len(offset) == tiff.tiff.offsetsize and not any(offset)


def _end(tiff: tifffile.TiffFile) -> int:
    """Return where in the file the pixels of its pages end [bytes]."""
    last = tiff.pages[-1]
    counts = zip(last.dataoffsets, last.databytecounts, strict=True)
    return max(
        _end_of_large_stack(tiff),
        *(offset + count for offset, count in counts),
        *(
            (each.dataoffset or 0) + each.nbytes
            for each in tiff.series
            if each.dataoffset
        ),
    )


def _end_of_large_stack(tiff: tifffile.TiffFile) -> int:
    """Return where the pixels of an ImageJ stack end that is above 4 GB, or else 0.

    It has one page, and the others lie behind it.
    """
    first = tiff.pages.first
    start = first.dataoffsets[0] if first.dataoffsets else 0
    said = (tiff.imagej_metadata or {}).get("images", 1) if tiff.is_imagej else 1
    # A single image may have kept the text of the stack that it was cut out of.
    alone = len(tiff.pages) > 1 or tiff.filehandle.size < start + 2 * first.nbytes
    return 0 if alone or not isinstance(said, int) else start + said * first.nbytes


def whole_pages(tiff: tifffile.TiffFile) -> int:
    """Return how many pages of a TIFF, from its beginning, have all their pixels."""
    size, count = tiff.filehandle.size, len(tiff.pages)
    while count:
        page = tiff.pages[count - 1]
        ends = map(sum, zip(page.dataoffsets, page.databytecounts, strict=True))
        if max(ends, default=size + 1) <= size:
            break
        count -= 1
    return count
