# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks of others: a card put on them is checked against what the graph does."""

from __future__ import annotations

import json

import hyperspy.api as hs
import numpy as np
import onnx
import pytest
import tiny_networks
from click.testing import CliRunner
from onnx import helper

from hyperspy_hrtemnn import cli
from hyperspy_hrtemnn.networks import (
    METADATA_KEY,
    Card,
    NetworkError,
    adopt,
    load,
    out_of_range,
    predict,
    self_test,
    standardize,
)
from hyperspy_hrtemnn.signals import HRTEM


def without_card(path):
    """Take the card away, as of a file that another program has written."""
    made = onnx.load(path)
    del made.metadata_props[:]
    made.metadata_props.add(key="framework", value="of others")
    onnx.save(made, path)
    return path


def filled(**changes):
    """Return the template of a card, filled in for a convolution of 7 x 7."""
    values = json.loads(Card.template()) | {
        "name": "theirs",
        "description": "gold particles",
        "task": "segmentation",
        "material": "Au",
        "classes": ["particle"],
        "sampling": 0.1,
        "standardization_width": 0.6,
        "receptive_field": 7,
        "license": "MIT",
    }
    return values | changes


@pytest.fixture
def foreign(tmp_path):
    return without_card(tiny_networks.convolution(tmp_path / "foreign.onnx"))


@pytest.fixture
def card_file(tmp_path):
    def write(**changes):
        path = tmp_path / "card.json"
        path.write_text(json.dumps(filled(**changes)), encoding="utf-8")
        return path

    return write


def test_an_adopted_network_answers_as_it_did(foreign, card_file, tmp_path, rng):
    out = tmp_path / "adopted.onnx"
    citation = {"citation": "A. Author, J. Micr. 1 (2026)", "authors": ["A. Author"]}
    link = "https://doi.org/10.1/2"
    network = adopt(foreign, card_file(**citation, link=link), out)
    assert (network.path, network.name) == (out, "theirs")
    assert network.card.authors == ("A. Author",)
    assert (network.card.citation, network.card.link) == (citation["citation"], link)
    assert network.card.license == "MIT"
    # The file is what it was, and a card after it.
    before, after = foreign.read_bytes(), out.read_bytes()
    assert after[: len(before)] == before
    assert METADATA_KEY.encode() not in before
    entries = {p.key: p.value for p in onnx.load(out).metadata_props}
    assert set(entries) == {"framework", METADATA_KEY}
    original = tiny_networks.convolution(tmp_path / "original.onnx")
    image = rng.normal(100, 10, (41, 52))
    expected = predict(load(original), image, 0.12)
    np.testing.assert_array_equal(predict(load(out), image, 0.12), expected)
    assert foreign.read_bytes() == before


def test_an_adopted_network_has_a_test_that_finds_damage(foreign, card_file, tmp_path):
    out = tmp_path / "adopted.onnx"
    network = adopt(foreign, card_file(), out)
    assert network.card.test == network.card_test()
    (answer,) = self_test(out, "cpu")
    assert (answer.device, answer.fault) == ("cpu", None)
    assert answer.difference < 1e-5
    proto = onnx.load(out)
    (weight,) = proto.graph.initializer
    changed = 1.1 * np.frombuffer(weight.raw_data, np.float32)
    weight.raw_data = changed.astype(np.float32).tobytes()
    onnx.save(proto, out)
    with pytest.raises(NetworkError, match="damaged: its answer to the test input"):
        load(out)


def test_without_a_threshold_an_object_is_as_likely_as_none(
    foreign, card_file, tmp_path
):
    network = adopt(foreign, card_file(), tmp_path / "a.onnx")
    assert network.card.unbiased_threshold == 0.5
    network = adopt(foreign, card_file(threshold=0.3), tmp_path / "b.onnx")
    assert network.card.unbiased_threshold == 0.3


def test_what_nobody_knows_warns_of_nothing(foreign, card_file, tmp_path):
    ranges = {"sampling": [0.08, 0.2]}
    network = adopt(foreign, card_file(ranges=ranges), tmp_path / "a.onnx")
    assert network.card.ranges.energy is None
    assert network.card.recipe is None
    assert out_of_range(network.card, energy=80, defocus=1e4, sampling=0.1) == []
    (fault,) = out_of_range(network.card, energy=80, sampling=0.5)
    assert "0.08 to 0.2 Å/pixel" in fault


def test_a_card_without_a_version_is_of_today(foreign, tmp_path):
    values = filled(ranges={"blur": [0, 1.5]})
    del values["version"]
    path = tmp_path / "card.json"
    path.write_text(json.dumps(values), encoding="utf-8")
    network = adopt(foreign, path, tmp_path / "a.onnx")
    assert network.card.ranges.blur == (0, 1.5)


# As Windows' editor saves it, and as its PowerShell redirects the template.
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
def test_a_card_of_windows_is_read_or_its_encoding_is_told(foreign, tmp_path, encoding):
    path = tmp_path / "card.json"
    text = json.dumps(filled(name="Körner"), ensure_ascii=False)
    path.write_text(text, encoding=encoding)
    if encoding == "latin-1":
        with pytest.raises(
            NetworkError, match=r"card\.json .*UTF-8: .*Save it in this"
        ):
            adopt(foreign, path, tmp_path / "a.onnx")
        return
    assert adopt(foreign, path, tmp_path / "a.onnx").card.name == "Körner"


def test_the_template_names_all_that_has_to_be_filled_in(foreign, tmp_path):
    path = tmp_path / "card.json"
    path.write_text(Card.template(), encoding="utf-8")
    with pytest.raises(NetworkError, match=r"card\.json is not filled in") as error:
        adopt(foreign, path, tmp_path / "a.onnx")
    for name in ("name", "task", "classes", "sampling", "receptive_field", "license"):
        assert name in str(error.value)
    assert not (tmp_path / "a.onnx").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"channels": 3}, "input has 1 channels, the card says 3"),
        ({"classes": ["a", "b"]}, "output has 1 channels, the card says 2"),
        ({"task": "image classification"}, "4 dimensions, not N, C"),
        ({"receptive_field": 5}, "answer 3 pixels away, .* is 5; give 7 or more"),
        ({"sampling": -1}, "sampling: .*greater than 0"),
        ({"task": "sorcery"}, "task: "),
        ({"colour": "red"}, "colour: Extra inputs"),
        ({"link": "javascript:alert()"}, "link: "),
        ({"name": "\x1b[2J"}, "name has control characters"),
        ({"name": ""}, "name: "),
    ],
)
def test_a_card_that_is_wrong_is_refused_by_its_field(
    foreign, card_file, tmp_path, changes, message
):
    with pytest.raises(NetworkError, match=message) as error:
        adopt(foreign, card_file(**changes), tmp_path / "a.onnx")
    assert str(error.value).isprintable()
    assert not (tmp_path / "a.onnx").exists()


def test_the_stride_of_a_card_is_checked(card_file, tmp_path):
    foreign = without_card(tiny_networks.pooling(tmp_path / "foreign.onnx"))
    with pytest.raises(NetworkError, match="does not fit its card"):
        adopt(foreign, card_file(receptive_field=24), tmp_path / "a.onnx")
    right = card_file(receptive_field=24, stride=4)
    assert adopt(foreign, right, tmp_path / "a.onnx").card.stride == 4
    with pytest.raises(NetworkError, match="receptive_field of the card is 14; give"):
        adopt(foreign, card_file(receptive_field=14, stride=4), tmp_path / "b.onnx")


def test_a_network_that_sees_the_whole_image_is_not_run_in_tiles(card_file, tmp_path):
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["mean"], axes=[2, 3]),
        helper.make_node("Sub", ["image", "mean"], ["less"]),
        helper.make_node("Sigmoid", ["less"], ["answer"]),
    ]
    onnx.save(tiny_networks.model(nodes, {}), tmp_path / "foreign.onnx")
    with pytest.raises(NetworkError, match="sees the whole image cannot be run in til"):
        adopt(tmp_path / "foreign.onnx", card_file(), tmp_path / "a.onnx")


def test_logits_are_no_probabilities(card_file, tmp_path):
    path = without_card(tiny_networks.linear(tmp_path / "foreign.onnx"))
    with pytest.raises(NetworkError, match="last sigmoid or softmax may be missing"):
        adopt(path, card_file(), tmp_path / "a.onnx")
    regression = card_file(task="regression", receptive_field=1)
    assert adopt(path, regression, tmp_path / "a.onnx").card.task == "regression"


def test_a_fixed_shape_is_refused_with_the_remedy(card_file, tmp_path):
    shape = (1, 1, 64, 64)
    node = helper.make_node("Sigmoid", ["image"], ["answer"])
    made = tiny_networks.model([node], {}, inputs=shape, outputs=shape)
    onnx.save(made, tmp_path / "foreign.onnx")
    with pytest.raises(NetworkError, match="export it with dynamic axes"):
        adopt(tmp_path / "foreign.onnx", card_file(), tmp_path / "a.onnx")


def test_where_a_network_is_written_is_checked_first(foreign, card_file, tmp_path):
    with pytest.raises(NetworkError, match=r"a\.txt has to end with \.onnx"):
        adopt(foreign, card_file(), tmp_path / "a.txt")
    with pytest.raises(NetworkError, match=r"no folder .*none for a\.onnx; make it"):
        adopt(foreign, card_file(), tmp_path / "none" / "a.onnx")


def test_nothing_is_replaced_unless_it_is_allowed(foreign, card_file, tmp_path):
    out = tmp_path / "a.onnx"
    adopt(foreign, card_file(), out)
    with pytest.raises(NetworkError, match=r"a\.onnx exists"):
        adopt(foreign, card_file(), out)
    assert adopt(foreign, card_file(name="new"), out, overwrite=True).name == "new"
    with pytest.raises(NetworkError, match="exists; give another name"):
        adopt(foreign, card_file(), foreign, overwrite=True)
    with pytest.raises(NetworkError, match="has a card already"):
        adopt(out, card_file(), tmp_path / "b.onnx")


@pytest.mark.parametrize("text", ["no JSON", "[1, 2]", "3", '{"name": 1}', "[" * 9999])
def test_a_file_that_is_not_a_card_is_one_line(foreign, tmp_path, text):
    path = tmp_path / "card.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(NetworkError, match=r"card\.json") as error:
        adopt(foreign, path, tmp_path / "a.onnx")
    assert str(error.value).isprintable()


def test_a_file_that_is_not_a_network_is_refused(card_file, tmp_path):
    path = tmp_path / "text.onnx"
    path.write_text("not a network", encoding="utf-8")
    with pytest.raises(NetworkError, match=r"text\.onnx is not an ONNX file"):
        adopt(path, card_file(), tmp_path / "a.onnx")
    with pytest.raises(NetworkError, match=r"no file .*absent\.onnx"):
        adopt(tmp_path / "absent.onnx", card_file(), tmp_path / "a.onnx")


@pytest.mark.parametrize("shape", [(31, 43), (3, 31, 43)])
def test_images_are_standardized_as_a_whole(rng, shape):
    images = rng.normal(100, 10, shape).astype(np.float32)
    found = standardize(images, None)
    channels = images.reshape(-1, 31, 43)
    mean = channels.mean()
    deviation = np.sqrt(((channels - mean) ** 2).mean(axis=(1, 2))).mean()
    np.testing.assert_allclose(found, (images - mean) / deviation, atol=1e-4)


def test_what_is_no_data_does_not_count_in_the_whole(rng):
    image = rng.normal(100, 10, (31, 43)).astype(np.float32)
    valid = np.ones(image.shape, bool)
    valid[:, 30:] = False
    image[~valid] = 9e4
    found = standardize(image, None, valid=valid)
    np.testing.assert_allclose(
        found[:, :30], standardize(image[:, :30], None), atol=1e-4
    )
    assert not found[~valid].any()


def test_a_network_of_whole_images_gets_them_so(card_file, tmp_path, rng):
    """It answers with its input, the standardized image."""
    path = without_card(tiny_networks.linear(tmp_path / "foreign.onnx"))
    card = {"task": "regression", "receptive_field": 1, "standardization_width": None}
    network = adopt(path, card_file(**card), tmp_path / "a.onnx")
    image = rng.normal(100, 10, (31, 43)) + 5 * np.arange(43)
    expected = (image - image.mean()) / image.std()
    found = predict(network, image, 0.1)[0]
    np.testing.assert_allclose(found, expected, atol=1e-4)
    # However it is divided into tiles.
    tiled = predict(network, image, 0.1, tile=20, overlap=4)[0]
    np.testing.assert_allclose(tiled, expected, atol=1e-4)
    image[:, 40:] = np.nan
    found = predict(network, image, 0.1)[0]
    part = image[:, :40]
    expected = (part - part.mean()) / part.std()
    np.testing.assert_allclose(found[:, :40], expected, atol=1e-4)
    assert np.isnan(found[:, 40:]).all()


def test_the_commands_lead_from_a_template_to_a_segmentation(foreign, tmp_path, rng):
    def run(*arguments, code=0):
        result = CliRunner().invoke(cli.main, [str(part) for part in arguments])
        assert result.exit_code == code, result.output
        return result.output

    card = tmp_path / "card.json"
    assert json.loads(run("card", "--template"))["license"].startswith("<licence")
    card.write_text(json.dumps(filled()), encoding="utf-8")
    out = tmp_path / "theirs.onnx"
    given = ("adopt", foreign, "--card", card, "--out", out)
    assert run(*given) == f"{out}: theirs, segmentation, Au\n"
    assert "exists" in run(*given, code=1)
    run(*given, "--force")
    assert "license: MIT" in run("card", out)
    assert run("test", out, "--device", "cpu").startswith("cpu: passed")
    image = HRTEM(rng.normal(100, 10, (31, 43)).astype(np.float32))
    for axis in image.axes_manager.signal_axes:
        axis.scale, axis.units = 0.01, "nm"
    image.save(tmp_path / "image.hspy")
    result = tmp_path / "result.hspy"
    run("segment", tmp_path / "image.hspy", "--model", out, "--out", result)
    assert hs.load(result).metadata.HRTEMNN.Segmentation.network == "theirs"
    assert "Give the name or the file of a network" in run("card", code=2)
