# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages of bioimage.io: what is in them, and that their own library takes them."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile

import numpy as np
import onnxruntime
import pytest
import tiny_networks
from click.testing import CliRunner

from hyperspy_hrtemnn import cli
from hyperspy_hrtemnn.networks import (
    NetworkError,
    available,
    load,
    write_bioimageio,
)


def contents(path):
    with zipfile.ZipFile(path) as package:
        return {name: package.read(name) for name in package.namelist()}


def described(path):
    return json.loads(contents(path)["rdf.yaml"])


def array(content):
    return np.load(io.BytesIO(content), allow_pickle=False)


def files_of(value):
    """Return the name and the hash of each file that a description names."""
    found = {}
    if isinstance(value, dict):
        if "source" in value:
            found[value["source"]] = value["sha256"]
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            found |= files_of(each)
    return found


@pytest.fixture
def package(tmp_path):
    """Return a function that writes a package of a tiny network."""

    def write(kind=tiny_networks.convolution, **changes):
        fields = {"authors": ("A. Author",), "name": "tiny/1"} | changes
        network = kind(tmp_path / "tiny.onnx", **fields)
        path = tmp_path / "tiny.zip"
        write_bioimageio(network, path, overwrite=True)
        return path

    return write


def test_a_package_has_what_it_names_with_its_hash(package, tmp_path):
    files = contents(package())
    named = files_of(json.loads(files["rdf.yaml"]))
    assert {"rdf.yaml", *named} == set(files)
    for name, sha256 in named.items():
        assert hashlib.sha256(files[name]).hexdigest() == sha256
    assert files["network.onnx"] == (tmp_path / "tiny.onnx").read_bytes()


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        (tiny_networks.convolution, {"channels": 3, "classes": 2}),
        (tiny_networks.exit_wave, {}),
        (tiny_networks.brightest, {}),
    ],
)
def test_the_test_of_a_package_is_what_the_network_answers(package, kind, changes):
    files = contents(package(kind, **changes))
    session = onnxruntime.InferenceSession(
        files["network.onnx"], providers=["CPUExecutionProvider"]
    )
    image = array(files["test_input.npy"])
    (answer,) = session.run(None, {"image": image})
    expected = array(files["test_output.npy"])
    np.testing.assert_allclose(answer, expected, atol=1e-6)
    assert np.abs(expected).max() > 1e-3
    assert image.dtype == expected.dtype == np.float32


def test_the_description_is_that_of_the_card(package):
    link = "https://doi.org/10.1002/adts.201800037"
    path = package(field=9, citation="J. Madsen et al.", link=link, classes=2)
    found = described(path)
    assert found["name"] == "tiny_1 (segmentation)"
    assert found["authors"] == [{"name": "A. Author"}]
    assert found["license"] == "GPL-3.0-or-later"
    assert found["cite"] == [
        {"text": "J. Madsen et al.", "doi": "10.1002/adts.201800037"}
    ]
    (image,), (prediction,) = found["inputs"], found["outputs"]
    assert [axis["type"] for axis in image["axes"]] == [
        "batch",
        "channel",
        "space",
        "space",
    ]
    assert image["axes"][2]["size"] == {"min": 9, "step": 1}
    assert image["axes"][3]["scale"] == 0.1
    assert prediction["axes"][1]["channel_names"] == ["class 0", "class 1"]
    assert [axis["halo"] for axis in prediction["axes"][2:]] == [4, 4]
    assert found["weights"]["onnx"]["opset_version"] == 17
    assert "deviation of 0.6 Å" in contents(path)["README.md"].decode()


def test_sides_are_multiples_of_the_stride(tmp_path):
    network = tiny_networks.pooling(tmp_path / "a.onnx", authors=("A",))
    write_bioimageio(network, tmp_path / "a.zip")
    axis = described(tmp_path / "a.zip")["inputs"][0]["axes"][2]
    # 2 x 12 pixels of halo, and one block of 4 is left.
    assert axis["size"] == {"min": 28, "step": 4}
    image = array(contents(tmp_path / "a.zip")["test_input.npy"])
    assert image.shape[2] % 4 == image.shape[3] % 4 == 0
    assert image.shape[2] != image.shape[3]


def test_without_authors_there_is_no_package(tmp_path, network_path):
    with pytest.raises(NetworkError, match="'tiny' names no authors"):
        write_bioimageio(network_path, tmp_path / "a.zip")
    assert not (tmp_path / "a.zip").exists()
    with pytest.raises(NetworkError, match=r"a\.onnx has to end with \.zip"):
        write_bioimageio(network_path, tmp_path / "a.onnx")


def test_the_command_writes_a_package_and_replaces_none(tmp_path):
    def run(*arguments, code=0):
        result = CliRunner().invoke(cli.main, [str(part) for part in arguments])
        assert result.exit_code == code, result.output
        return result.output

    path = tmp_path / "a.zip"
    given = ("bioimageio", "au-zone-axis", "--out", path)
    assert run(*given) == f"{path}\n"
    before = path.read_bytes()
    assert "exists; give another name" in run(*given, code=1)
    assert path.read_bytes() == before
    run(*given, "--force")


def test_the_shipped_cards_say_who_made_them_and_what_to_cite():
    for name in available():
        card = load(name, "cpu").card
        assert card.authors == ("The hyperspy-hrtemnn developers",)
        assert "Leth Larsen" in card.citation or "Madsen" in card.citation


@pytest.mark.parametrize("name", ["au-columns", "au-zone-axis", "mos2-exitwave"])
def test_their_own_library_takes_the_packages(tmp_path, monkeypatch, name):
    reason = "needs bioimageio.spec, of the extra test"
    spec = pytest.importorskip("bioimageio.spec", reason=reason)
    monkeypatch.setenv("BIOIMAGEIO_CACHE_PATH", str(tmp_path / "cache"))
    write_bioimageio(name, tmp_path / "a.zip")
    summary = spec.load_description(tmp_path / "a.zip").validation_summary
    assert summary.status in {"passed", "valid-format"}, summary.display()
