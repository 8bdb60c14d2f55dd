# SPDX-License-Identifier: GPL-3.0-or-later
"""Shipped networks: their names, and the hashes that their files must have.

``models/SHA256SUMS`` has the format of the command ``sha256sum``; whoever adds or
changes a network writes it anew with `write_hashes`.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from hyperspy_hrtemnn.atomic import written_whole

from ._errors import NetworkError

MODELS = Path(__file__).resolve().parent.parent / "models"
"""Folder of the networks that come with the package."""

_HASHES = "SHA256SUMS"


def available() -> tuple[str, ...]:
    """Return the names of the networks that come with the package."""
    return tuple(sorted(path.stem for path in MODELS.glob("*.onnx")))


def shipped_path(name: str) -> Path:
    """Return the path of the file of a shipped network."""
    return MODELS / f"{name}.onnx"


def shipped_hashes() -> dict[str, str]:
    """Return the SHA-256 of the file of each shipped network, by its file's name."""
    try:
        lines = (MODELS / _HASHES).read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    pairs = [line.split() for line in lines]
    return {pair[1]: pair[0] for pair in pairs if len(pair) == 2}


def write_hashes() -> None:
    """Write the hashes of the networks that are there: a step of a release."""
    files = [shipped_path(name) for name in available()]
    hashes = [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]
    lines = [f"{h}  {path.name}\n" for h, path in zip(hashes, files, strict=True)]
    with written_whole(MODELS / _HASHES) as temporary:
        temporary.write_text("".join(lines), encoding="utf-8", newline="\n")


def is_shipped(path: Path, sha256: str) -> bool:
    """Return whether a file is a shipped network, by its hash.

    Raises
    ------
    NetworkError
        If it has the place of one, and another hash.
    """
    hashes = shipped_hashes()
    known = hashes.get(path.name)
    if path.parent == MODELS and known not in (None, sha256):
        raise NetworkError(
            f"The file of the network {path.stem!r} is damaged: the SHA-256 of {path} "
            f"is {sha256}, and that of the released file {known}. Install "
            "hyperspy-hrtemnn again."
        )
    return sha256 in hashes.values()
