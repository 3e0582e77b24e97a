# %% [raw]
# /// lab
# title = "Architectures: from LeNet to ResNet"
# summary = """
# Four networks that each ended an age: what they cost in weights and in arithmetic, what depth \
# does to the signal, and which of them learns most in the same time."""
# unit = 3
# topics = [
#     "LeNet", "AlexNet", "VGG", "ResNet", "parameters", "multiply-adds", "depth",
#     "residual connections", "equal-time comparison",
# ]
#
# [data]
# name = "cifar10"
# stand_in = "scenes"
# image = [32, 32]
# channels = 3
#
# [parameters]
# seconds = {full = 85, quick = 2, help = "of training that each network gets"}
# learning_rate = {full = 0.001, quick = 0.001, help = "of Adam, the highest: at the start"}
# all_race = {full = true, quick = false, help = "race all four; else only the first and the last"}
# batch_size = {full = 64, quick = 32, help = "images per step"}
# train_images = {full = 50000, quick = 1500, help = "how many of the training images are used"}
# test_images = {full = 10000, quick = 500, help = "how many of the test images are used"}
#
# [metrics.points_ahead]
# label = "points of test accuracy by which ResNet-20 beats the best of the others"
# target = {full = 0.0, stand_in = 0.0}
# source = """
# The course's own claim. He et al. 2016: deeper is better, where shortcuts let it learn; whether \
# that is so at equal time, the lab measures. Quick runs are too short to say."""
#
# [metrics.best_accuracy]
# label = "test accuracy of the best network"
# target = {full = 0.5, quick = 0.15, stand_in = 0.25, stand_in_quick = 0.15}
# source = "Our own, for a minute or two of a small processor per network; guessing gives 0.1."
#
# [metrics.resnet_accuracy]
# label = "test accuracy of ResNet-20"
#
# [metrics.shortcut_points]
# label = "points of test accuracy that the shortcuts bring at 20 layers"
# ///

# %% [markdown]
# # Architectures: from LeNet to ResNet
#
# A network for pictures is a chain of layers. In which order, how many, how wide? Four answers made
# history:
#
# - **LeNet-5** (1998) read the digits on American cheques. Convolution, averaging, convolution,
#   averaging, three dense layers: the plan of all that came later.
# - **AlexNet** (2012) was the same plan, wider and deeper, on two graphics cards, with ReLU in the
#   place of tanh, the maximum in the place of the average, and dropout. On ImageNet it brought the
#   errors from 26% to 15%, and everybody changed fields.
# - **VGG** (2014) asked what depth alone does: no filter larger than 3×3, layer upon layer. Two of
#   them see 5×5 pixels, with fewer weights than one of 5×5 and a ReLU more.
# - **ResNet** (2015) made depth easy to train. Its blocks do not compute their output, but what
#   has to be *added* to their input.
#
# All four are built here by hand, for pictures of 32×32 pixels, and then race: each gets the same
# **time**, on the same machine. When layers are counted, it is those with weights.

# %%
import time

import numpy as np
from matplotlib.figure import Figure

import etude as keras
from etude import labs
from etude.labs import BLUE, GREEN, ORANGE, PINK

lab = labs.begin("architectures")
p = lab.parameters
layers = keras.layers

(x_train, y_train), (x_test, y_test) = lab.load_data()
x_train, y_train = x_train[: p.train_images], y_train[: p.train_images].ravel().astype("int64")
x_test, y_test = x_test[: p.test_images], y_test[: p.test_images].ravel().astype("int64")
mean, deviation = x_train.mean(axis=(0, 1, 2)), x_train.std(axis=(0, 1, 2))
x_train = ((x_train - mean) / deviation).astype("float32")
x_test = ((x_test - mean) / deviation).astype("float32")
held = max(1, min(len(x_train) // 10, 2000))  # to watch the training by
batch = min(p.batch_size, len(x_train) - held)
held += (len(x_train) - held) % batch  # all batches are whole: one program serves
seconds = max(p.seconds, 1)
classes = len(lab.class_names)
print(f"{len(x_train) - held} images to learn from, {held} to watch by, {len(x_test)} to test on")

# %% [markdown]
# ## The building blocks
#
# Each network begins with the same two layers, which mirror and shift the pictures by chance: more
# pictures for free. They do nothing when the network is used.


# %%
def augmented(inputs):
    """Pictures as they might have been taken as well."""
    x = layers.RandomFlip("horizontal")(inputs)
    return layers.RandomTranslation(0.125, 0.125, fill_mode="nearest")(x)


def network(name, body):
    """A classifier: inputs, augmentation, the layers of `body`, and a probability per class."""
    inputs = keras.Input((32, 32, 3))
    x = body(augmented(inputs))
    return keras.Model(inputs, layers.Dense(classes, activation="softmax")(x), name=name)


def normalised(x, filters, strides=1):
    """Convolution, batch normalisation, ReLU."""
    x = layers.Conv2D(filters, 3, strides, padding="same", use_bias=False)(x)
    return layers.Activation("relu")(layers.BatchNormalization(momentum=0.9)(x))


# %% [markdown]
# ## LeNet-5
#
# Its authors counted seven layers, with the poolings. Changed: three channels in the place of one,
# every map sees all maps before it, poolings without weights, a plain tanh, softmax at the end.
# Tanh squeezes every number into −1 to 1; its slope is at most 1, and mostly less.


# %%
def lenet(x):
    x = layers.Conv2D(6, 5, activation="tanh")(x)  # (28, 28, 6)
    x = layers.AveragePooling2D(2)(x)  # (14, 14, 6)
    x = layers.Conv2D(16, 5, activation="tanh")(x)  # (10, 10, 16)
    x = layers.AveragePooling2D(2)(x)  # (5, 5, 16)
    x = layers.Flatten()(x)  # (400,)
    x = layers.Dense(120, activation="tanh")(x)
    return layers.Dense(84, activation="tanh")(x)


# %% [markdown]
# ## AlexNet
#
# The original takes 224×224 pixels, and its first filters are 11×11 with stride 4. Small pictures
# would be gone after that; here the first filters are 5×5 and step by one pixel, the maps are those
# of the author's later version for one card, and the dense layers have a quarter of the width. What
# stays: five convolutions, three overlapping poolings (3×3, stride 2), three dense layers, dropout.
# In the original, 19 in 20 weights sit in the dense layers, here two in three; in both, more than
# nine in ten multiplications are done in the convolutions.


# %%
def alexnet(x):
    x = layers.Conv2D(64, 5, padding="same", activation="relu")(x)  # (32, 32, 64)
    x = layers.MaxPooling2D(3, 2, padding="same")(x)  # (16, 16, 64)
    x = layers.Conv2D(192, 5, padding="same", activation="relu")(x)
    x = layers.MaxPooling2D(3, 2, padding="same")(x)  # (8, 8, 192)
    x = layers.Conv2D(384, 3, padding="same", activation="relu")(x)
    x = layers.Conv2D(256, 3, padding="same", activation="relu")(x)
    x = layers.Conv2D(256, 3, padding="same", activation="relu")(x)
    x = layers.MaxPooling2D(3, 2, padding="same")(x)  # (4, 4, 256)
    x = layers.Dropout(0.5)(layers.Flatten()(x))  # (4096,)
    x = layers.Dense(1024, activation="relu")(x)
    x = layers.Dropout(0.5)(x)
    return layers.Dense(1024, activation="relu")(x)


# %% [markdown]
# ## VGG-11
#
# Whenever the picture is halved, the maps are doubled, up to 512. Batch normalisation came a year
# later; today nobody trains a VGG without it, and neither do we. The three dense layers of the
# original, 93% of its weights, are one here: nine layers with weights, not eleven.


# %%
def vgg(x):
    for filters in (64, "halve", 128, "halve", 256, 256, "halve", 512, 512, "halve", 512, 512):
        x = layers.MaxPooling2D(2)(x) if filters == "halve" else normalised(x, filters)
    return layers.Flatten()(layers.MaxPooling2D(2)(x))  # (512,)


# %% [markdown]
# ## ResNet-20
#
# More layers can only help: if the new ones do nothing, the network is as good as before. But
# "do nothing" is hard to learn for a layer of random weights, and in 2015 networks of 56 layers
# were worse than networks of 20, *on the training data*. The remedy is a **shortcut**:
#
# $$ y = \mathrm{ReLU}\left(x + F(x)\right) $$
#
# - $x$: what comes into a block; $y$: what leaves it;
# - $F$: two convolutions, each with normalisation.
#
# To do nothing is easy now: the last normalisation of $F$ multiplies by 0. (What comes into a block
# has passed a ReLU, so the ReLU at its end changes nothing.)
#
# On the way back, where ReLU lets it pass, $\partial y / \partial x = 1 + \partial F / \partial x$.
# The product of these factors over all blocks, multiplied out, is a sum over all ways through the
# network, and one of them, through the shortcuts alone, brings the gradient to the first layers as
# it is. In a plain network it passes every layer or is lost. Normalisation alone keeps it from
# vanishing, as the authors measured; but the shortcuts make it easier still to find the way.
#
# Three blocks with 16 maps, three with 32, three with 64: with the first and the last layer, 20.
# Where a block halves the picture, its shortcut takes every second pixel, those in the middle of
# the windows, and fills up with maps of zeros, which costs no weights.


# %%
def block(x, filters, strides, shortcut):
    y = normalised(x, filters, strides)
    y = layers.Conv2D(filters, 3, padding="same", use_bias=False)(y)
    y = layers.BatchNormalization(momentum=0.9)(y)
    if shortcut:
        if strides == 2:
            more = filters - x.shape[-1]
            around = [[0, 0], [0, 0], [0, 0], [more // 2, more - more // 2]]
            x = keras.ops.pad(x[:, 1::2, 1::2], around)
        y = layers.Add()([x, y])
    return layers.Activation("relu")(y)


def residual(x, shortcut=True):
    x = normalised(x, 16)  # (32, 32, 16)
    for filters in (16, 32, 64):
        for i in range(3):
            x = block(x, filters, 2 if filters > 16 and i == 0 else 1, shortcut)
    return layers.GlobalAveragePooling2D()(x)  # (64,)


def plain(x):
    return residual(x, shortcut=False)


bodies = {"LeNet-5": lenet, "AlexNet": alexnet, "VGG-11": vgg, "ResNet-20": residual}
years = {"LeNet-5": 1998, "AlexNet": 2012, "VGG-11": 2014, "ResNet-20": 2015}
colours = dict(zip(bodies, ("gray", GREEN, ORANGE, BLUE), strict=True)) | {"plain, 20 layers": PINK}


def built(name):
    keras.utils.set_random_seed(lab.seed)
    body = (bodies | {"plain, 20 layers": plain})[name]
    return network(name.lower().replace(",", "").replace(" ", "_"), body)


# %% [markdown]
# ## What they cost
#
# Memory is counted in **parameters**. Time is counted, roughly, in **multiply-adds** per picture: a
# convolution with $k \times k$ windows from $c$ to $f$ maps of $h \times w$ pixels has
#
# $$ k^2 c f \ \text{weights}, \qquad h w\, k^2 c f \ \text{multiply-adds}, $$
#
# since each weight is used once for every place. A dense layer uses each weight once. So early
# layers, on large pictures, cost time, and late ones, with many maps, cost memory.


# %%
def costs(model):
    """Layers with weights, parameters, and multiply-adds per picture."""
    depth = work = 0
    for layer in model.layers:
        if isinstance(layer, (layers.Conv2D, layers.Dense)):
            places = int(np.prod(layer.output.shape[1:-1]))  # 1 for a dense layer
            work += places * int(np.prod(layer.kernel.shape))
            depth += 1
    return depth, model.count_params(), work


found = {name: costs(built(name)) for name in bodies}
lab.show_table(
    "Depth, parameters and arithmetic",
    ["network", "year", "layers", "parameters", "multiply-adds per picture"],
    [
        [name, str(years[name]), str(depth), f"{count:,}", f"{work:,}"]
        for name, (depth, count, work) in found.items()
    ],
    caption="Only LeNet-5 has fewer of either than ResNet-20. But ResNet-20 uses each parameter "
    "150 times, VGG-11 each of its own 17 times: its few filters look at large pictures.",
)

# %%
figure = Figure(figsize=(5.6, 3.6), layout="constrained")
axes = figure.subplots()
for name, (depth, count, work) in found.items():
    axes.scatter(work, count, s=14 * depth, color=colours[name])
    side, edge = (-11, "top") if name == "AlexNet" else (11, "bottom")  # VGG-11 is beside it
    axes.annotate(
        f"{name} ({depth})",
        (work, count),
        (0, side),
        textcoords="offset points",
        ha="center",
        va=edge,
    )
axes.set(xscale="log", yscale="log", xlabel="multiply-adds per picture", ylabel="parameters")
axes.margins(0.28, 0.25)
lab.show_figure(
    figure,
    title="Two kinds of cost",
    caption="The number in brackets, and the size of the dot, is the depth. Cheap in memory and "
    "cheap in time are two things.",
    alt="Scatter plot of parameters over multiply-adds per picture, both on scales of tens: "
    + "; ".join(f"{name} {count:,} and {work:,}" for name, (_, count, work) in found.items())
    + ".",
)

# %% [markdown]
# ## A fair race
#
# Epochs are no fair measure: one epoch of VGG-11 takes as long as dozens of LeNet's. So each
# network gets the same number of **seconds**, and uses them as it can. The clock runs only inside
# of training steps, and the first step, in which the network is compiled, is free. Five times
# everything stops, and the images held back are looked at.
#
# The learning rate follows the clock too. It starts at its highest and falls along half a cosine,
# to zero at the end of the time, so that every network comes to rest just when time is up.
#
# Is that fair? Not wholly. One highest rate serves all, tuned for none; only VGG-11 and ResNet-20
# have normalisation, which was not invented for the others; and it is one run on one machine, which
# may have been busy. Other seeds tell how much of an advantage is luck: `--seed 1`.

# %%
LAPS = 5


class Clock(keras.callbacks.Callback):
    """Stops each lap of the training in time, and lets the learning rate fall over all laps."""

    def __init__(self, rate):
        super().__init__()
        self.rate, self.used, self.steps, self.since, self.until = rate, 0.0, 0, 0.0, 0.0

    def on_train_batch_begin(self, batch, logs=None):
        """Starts the clock."""
        self.since = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        """Stops it, and looks at it."""
        self.steps += 1
        if self.steps == 1:  # it has compiled the network
            return
        self.used += time.perf_counter() - self.since
        share = min(self.used / seconds, 1.0)
        if self.used >= self.until or self.steps % 10 == 0:
            rate = self.rate * 0.5 * (1 + np.cos(np.pi * share))
            self.model.optimizer.learning_rate = max(rate, 1e-8)
        if self.used >= self.until:
            self.model.stop_training = True

    def get_state(self):
        """What `etude run --resume` keeps of it."""
        return {"used": self.used, "steps": self.steps}

    def set_state(self, state):
        """Goes on from there."""
        self.used, self.steps = state["used"], state["steps"]


def race(name):
    """Trains a network for its time: its clock, what was watched, its answers to the test."""
    model, clock, watched = built(name), Clock(p.learning_rate), []
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    for lap in range(LAPS):
        clock.until = seconds * (lap + 1) / LAPS
        model.fit(
            x_train[held:],
            y_train[held:],
            batch_size=batch,
            epochs=100_000,  # the clock ends it
            callbacks=[clock],
            verbose=0,
        )
        seen = model.evaluate(x_train[:held], y_train[:held], batch_size=250, verbose=0)
        watched.append((clock.used, seen[1]))
    probabilities = model.predict(x_test, batch_size=250, verbose=0)
    accuracy = float(np.mean(probabilities.argmax(axis=-1) == y_test))
    print(f"{name}: {clock.steps} steps in {clock.used:.0f} seconds, test accuracy {accuracy:.4f}")
    return clock, watched, accuracy, probabilities


racing = list(bodies) if p.all_race else ["LeNet-5", "ResNet-20"]
results = {name: race(name) for name in racing}

# %%
learning = len(x_train) - held
lab.show_table(
    f"After {seconds} seconds of training each",
    ["network", "passes over the images", "pictures per second", "test accuracy"],
    [
        [
            name,
            f"{clock.steps * batch / learning:.1f}",
            f"{clock.steps * batch / clock.used:,.0f}",
            f"{accuracy:.4f}",
        ]
        for name, (clock, _, accuracy, _) in results.items()
    ],
    caption="Few passes with a good network, or many with a poor one? The last column says which.",
)


def show_race(shown, title, caption):
    """The accuracies on the images held back, over the seconds of training."""
    figure = Figure(figsize=(5.8, 3.8), layout="constrained")
    axes = figure.subplots()
    for (name, (_, watched, *_)), mark in zip(shown.items(), "osD^", strict=False):
        axes.plot(*zip(*watched, strict=True), f"{mark}-", color=colours[name], label=name)
    axes.set(
        xlabel="seconds of training", ylabel="accuracy on the images held back", xlim=(0, None)
    )
    figure.legend(frameon=False, loc="outside upper center", ncols=4, fontsize=9)
    ends = ", ".join(f"{name} {watched[-1][1]:.3f}" for name, (_, watched, *_) in shown.items())
    lab.show_figure(
        figure,
        title=title,
        caption=caption,
        alt=f"Line chart of accuracy over seconds of training. The lines end at: {ends}.",
    )


show_race(
    results,
    title="Who learns most in the same time",
    caption="All come to rest at the right edge, where the learning rate is zero. On the stand-in, "
    "the images held back show things that were learned from too, and the test shows others: who "
    "learns things by heart looks better here than in the test.",
)

# %%
accuracies = {name: accuracy for name, (_, _, accuracy, _) in results.items()}
best_other = max(value for name, value in accuracies.items() if name != "ResNet-20")
lab.metric("points_ahead", 100 * (accuracies["ResNet-20"] - best_other))
lab.metric("best_accuracy", max(accuracies.values()))
lab.metric("resnet_accuracy", accuracies["ResNet-20"])
lab.show_confusion(y_test, results["ResNet-20"][3].argmax(axis=-1))

# %% [markdown]
# ## Is it the depth, or the shortcut?
#
# One thing at a time: the same twenty layers, as many weights, the same time, no shortcuts.

# %%
without = race("plain, 20 layers")
lab.metric("shortcut_points", 100 * (accuracies["ResNet-20"] - without[2]))
show_race(
    {"ResNet-20": results["ResNet-20"], "plain, 20 layers": without},
    title="With and without shortcuts",
    caption="At 20 layers one run decides little. In the paper, plain networks get worse with "
    "depth: 56 layers are worse than 20, and with 110 more than 60% is wrong.",
)

# %% [markdown]
# ## What to try next
#
# - `--set seconds=600`. Which network gains most from more time? (He et al. reached 0.9125 with
#   ResNet-20 on CIFAR-10: gradient descent with momentum, 64,000 steps of 128 images.)
# - Make ResNet-20 a ResNet-32: five blocks in the place of three. Is it better at once, later, or
#   never?
# - Give VGG-11 half of its maps. Where does it land in the picture of costs?
# - Replace tanh by ReLU in LeNet-5. How much of AlexNet's success was that?
# - `--data FOLDER` with your own pictures, one sub-folder per class.
#
# ## Questions
#
# 1. *How many weights have two 3×3 convolutions in a row, and one of 5×5, each from $c$ to $c$
#    maps? How far do they see?*
#
# <details><summary>Answer</summary>
#
# $2 \cdot 9 c^2 = 18 c^2$ and $25 c^2$. Both see 5×5 pixels.
#
# </details>
#
# 2. *Where VGG halves the picture and doubles the maps: how do the multiply-adds of a convolution
#    within the stage change?*
#
# <details><summary>Answer</summary>
#
# A quarter of the places, twice the maps in and twice the maps out: they stay as they are.
#
# </details>
#
# 3. *Without normalisation, twenty layers each multiply the gradient by about 0.8. What is left at
#    the first? And in nine blocks with shortcuts, if $\partial F / \partial x$ lies between −0.1
#    and 0.1?*
#
# <details><summary>Answer</summary>
#
# $0.8^{20} \approx 0.012$. With shortcuts, between $0.9^9 \approx 0.39$ and $1.1^9 \approx 2.4$.
#
# </details>
#
# 4. *Why does the shortcut that halves the picture need no weights, and what does it lose?*
#
# <details><summary>Answer</summary>
#
# It takes every second pixel of every second row, and half of its maps are zeros. Three in four
# pixels do not pass; the block's convolutions still see them.
#
# </details>
#
# 5. *The same race on a machine that is ten times as fast: would the order be the same?*
#
# <details><summary>Answer</summary>
#
# Not surely. More steps favour the larger networks, which have more left to learn; and hardware
# that multiplies wide matrices well favours VGG's wide layers over ResNet's narrow ones.
#
# </details>
#
# ## Sources
#
# - Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, *Gradient-based learning applied to document
#   recognition*, Proceedings of the IEEE, 1998.
# - A. Krizhevsky, I. Sutskever, G. Hinton, *ImageNet classification with deep convolutional neural
#   networks*, NeurIPS 2012.
# - K. Simonyan, A. Zisserman, *Very deep convolutional networks for large-scale image recognition*,
#   ICLR 2015.
# - K. He, X. Zhang, S. Ren, J. Sun, *Deep residual learning for image recognition*, CVPR 2016.
# - S. Ioffe, C. Szegedy, *Batch normalization*, ICML 2015.
# - A. Krizhevsky, *Learning multiple layers of features from tiny images*, 2009: the data.
