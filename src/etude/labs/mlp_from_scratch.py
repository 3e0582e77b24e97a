# %% [raw]
# /// lab
# title = "A network from scratch"
# summary = """
# A network of 2, 3 and 1 units in NumPy alone, with every number printed once; then the same \
# lines for any number of layers, which read handwritten digits."""
# unit = 1
# frameworks = ["etude"]
# topics = [
#     "forward pass", "back-propagation", "hidden layers", "XOR", "cross-entropy",
#     "gradient descent", "mini-batches",
# ]
#
# [data]
# name = "digits"
# image = [8, 8]
#
# [parameters]
# epochs = {full = 100, quick = 40, help = "passes over the digits"}
# batch_size = {full = 32, quick = 32, help = "digits per step"}
# learning_rate = {full = 0.1, quick = 0.1, help = "step size on the digits"}
# units = {full = 64, quick = 64, help = "units in the hidden layer for the digits"}
# ring_steps = {full = 3000, quick = 1500, help = "steps of gradient descent on the rings"}
#
# [metrics.gradient_difference]
# label = "largest difference between our gradients and the tape's"
# better = "lower"
# target = {full = 1e-10, quick = 1e-10}
# source = """
# Both are exact formulas in float64, with a rounding error of 1e-16 in each step; 1e-10 leaves \
# room for the sums."""
#
# [metrics.library_difference]
# label = "largest difference between weights after 40 steps of ours and of the library"
# better = "lower"
# target = {full = 1e-10, quick = 1e-10}
# source = "As above: the same steps from the same weights, in float64."
#
# [metrics.xor_accuracy]
# label = "XOR: accuracy of the best of 20 starts"
# target = {full = 1, quick = 1}
# source = "Rumelhart, Hinton and Williams 1986: a network with a hidden layer learns XOR."
#
# [metrics.digits_accuracy]
# label = "digits: accuracy on images that were held back"
# target = {full = 0.96, quick = 0.95}
# source = """
# scikit-learn's LogisticRegression reaches 0.967 on the same split, and so must a network, within \
# one standard error of 360 images, 0.009. The quick target leaves room for fewer epochs."""
# ///

# %% [markdown]
# # A network from scratch
#
# A single neuron cuts its world in two with one straight line. That is not enough for XOR (the lab
# `perceptron` proves it). But put three neurons side by side, and give *their* answers to a fourth:
# now the fourth sees the world through three cuts at once, and can say "between these two lines".
#
# This has been clear since the 1960s. What was missing was a way to train the three: nobody tells
# them what their answers should have been. **Back-propagation** finds out, by handing the error of
# the last neuron back along the weights. In this lab we write all of it with NumPy, print every
# number once, and let the library confirm each of them.

# %%
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
from matplotlib.figure import Figure

import etude as keras
from etude import labs
from etude.labs import BLUE, GREEN, ORANGE, PINK

lab = labs.begin("mlp-from-scratch")
p = lab.parameters
rng = np.random.default_rng(lab.seed)


# %% [markdown]
# ## Forward: two inputs, three hidden units, one output
#
# $$ z^{(1)} = x \, W^{(1)} + b^{(1)}, \quad h = \tanh z^{(1)}, \quad
# z^{(2)} = h \, W^{(2)} + b^{(2)}, \quad \hat y = \sigma(z^{(2)}) $$
#
# - $x$: the inputs, one example per row, shape $(N, 2)$;
# - $W^{(1)}$, $(2, 3)$ and $b^{(1)}$, $(3,)$: weights and biases of the hidden units;
# - $h$: what the hidden units say, $(N, 3)$; $\tanh$ brings any number between −1 and 1;
# - $W^{(2)}$, $(3, 1)$ and $b^{(2)}$, $(1,)$: weights and bias of the output;
# - $\sigma(z) = 1 / (1 + e^{-z})$: the sigmoid, which makes a probability of it.
#
# The loss is the cross-entropy, the mean over the examples of how surprised the network is by the
# truth $y$, which is 0 or 1:
#
# $$ L = -\frac1N \sum_n \Big( y_n \log \hat y_n + (1 - y_n) \log (1 - \hat y_n) \Big) $$


# %%
def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def forward_231(weights, x):
    w1, b1, w2, b2 = weights
    h = np.tanh(x @ w1 + b1)  # (N, 3)
    return h, sigmoid(h @ w2 + b2)  # (N, 1)


def cross_entropy(y_hat, y):
    return -np.mean(y * np.log(y_hat) + (1 - y) * np.log(1 - y_hat))


# %% [markdown]
# ## Backward: who is to blame?
#
# Write $\bar v = \partial L / \partial v$. From the last line to the first:
#
# $$ \bar z^{(2)} = (\hat y - y) / N $$
# $$ \bar W^{(2)} = h^\top \bar z^{(2)}, \qquad \bar b^{(2)} = \sum_n \bar z^{(2)}_n, \qquad
# \bar h = \bar z^{(2)} \, W^{(2)\top} $$
# $$ \bar z^{(1)} = \bar h \odot (1 - h^2) $$
# $$ \bar W^{(1)} = x^\top \bar z^{(1)}, \qquad \bar b^{(1)} = \sum_n \bar z^{(1)}_n $$
#
# - The first line is the whole derivative of sigmoid and cross-entropy together: *what was said
#   minus what is true*.
# - $\bar h = \bar z^{(2)} W^{(2)\top}$ is the heart of it: each hidden unit is to blame as much as
#   it was listened to. The weights that carried its answer forward carry the error back.
# - $1 - h^2$ is the derivative of $\tanh$, and $\odot$ multiplies entry by entry. A unit that is
#   saturated, near −1 or 1, cannot change its mind, and gets hardly any blame.


# %%
def backward_231(weights, x, h, y_hat, y):
    _, _, w2, _ = weights
    dz2 = (y_hat - y) / len(x)  # (N, 1)
    dw2, db2 = h.T @ dz2, dz2.sum(axis=0)
    dh = dz2 @ w2.T  # (N, 3)
    dz1 = dh * (1 - h**2)
    dw1, db1 = x.T @ dz1, dz1.sum(axis=0)
    return [dw1, db1, dw2, db2]


# %% [markdown]
# ## Every number, once
#
# One example, $x = (1, 0)$ with $y = 1$, and weights that you can compute with. Take a pocket
# calculator and follow; it is worth the ten minutes.

# %%
weights = [
    np.array([[0.5, -1.0, 0.8], [-0.4, 0.6, 1.0]]),
    np.array([0.1, 0.2, -0.3]),
    np.array([[1.0], [-0.5], [0.7]]),
    np.array([0.1]),
]
x_one, y_one = np.array([[1.0, 0.0]]), np.array([[1.0]])

h, y_hat = forward_231(weights, x_one)
w1, b1, w2, b2 = weights
print("z1 =", (x_one @ w1 + b1)[0])
print("h  =", h[0].round(4))
print("z2 =", (h @ w2 + b2)[0].round(4), "  ŷ =", y_hat[0].round(4))
print("L  =", cross_entropy(y_hat, y_one).round(4), "= -log ŷ")

dw1, db1, dw2, db2 = backward_231(weights, x_one, h, y_hat, y_one)
dh = (y_hat - y_one) @ w2.T
print("dz2 = ŷ - y =", (y_hat - y_one)[0].round(4))
print("dW2 =", dw2[:, 0].round(4), "  db2 =", db2.round(4))
print("dh  =", dh[0].round(4), "  1 - h² =", (1 - h**2)[0].round(4))
print("dW1 =", dw1[0].round(4), "(from x1 = 1)")
print("      ", dw1[1].round(4), "(from x2 = 0: nothing went in, nothing is to blame)")
print("db1 =", db1.round(4))

better = [v - 0.5 * g for v, g in zip(weights, (dw1, db1, dw2, db2), strict=True)]
after = cross_entropy(forward_231(better, x_one)[1], y_one)
print(f"one step with learning rate 0.5: the loss falls to {after:.4f}")

# %%
places = {
    **{f"x{i + 1}": (0, 1.5 - i) for i in range(2)},
    **{f"h{j + 1}": (1.5, 2 - j) for j in range(3)},
    "ŷ": (3, 1),
}
said = dict(zip(places, [*x_one[0], *h[0], y_hat[0, 0]], strict=True))
edges = [(f"x{i + 1}", f"h{j + 1}", w1[i, j]) for i in range(2) for j in range(3)]
edges += [(f"h{j + 1}", "ŷ", w2[j, 0]) for j in range(3)]

figure = Figure(figsize=(5.4, 3.4), layout="constrained")
axes = figure.add_subplot()
for start, end, weight in edges:
    (left, low), (right, high) = places[start], places[end]
    colour, style = (BLUE, "-") if weight > 0 else (ORANGE, "--")
    axes.plot([left, right], [low, high], style, color=colour, linewidth=4 * abs(weight), zorder=1)
    near = 0.7 if start.startswith("x") else 0.5  # where labels do not meet
    across, up = left + near * (right - left), low + near * (high - low)
    axes.text(across, up + 0.04, f"{weight:g}", ha="center", va="bottom")
for name, (across, up) in places.items():
    axes.scatter(across, up, s=1500, color="white", edgecolor="black", zorder=2)
    text = f"{name}\n{said[name]:.2f}"
    axes.text(across, up, text, ha="center", va="center", fontsize=10, zorder=3, color="#333333")
axes.set(xlim=(-0.4, 3.4), ylim=(-0.5, 2.5))
axes.set_axis_off()
lab.show_figure(
    figure,
    title="The network, and what its units say",
    caption="For x = (1, 0). The thickness of a line is the size of its weight; solid blue lines "
    "are positive, dashed orange lines negative. Biases are not drawn.",
    alt="A network of two inputs, three hidden units and one output. "
    + " ".join(f"{name} says {value:.2f}." for name, value in said.items()),
)

# %% [markdown]
# ## The tape confirms
#
# The same network of the library, with our weights in it. `GradientTape` records the forward pass
# and derives the gradients by itself. We compute in float64 for this, as NumPy does; the library's
# own choice is float32, which is faster and exact enough to train.

# %%
layers = keras.layers


def tape_gradients(model, loss, x, y):
    """The gradients of the loss with respect to all weights of a model of the library."""
    with keras.GradientTape() as tape:
        value = loss(y, model(x))
    gradients = tape.gradient(value, model.trainable_variables)
    return [keras.ops.convert_to_numpy(g) for g in gradients]


def largest_difference(ours, theirs):
    return max(np.max(np.abs(a - b)) for a, b in zip(ours, theirs, strict=True))


keras.config.set_floatx("float64")
corners = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
xor = np.array([[0.0], [1], [1], [0]])

model = keras.Sequential(
    [keras.Input((2,)), layers.Dense(3, activation="tanh"), layers.Dense(1, activation="sigmoid")]
)
model.set_weights(weights)
theirs = tape_gradients(model, keras.losses.BinaryCrossentropy(), corners, xor)
h, y_hat = forward_231(weights, corners)
ours = backward_231(weights, corners, h, y_hat, xor)
difference_231 = largest_difference(ours, theirs)
keras.config.set_floatx("float32")

print("dW1 by hand:", ours[0].round(6).tolist())
print("dW1 by tape:", theirs[0].round(6).tolist())
print(f"largest difference over all 13 gradients: {difference_231:.1g}")

# %% [markdown]
# ## Training: XOR
#
# **Gradient descent** moves every weight a little against its gradient, again and again:
#
# $$ \theta \leftarrow \theta - \eta \, \bar \theta $$
#
# - $\theta$: any weight or bias; $\eta$: the learning rate, here 0.5.
#
# The start must be random. If all hidden units began with the same weights, they would get the
# same gradients and stay the same for ever: one unit, three times.


# %%
def start_231(rng):
    return [rng.normal(size=(2, 3)), np.zeros(3), rng.normal(size=(3, 1)), np.zeros(1)]


def train_xor(weights, steps):
    """The weights after each step, and the losses."""
    path, losses = [weights], []
    for _ in range(steps):
        h, y_hat = forward_231(weights, corners)
        losses.append(cross_entropy(y_hat, xor))
        gradients = backward_231(weights, corners, h, y_hat, xor)
        weights = [v - 0.5 * g for v, g in zip(weights, gradients, strict=True)]
        path.append(weights)
    return path, losses


# %% [markdown]
# The loss is not a bowl: it has flat places, where gradient descent from an unlucky start takes
# very long. So we start 20 times, count, and go on with the best.

# %%
runs = [train_xor(start_231(rng), 2000) for _ in range(20)]
answers = [forward_231(path[-1], corners)[1] for path, _ in runs]
solved = sum(np.all((answer > 0.5) == (xor > 0.5)) for answer in answers)
print(f"{solved} of 20 random starts have learned XOR after 2000 steps")

best = np.argmin([losses[-1] for _, losses in runs])
path, losses = runs[best]
lab.metric("xor_accuracy", np.mean((answers[best] > 0.5) == (xor > 0.5)))
for inputs, answer in zip(corners, answers[best], strict=True):
    print(f"{inputs[0]:g} xor {inputs[1]:g}: {answer[0]:.3f}")

figure = Figure(figsize=(5.4, 3.2), layout="constrained")
axes = figure.add_subplot()
for number, (_, losses) in enumerate(runs):
    axes.semilogy(losses, color="0.6", linewidth=1, label="the others" if number == 0 else None)
axes.semilogy(runs[best][1], color=BLUE, linewidth=2.5, label="the best")
axes.axhline(np.log(2), color=ORANGE, linestyle="--", label="answering 0.5 to all")
axes.set(xlabel="step", ylabel="loss")
axes.legend(frameon=False, loc="lower left")
lab.show_figure(
    figure,
    title="XOR: twenty starts, twenty curves",
    caption=f"{solved} of 20 learn it. Where a curve rests near 0.35 = ½ log 2, the network gets "
    "two inputs right, and answers 0.5 to the two others.",
    alt="Line chart with a logarithmic axis of 20 losses over 2000 steps. All begin near 0.7. "
    f"{solved} fall steeply at some time, to below 0.01; {20 - solved} rest on a flat place.",
)


# %%
def draw_regions(axes, probability, low, high):
    """Shades where the probability of class 1 is over and under a half; the line between them."""
    across, up = np.meshgrid(np.linspace(low, high, 80), np.linspace(low, high, 80))
    points = np.column_stack([across.ravel(), up.ravel()])
    heights = probability(points).reshape(across.shape)
    axes.contourf(across, up, heights, [0, 0.5, 1], colors=[ORANGE, BLUE], alpha=0.18)
    axes.contour(across, up, heights, [0.5], colors=[GREEN], linewidths=2)
    axes.set(xlim=(low, high), ylim=(low, high), aspect="equal")


def draw_points(axes, x, y, size):
    """Circles for class 1, crosses for class 0: shape tells them apart, not colour alone."""
    axes.scatter(*x[y == 1].T, color=BLUE, marker="o", s=size, zorder=3)
    axes.scatter(*x[y == 0].T, color=ORANGE, marker="x", s=size, zorder=3)


figure = Figure(figsize=(5.4, 5.8), layout="constrained")
moments = [0, 50, 150, 2000]
for axes, moment in zip(figure.subplots(2, 2, sharex=True, sharey=True).flat, moments, strict=True):
    now = path[moment]
    draw_regions(axes, lambda v, now=now: forward_231(now, v)[1], -0.5, 1.5)
    draw_points(axes, corners, xor[:, 0], 60)
    loss = cross_entropy(forward_231(now, corners)[1], xor)
    axes.set_title(f"step {moment}: loss {loss:.3f}", fontsize=11)
    axes.set(xticks=[0, 1], yticks=[0, 1])
lab.show_figure(
    figure,
    title="XOR: the boundary as it moves",
    caption="Circles should be on blue ground, crosses on orange. The green line is where the "
    "network is undecided.",
    alt="Four pictures of the four corners of a square, at steps "
    + ", ".join(map(str, moments))
    + ". The boundary starts as a single curve and ends as a band that has (0, 1) and (1, 0) on "
    "one side and the two other corners on the other.",
)

# %% [markdown]
# **What did the hidden units learn?** Each one is a neuron with its own line, $z_j = 0$. And the
# output is a neuron whose inputs are what they say. In *that* space, the four points must be
# separable, or the output could not do it.

# %%
w1, b1, w2, b2 = path[-1]
h, _ = forward_231(path[-1], corners)
figure = Figure(figsize=(5.4, 3.5), layout="constrained")
left, right = figure.subplots(1, 2, width_ratios=[1, 1.15])
ends = np.array([-2.0, 3.0])
for j, (colour, style) in enumerate(((GREEN, "-"), (PINK, "--"), ("#56b4e9", "-."))):
    if abs(w1[1, j]) > abs(w1[0, j]):
        across, up = ends, -(w1[0, j] * ends + b1[j]) / w1[1, j]
    else:
        across, up = -(w1[1, j] * ends + b1[j]) / w1[0, j], ends
    left.plot(across, up, style, color=colour, linewidth=2.5, label=f"unit {j + 1}")
draw_points(left, corners, xor[:, 0], 60)
left.set(xlim=(-0.5, 1.5), ylim=(-0.5, 1.5), xticks=[0, 1], yticks=[0, 1], title="three lines")
left.set_aspect("equal")
left.legend(frameon=False, fontsize=9, loc="upper center", bbox_to_anchor=(0.5, -0.1))
right.imshow(h, cmap="PuOr", vmin=-1, vmax=1, aspect="auto")
for n in range(4):
    for j in range(3):
        shade = "white" if abs(h[n, j]) > 0.6 else "#222222"
        right.text(j, n, f"{h[n, j]:.2f}", ha="center", va="center", color=shade, fontsize=10)
right.set_xticks(range(3), [f"unit {j + 1}" for j in range(3)])
right.set_yticks(range(4), [f"({a:g}, {b:g})" for a, b in corners])
right.set_title("what they say")
lab.show_figure(
    figure,
    title="What the hidden units see",
    caption="Left: where each unit is undecided. Right: what each says to each of the four inputs, "
    "violet for yes and orange for no.",
    alt="Left, the four corners of a square with three lines. Right, a table. "
    + " ".join(
        f"To ({a:g}, {b:g}) the units say {', '.join(f'{v:.2f}' for v in row)}."
        for (a, b), row in zip(corners, h, strict=True)
    ),
)

# %% [markdown]
# ## Any number of layers
#
# Look at `backward_231` again: the same three lines come twice. So a loop does for any number of
# layers. We let the output have one unit per class and a softmax, $\hat y_k = e^{z_k} / \sum_m
# e^{z_m}$; the gradient of its cross-entropy is again *what was said minus what is true*, now with
# the truth as a row that is 1 at the right class and 0 elsewhere.
#
# These lines are the whole of it: a new network, forward, backward, a step.


# %%
def new_network(sizes, rng):
    """Weights so small that tanh does not saturate: variance 1 / inputs."""
    return [(rng.normal(size=(m, n)) / np.sqrt(m), np.zeros(n)) for m, n in pairwise(sizes)]


def forward(network, x):
    """What goes into each layer, and the probabilities that come out of the last."""
    inputs = [x]
    for w, b in network[:-1]:
        inputs.append(np.tanh(inputs[-1] @ w + b))
    w, b = network[-1]
    z = inputs[-1] @ w + b
    e = np.exp(z - z.max(axis=1, keepdims=True))  # the largest becomes 1: no overflow
    return inputs, e / e.sum(axis=1, keepdims=True)


def backward(network, inputs, y_hat, y):
    """The gradients of the cross-entropy, one pair (dw, db) per layer."""
    dz = (y_hat - y) / len(y)
    gradients = []
    for (w, _), a in zip(reversed(network), reversed(inputs), strict=True):
        gradients.insert(0, (a.T @ dz, dz.sum(axis=0)))
        dz = (dz @ w.T) * (1 - a**2)  # the error, handed back through the weights and tanh
    return gradients


def step(network, x, y, learning_rate):
    inputs, y_hat = forward(network, x)
    gradients = backward(network, inputs, y_hat, y)
    return [
        (w - learning_rate * dw, b - learning_rate * db)
        for (w, b), (dw, db) in zip(network, gradients, strict=True)
    ]


# %% [markdown]
# The tape confirms these as well, here on a network of five layers with random weights:

# %%
keras.config.set_floatx("float64")
sizes = [6, 8, 7, 5, 4, 3]
network = new_network(sizes, rng)
x_some, y_some = rng.normal(size=(10, 6)), np.eye(3)[rng.integers(0, 3, size=10)]

model = keras.Sequential(
    [keras.Input((sizes[0],))]
    + [layers.Dense(n, activation="tanh") for n in sizes[1:-1]]
    + [layers.Dense(sizes[-1], activation="softmax")]
)
model.set_weights([v for pair in network for v in pair])
theirs = tape_gradients(model, keras.losses.CategoricalCrossentropy(), x_some, y_some)
inputs, y_hat = forward(network, x_some)
ours = [g for pair in backward(network, inputs, y_hat, y_some) for g in pair]
difference_n = largest_difference(ours, theirs)
lab.metric("gradient_difference", max(difference_231, difference_n))
print(f"largest difference, five layers: {difference_n:.1g}")

# %% [markdown]
# And when both train, they stay together. Forty steps of `SGD` in the library, forty of ours:

# %%
model.compile(optimizer=keras.optimizers.SGD(0.1), loss="categorical_crossentropy")
model.fit(x_some, y_some, batch_size=10, epochs=40, shuffle=False, verbose=0)
for _ in range(40):
    network = step(network, x_some, y_some, 0.1)
apart = largest_difference([v for pair in network for v in pair], model.get_weights())
keras.config.set_floatx("float32")
lab.metric("library_difference", apart)
print(f"largest difference of any weight after 40 steps: {apart:.1g}")

# %% [markdown]
# ## Rings
#
# One class inside, the other around it: no line helps, and no band either. A network with two
# hidden layers of eight units closes its boundary.

# %%
angle = rng.uniform(0, 2 * np.pi, size=200)
ring = np.repeat([0, 1], 100)  # 0: inside, 1: outside
radius = np.where(ring == 0, 0.5, 1.3) + 0.15 * rng.normal(size=200)
rings = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])  # (200, 2)

network = new_network([2, 8, 8, 2], rng)
ring_path = [network]
for _ in range(p.ring_steps):
    network = step(network, rings, np.eye(2)[ring], 0.3)
    ring_path.append(network)

figure = Figure(figsize=(5.4, 5.8), layout="constrained")
moments = [0, 100, 300, p.ring_steps]
for axes, moment in zip(figure.subplots(2, 2, sharex=True, sharey=True).flat, moments, strict=True):
    now = ring_path[moment]
    draw_regions(axes, lambda v, now=now: forward(now, v)[1][:, 1], -2, 2)
    draw_points(axes, rings, ring, 10)
    right = np.mean(np.argmax(forward(now, rings)[1], axis=1) == ring)
    axes.set_title(f"step {moment}: {100 * right:.0f}% right", fontsize=11)
lab.show_figure(
    figure,
    title="Rings: the boundary closes",
    caption="The outer ring should be on blue ground, the inner one on orange.",
    alt="Four pictures of an inner and an outer ring of points, at steps "
    + ", ".join(map(str, moments))
    + ". At first a curve cuts through both rings. At the end it runs between them, all round.",
)

# %% [markdown]
# ## Digits
#
# The same functions, nothing added, now read handwriting: 1,797 digits of 8×8 pixels from 0 to 16,
# a fifth of them held back. We take **mini-batches**: a step after every 32 digits, in a new order
# in each epoch.

# %%
(x_train, y_train), (x_test, y_test) = lab.load_data()
images_test = x_test / np.max(x_train)
x_train = x_train.reshape(len(x_train), -1) / np.max(x_train)  # (N, 64), from 0 to 1
x_test = images_test.reshape(len(x_test), -1)
targets = np.eye(len(lab.class_names))[y_train]  # (N, 10)


def score(network, x, y):
    """Mean cross-entropy and accuracy."""
    _, y_hat = forward(network, x)
    return -np.mean(np.log(y_hat[np.arange(len(y)), y])), np.mean(y_hat.argmax(axis=1) == y)


def train_digits(hidden):
    """A network with these hidden layers, trained, and its scores after each epoch."""
    network = new_network([x_train.shape[1], *hidden, len(lab.class_names)], rng)
    history = {"loss": [], "val_loss": [], "accuracy": [], "val_accuracy": []}
    for _ in range(p.epochs):
        order = rng.permutation(len(x_train))
        for first in range(0, len(order), p.batch_size):
            batch = order[first : first + p.batch_size]
            network = step(network, x_train[batch], targets[batch], p.learning_rate)
        for prefix, x, y in (("", x_train, y_train), ("val_", x_test, y_test)):
            loss, accuracy = score(network, x, y)
            history[prefix + "loss"].append(loss)
            history[prefix + "accuracy"].append(accuracy)
    return network, history


_, without = train_digits([])
network, history = train_digits([p.units])
_, probabilities = forward(network, x_test)
lab.metric("digits_accuracy", history["val_accuracy"][-1])
lab.show_curves(SimpleNamespace(history=history))
lab.show_confusion(y_test, probabilities.argmax(axis=1))
lab.show_mistakes(images_test, y_test, probabilities)
for name, scores in (("without hidden layer", without), (f"{p.units} hidden units", history)):
    print(f"{name}: {100 * scores['val_accuracy'][-1]:.1f}% of the digits held back are right")

# %% [markdown]
# These digits are small and tidy: planes alone, without a hidden layer, do nearly as well. On the
# 70,000 digits of MNIST the hidden layer counts for more: LeCun and others (1998) report 12% of
# mistakes for a linear model, 4.7% with 300 hidden units.
#
# What do the hidden units look for? The weights of one unit are 64 numbers, one per pixel: a
# picture.

# %%
first_weights = network[0][0]
largest = np.max(np.abs(first_weights))
side = images_test.shape[1]
figure = Figure(figsize=(5.4, 3), layout="constrained")
for unit, axes in enumerate(figure.subplots(2, 4).flat):
    kernel = first_weights[:, unit].reshape(side, -1)
    axes.imshow(kernel, cmap="PuOr", vmin=-largest, vmax=largest)
    axes.set_axis_off()
lab.show_figure(
    figure,
    title="What eight of the hidden units look for",
    caption="Violet pixels speak for the unit, orange ones against it. Neighbours of opposite "
    "sign are the border of a stroke. No unit looks for a whole digit.",
    alt="Eight pictures of 8 by 8 weights, with patches of positive and negative weights next to "
    "each other, like parts of strokes. The pixels at the left and right edges are near zero or "
    "noise, since no digit reaches there.",
)

# %% [markdown]
# ## What to try next
#
# - XOR with two hidden units instead of three. How many of 20 starts succeed?
# - Start all weights at zero. What do the hidden units learn? What if only $W^{(2)}$ is zero?
# - Take out the $\tanh$ (and its $1 - a^2$). What happens to the rings, however many layers?
# - Digits with `--set units=4`, then 16, 256. Where does it stop to help?
# - Learning rate 1, then 10: `--set learning_rate=10`. What do you see in the loss?
# - Make a mistake in `backward` on purpose: leave out `1 - a**2`. Does the network still learn?
#   The tape sees it at once.
#
# ## Questions
#
# 1. *How many numbers does the [2, 3, 1] network learn? And the one for the digits?*
#
# <details><summary>Answer</summary>
#
# 2 · 3 + 3 + 3 · 1 + 1 = 13. For the digits 64 · 64 + 64 + 64 · 10 + 10 = 4,810.
#
# </details>
#
# 2. *In the example by hand, why is the gradient of all weights from $x_2$ exactly zero?*
#
# <details><summary>Answer</summary>
#
# $\bar W^{(1)} = x^\top \bar z^{(1)}$: each weight's gradient is the error behind it times the
# input before it. The input was 0. A weight that carried nothing had no part in the result.
#
# </details>
#
# 3. *Why may the hidden units not start with equal weights, while biases may all be zero?*
#
# <details><summary>Answer</summary>
#
# Equal units get equal gradients and stay equal. Different weights are enough to tell them apart;
# the biases then get different gradients by themselves.
#
# </details>
#
# 4. *What must be kept from the forward pass for the backward pass?*
#
# <details><summary>Answer</summary>
#
# What goes into each layer, and what comes out of the last. For $N$ examples these are $N$ times
# the number of units: in training, memory grows with the batch and with the depth.
#
# </details>
#
# 5. *A network without hidden layer has the same softmax and loss. What is it called, and what can
#    it not learn?*
#
# <details><summary>Answer</summary>
#
# Logistic regression (with several classes). Its boundaries are straight, so neither XOR nor the
# rings.
#
# </details>
#
# ## Sources
#
# - D. Rumelhart, G. Hinton, R. Williams, *Learning representations by back-propagating errors*,
#   Nature, 1986.
# - M. Minsky, S. Papert, *Perceptrons: an introduction to computational geometry*, MIT Press,
#   1969.
# - Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, *Gradient-based learning applied to document
#   recognition*, Proceedings of the IEEE, 1998.
# - Y. LeCun, L. Bottou, G. Orr, K. Müller, *Efficient backprop*, in *Neural networks: tricks of the
#   trade*, Springer, 1998: why weights start small.
# - E. Alpaydin, C. Kaynak, *Optical recognition of handwritten digits*, UCI Machine Learning
#   Repository, 1998: the data.
