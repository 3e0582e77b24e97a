# %% [raw]
# /// lab
# title = "Convolution: one small window, everywhere"
# summary = """
# Filters, stride, padding, pooling and receptive fields, first by hand, then in the library. Then \
# the reason for all of it: move a digit by a few pixels, and a dense network is lost, while a \
# convolutional one hardly notices."""
# unit = 3
# topics = [
#     "convolution", "filters", "stride", "padding", "pooling", "receptive field",
#     "translation invariance",
# ]
#
# [data]
# name = "mnist"
# stand_in = "digits"
# image = [28, 28]
#
# [parameters]
# epochs = {full = 5, quick = 5, help = "passes over the training images"}
# batch_size = {full = 64, quick = 32, help = "images per step"}
# train_images = {full = 12000, quick = 2500, help = "how many of the training images are used"}
# test_images = {full = 5000, quick = 1000, help = "how many of the test images are used"}
# shift = {full = 4, quick = 4, help = "pixels by which test digits are moved at most"}
#
# [metrics.cnn_shifted]
# label = "convolutional network on shifted digits: accuracy"
# target = {full = 0.95, quick = 0.85, stand_in = 0.7}
# source = """
# Our own: with shifts of up to 4 pixels it may lose no more than a few points. Targets of quick \
# runs and of stand-in data have a margin below what we measured."""
#
# [metrics.mlp_shifted]
# label = "dense network on shifted digits: accuracy"
# better = "lower"
# target = {full = 0.7, quick = 0.7, stand_in = 0.7}
# source = "Our own: a dense network that has never seen a shifted digit must fail so often."
#
# [metrics.library_difference]
# label = "largest difference between our convolution and the library's"
# better = "lower"
# target = {full = 1e-5, quick = 1e-5, stand_in = 1e-5}
# source = "Both compute the same sums of products, the library in 32 bits: only rounding differs."
#
# [metrics.field_error]
# label = "receptive fields: pixels between formula and measurement"
# better = "lower"
# target = {full = 0, quick = 0, stand_in = 0}
# source = "The recursion for the receptive field is exact; what is measured must agree."
# ///

# %% [markdown]
# # Convolution: one small window, everywhere
#
# You know your own face in the left half of a photo and in the right half. A dense network does
# not: what it has learned about pixel 200 says nothing about pixel 201. It would have to see your
# face at every place to know it at every place.
#
# A convolution is the way out. It looks at the picture through a **small window**, computes one
# number from what it sees, and does so **at every place with the same weights**. This lab builds
# that by hand, puts the library's layer beside it, follows how far such a network can see, and
# then moves the digits.

# %%
import numpy as np
from matplotlib.figure import Figure

import etude as keras
from etude import labs
from etude.labs import BLUE, GREEN, ORANGE

lab = labs.begin("convolution")
p = lab.parameters
keras.utils.set_random_seed(lab.seed)
rng = np.random.default_rng(lab.seed)
layers = keras.layers


# %% [markdown]
# ## The window
#
# The window has weights $w_{u,v}$, here a square of $K \times K$. Put its upper left corner on
# pixel $(i, j)$ of the picture $x$, multiply each weight with the pixel below it, add up:
#
# $$ y_{i,j} = \sum_{u=0}^{K-1} \sum_{v=0}^{K-1} w_{u,v} \; x_{i+u,\,j+v} $$
#
# - $x_{i+u,\,j+v}$: the brightness of the pixel that lies below weight $(u, v)$;
# - $y_{i,j}$: one number for each place, so $y$ is a picture again: the **feature map**.
#
# (Mathematicians turn the window upside down first and call the above a cross-correlation. A
# network learns its weights, so it does not care which way round they are stored.)
#
# Two choices are left:
#
# - the **stride** $s$: the window moves by $s$ pixels each time, so the map shrinks by $s$;
# - the **padding** $p$: a frame of $p$ zeros around the picture, so that the window also fits at
#   the border.
#
# With $N$ pixels along one side there is room for
#
# $$ M = \left\lfloor \frac{N + 2p - K}{s} \right\rfloor + 1 $$
#
# places: the first one, and one more for each full stride that is left.


# %%
def places(n, kernel, stride=1, padding=0):
    """How many places a window has along one side of n pixels."""
    return (n + 2 * padding - kernel) // stride + 1


def convolve(x, w, stride=1, padding=0):
    """The feature map of one picture (N, N) under one window (K, K), one place at a time."""
    x = np.pad(x, padding)
    size = len(w)
    rows, columns = (places(n, size, stride) for n in x.shape)
    y = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            below = x[i * stride : i * stride + size, j * stride : j * stride + size]
            y[i, j] = np.sum(w * below)
    return y


# %% [markdown]
# ## What a window can ask
#
# The weights are a question. All equal and adding up to 1: *how bright is it around here?* Minus
# on the left, plus on the right: *does it get brighter from left to right?* In a flat region such
# a window gives 0; at an edge it gives a lot. Here are four questions to one photo, with weights
# chosen by hand, as people did for decades:

# %%
from sklearn.datasets import load_sample_image

photo = load_sample_image("china.jpg").mean(axis=-1) / 255  # (427, 640), grey
photo = photo[:424, :640].reshape(106, 4, 160, 4).mean(axis=(1, 3))  # (106, 160)

filters = {
    "mean of 3×3": np.full((3, 3), 1 / 9),
    "upright edges": np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 4,
    "level edges": np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]]) / 4,
    "spots": np.array([[0, -1, 0], [-1, 4, -1], [0, -1, 0]]) / 2,
}
maps = {name: convolve(photo, w, padding=1) for name, w in filters.items()}

figure = Figure(figsize=(5.4, 5.8), layout="constrained")
panels = figure.subplots(3, 2).ravel()
panels[0].imshow(photo, cmap="gray")
panels[0].set_title("the photo")
for axes, (name, found) in zip(panels[1:5], maps.items(), strict=True):
    span = 1 if name.startswith("mean") else 0.5
    low = 0 if name.startswith("mean") else -span
    axes.imshow(found, cmap="gray", vmin=low, vmax=span)
    axes.set_title(name)
panels[5].imshow(convolve(photo, filters["mean of 3×3"], stride=4), cmap="gray", vmin=0, vmax=1)
panels[5].set_title("mean of 3×3, stride 4")
for axes in panels:
    axes.set_axis_off()
lab.show_figure(
    figure,
    title="Five questions to one photo",
    caption="Grey means 0 in the three maps of edges and spots: nothing happens there. The window "
    "for upright edges sees the posts and not the eaves, the one for level edges the other way "
    "round. With stride 4 the map is a quarter as wide and as high.",
    alt="Six pictures of one photo of a Chinese palace: the photo, a slightly blurred copy, a map "
    "that shows upright edges such as posts, one that shows level edges such as roofs, one that "
    "shows fine detail, and a small blurred copy made with stride 4.",
)

# %% [markdown]
# ## The same in the library
#
# `Conv2D` does this for many windows at once and for pictures with many channels: a window then
# has a depth, one slice for each channel $c$, and all slices are added up,
# $y_{i,j,k} = b_k + \sum_{u,v,c} w_{u,v,c,k} \, x_{i+u,\,j+v,\,c}$, with one window and one bias
# $b_k$ for each feature map $k$. `padding="valid"` is no frame at all; `padding="same"` is the
# frame that keeps the size where the stride is 1.
#
# We give the layer our weights and compare all places, for several windows and strides:

# %%
differences = []
for size, stride in ((3, 1), (5, 1), (2, 2), (5, 3)):
    layer = layers.Conv2D(1, size, strides=stride, use_bias=False)
    layer.build((None, *photo.shape, 1))
    w = rng.normal(size=(size, size))
    layer.set_weights([w[:, :, None, None]])  # (K, K, channels in, maps out)
    theirs = keras.ops.convert_to_numpy(layer(photo[None, :, :, None].astype("float32")))
    ours = convolve(photo, w, stride)
    assert theirs.shape[1:3] == ours.shape == tuple(places(n, size, stride) for n in photo.shape)
    differences.append(np.abs(theirs[0, :, :, 0] - ours).max())
print(f"largest difference over {len(differences)} layers: {max(differences):.1e}")
lab.metric("library_difference", max(differences))

# %% [markdown]
# ## Pooling
#
# Pooling slides a window too, but without weights, and in steps of its own size: `MaxPooling2D(2)`
# keeps the largest of each 2×2 square. *Was the edge anywhere in here?* Two things come of it. The
# map is a quarter as large. And where exactly the edge was, is forgotten: a shift by one pixel
# often changes nothing at all.
#
# ## How far a network sees
#
# One number behind a 3×3 window depends on 3×3 pixels. A second 3×3 window on top of the first
# map sees 3×3 *numbers*, which together depend on 5×5 pixels. This square of pixels is the
# **receptive field**. Along one side it grows by
#
# $$ r_l = r_{l-1} + (K_l - 1)\, d_{l-1}, \qquad d_l = d_{l-1}\, s_l, \qquad r_0 = d_0 = 1 $$
#
# - $r_l$: the side of the receptive field after layer $l$, in pixels;
# - $K_l, s_l$: window and stride of layer $l$ (a pooling counts as well);
# - $d_l$: how far two neighbours of map $l$ are apart, in pixels of the picture.
#
# Each pooling doubles $d$, and from there on every window reaches twice as far. Depth is reach.
#
# We do not have to believe it. We build the layers with all weights 1, light up **one pixel at a
# time**, and watch one number in the middle of the last map. The pixels to which it answers are
# its receptive field.

# %%
stages = [("conv", 3, 1), ("pool", 2, 2), ("conv", 3, 1), ("pool", 2, 2), ("conv", 3, 1)]


def receptive_field(stages):
    """The side of the receptive field and the distance of neighbours, after each stage."""
    side, distance, found = 1, 1, []
    for _, size, stride in stages:
        side += (size - 1) * distance
        distance *= stride
        found.append((side, distance))
    return found


def measured_fields(stages, n=28):
    """How often each pixel counts in the middle number of each map, (n, n) per stage."""
    inputs = x = keras.Input((n, n, 1))
    maps = []
    for kind, size, stride in stages:
        if kind == "conv":
            x = layers.Conv2D(1, size, use_bias=False, kernel_initializer="ones")(x)
        else:
            x = layers.AveragePooling2D(size, strides=stride)(x)
        maps.append(x)
    pixels = np.eye(n * n, dtype="float32").reshape(n * n, n, n, 1)  # one picture per pixel
    answers = keras.Model(inputs, maps).predict(pixels, batch_size=n * n, verbose=0)
    middles = [m.shape[1] // 2 for m in answers]
    return [m[:, i, i, 0].reshape(n, n) for m, i in zip(answers, middles, strict=True)]


fields = measured_fields(stages)
sides = [int(np.any(field > 0, axis=0).sum()) for field in fields]
formula = [side for side, _ in receptive_field(stages)]
for (kind, size, stride), ours, seen in zip(stages, formula, sides, strict=True):
    print(f"{kind} {size}×{size}, stride {stride}: formula {ours:2d}, measured {seen:2d} pixels")
lab.metric("field_error", max(abs(a - b) for a, b in zip(formula, sides, strict=True)))

# %%
figure = Figure(figsize=(5.4, 2.3), layout="constrained")
for axes, depth in zip(figure.subplots(1, 3), (0, 2, 4), strict=True):
    axes.imshow(fields[depth] / fields[depth].max(), cmap="viridis", vmin=0, vmax=1)
    axes.set_title(f"after layer {depth + 1}: {sides[depth]}×{sides[depth]}", fontsize=10)
    axes.set(xticks=[0, 27], yticks=[0, 27])
lab.show_figure(
    figure,
    title="What one number in the middle depends on",
    caption="Bright pixels count more, dark ones not at all. The field grows with every layer. "
    "Pixels in its middle count more than those at its rim: more paths lead from them to the "
    "number.",
    alt="Three pictures of 28 by 28 pixels with a bright square in the middle: 3 by 3 pixels after "
    "the first layer, 8 by 8 after the third, 18 by 18 after the fifth, fading to its rim.",
)

# %% [markdown]
# ## Now move the digits
#
# In MNIST every digit stands in the middle. We train two networks on these, and on nothing else:
#
# - a **dense** one: every pixel has weights of its own;
# - a **convolutional** one with the five layers above, where in the end `GlobalMaxPooling2D` asks
#   of each feature map: *did you find your feature anywhere?* From there on, places are forgotten.
#   Its windows are padded, so that they also fit over a digit that has come to stand at the border.
#
# Then we test both on digits that stand elsewhere, by up to four pixels in each direction. A person
# would not even notice.

# %%
(x_train, y_train), (x_test, y_test) = lab.load_data()
x_train, y_train = x_train[: p.train_images], y_train[: p.train_images]
x_test, y_test = x_test[: p.test_images], y_test[: p.test_images]
x_train = x_train[..., None].astype("float32") / 255  # (images, 28, 28, 1)
x_test = x_test[..., None].astype("float32") / 255
classes = len(lab.class_names)


def shifted(images, down, right):
    """Each picture moved by its own number of pixels; what comes in at the border is black."""
    reach = int(max(np.abs(down).max(), np.abs(right).max(), 1))
    n, height, width, _ = images.shape
    framed = np.pad(images, ((0, 0), (reach, reach), (reach, reach), (0, 0)))
    out = np.empty_like(images)
    for i in range(n):
        top, left = reach - down[i], reach - right[i]
        out[i] = framed[i, top : top + height, left : left + width]
    return out


moves = rng.integers(-p.shift, p.shift + 1, size=(2, len(x_test)))
x_moved = shifted(x_test, *moves)

# %%
dense = keras.Sequential(
    [
        keras.Input((28, 28, 1)),
        layers.Flatten(),
        layers.Dense(256, activation="relu"),
        layers.Dense(classes, activation="softmax"),
    ],
    name="dense",
)
convolutional = keras.Sequential(
    [
        keras.Input((28, 28, 1)),
        layers.Conv2D(32, 3, padding="same", use_bias=False),  # (28, 28, 32)
        layers.BatchNormalization(momentum=0.9),
        layers.Activation("relu"),
        layers.MaxPooling2D(2),  # (14, 14, 32)
        layers.Conv2D(64, 3, padding="same", use_bias=False),  # (14, 14, 64)
        layers.BatchNormalization(momentum=0.9),
        layers.Activation("relu"),
        layers.MaxPooling2D(2),  # (7, 7, 64)
        layers.Conv2D(128, 3, padding="same", use_bias=False),  # (7, 7, 128)
        layers.BatchNormalization(momentum=0.9),
        layers.Activation("relu"),
        layers.GlobalMaxPooling2D(),  # (128,): places are forgotten
        layers.Dense(classes, activation="softmax"),
    ],
    name="convolutional",
)
networks = {"dense": dense, "convolutional": convolutional}
histories = {}
steps = p.epochs * int(np.ceil(len(x_train) / p.batch_size))
for name, model in networks.items():
    schedule = keras.optimizers.schedules.CosineDecay(2e-3, decay_steps=steps)
    model.compile(
        optimizer=keras.optimizers.Adam(schedule, epsilon=1e-5),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    histories[name] = model.fit(
        x_train, y_train, batch_size=p.batch_size, epochs=p.epochs, verbose=0
    )
    print(f"{name}: {model.count_params():,} weights")
lab.show_model(convolutional)
lab.show_curves(histories["convolutional"])

# %%
distances = np.arange(9)
accuracy = {name: [] for name in networks}
for distance in distances:
    pictures = shifted(x_test, np.zeros_like(moves[0]), np.full_like(moves[1], distance))
    for name, model in networks.items():
        accuracy[name].append(model.evaluate(pictures, y_test, verbose=0)[1])

scores = {name: model.evaluate(x_moved, y_test, verbose=0)[1] for name, model in networks.items()}
for name in networks:
    print(f"{name}: {accuracy[name][0]:.3f} in the middle, {scores[name]:.3f} shifted")
lab.metric("cnn_shifted", scores["convolutional"])
lab.metric("mlp_shifted", scores["dense"])

# %%
figure = Figure(figsize=(5.4, 3.4), layout="constrained")
axes = figure.subplots()
axes.plot(distances, accuracy["convolutional"], "o-", color=BLUE, label="convolutional")
axes.plot(distances, accuracy["dense"], "s--", color=ORANGE, label="dense")
axes.axhline(1 / classes, linestyle=":", color=GREEN, label="guessing")
axes.set(xlabel="digits moved to the right, in pixels", ylabel="accuracy", ylim=(0, 1.04))
axes.legend(loc="lower left", frameon=False)
lab.show_figure(
    figure,
    title="Accuracy on digits that have moved",
    caption="Both networks learned from digits in the middle only. The dense one has to guess a "
    "few pixels away; the convolutional one holds on until digits are cut off at the border.",
    alt="Line chart of accuracy over a shift from 0 to 8 pixels. The convolutional network stays "
    f"high up to 4 pixels ({accuracy['convolutional'][4]:.2f}) and falls then; the dense one falls "
    f"at once, to {accuracy['dense'][4]:.2f} at 4 pixels.",
)

# %% [markdown]
# The dense network has more weights and nothing to show for them: at another place, other weights
# look at the digit, and those have learned about the black border.
#
# Two words that are easily confused. A convolution is **equivariant**: when the picture moves, the
# feature map moves along. A global pooling makes **invariant**: when the map moves, its largest
# value stays. Many classifiers end in `Flatten` and `Dense` instead, which looks at places again,
# and those lose much of what the convolutions kept.
#
# ## What the windows have become
#
# Nobody chose these weights. They started as noise, and training made questions out of them.

# %%
kernels = keras.ops.convert_to_numpy(convolutional.layers[0].kernel)[:, :, 0, :]  # (3, 3, 32)
strongest = np.argsort(-np.abs(kernels).sum(axis=(0, 1)))[:6]
windows = keras.Model(convolutional.inputs, convolutional.layers[2].output)
found = windows.predict(x_test[:1], verbose=0)[0]  # (28, 28, 32)

figure = Figure(figsize=(5.4, 4.0), layout="constrained")
panels = figure.subplots(3, 4)
for k, (column, row) in zip(strongest, [(c, r) for r in range(3) for c in (0, 2)], strict=True):
    top = np.abs(kernels[:, :, k]).max()
    panels[row, column].imshow(kernels[:, :, k], cmap="gray", vmin=-top, vmax=top)
    panels[row, column].set_title(f"window {k}", fontsize=10)
    panels[row, column + 1].imshow(found[:, :, k], cmap="viridis")
    panels[row, column + 1].set_title("its map", fontsize=10)
for axes in panels.ravel():
    axes.set_axis_off()
lab.show_figure(
    figure,
    title="Six learned windows, and what each finds in a digit",
    caption="White weights want light, black ones want dark, grey ones do not care. Compare with "
    "the windows for edges that people chose by hand.",
    alt="Six pairs of pictures: a learned window of 3 by 3 weights, and its feature map of one "
    "digit, in which strokes of one direction or one side of the strokes are bright.",
)

# %% [markdown]
# ## What to try next
#
# - Replace `GlobalMaxPooling2D` by `Flatten`. How much of the robustness is left?
# - Train both networks on shifted digits (`x_train = shifted(...)`). How many training images does
#   the dense one need to catch up?
# - `GlobalAveragePooling2D` instead of the maximum: what changes, and why?
# - Turn the digits instead of moving them. Does a convolution help there?
# - `--set shift=8`: digits are now cut off at the border. Who loses more?
#
# ## Questions
#
# 1. *A picture of 32×32, a window of 5×5, stride 2, padding 2. How large is the feature map?*
#
# <details><summary>Answer</summary>
#
# $\lfloor (32 + 4 - 5)/2 \rfloor + 1 = 15 + 1 = 16$, so 16×16.
#
# </details>
#
# 2. *Which padding keeps the size for a window of 7×7 with stride 1?*
#
# <details><summary>Answer</summary>
#
# 3 on each side: $N + 2 \cdot 3 - 7 + 1 = N$. In general $(K - 1)/2$, which is why windows have an
# odd size.
#
# </details>
#
# 3. *Three windows of 3×3 on top of each other, or one of 7×7: which sees further, and which has
#    fewer weights, with $C$ channels throughout?*
#
# <details><summary>Answer</summary>
#
# They see equally far: $1 + 2 + 2 + 2 = 7$. The three have $3 \cdot 9 \, C^2 = 27\,C^2$ weights,
# the one has $49\,C^2$; and between the three there is room for two more ReLUs.
#
# </details>
#
# 4. *The window for upright edges gives 0 on a flat region. Why, and what must a window's weights
#    fulfil for that?*
#
# <details><summary>Answer</summary>
#
# They must add up to 0. Where all pixels have the value $c$, the sum is $c \sum w_{u,v} = 0$.
#
# </details>
#
# 5. *The convolutional network loses a little even for small shifts. A convolution forgets no
#    place and the global maximum knows none: where does the loss come from?*
#
# <details><summary>Answer</summary>
#
# From the two poolings. They have stride 2, so after a shift by one pixel the squares hold other
# pixels, and their maxima differ. Only shifts by 4 pixels (2 · 2) move the last map by exactly one
# place. The borders add their part.
#
# </details>
#
# ## Sources
#
# - K. Fukushima, *Neocognitron: a self-organizing neural network model for a mechanism of pattern
#   recognition unaffected by shift in position*, Biological Cybernetics, 1980.
# - Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, *Gradient-based learning applied to document
#   recognition*, Proceedings of the IEEE, 1998: convolutions that learn, and the digits.
# - V. Dumoulin, F. Visin, *A guide to convolution arithmetic for deep learning*, 2016: sizes,
#   strides and paddings.
# - W. Luo, Y. Li, R. Urtasun, R. Zemel, *Understanding the effective receptive field in deep
#   convolutional neural networks*, NIPS 2016: why the middle counts more.
# - R. Zhang, *Making convolutional networks shift-invariant again*, ICML 2019: what strides spoil.
