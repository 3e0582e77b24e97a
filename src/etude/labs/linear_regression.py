# %% [raw]
# /// lab
# title = "Linear regression: two ways down into a bowl"
# summary = """
# How far does a car go on a gallon? A sum of nine weighted numbers answers. Its best weights \
# follow from one formula, and gradient descent walks to the same place, step by step."""
# unit = 1
# frameworks = ["etude"]
# topics = [
#     "linear regression", "mean squared error", "gradient descent", "closed form",
#     "loss surface", "stochastic and mini-batch descent", "tensors, constants, variables",
#     "GradientTape",
# ]
#
# [data]
# name = "auto_mpg"
# stand_in = "diabetes"
#
# [parameters]
# steps = {full = 6000, quick = 4500, help = "steps of gradient descent with all inputs"}
# library_steps = {full = 2000, quick = 1000, help = "steps of the library"}
# passes = {full = 40, quick = 20, help = "passes when batch sizes are compared"}
#
# [metrics.weights_difference]
# label = "largest difference between the weights of gradient descent and of the closed form"
# better = "lower"
# target = {full = 1e-4, quick = 1e-4, stand_in = 1e-4}
# source = """
# Our own: both are the one lowest point of the same bowl. All columns and the target are \
# standardised, so a weight of 1e-4 moves a prediction by 1e-4 standard deviations."""
#
# [metrics.r2_difference]
# label = "largest difference between our R² on held-back data and scikit-learn's"
# better = "lower"
# target = {full = 1e-3, quick = 1e-3, stand_in = 1e-3}
# source = "scikit-learn's LinearRegression solves the same least-squares problem."
#
# [metrics.library_difference]
# label = "largest difference between the library's weights and the closed form's"
# better = "lower"
# target = {full = 1e-4, quick = 1e-4, stand_in = 1e-4}
# source = "As for our own descent: the same bowl has the same lowest point."
#
# [metrics.r2]
# label = "R² on data that were held back"
# ///

# %% [markdown]
# # Linear regression: two ways down into a bowl
#
# A heavy car burns more petrol than a light one. How much more? Draw 300 cars as points, weight to
# the right, miles per gallon upwards: they lie along a falling line, more or less. To find *the*
# line, we need to say what "fits best" means. Then two ways lead to it:
#
# - a **formula**, which says at once where the best line is;
# - **gradient descent**, which starts with any line and improves it a little, again and again.
#
# For lines the formula wins. But it exists only for lines, while gradient descent works for every
# network in this course. So this is the place to watch it closely, where we know what it should
# find. We write all of it with NumPy, and let the library do the same at the end.

# %%
import numpy as np
from matplotlib.figure import Figure

import etude as keras
from etude import labs
from etude.labs import BLUE, GREEN, ORANGE, PINK

lab = labs.begin("linear-regression")
p = lab.parameters
rng = np.random.default_rng(lab.seed)


# %% [markdown]
# ## Numbers in boxes: tensors
#
# A **tensor** is a box of numbers with a number of axes, its **rank**; the **shape** says how long
# each axis is. NumPy calls it an array.
#
# | rank | name | shape | example here |
# |---|---|---|---|
# | 0 | scalar | () | the bias $b$; the loss |
# | 1 | vector | (D,) | the weights, one for each input |
# | 2 | matrix | (N, D) | the table: a row for each car, a column for each measurement |
#
# Some of these boxes never change while we learn: the table and the right answers are
# **constants**. Others are what learning changes: the weights and the bias are **variables**. This
# is the whole difference, and each library of neural networks makes it.
#
# ## The cars
#
# 392 cars of the years 1970 to 1982: cylinders, displacement, horsepower, weight, seconds to 60
# miles per hour, model year, and three columns of which one is 1: from the USA, from Europe, from
# Japan. The origin is a *category*, not a quantity: Japan is not three times the USA. So it gets
# one column for each value. The target is miles per gallon. A fifth of the cars is held back.
#
# The columns have very different units: thousands of pounds, eight cylinders. We bring each to mean
# 0 and standard deviation 1, with the numbers of the *training* part alone, and the target too:
#
# $$ x \leftarrow \frac{x - \mu}{\sigma} $$
#
# - $\mu$, $\sigma$: mean and standard deviation of the column in the training part.
#
# Why this is worth it, a picture will show in a minute.


# %%
def standardised(train, test):
    """Both parts in units of the training part's standard deviation, from its mean."""
    mean, spread = train.mean(axis=0), train.std(axis=0)
    spread = np.where(spread > 0, spread, 1)  # a column that never changes stays 0
    return (train - mean) / spread, (test - mean) / spread


(x_train, y_train), (x_test, y_test) = lab.load_data()
x, x_held = standardised(x_train, x_test)
y, y_held = standardised(y_train, y_test)
print(f"{x.shape[0]} rows to learn from, {len(x_held)} held back; {x.shape[1]} columns")


# %% [markdown]
# ## One input: what "best" means
#
# Take one column first: the one that goes most with the target. Of the cars it is the weight.
#
# $$ \hat y_n = w \, x_n + b, \qquad
# L(w, b) = \frac1N \sum_{n=1}^{N} (\hat y_n - y_n)^2 $$
#
# - $x_n$: the input of example $n$ of $N$; $y_n$: its target; $\hat y_n$: what the line says;
# - $w$: the slope, called **weight**; $b$: the height at $x = 0$, called **bias**;
# - $L$: the **mean squared error**. Squares make all errors positive, and large ones count more.
#
# $L$ is a number for each pair $(w, b)$: a landscape over the plane of all lines. Multiply it out,
# and you see squares of $w$ and $b$ with positive factors: it is a **bowl**, with one lowest point
# and no other valley to be caught in.
#
# ## Downhill
#
# Who stands in fog on a slope feels with the foot where it falls, and steps there. The foot is the
# gradient: how $L$ changes with each variable,
#
# $$ \frac{\partial L}{\partial w} = \frac2N \sum_n (\hat y_n - y_n) \, x_n, \qquad
# \frac{\partial L}{\partial b} = \frac2N \sum_n (\hat y_n - y_n) , $$
#
# and the step is $w \leftarrow w - \eta \, \partial L / \partial w$, the same for $b$; $\eta$ is
# the **learning rate**. We write it for any number of inputs, $\hat y = X w + b$:


# %%
def loss(x, y, w, b):
    """The mean squared error."""
    return np.mean((x @ w + b - y) ** 2)


def gradient(x, y, w, b):
    """How the loss changes with each weight, and with the bias."""
    error = x @ w + b - y  # (N,)
    return 2 * x.T @ error / len(x), 2 * np.mean(error)


def descend(x, y, learning_rate, steps, start=None):
    """Gradient descent over all examples: the weights (steps + 1, D) and biases on the way."""
    w, b = (np.zeros(x.shape[1]), 0.0) if start is None else start
    weights, biases = [w], [b]
    for _ in range(steps):
        dw, db = gradient(x, y, w, b)
        w, b = w - learning_rate * dw, b - learning_rate * db
        weights.append(w)
        biases.append(b)
    return np.array(weights), np.array(biases)


strongest = np.argmax(np.abs(x.T @ y))
one = x[:, [strongest]]  # (N, 1)
start = (np.array([1.2]), 1.6)  # a bad line, to have some way to go
weights, biases = descend(one, y, 0.1, 40, start)
losses = [loss(one, y, w, b) for w, b in zip(weights, biases, strict=True)]
print(f"column {strongest}: loss {losses[0]:.3f} at the start, {losses[-1]:.3f} after 40 steps")

# %%
grid_w, grid_b = np.meshgrid(np.linspace(-2, 1.6, 61), np.linspace(-1.6, 2, 61))
residual = grid_w[..., None] * one[:, 0] + grid_b[..., None] - y  # (61, 61, N)
height = np.mean(residual**2, axis=-1)

figure = Figure(figsize=(5.2, 4.4), layout="constrained")
axes = figure.add_subplot(projection="3d")
axes.plot_surface(grid_w, grid_b, height, cmap="cividis", alpha=0.55, rstride=4, cstride=4)
axes.plot(weights[:, 0], biases, losses, "o-", color=ORANGE, markersize=4, zorder=10)
axes.set(xlabel="weight $w$", ylabel="bias $b$", zlim=(0, height.max()))
axes.set_title("loss", fontsize=11)
axes.view_init(elev=28, azim=-50)
lab.show_figure(
    figure,
    title="The loss is a bowl, and descent walks down in it",
    caption="Each point of the floor is a line, the height above it is that line's loss. The "
    "orange dots are 40 steps of gradient descent: long where it is steep, short near the bottom.",
    alt="A surface in the form of a bowl over the plane of weight and bias. A chain of dots runs "
    "from high on its wall to the bottom, with smaller and smaller steps.",
)

# %%
figure = Figure(figsize=(5.4, 3.6), layout="constrained")
axes = figure.add_subplot()
axes.scatter(one[:, 0], y, s=12, color=BLUE, alpha=0.6, label="examples")
ends = np.array([one.min(), one.max()])
for step, style in ((0, ":"), (2, "-."), (6, "--"), (40, "-")):
    says = weights[step, 0] * ends + biases[step]
    axes.plot(ends, says, style, color=ORANGE, linewidth=2, label=f"step {step}")
axes.set(xlabel="the strongest input (cars: weight), standardised", ylabel="target, standardised")
axes.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1, 0.5))
lab.show_figure(
    figure,
    title="The same steps, seen as lines",
    caption="A dot on the wall of the bowl is a line here. The first few steps do most of the "
    "work.",
    alt="Scatter plot of the target over the strongest input, with four lines. The line of step 0 "
    "misses all points, the lines of steps 2 and 6 come nearer, that of step 40 runs through the "
    "middle of them.",
)

# %% [markdown]
# ## How long may a step be?
#
# Along one direction the bowl is a parabola, $L = \text{const} + \tfrac12 \lambda\, u^2$: $u$ is
# how far we are from the bottom, $\lambda$ how strongly the bowl is bent. Its slope is
# $\lambda u$, so a step takes
#
# $$ u \leftarrow u - \eta \, \lambda \, u = (1 - \eta \lambda) \, u . $$
#
# That is all. With $\eta = 1/\lambda$ one step is enough. With less, we come nearer by the same
# share each time. Between $1/\lambda$ and $2/\lambda$ we land on the other side, and yet nearer.
# **Beyond $2/\lambda$ every step leads further away.** With one standardised input $\lambda = 2$ in
# all directions, so the border is $\eta = 1$:

# %%
figure = Figure(figsize=(5.4, 3.4), layout="constrained")
axes = figure.add_subplot()
best_loss = min(losses)
rates = ((0.01, BLUE, "o-"), (0.1, GREEN, "s--"), (0.5, PINK, "^-."), (1.03, ORANGE, "D:"))
for rate, colour, style in rates:
    ws, bs = descend(one, y, rate, 30, start)
    curve = [loss(one, y, w, b) for w, b in zip(ws, bs, strict=True)]
    axes.semilogy(curve, style, color=colour, markevery=5, markersize=5, label=f"η = {rate:g}")
axes.set(xlabel="step", ylabel="loss")
axes.legend(frameon=False)
lab.show_figure(
    figure,
    title="Too short, right, too long",
    caption="η = 0.01 crawls, η = 0.1 arrives, η = 0.5 = 1/λ is there after one step, η = 1.03 is "
    "just over the border and climbs out of the bowl.",
    alt="Line chart with a logarithmic axis of the loss over 30 steps for four learning rates. For "
    "0.01 it falls slowly, for 0.1 within 15 steps, for 0.5 at once, for 1.03 it grows.",
)

# %% [markdown]
# ## The formula
#
# At the bottom of the bowl the gradient is zero. Put the ones for the bias as a last column into
# $X$, and call all variables together $\theta$. Then
#
# $$ \frac2N X^\top (X \theta - y) = 0 \quad\Longrightarrow\quad X^\top X \, \theta = X^\top y . $$
#
# These are the **normal equations**: as many linear equations as unknowns, solved once for all.
# Read them as geometry: $X^\top(X\theta - y) = 0$ says that the errors that remain are at right
# angles to every column. No column can explain any more of them.
#
# One trap. For each car the three columns of origin have the sum 1, so they say again what the
# bias says: add 1 to the bias, take 1 from each of the three, and nothing changes. **Many weights
# are equally good**, and $X^\top X$ has no inverse. `np.linalg.lstsq` gives the shortest of them
# (it works on $X$ itself, which also loses fewer digits than $X^\top X$). Gradient descent from
# zero gives the same: it moves along the rows of $X$ only, and so never picks up a part that
# changes no prediction.


# %%
def closed_form(x, y):
    """The weights, shape (D,), and the bias with the least mean squared error."""
    with_ones = np.column_stack([x, np.ones(len(x))])  # (N, D + 1)
    theta, *_ = np.linalg.lstsq(with_ones, y)
    return theta[:-1], theta[-1]


exact_w, exact_b = closed_form(x, y)
dw, db = gradient(x, y, exact_w, exact_b)
print("weights:", exact_w.round(3), " bias:", f"{exact_b:.1g}")
print(f"largest entry of the gradient there: {max(np.max(np.abs(dw)), abs(db)):.1g}")

# %% [markdown]
# ## All inputs, step by step
#
# With $D$ inputs the bowl has $D + 1$ directions, each with a curvature of its own: the eigenvalues
# $\lambda$ of $\frac2N X^\top X$. The learning rate must be short enough for the most strongly bent
# one; the flattest one then sets the time. With the best compromise,
#
# $$ \eta = \frac{2}{\lambda_{max} + \lambda_{min}}, \qquad
# \text{the distance shrinks by } \; \frac{\kappa - 1}{\kappa + 1} \; \text{ per step}, \qquad
# \kappa = \frac{\lambda_{max}}{\lambda_{min}} . $$
#
# $\kappa$ is the **condition number**: how long and narrow the bowl is. Weight, displacement and
# horsepower of a car say nearly the same, and two columns that say nearly the same make a valley
# that is nearly flat: what one weight gains the other may lose.
#
# We take the cars, and 442 patients whose diabetes was measured, ten columns, and again after a
# year. Two of their columns are two kinds of cholesterol that rise and fall together.


# %%
def curvatures(x):
    """The eigenvalues of the second derivatives of the loss, those that are not zero."""
    values = np.linalg.eigvalsh(2 * x.T @ x / len(x))
    return values[values > 1e-9 * values[-1]]


(d_train, t_train), (d_test, t_test) = keras.datasets.diabetes.load_data()
d, d_held = standardised(d_train, d_test)
t, t_held = standardised(t_train, t_test)
tables = {"cars (or yours)": (x, y, x_held, y_held), "diabetes": (d, t, d_held, t_held)}

descents, apart = {}, 0.0
for name, (inputs, target, _, _) in tables.items():
    bent = curvatures(inputs)
    kappa = bent[-1] / bent[0]
    ws, bs = descend(inputs, target, 2 / (bent[-1] + bent[0]), p.steps)
    w, b = closed_form(inputs, target)
    distance = np.max(np.abs(np.column_stack([ws - w, bs - b])), axis=1)
    descents[name] = (distance, kappa, ws[-1], bs[-1])
    apart = max(apart, distance[-1])
    print(f"{name}: condition number {kappa:.0f}, largest difference {distance[-1]:.1g}")
lab.metric("weights_difference", apart)

# %%
figure = Figure(figsize=(5.4, 3.6), layout="constrained")
axes = figure.add_subplot()
for (name, (distance, kappa, _, _)), (colour, dash, marker) in zip(
    descents.items(), ((BLUE, "-", "o"), (ORANGE, "--", "s")), strict=True
):
    steps = np.arange(len(distance))
    every = len(steps) // 8
    axes.semilogy(
        distance + 1e-17, dash, color=colour, marker=marker, markevery=every, label=f"{name}"
    )
    promise = distance[0] * ((kappa - 1) / (kappa + 1)) ** steps
    axes.semilogy(promise, ":", color=colour, linewidth=2.5, label=f"promised, κ = {kappa:.0f}")
axes.axhline(1e-4, color=GREEN, linewidth=1, label="wanted")
axes.set(xlabel="step", ylabel="distance from the formula", ylim=(1e-12, 3))
axes.legend(frameon=False, fontsize=9)
lab.show_figure(
    figure,
    title="Descent arrives, as fast as the condition number lets it",
    caption="Largest difference of any weight from the closed form. The dotted lines have the "
    "promised slope; descent keeps to it, whatever it did in the first steps.",
    alt="Line chart with a logarithmic axis of the distance to the closed form over the steps. "
    "Two falling lines, each parallel to a dotted one. The diabetes line falls more slowly.",
)

# %% [markdown]
# ## Why we standardise
#
# In their own units a weight of 3000 pounds stands beside 14 seconds, and the bowl is a gorge: the
# condition number of the raw table is printed below. To have something that can be drawn, take two
# columns that have little to do with each other, and measure the second in a unit five times as
# long. All its numbers are then a fifth of what they were, and the curvature, which has their
# squares, falls to a twenty-fifth.

# %%
print(f"condition number in own units {np.ptp(curvatures(x_train)) / curvatures(x_train)[0]:.1g}")
second = np.argmin(np.where(x.std(axis=0) > 0, np.abs(x.T @ one[:, 0]), np.inf))
pair = x[:, [strongest, second]]

figure = Figure(figsize=(5.6, 3.5), layout="constrained")
for axes, (name, inputs) in zip(
    figure.subplots(1, 2), {"unequal": pair / [1, 5], "standardised": pair}.items(), strict=True
):
    bottom, _ = closed_form(inputs, y)
    bent = curvatures(inputs)
    ws, _ = descend(inputs, y, 2 / (bent[-1] + bent[0]), 10, (bottom + np.array([1.2, 3.2]), 0.0))
    a, b = np.meshgrid(*(np.linspace(centre - 4, centre + 4, 80) for centre in bottom))
    surface = np.mean((a[..., None] * inputs[:, 0] + b[..., None] * inputs[:, 1] - y) ** 2, axis=-1)
    axes.contour(a, b, surface, 12, colors="0.6", linewidths=0.8)
    axes.plot(*ws.T, "o-", color=ORANGE, markersize=4)
    axes.plot(*bottom, "*", color=GREEN, markersize=13)
    axes.set_title(f"{name}: κ = {bent[-1] / bent[0]:.1f}", fontsize=11)
    axes.set(xlabel="weight 1", aspect="equal")
figure.axes[0].set_ylabel("weight 2")
lab.show_figure(
    figure,
    title="The same two inputs, in two units",
    caption="Orange: ten steps with the best learning rate; the star is the bottom. In unequal "
    "units the bowl is a trough, and descent swings from wall to wall.",
    alt="Two contour plots of a loss over two weights with ten steps of descent each. On the left "
    "the bowl is long and the path jumps from side to side, and is still far from the star. On the "
    "right it is round and the path reaches the star.",
)

# %% [markdown]
# ## Batch, mini-batch, stochastic
#
# The gradient is a mean over all examples. A few of them, drawn at random, give nearly the same
# direction at a fraction of the price:
#
# - **batch**: all examples for one step; one step per pass;
# - **mini-batch**: some, here 32; a step after each;
# - **stochastic**: one example, one step.
#
# A sample of $m$ examples gives the right gradient on average, with an error that shrinks like
# $1/\sqrt m$. Far from the bottom that is good enough: many cheap steps win. Close to the bottom
# the true gradient is small and the error is not: with a fixed learning rate, stochastic descent
# never comes to rest. The cure is old (Robbins and Monro 1951): let the learning rate fall, not so
# fast that the steps could not reach the bottom, not so slowly that the noise stays. Here: $\eta_k
# = \eta_0 / (1 + k / K)$ in pass $k$, with $K = 2$.


# %%
def descend_in_batches(x, y, batch_size, learning_rate, passes, falls=False):
    """The loss over all examples after each pass, and the weights after each step."""
    w, b = np.zeros(x.shape[1]), 0.0
    curve, path = [loss(x, y, w, b)], [w]
    for k in range(passes):
        rate = learning_rate / (1 + k / 2) if falls else learning_rate
        order = rng.permutation(len(x))
        for first in range(0, len(x), batch_size):
            batch = order[first : first + batch_size]
            dw, db = gradient(x[batch], y[batch], w, b)
            w, b = w - rate * dw, b - rate * db
            path.append(w)
        curve.append(loss(x, y, w, b))
    return curve, np.array(path)


# The longest step that one example alone allows, for the one with the longest row.
single = 1 / np.max(np.sum(x**2, axis=1) + 1)
bent = curvatures(x)
ways = {
    "batch": (len(x), 2 / (bent[-1] + bent[0]), False, BLUE, "o-"),
    "mini-batch of 32": (32, 0.05, False, GREEN, "s--"),
    "stochastic": (1, single, False, ORANGE, "^:"),
    "stochastic, falling": (1, single, True, PINK, "D-."),
}
lowest = loss(x, y, exact_w, exact_b)
figure = Figure(figsize=(5.4, 3.7), layout="constrained")
axes = figure.add_subplot()
for name, (size, rate, falls, colour, style) in ways.items():
    curve, _ = descend_in_batches(x, y, size, rate, p.passes, falls)
    axes.semilogy(
        np.array(curve) - lowest, style, color=colour, markersize=4, markevery=4, label=name
    )
    print(f"{name:20} loss above the lowest after {p.passes} passes: {curve[-1] - lowest:.1e}")
axes.set(xlabel="passes over all examples", ylabel="loss above the lowest")
axes.legend(frameon=False, fontsize=9)
lab.show_figure(
    figure,
    title="The price of a pass is the same, the gain is not",
    caption="Small batches do in one pass what the full batch does not do in all of them. Then "
    "single examples shake at a height that the learning rate sets, unless that falls.",
    alt="Line chart with a logarithmic axis of the loss above the lowest possible, over passes, "
    "for four ways. The batch falls slowly and smoothly. Mini-batches and single examples fall at "
    "once, and then jump up and down; with a falling learning rate the jumps die out.",
)

# %% [markdown]
# ## How good is it? R²
#
# $$ R^2 = 1 - \frac{\sum_n (y_n - \hat y_n)^2}{\sum_n (y_n - \bar y)^2} $$
#
# - $\bar y$: the mean of the targets. $R^2$ is 1 for perfect predictions and 0 for someone who
#   always says the mean. On held-back data it can be negative: worse than the mean.
#
# scikit-learn's `LinearRegression` solves the same problem by another road (a singular value
# decomposition). Its $R^2$ on the rows that were held back must be ours.


# %%
from sklearn.linear_model import LinearRegression


def r_squared(y, says):
    return 1 - np.sum((y - says) ** 2) / np.sum((y - np.mean(y)) ** 2)


gaps = []
for name, (inputs, target, held, truth) in tables.items():
    _, _, w, b = descents[name]
    ours = r_squared(truth, held @ w + b)
    theirs = LinearRegression().fit(inputs, target).score(held, truth)
    gaps.append(abs(ours - theirs))
    print(f"{name}: R² {ours:.4f}, scikit-learn's {theirs:.4f}")
    if name == "cars (or yours)":
        lab.metric("r2", ours)
lab.metric("r2_difference", max(gaps))

# %%
_, _, w, b = descents["cars (or yours)"]
figure = Figure(figsize=(5.2, 4), layout="constrained")
axes = figure.add_subplot()
back = np.std(y_train), np.mean(y_train)  # from standard deviations to the target's own unit
axes.scatter(y_test, (x_held @ w + b) * back[0] + back[1], s=22, color=BLUE, label="held back")
ends = np.array([np.min(y_test), np.max(y_test)])
axes.plot(ends, ends, "--", color=ORANGE, label="right")
axes.set(xlabel="true value (cars: miles per gallon)", ylabel="prediction")
axes.legend(frameon=False)
lab.show_figure(
    figure,
    title="What the line says, and what is true",
    caption="Each dot is a row that was held back. Of the cars, the thriftiest lie above the "
    "model's reach: a hint that the truth is bent, and a plane is not.",
    alt="Scatter plot of predictions over true values, along the diagonal. For the highest true "
    "values the predictions are too low.",
)

# %% [markdown]
# The bend is worth a thought: from 2,000 to 2,500 pounds a car loses more miles per gallon than
# from 4,000 to 4,500. A sum of weighted columns cannot say that. Give it a column that can (the lab
# `feature-engineering`), or a hidden layer that finds one.
#
# ## The library does the same
#
# A layer `Dense(1)` *is* $X w + b$. Mean squared error is its loss, `SGD` the step. A batch is all
# rows, so each pass is one step; we write the table a hundred times below itself, so that `fit`
# does a hundred steps before it reports. We compute in float64, as NumPy does.

# %%
layers = keras.layers

keras.config.set_floatx("float64")
rate = 2 / (bent[-1] + bent[0])
model = keras.Sequential([keras.Input((x.shape[1],)), layers.Dense(1, kernel_initializer="zeros")])
model.compile(optimizer=keras.optimizers.SGD(rate), loss="mean_squared_error")
hundred_x, hundred_y = np.tile(x, (100, 1)), np.tile(y, 100)
model.fit(
    hundred_x, hundred_y, batch_size=len(x), epochs=p.library_steps // 100, shuffle=False, verbose=0
)
kernel, bias = model.get_weights()
dense_apart = max(np.max(np.abs(kernel[:, 0] - exact_w)), abs(bias[0] - exact_b))
print(f"Dense(1) against the formula: {dense_apart:.1g}")

# %% [markdown]
# And once without a layer. Here the words of the beginning are objects: `convert_to_tensor` makes
# **constants** of the table and the targets; `Variable` holds what may change, and `assign` changes
# it. `GradientTape` watches the variables and finds the gradient that we derived by hand.
# `keras.function` compiles the step, where the engine can.

# %%
constant_x = keras.ops.convert_to_tensor(x)  # rank 2, (N, D)
constant_y = keras.ops.convert_to_tensor(y)  # rank 1, (N,)
weight = keras.Variable(np.zeros(x.shape[1]))  # rank 1, (D,)
bias = keras.Variable(0.0)  # rank 0


@keras.function
def tape_step():
    with keras.GradientTape() as tape:
        error = keras.ops.matmul(constant_x, weight) + bias - constant_y
        value = keras.ops.mean(error**2)
    dw, db = tape.gradient(value, [weight, bias])
    weight.assign(weight - rate * dw)
    bias.assign(bias - rate * db)
    return value


value = tape_step()
for _ in range(p.library_steps - 1):
    value = tape_step()
tape_w, tape_b = (keras.ops.convert_to_numpy(v) for v in (weight, bias))
tape_apart = max(np.max(np.abs(tape_w - exact_w)), abs(tape_b - exact_b))
keras.config.set_floatx("float32")
lab.metric("library_difference", max(dense_apart, tape_apart))
print(f"tape and variables against the formula: {tape_apart:.1g}; loss {float(value):.4f}")

# %%
figure = Figure(figsize=(5.4, 3.4), layout="constrained")
axes = figure.add_subplot()
places = np.arange(len(exact_w))
_, _, ours, _ = descents["cars (or yours)"]
for shift, values, colour, hatch, name in (
    (-0.27, exact_w, BLUE, "", "formula"),
    (0, ours, GREEN, "//", "our descent"),
    (0.27, kernel[:, 0], ORANGE, "..", "Dense(1)"),
):
    axes.bar(places + shift, values, 0.25, color=colour, hatch=hatch, label=name)
axes.axhline(0, color="black", linewidth=0.8)
axes.set(xlabel="column", ylabel="weight", xticks=places)
axes.legend(frameon=False, fontsize=9)
lab.show_figure(
    figure,
    title="Three ways, the same weights",
    caption="The cars' columns: 0 cylinders, 1 displacement, 2 horsepower, 3 weight, 4 seconds to "
    "60 miles per hour, 5 model year, 6 to 8 origin.",
    alt="Bar chart of the weight of each column, three bars each: formula, our descent and the "
    "library. The three bars are equal everywhere.",
)

# %% [markdown]
# Read weights with care. Of two columns that say the same, one may get a large weight and the other
# one of the opposite sign. "The weight of displacement is positive" does *not* mean that larger
# engines save petrol: it is the effect of more displacement at *equal* weight and horsepower, and
# there are hardly such cars.
#
# ## What to try next
#
# - Fix the learning rate at 0.3 in `descend` for all inputs. What does the condition number say?
# - Leave out the columns of one origin. Which weights change, and does any prediction?
# - Add the square of the weight as a column. What happens to $R^2$?
# - Let the stochastic learning rate fall like $1/\sqrt{1 + k}$, and like $1/(1 + k)^2$. Which one
#   arrives?
# - Use your own table: `etude run linear-regression --data FILE.csv --target COLUMN`.
#
# ## Questions
#
# 1. *Why does the loss have only one valley?*
#
# <details><summary>Answer</summary>
#
# It is a mean of squares of sums in which each variable stands once. Along any straight line
# through the variables it is a parabola that opens upwards (or is flat). A second valley would need
# a ridge between the two, and no parabola has one.
#
# </details>
#
# 2. *All columns are standardised, the target too. What is the best bias, and why?*
#
# <details><summary>Answer</summary>
#
# Zero. The derivative by $b$ is twice the mean of $\hat y - y$. All columns and the target have
# mean 0, so this is $2b$.
#
# </details>
#
# 3. *The bowl has curvatures from 0.02 to 8. What is the longest learning rate that does not
#    diverge, and about how many steps bring the distance to a hundredth?*
#
# <details><summary>Answer</summary>
#
# Below $2/8 = 0.25$. $\kappa = 400$; each step shrinks the distance by about $1 - 2/\kappa$, so
# $\log(100) \cdot \kappa / 2 \approx 920$ steps.
#
# </details>
#
# 4. *For 10 columns the formula is faster. For a million columns?*
#
# <details><summary>Answer</summary>
#
# $X^\top X$ has $10^{12}$ entries, and to solve with it takes about $10^{18}$ operations. A step of
# descent takes $2 N D$. So descent, and with mini-batches $N$ is only the batch.
#
# </details>
#
# 5. *Which of these change during training: the table, the weights, the learning rate, the bias,
#    the mean and standard deviation of the columns?*
#
# <details><summary>Answer</summary>
#
# The weights and the bias; the learning rate, if it is made to fall. The table is a constant, and
# so are the mean and the standard deviation: they belong to the model and must be used for new
# data as they are.
#
# </details>
#
# ## Sources
#
# - C. F. Gauss, *Theory of the motion of the heavenly bodies moving about the sun in conic
#   sections*, 1809: least squares.
# - A. Cauchy, *Méthode générale pour la résolution des systèmes d'équations simultanées*, Comptes
#   rendus, 1847: descent along the gradient.
# - H. Robbins, S. Monro, *A stochastic approximation method*, Annals of Mathematical Statistics,
#   1951.
# - Y. Nesterov, *Introductory lectures on convex optimization*, Kluwer, 2004: the rate of descent.
# - T. Hastie, R. Tibshirani, J. Friedman, *The elements of statistical learning*, Springer, 2009,
#   chapter 3: linear methods for regression.
# - J. R. Quinlan, *Combining instance-based and model-based learning*, ICML, 1993: the cars.
# - B. Efron, T. Hastie, I. Johnstone, R. Tibshirani, *Least angle regression*, Annals of
#   Statistics, 2004: the patients.
