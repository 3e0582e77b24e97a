"""Pictures of models: what the boxes say, how they stand, and files of all kinds."""

import xml.etree.ElementTree as ElementTree

import pytest
from PIL import Image

from etude import Input, Model, Sequential, layers, utils
from etude.errors import ArgumentError, NotBuiltError


def branched():
    x = Input((4,), name="x")
    inner = Sequential([Input((4,)), layers.Dense(3, activation="relu", name="in_one")], name="in")
    a, b = inner(x), layers.Dense(3, name="b", trainable=False)(x)
    return Model(x, layers.Add(name="sum")([a, b]) * 2, name="outer")


def test_boxes_tell_what_was_asked_for():
    picture = utils.model_to_dot(
        branched(), show_shapes=True, show_dtype=True, show_layer_activations=True,
        show_trainable=True,
    )  # fmt: skip
    boxes = {box.lines[0]: box for box in picture.boxes}
    assert {"x (InputLayer)", "in (Sequential)", "b (Dense)", "sum (Add)"} < set(boxes)
    assert len(boxes) == 5  # and the product, whose name is counted up
    assert boxes["b (Dense)"].lines[1:] == [
        "activation: linear", "dtype: float32", "in: (None, 4)", "out: (None, 3)", "frozen",
    ]  # fmt: skip
    parents = {p.lines[0] for p in boxes["sum (Add)"].parents}
    assert parents == {"in (Sequential)", "b (Dense)"}


def test_no_box_stands_on_another_and_arrows_go_down():
    picture = utils.model_to_dot(branched(), expand_nested=True)
    boxes = picture.boxes
    for i, a in enumerate(boxes):
        assert a.x >= 0 and a.y >= 0 and a.x + a.width <= picture.width
        for b in boxes[i + 1 :]:
            apart = (
                a.x + a.width <= b.x or b.x + b.width <= a.x
                or a.y + a.height <= b.y or b.y + b.height <= a.y
            )  # fmt: skip
            assert apart, (a, b)
    assert all(y1 < y2 for _, y1, _, y2 in picture.arrows())
    assert [name for name, *_ in picture.frames()] == ["in"]
    sideways = utils.model_to_dot(branched(), rankdir="LR")
    assert all(x1 < x2 for x1, _, x2, _ in sideways.arrows())


@pytest.mark.parametrize("ending", ["svg", "png", "pdf"])
def test_files(tmp_path, ending):
    path = tmp_path / f"model.{ending}"
    picture = utils.plot_model(branched(), path, expand_nested=True, show_layer_names=True, dpi=72)
    if ending == "svg":
        root = ElementTree.parse(path).getroot()
        assert root.tag.endswith("svg") and "in_one (Dense)" in path.read_text()
        assert picture._repr_svg_() == path.read_text()
    elif ending == "png":
        with Image.open(path) as image:
            assert image.size == (round(picture.width), round(picture.height))
            assert len(image.getcolors(100_000)) > 3
    else:
        assert path.read_bytes().startswith(b"%PDF")


def test_models_without_a_graph_and_parts_of_models():
    model = Sequential([Input((2,)), *(layers.Dense(2, name=f"d{i}") for i in range(4))])
    part = utils.model_to_dot(model, layer_range=["d1", "d2"])
    assert [box.lines[0] for box in part.boxes] == ["d1 (Dense)", "d2 (Dense)"]

    class Own(Model):
        def __init__(self):
            super().__init__()
            self.one = layers.Dense(1, name="one")

        def call(self, x):
            return self.one(x)

    own = Own()
    with pytest.raises(NotBuiltError, match="has not yet been built"):
        utils.plot_model(own, None)
    own.build((None, 2))
    assert [box.lines for box in utils.plot_model(own, None).boxes] == [["Dense"]]
    with pytest.raises(ArgumentError, match=r"\.svg"):
        utils.plot_model(own, "model.doc")
    with pytest.raises(ArgumentError, match="Unrecognized"):
        utils.plot_model(own, None, colour=True)


def test_source_inputs():
    a, b = Input((2,)), Input((2,))
    found = utils.get_source_inputs(layers.Dense(1)(layers.Add()([a, b])))
    assert [id(t) for t in found] == [id(a), id(b)]
