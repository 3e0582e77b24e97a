# %% [raw]
# /// lab
# title = "Thirty layers: why some networks never start to learn"
# summary = """
# A signal that shrinks a little in each layer is gone after thirty. Which functions bend it, how \
# large the first weights must be, and what saturated and dying units are."""
# unit = 1
# topics = [
#     "activation functions", "non-linearity", "saturation", "dying units",
#     "variance through depth", "Glorot and He initialisation", "vanishing and exploding gradients",
# ]
#
# [data]
# name = "digits"
# image = [8, 8]
#
# [parameters]
# depth = {full = 30, quick = 20, help = "hidden layers of the deep networks"}
# units = {full = 64, quick = 64, help = "units in each of them"}
# epochs = {full = 25, quick = 4, help = "passes over the digits"}
# learning_rate = {full = 5e-4, quick = 1e-3, help = "Adam's, at the start; it falls to 0"}
#
# [metrics.he_accuracy]
# label = "the deep network, ReLU, He's weights: share of the training digits that it learned"
# target = {full = 0.9, quick = 0.5}
# source = """
# He, Zhang, Ren and Sun 2015 train 30 layers with this initialisation where Glorot's stalls. The \
# number is our own. The question is whether it trains at all, so we ask about the digits that it \
# was trained on."""
#
# [metrics.glorot_accuracy]
# label = "the deep network, tanh, Glorot's weights: share of the training digits that it learned"
# target = {full = 0.9, quick = 0.5}
# source = "Glorot and Bengio 2010: made for functions that are straight around 0. As above."
#
# [metrics.naive_accuracy]
# label = "the deep network, ReLU, weights of 0.01: share of the training digits that it learned"
# better = "lower"
# target = {full = 0.2, quick = 0.2}
# source = "Guessing one of ten digits gives 0.1; a network that learns nothing stays close to it."
#
# [metrics.collapse_difference]
# label = "five linear layers against one: largest difference of their outputs"
# better = "lower"
# target = {full = 1e-4, quick = 1e-4}
# source = "A product of matrices is a matrix; in 32 bits only rounding tells the two apart."
#
# [metrics.variance_kept]
# label = "the deep network, He: log10 of the last layer's size over the first one's, no sign"
# better = "lower"
# target = {full = 1, quick = 1}
# source = """
# He and others 2015: the factor per layer is 1 on average. With 64 units chance moves it by some \
# percent per layer; a factor of ten over 30 layers is far outside of that."""
# ///

# %% [markdown]
# # Thirty layers: why some networks never start to learn
#
# Say a whisper goes through thirty people, and each passes on nine tenths of it. At the end there
# is $0.9^{30} = 4\%$. If each passes on eleven tenths, it has become a shout, 17 times as loud.
# With a half or a double, it is a billionth or a billion.
#
# A deep network is such a chain, in both directions: numbers go forward, and gradients come back.
# For twenty years networks with more than a few layers hardly learned, and the reason was not the
# idea but two small choices: **the function that bends** the signal in each layer, and **the size
# of the first weights**.

# %%
import numpy as np
from matplotlib.figure import Figure

import etude as keras
from etude import labs
from etude.labs import BLUE, GREEN, ORANGE, PINK

lab = labs.begin("activations-and-initialisation")
p = lab.parameters
keras.utils.set_random_seed(lab.seed)
layers = keras.layers
PIXELS = 64  # the digits, which come later, have 8×8


# %% [markdown]
# ## Functions that bend
#
# A layer computes $a = f(z)$ with $z = W x + b$, and $f$ is its **activation**:
#
# | | $f(z)$ | its slope |
# |---|---|---|
# | sigmoid | $1 / (1 + e^{-z})$ | at most ¼ |
# | tanh | $(e^z - e^{-z}) / (e^z + e^{-z})$ | at most 1, at $z = 0$ |
# | ReLU | $\max(0, z)$ | 1 or 0 |
# | leaky ReLU | $z$ for $z > 0$, else $0.2\, z$ | 1 or 0.2 |
#
# Going back, each layer multiplies the gradient by this slope (the chain rule). Where $|z|$ is
# large, sigmoid and tanh are flat: the unit is **saturated**, its slope is almost 0, and nothing
# that lies before it learns. ReLU does not saturate to the right. To the left its slope is exactly
# 0.

# %%
functions = {
    "sigmoid": keras.activations.sigmoid,
    "tanh": keras.activations.tanh,
    "ReLU": keras.activations.relu,
    "leaky ReLU": lambda z: keras.activations.leaky_relu(z, negative_slope=0.2),
}
looks = dict(zip(functions, ((BLUE, "-"), (ORANGE, "--"), (GREEN, "-."), (PINK, ":")), strict=True))
z = np.linspace(-5, 5, 201).astype("float32")
figure = Figure(figsize=(5.6, 3.4), layout="constrained")
value, slope = figure.subplots(1, 2)
for name, function in functions.items():
    a = keras.ops.convert_to_numpy(function(keras.ops.convert_to_tensor(z)))
    colour, style = looks[name]
    value.plot(z, a, style, color=colour, linewidth=2, label=name)
    slope.plot(z[1:-1], (a[2:] - a[:-2]) / (z[2:] - z[:-2]), style, color=colour, linewidth=2)
value.set(title="f(z)", xlabel="z", ylim=(-1.5, 3))
slope.set(title="slope", xlabel="z", ylim=(-0.1, 1.2))
figure.legend(
    *value.get_legend_handles_labels(),
    loc="outside lower center",
    ncols=4,
    frameon=False,
    fontsize=9,
)
lab.show_figure(
    figure,
    title="Four activations and their slopes",
    caption="The slopes are what a gradient is multiplied by on its way back, once per layer.",
    alt="Left, four curves over z: sigmoid from 0 to 1, tanh from −1 to 1, ReLU zero and then "
    "rising, leaky ReLU with a small slope on the left. Right, their slopes: a low bell of height "
    "a quarter, a bell of height 1, a step from 0 to 1 and a step from 0.2 to 1.",
)

# %% [markdown]
# ## Without a bend, depth is nothing
#
# Two layers without activation: $W_2 (W_1 x) = (W_2 W_1)\, x$. That is one layer whose matrix is
# the product. Five layers, then, and the one layer that they are:

# %%
straight = keras.Sequential(
    [keras.Input((PIXELS,))] + [layers.Dense(p.units, use_bias=False) for _ in range(5)]
)
noise = np.random.default_rng(lab.seed).normal(size=(200, PIXELS)).astype("float32")
five = straight.predict(noise, verbose=0)
product = np.linalg.multi_dot(straight.get_weights())
collapse = np.max(np.abs(five - noise @ product))
lab.metric("collapse_difference", collapse)
print(f"five layers against one: largest difference {collapse:.1g}")

# %% [markdown]
# ## How large should the first weights be?
#
# Take a layer with $n$ inputs $a_i$ and weights drawn at random with mean 0 and variance
# $\sigma_w^2$. Each of its sums $z = \sum_i w_i a_i$ has mean 0, and since variances of independent
# terms add up,
#
# $$ \operatorname{Var}(z) = n \, \sigma_w^2 \; \overline{a^2} . $$
#
# - $\overline{a^2}$: the mean square of the inputs.
#
# For the signal to keep its size, the factor must be 1 over the whole layer:
#
# - **tanh** near 0 is a straight line, $\overline{a^2} = \operatorname{Var}(z)$ of the layer
# before:
# so $\sigma_w^2 = 1/n$. On the way back the same sum runs over the outputs. **Glorot** (2010) takes
#   the middle, $\sigma_w^2 = 2 / (n_{in} + n_{out})$.
# - **ReLU** throws half of the signal away: $\overline{a^2} = \tfrac12 \operatorname{Var}(z)$. So
#   **He** (2015) takes twice as much, $\sigma_w^2 = 2 / n_{in}$.
#
# A weight of 0.01 "because weights should be small" gives the factor $64 \cdot 0.01^2 / 2 = 0.0032$
# in the variance, 0.057 in the size: after 30 layers $10^{-37}$. A weight of 0.5 gives $2.8^{30}
# \approx 10^{13}$.


# %%
def deep(activation, initializer):
    """Many layers of the same kind, and ten outputs."""
    keras.utils.set_random_seed(lab.seed)
    inputs = keras.Input((PIXELS,))
    x, hidden = inputs, []
    for _ in range(p.depth):
        x = layers.Dense(p.units, activation=activation, kernel_initializer=initializer())(x)
        hidden.append(x)
    outputs = layers.Dense(10, activation="softmax")(x)
    return keras.Model(inputs, outputs), keras.Model(inputs, hidden)


starts = keras.initializers
kinds = {
    "ReLU, 0.01": ("relu", lambda: starts.RandomNormal(stddev=0.01), ORANGE, "--", "s"),
    "ReLU, 0.5": ("relu", lambda: starts.RandomNormal(stddev=0.5), PINK, ":", "D"),
    "ReLU, He": ("relu", lambda: starts.HeNormal(), BLUE, "-", "o"),
    "tanh, Glorot": ("tanh", lambda: starts.GlorotNormal(), GREEN, "-.", "^"),
    "sigmoid, Glorot": ("sigmoid", lambda: starts.GlorotNormal(), "0.45", "-", "x"),
}

sizes = {}
figure = Figure(figsize=(5.4, 3.6), layout="constrained")
axes = figure.add_subplot()
for name, (activation, initializer, colour, style, marker) in kinds.items():
    _, inside = deep(activation, initializer)
    outputs = inside.predict(noise, batch_size=200, verbose=0)
    # In float64: the squares of what is left of a whisper are too small for 32 bits.
    spread = [np.sqrt(np.mean(np.asarray(a, "float64") ** 2)) for a in outputs]
    sizes[name] = np.array(spread)
    axes.semilogy(
        np.arange(1, p.depth + 1),
        np.maximum(spread, 1e-42),
        style,
        color=colour,
        marker=marker,
        markevery=3,
        markersize=5,
        label=name,
    )
    print(f"{name:16} size after layer 1: {spread[0]:.2g}, after layer {p.depth}: {spread[-1]:.2g}")
axes.set(xlabel="layer", ylabel="size of the activations")
axes.legend(frameon=False, fontsize=9)
lab.metric("variance_kept", abs(np.log10(sizes["ReLU, He"][-1] / sizes["ReLU, He"][0])))
lab.show_figure(
    figure,
    title="A signal on its way through thirty layers",
    caption="The root mean square of what each layer says, before any training. A straight line on "
    "this axis is the same factor in every layer.",
    alt="Line chart with a logarithmic axis of the size over the layer. "
    + " ".join(f"{name}: from {s[0]:.1g} to {s[-1]:.1g}." for name, s in sizes.items()),
)

# %% [markdown]
# The sigmoid keeps its size, near one half. But look at what it says: every unit of the last layers
# says nearly the same to every input. The size is there, the *difference* is gone. The gradients
# show that.
#
# ## And on the way back
#
# How large is the gradient in each layer? A trick shows it without any special tool: make **one
# step of gradient descent with learning rate 1**. What the weights lose in it is their gradient,
# $\Delta W = -\partial L / \partial W$.

# %%
(x_train, y_train), _ = lab.load_data()  # whether it learns at all shows on these
x_train = x_train.reshape(len(x_train), -1).astype("float32")
x_train = (x_train - x_train.mean()) / x_train.std()
print(f"{len(x_train)} digits of {x_train.shape[1]} pixels")


def gradient_sizes(model):
    """The root mean square of the loss's gradient in each hidden layer's weights."""
    before = model.get_weights()[:-2:2]
    model.compile(optimizer=keras.optimizers.SGD(1.0), loss="sparse_categorical_crossentropy")
    model.train_on_batch(x_train[:256], y_train[:256])
    after = model.get_weights()[:-2:2]
    return [
        np.sqrt(np.mean((a.astype("float64") - b) ** 2)) for a, b in zip(after, before, strict=True)
    ]


figure = Figure(figsize=(5.4, 3.6), layout="constrained")
axes = figure.add_subplot()
described = []
for name in ("ReLU, 0.01", "ReLU, He", "tanh, Glorot", "sigmoid, Glorot"):
    activation, initializer, colour, style, marker = kinds[name]
    model, _ = deep(activation, initializer)
    found = np.array(gradient_sizes(model))
    described.append(f"{name}: {found[0]:.1g} in the first layer, {found[-1]:.1g} in the last.")
    shown = np.where(found > 0, found, np.nan)
    axes.semilogy(
        np.arange(1, p.depth + 1),
        shown,
        style,
        color=colour,
        marker=marker,
        markevery=3,
        markersize=5,
        label=name,
    )
    print(described[-1])
axes.set(xlabel="layer", ylabel="size of the gradient")
axes.legend(frameon=False, fontsize=9)
lab.show_figure(
    figure,
    title="What comes back",
    caption="Where a curve falls to the left, the first layers learn nothing. Points that are "
    "missing are exactly zero, or too small to change a weight in 32 bits.",
    alt="Line chart with a logarithmic axis of the size of the gradient over the layer. "
    + " ".join(described),
)

# %% [markdown]
# ## Do they learn?
#
# The same network, the same digits, the same optimizer: Adam, which brings each weight's step to
# the same length, with a learning rate that falls to 0 along a cosine. Even Adam cannot make a step
# of a gradient that is zero. Only the first weights and the function differ.

# %%
steps = -(-len(x_train) // 32) * p.epochs
falling = keras.optimizers.schedules.CosineDecay(p.learning_rate, steps)
curves, reached = {}, {}
for name in ("ReLU, He", "tanh, Glorot", "ReLU, 0.01", "sigmoid, Glorot"):
    activation, initializer, *_ = kinds[name]
    model, _ = deep(activation, initializer)
    # Who stands still shows it in a quarter of the time.
    passes = p.epochs if name in ("ReLU, He", "tanh, Glorot") else p.epochs // 4 + 1
    model.compile(
        optimizer=keras.optimizers.Adam(falling),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    history = model.fit(x_train, y_train, batch_size=32, epochs=passes, verbose=0)
    curves[name] = history.history["loss"]
    reached[name] = model.evaluate(x_train, y_train, batch_size=len(x_train), verbose=0)[1]
    print(f"{name:16} loss {curves[name][-1]:.3f}, {100 * reached[name]:.1f}% of them learned")
lab.metric("he_accuracy", reached["ReLU, He"])
lab.metric("glorot_accuracy", reached["tanh, Glorot"])
lab.metric("naive_accuracy", reached["ReLU, 0.01"])

# %%
figure = Figure(figsize=(5.4, 3.4), layout="constrained")
axes = figure.add_subplot()
for name, curve in curves.items():
    _, _, colour, style, marker = kinds[name]
    axes.plot(
        np.arange(1, len(curve) + 1),
        curve,
        style,
        color=colour,
        marker=marker,
        markevery=0.12,
        markersize=5,
        label=f"{name}: {100 * reached[name]:.0f}%",
    )
axes.axhline(np.log(10), color="0.5", linewidth=1, linestyle=":")
axes.set(xlabel="pass", ylabel="loss", ylim=(0, 2.6))
axes.legend(frameon=False, fontsize=9, loc="center right")
lab.show_figure(
    figure,
    title="Thirty layers learn, or do not",
    caption="The dotted grey line is log 10, the loss of a network that gives each digit a tenth. "
    "In the legend: the share of the digits that were learned.",
    alt="Line chart of the loss over the passes. "
    + " ".join(f"{name} ends at {curve[-1]:.2f}." for name, curve in curves.items()),
)

# %% [markdown]
# ## Units that die
#
# A ReLU unit whose sum is negative for *every* input says 0 to all of them, and its slope is 0 for
# all of them. It gets no gradient, so nothing ever brings it back: it is **dead**. One step that is
# too long is enough. We train a network with one hidden layer with growing learning rates, and
# count the hidden units that say 0 (or less, for the leaky one) to every training image.


# %%
def dead_share(activation, learning_rate):
    """The share of hidden units with a slope of 0 for all training images, after three passes."""
    keras.utils.set_random_seed(lab.seed)
    inputs = keras.Input((x_train.shape[1],))
    hidden = layers.Dense(p.units, activation=activation)(inputs)
    model = keras.Model(inputs, layers.Dense(10, activation="softmax")(hidden))
    model.compile(
        optimizer=keras.optimizers.SGD(learning_rate), loss="sparse_categorical_crossentropy"
    )
    model.fit(x_train, y_train, batch_size=32, epochs=3, verbose=0)
    says = keras.Model(inputs, hidden).predict(x_train, batch_size=len(x_train), verbose=0)
    return np.mean(np.all(says == 0, axis=0))


learning_rates = (0.03, 0.3, 1.0, 3.0)
dead = {
    "ReLU": [dead_share("relu", rate) for rate in learning_rates],
    "leaky ReLU": [dead_share(functions["leaky ReLU"], rate) for rate in learning_rates],
}
figure = Figure(figsize=(5.4, 3.1), layout="constrained")
axes = figure.add_subplot()
places = np.arange(len(learning_rates))
axes.bar(places - 0.2, dead["ReLU"], 0.38, color=ORANGE, label="ReLU")
axes.bar(places + 0.2, dead["leaky ReLU"], 0.38, color=BLUE, hatch="//", label="leaky ReLU")
for place, share in zip(places, dead["ReLU"], strict=True):
    axes.text(place - 0.2, share + 0.02, f"{100 * share:.0f}%", ha="center", fontsize=10)
axes.set_xticks(places, [f"{rate:g}" for rate in learning_rates])
axes.set(xlabel="learning rate", ylabel="share of dead units", ylim=(0, 1.1))
axes.legend(frameon=False, loc="upper left")
lab.show_figure(
    figure,
    title="Long steps kill",
    caption="The share of hidden units that have a slope of 0 for every training image. A leaky "
    "ReLU never has a slope of 0, and so cannot die, only learn slowly.",
    alt="Bar chart of the share of dead units for four learning rates. ReLU: "
    + ", ".join(f"{s:.2f} at {r:g}" for r, s in zip(learning_rates, dead["ReLU"], strict=True))
    + ". Leaky ReLU: always 0.",
)

# %% [markdown]
# ## What to take with you
#
# - ReLU and its kin with He's weights; tanh with Glorot's. The library's default for `Dense` is
#   Glorot's: good for a few layers of ReLU, too small for thirty.
# - A sigmoid belongs at the output, where it makes a probability, and not inside.
# - If the loss rests at $\log(\text{number of classes})$ from the start, look at the sizes in the
#   layers before you look for anything else.
# - Today's very deep networks have more help: normalisation, which resets the size in each layer,
#   and shortcuts past the layers. Both are answers to the pictures above.
#
# ## What to try next
#
# - `--set depth=5`, then 10, 20: from which depth on does 0.01 fail?
# - ReLU with Glorot's weights. By which factor does the signal shrink per layer, and what does
#   $\sqrt{1/2}$ have to do with it?
# - Put `layers.BatchNormalization()` after each `Dense` in `deep`. Does 0.01 learn now?
# - All weights zero. What does the gradient look like, and why?
# - `--set units=16`, 256. Does the size that He keeps get steadier with more units?
#
# ## Questions
#
# 1. *By which factor does a gradient shrink through 30 layers of sigmoids, at best, from the slopes
#    alone?*
#
# <details><summary>Answer</summary>
#
# The slope is at most ¼: $(1/4)^{30} \approx 10^{-18}$.
#
# </details>
#
# 2. *Where does the 2 in He's $2 / n$ come from?*
#
# <details><summary>Answer</summary>
#
# The sums are symmetric around 0, so ReLU sets half of them to 0, and the mean square is halved.
# The weights' variance is doubled to make up for it.
#
# </details>
#
# 3. *Why not simply draw larger weights for tanh as well, to be safe from vanishing?*
#
# <details><summary>Answer</summary>
#
# Larger sums lie where tanh is flat. Forward the size is kept, near ±1, but the slopes are almost
# 0, and the gradient vanishes all the same.
#
# </details>
#
# 4. *A network has two layers without activation between them. Its first layer has 1000 units. Is
# it
#    more than a linear model?*
#
# <details><summary>Answer</summary>
#
# No. It is one matrix, written as a product of two. If the first layer had fewer units than inputs
# and outputs it would even be less: a matrix of low rank.
#
# </details>
#
# 5. *Half of a network's ReLU units are 0 for a given image. Is that bad?*
#
# <details><summary>Answer</summary>
#
# No, that is what they are for: each image switches on its own half. Bad is a unit that is 0 for
# *all* images.
#
# </details>
#
# ## Sources
#
# - S. Hochreiter, *Untersuchungen zu dynamischen neuronalen Netzen*, diploma thesis, TU München,
#   1991: gradients that vanish.
# - Y. LeCun, L. Bottou, G. Orr, K. Müller, *Efficient backprop*, in *Neural networks: tricks of the
#   trade*, Springer, 1998.
# - X. Glorot, Y. Bengio, *Understanding the difficulty of training deep feedforward neural
#   networks*, AISTATS, 2010.
# - K. He, X. Zhang, S. Ren, J. Sun, *Delving deep into rectifiers: surpassing human-level
# performance
#   on ImageNet classification*, ICCV, 2015.
# - A. Maas, A. Hannun, A. Ng, *Rectifier nonlinearities improve neural network acoustic models*,
#   2013: the leaky ReLU.
