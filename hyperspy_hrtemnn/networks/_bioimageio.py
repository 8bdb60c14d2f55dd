# SPDX-License-Identifier: GPL-3.0-or-later
"""Package of bioimage.io: a network with its description for other programs.

The format is that of https://github.com/bioimage-io/spec-bioimage-io, version 0.5.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_hrtemnn.atomic import written_whole

from ._devices import CPU
from ._errors import NetworkError
from ._file import check_output, read_file
from ._network import Network, load
from ._optics import OPTICS_INPUT
from ._protobuf import fields
from ._trial import trial_input

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ._card import Card

_FORMAT = "0.5.4"

_INPUT, _OUTPUT = "image", "prediction"

# Fields of a model, and of its sets of operators, in onnx.proto.
_OPSETS, _DOMAIN, _VERSION = 8, 1, 2

# Longest texts of the format.
_LONGEST_NAME, _LONGEST_DESCRIPTION = 128, 1024

_DOI = re.compile(r"https?://(?:dx\.)?doi\.org/(10\..+)")


def write_bioimageio(
    name_or_path: str | Path, out: str | Path, *, overwrite: bool = False
) -> None:
    """Write a network as a package of bioimage.io, one .zip file.

    It holds the description, ``rdf.yaml``, the network with its card, an input with the
    answer, and ``README.md``, which says how images are resampled and standardized: the
    format has no word for a local standardization, so that this is left to who uses the
    package.

    Parameters
    ----------
    name_or_path
        Name of a shipped network, or path of an ONNX file.
    out
        The .zip file to write.
    overwrite
        Whether to replace `out`.

    Raises
    ------
    NetworkError
        If there is no such network, its card names no authors, or `out` exists, has no
        folder or does not end with .zip.
    """
    out = Path(out)
    check_output(out, ".zip")
    if out.exists() and not overwrite:
        raise NetworkError(f"{out} exists; give another name for the package.")
    network = load(name_or_path, CPU)
    if not network.card.authors:
        raise NetworkError(
            f"The card of the network {network.name!r} names no authors, which a "
            "package of bioimage.io has to."
        )
    image = _test_image(network)
    files = {
        "network.onnx": read_file(network.path),
        "test_input.npy": _npy(image),
        "test_output.npy": _npy(network.predict(image)),
        "README.md": _readme(network.card).encode(),
    }
    # JSON is YAML, too.
    description = json.dumps(_description(network.card, files), indent=2)
    files = {"rdf.yaml": description.encode(), **files}
    with (
        written_whole(out) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as package,
    ):
        for name, content in files.items():
            package.writestr(name, content)


def _description(card: Card, files: dict[str, bytes]) -> dict[str, Any]:
    def known(name: str) -> dict[str, str]:
        return {"source": name, "sha256": hashlib.sha256(files[name]).hexdigest()}

    # The format knows letters, digits and few other characters.
    name = re.sub(r"[^A-Za-z0-9_+\- ()]", "_", f"{card.name} ({card.task})")
    return {
        "type": "model",
        "format_version": _FORMAT,
        "name": name[:_LONGEST_NAME],
        "description": card.description[:_LONGEST_DESCRIPTION],
        "authors": [{"name": author.replace("/", " ")} for author in card.authors],
        "cite": _citations(card),
        "license": card.license,
        "documentation": known("README.md"),
        "tags": ["electron-microscopy", "hrtem", card.task.replace(" ", "-")],
        "inputs": [
            {
                "id": _INPUT,
                "description": "Standardized images, see README.md",
                "axes": [
                    {"type": "batch"},
                    _channels(_inputs(card)),
                    *({"type": "space", "id": axis, **_size(card)} for axis in "yx"),
                ],
                "test_tensor": known("test_input.npy"),
                "data": {"type": "float32"},
            }
        ],
        "outputs": [
            {
                "id": _OUTPUT,
                "description": "Probabilities"
                if card.gives_probabilities
                else "Values as the channels name them",
                "axes": [
                    {"type": "batch"},
                    _channels(card.classes),
                    *([] if card.per_image else [_like(axis, card) for axis in "yx"]),
                ],
                "test_tensor": known("test_output.npy"),
                "data": {"type": "float32"},
            }
        ],
        "weights": {
            "onnx": {
                **known("network.onnx"),
                "opset_version": _opset(files["network.onnx"]),
            }
        },
    }


def _inputs(card: Card) -> Sequence[str]:
    if card.takes_rings:
        return OPTICS_INPUT
    return [f"image {i}" for i in range(card.channels)]


def _channels(names: Any) -> dict[str, Any]:
    return {"type": "channel", "channel_names": list(names)}


def _size(card: Card) -> dict[str, Any]:
    """Return the sizes that an axis may have, and the pixel where it is known."""
    if card.spectrum_side is not None:
        return {"size": card.spectrum_side}
    pixel = {"unit": "angstrom", "scale": card.sampling}
    return {"size": {"min": _smallest(card), "step": card.stride}, **pixel}


def _like(axis: str, card: Card) -> dict[str, Any]:
    """Return an axis of the output, of the size of the input, with its halo."""
    size = {"tensor_id": _INPUT, "axis_id": axis}
    halo = {"halo": card.receptive_field // 2} if card.receptive_field > 1 else {}
    pixel = {"unit": "angstrom", "scale": card.sampling}
    return {"type": "space", "id": axis, "size": size, **halo, **pixel}


def _smallest(card: Card) -> int:
    """Return the smallest side of which something is left without the halo."""
    halo = 0 if card.per_image else card.receptive_field // 2
    least = max(card.smallest_side, 2 * halo + 1)
    return -(-least // card.stride) * card.stride


def _test_image(network: Network) -> NDArray[np.float32]:
    """Return one input, shape (1, channel, y, x), that the network answers to.

    Its sides differ, unless it is a spectrum.
    """
    card = network.card
    number = 0 if card.test is None else card.test.input
    side = card.spectrum_side
    images = trial_input(card, number, least_side=side or _smallest(card))
    if side is not None:
        images = images[..., :side, :side]
    # The format refuses a test whose answer is nearly zero everywhere.
    largest = network.predict(images).reshape(len(images), -1).max(axis=1).argmax()
    return images[largest : largest + 1]


def _npy(array: NDArray[np.float32]) -> bytes:
    content = io.BytesIO()
    np.save(content, array, allow_pickle=False)
    return content.getvalue()


def _opset(content: bytes) -> int:
    """Return the version of the operators of an ONNX file that was loaded."""
    for number, value in fields(memoryview(content)):
        if number == _OPSETS and not isinstance(value, int):
            opset = dict(fields(value))
            version = opset.get(_VERSION)
            if not opset.get(_DOMAIN) and isinstance(version, int):
                return version
    raise NetworkError("The network does not say which version of ONNX it is of.")


def _citations(card: Card) -> list[dict[str, str]]:
    """Return what is to be cited; the format needs an address for each."""
    if card.link is None:
        return []
    doi = _DOI.fullmatch(card.link)
    where = {"doi": doi[1]} if doi else {"url": card.link}
    return [{"text": card.citation or card.name, **where}]


def _readme(card: Card) -> str:
    return (
        f"# {card.name}\n\n{card.description}\n\nMaterial: {card.material}\n\n"
        f"## Before the network\n\n{_preparation(card)}\n\n"
        f"## Ranges of the training\n\n{_ranges(card)}\n\n"
        f"## Validation\n\n{_scores(card)}\n\n"
        f"## Citation\n\n{card.citation or 'None is known.'}\n\n"
        f"Licence: {card.license}\n"
    )


def _ranges(card: Card) -> str:
    """Return the known ranges of the training as lines."""
    lines = []
    for name, field in type(card.ranges).model_fields.items():
        value = getattr(card.ranges, name)
        if value is not None:
            bounds = value if isinstance(value, tuple) else (value,)
            lines.append(
                f"- {field.description}: {' to '.join(f'{each:g}' for each in bounds)}"
            )
    return "\n".join(lines) or "Not known."


def _scores(card: Card) -> str:
    if not card.scores:
        return "No scores are known."
    scores = json.dumps(card.scores, indent=1, ensure_ascii=False)
    return f"Scores on images not used in training:\n\n```json\n{scores}\n```"


def _preparation(card: Card) -> str:
    """Return in words what makes an image an input of the network."""
    if card.spectrum_side is not None:
        return (
            "The input are local Fourier transforms relative to their background; see "
            "`relative_spectrum` of hyperspy_hrtemnn.networks."
        )
    if card.takes_rings:
        return (
            "The input are ring spectra of images; see `optics_input` of "
            "hyperspy_hrtemnn.networks."
        )
    width = card.standardization_width
    window = (
        "of the whole image"
        if width is None
        else f"under a Gaussian window with a standard deviation of {width:g} Å"
    )
    return (
        f"1. Resample the image to {card.sampling:g} Å per pixel.\n"
        f"2. Subtract the mean {window}, and divide by the standard deviation there, "
        "both averaged over the channels. Do this before dividing the image into "
        "tiles.\n\n"
        "In HyperSpy, hyperspy-hrtemnn does both: `image.segment(path)` takes "
        "`network.onnx`, which has its card inside."
    )
