# %% [raw]
# /// lab
# title = "Optimizers: four ways to walk downhill"
# summary = """
# Gradient descent, momentum, RMSprop and Adam, each in three lines. Their paths through a ravine \
# and a curved valley are drawn, and five seeds rank them on pictures of clothes."""
# unit = 1
# topics = [
#     "batch, mini-batch, stochastic", "momentum", "Nesterov", "RMSprop", "Adam",
#     "learning-rate schedules", "learning-rate search", "condition number",
# ]
#
# [data]
# name = "fashion_mnist"
# stand_in = "digits"
# image = [28, 28]
#
# [parameters]
# images = {full = 4000, quick = 1000, help = "images to train on"}
# epochs = {full = 5, quick = 3, help = "passes over them"}
# rates = {full = 3, quick = 1, help = "learning rates that each optimizer may try"}
# seeds = {full = 5, quick = 2, help = "how often each optimizer is tried in the ranking"}
# valley_steps = {full = 2000, quick = 1000, help = "steps in Rosenbrock's valley"}
# batch_passes = {full = 6, quick = 3, help = "passes when batch sizes are compared"}
#
# [metrics.momentum_speedup]
# label = "in the ravine: steps of gradient descent per step of momentum"
# target = {full = 5, quick = 5, stand_in = 5}
# source = """
# Polyak 1964: with the best settings, momentum needs fewer steps by about the square root of the \
# condition number, here 10. Half of that leaves room for its swing at the start."""
#
# [metrics.rules_difference]
# label = "largest difference to the library, 50 steps of each rule"
# better = "lower"
# target = {full = 1e-10, quick = 1e-10, stand_in = 1e-10, keras = 1e-3}
# source = """
# Both compute the same formulas in float64, Keras on JAX in 32 bits: only rounding may tell them \
# apart."""
#
# [metrics.loss_gain]
# label = "training loss of plain gradient descent minus the winner's, means over the seeds"
# target = {full = 0.05, quick = 0.05, stand_in = 0}
# source = """
# Our own: each optimizer had its best of three learning rates, so a gap is due to the rule. We \
# measured twice as much or more."""
#
# [metrics.winner_accuracy]
# label = "test accuracy of the winner, mean over the seeds"
# target = {full = 0.78, quick = 0.65, stand_in = 0.75}
# source = """
# Xiao, Rasul and Vollgraf 2017 report 0.84 for a linear model on all 60,000 images; we train on \
# 4,000 for a few passes and ask for 6 points less."""
# ///

# %% [markdown]
# # Optimizers: four ways to walk downhill
#
# Gradient descent knows one thing: which way is down *here*. In a round bowl that is all one needs.
# In a ravine it is bad advice: the steepest way points at the opposite wall, not along the valley.
# A walker who follows it goes to and fro, and hardly forward.
#
# Two ideas help, and every optimizer in use is made of them:
#
# - **remember where you were going** (momentum): what points to and fro cancels out, what points
#   along the valley adds up;
# - **measure each direction with its own yardstick** (RMSprop): long steps where slopes are small,
#   short ones where they are large.
#
# Adam does both. We write all four, three lines each, watch them walk, check them against the
# library, and then let them race fairly.

# %%
import numpy as np
from matplotlib.figure import Figure

import etude as keras
from etude import labs
from etude.labs import BLUE, GREEN, ORANGE, PINK

lab = labs.begin("optimizers")
p = lab.parameters
keras.utils.set_random_seed(lab.seed)


# %% [markdown]
# ## The rules
#
# $\theta$ are the variables, $g$ the gradient there, $\eta$ the learning rate, $t = 1, 2, \dots$
# the number of the step. All operations are entry by entry.
#
# **Gradient descent:** $\; \theta \leftarrow \theta - \eta \, g$.
#
# **Momentum** (Polyak 1964). A ball with mass: the velocity $v$ keeps the share $\beta$ of itself.
#
# $$ v \leftarrow \beta v - \eta \, g, \qquad \theta \leftarrow \theta + v $$
#
# On a steady slope $v$ grows until it is $-\eta g / (1 - \beta)$: with $\beta = 0.9$ ten times the
# step. **Nesterov's** version (1983) looks ahead, $\theta \leftarrow \theta + \beta v - \eta g$
# with the new $v$: the ball brakes before the slope turns.
#
# **RMSprop** (Hinton 2012). $s$ is a running mean of the squared slopes, $\rho = 0.9$; the small
# $\varepsilon$ keeps the division safe.
#
# $$ s \leftarrow \rho s + (1 - \rho) \, g^2, \qquad
# \theta \leftarrow \theta - \eta \, \frac{g}{\sqrt{s + \varepsilon}} $$
#
# The fraction is about $\pm 1$ in each direction, however steep: the step is about $\eta$.
#
# **Adam** (Kingma and Ba 2015). A running mean $m$ of the slopes, and $s$ as above, with
# $\beta_1 = 0.9$ and $\beta_2 = 0.999$. Both begin at 0 and are too small at first, by the factors
# $1 - \beta_1^t$ and $1 - \beta_2^t$; these are divided out.
#
# $$ m \leftarrow \beta_1 m + (1 - \beta_1) g, \quad s \leftarrow \beta_2 s + (1 - \beta_2) g^2,
# \quad \theta \leftarrow \theta - \eta \, \frac{\sqrt{1 - \beta_2^t}}{1 - \beta_1^t} \,
# \frac{m}{\sqrt s + \varepsilon} $$


# %%
def sgd(theta, g, memory, t, eta):
    return theta - eta * g


def momentum(theta, g, memory, t, eta, beta=0.9):
    memory["v"] = beta * memory.get("v", 0) - eta * g
    return theta + memory["v"]


def nesterov(theta, g, memory, t, eta, beta=0.9):
    memory["v"] = beta * memory.get("v", 0) - eta * g
    return theta + beta * memory["v"] - eta * g


def rmsprop(theta, g, memory, t, eta, rho=0.9, epsilon=1e-7):
    memory["s"] = rho * memory.get("s", 0) + (1 - rho) * g**2
    return theta - eta * g / np.sqrt(memory["s"] + epsilon)


def adam(theta, g, memory, t, eta, beta1=0.9, beta2=0.999, epsilon=1e-7):
    memory["m"] = beta1 * memory.get("m", 0) + (1 - beta1) * g
    memory["s"] = beta2 * memory.get("s", 0) + (1 - beta2) * g**2
    rate = eta * np.sqrt(1 - beta2**t) / (1 - beta1**t)
    return theta - rate * memory["m"] / (np.sqrt(memory["s"]) + epsilon)


def walk(rule, slope, start, steps, eta, **settings):
    """The path of a rule from a start, shape (steps + 1, D). `slope` gives the gradient."""
    path, memory = [np.array(start, float)], {}
    for t in range(1, steps + 1):
        path.append(rule(path[-1], slope(path[-1]), memory, t, eta, **settings))
    return np.array(path)


# %% [markdown]
# ## A ravine
#
# $$ f(x, y) = \tfrac12 (x^2 + \kappa \, y^2), \qquad \kappa = 100 $$
#
# Across ($y$) it is a hundred times as strongly bent as along ($x$). For such a bowl the best
# settings are known. Gradient descent with $\eta = 2 / (\kappa + 1)$ shrinks the distance by
# $\frac{\kappa - 1}{\kappa + 1}$ per step. Momentum, with $\eta = 4 / (1 + \sqrt\kappa)^2$ and
# $\beta = \big(\frac{\sqrt\kappa - 1}{\sqrt\kappa + 1}\big)^2$, by about
# $\frac{\sqrt\kappa - 1}{\sqrt\kappa + 1}$. **The condition number has become its square root.**

# %%
kappa = 100.0
root = np.sqrt(kappa)


def ravine(v):
    return 0.5 * (v[0] ** 2 + kappa * v[1] ** 2)


def ravine_slope(v):
    return np.array([v[0], kappa * v[1]])


def steps_until(path, near=1e-6):
    """The first step from which on the path stays within `near` of the minimum at 0."""
    far = np.flatnonzero(np.linalg.norm(path, axis=1) > near)
    return int(far[-1]) + 1


start = (10.0, 1.0)
best_descent = walk(sgd, ravine_slope, start, 1500, 2 / (kappa + 1))
best_momentum = walk(
    momentum, ravine_slope, start, 1500, 4 / (1 + root) ** 2, beta=((root - 1) / (root + 1)) ** 2
)
count_descent, count_momentum = steps_until(best_descent), steps_until(best_momentum)
lab.metric("momentum_speedup", count_descent / count_momentum)
print(f"to a distance of 1e-6: gradient descent {count_descent} steps, momentum {count_momentum}")

# %%
walks = {
    "gradient descent": (walk(sgd, ravine_slope, start, 40, 1.9 / kappa), BLUE, "o-"),
    "momentum": (walk(momentum, ravine_slope, start, 40, 0.01, beta=0.8), ORANGE, "s--"),
    "RMSprop": (walk(rmsprop, ravine_slope, start, 40, 0.25), GREEN, "^-."),
    "Adam": (walk(adam, ravine_slope, start, 40, 0.5), PINK, "D:"),
}
across, up = np.meshgrid(np.linspace(-4, 11, 120), np.linspace(-1.5, 1.5, 80))
figure = Figure(figsize=(5.4, 6.4), layout="constrained")
for axes, (name, (path, colour, style)) in zip(
    figure.subplots(4, 1, sharex=True), walks.items(), strict=True
):
    axes.contour(across, up, ravine((across, up)), 10, colors="0.7", linewidths=0.7)
    axes.plot(*path.T, style, color=colour, markersize=4, linewidth=1.2)
    axes.plot(0, 0, "*", color="black", markersize=10)
    axes.set_title(f"{name}: after 40 steps f = {ravine(path[-1]):.2g}", fontsize=11)
    axes.set(ylim=(-1.5, 1.5), ylabel="y")
figure.axes[-1].set_xlabel("x")
lab.show_figure(
    figure,
    title="Forty steps in a ravine",
    caption="From (10, 1) to the star. Descent swings across, since its step must be short enough "
    "for y and is then too short for x. Momentum swings less and less. RMSprop and Adam see no "
    "difference between the two directions: they walk at first along the diagonal of the units.",
    alt="Four contour plots of a long narrow valley with a path in each. "
    + " ".join(f"{n}: the last value is {ravine(v[-1]):.2g}." for n, (v, _, _) in walks.items()),
)

# %% [markdown]
# ## Rosenbrock's valley
#
# $$ f(x, y) = (1 - x)^2 + 100 \, (y - x^2)^2 $$
#
# A ravine that turns; the minimum is at $(1, 1)$. No formula gives the best learning rate, so each
# rule gets the best of eight. That is the least that fairness asks for: *an optimizer without its
# learning rate is not an optimizer*, and who compares Adam at its best with descent at a guess has
# measured the guess.


# %%
def rosenbrock(v):
    return (1 - v[0]) ** 2 + 100 * (v[1] - v[0] ** 2) ** 2


def rosenbrock_slope(v):
    x, y = v
    return np.array([-2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)])


def tuned(rule, rates, steps):
    """The learning rate with the lowest last value, and its path."""
    with np.errstate(over="ignore", invalid="ignore"):  # a rate that is too long flies away
        paths = {rate: walk(rule, rosenbrock_slope, (-1.2, 1.0), steps, rate) for rate in rates}
        last = {rate: np.nan_to_num(rosenbrock(v[-1]), nan=np.inf) for rate, v in paths.items()}
    best = min(last, key=lambda rate: last[rate])
    return best, paths[best]


rules = {
    "gradient descent": (sgd, 1e-4, BLUE, "-", "o"),
    "momentum": (momentum, 1e-5, ORANGE, "--", "s"),
    "RMSprop": (rmsprop, 1e-4, GREEN, "-.", "^"),
    "Adam": (adam, 1e-3, PINK, ":", "D"),
}
valley = {}
for name, (rule, lowest, *_) in rules.items():
    rates = lowest * 10 ** np.arange(0, 3.9, 0.5)
    rate, path = tuned(rule, rates, p.valley_steps)
    valley[name] = path
    print(f"{name:17} best rate {rate:.2g}: f = {rosenbrock(path[-1]):.2g} at {path[-1].round(3)}")

# %%
across, up = np.meshgrid(np.linspace(-1.8, 1.5, 120), np.linspace(-0.8, 2.2, 120))
levels = 10.0 ** np.arange(-1, 3.6, 0.5)
figure = Figure(figsize=(5.4, 5.6), layout="constrained")
for axes, (name, path) in zip(
    figure.subplots(2, 2, sharex=True, sharey=True).flat, valley.items(), strict=True
):
    _, _, colour, style, _ = rules[name]
    axes.contour(across, up, rosenbrock((across, up)), levels, colors="0.7", linewidths=0.7)
    axes.plot(*path.T, style, color=colour, linewidth=2)
    axes.plot(1, 1, "*", color="black", markersize=11)
    axes.set(xlim=(-1.8, 1.5), ylim=(-0.8, 2.2))
    axes.set_title(name, fontsize=11)
lab.show_figure(
    figure,
    title="Down Rosenbrock's valley",
    caption=f"{p.valley_steps} steps each, with the best of eight learning rates, from (−1.2, 1) "
    "to the star.",
    alt="Four contour plots of a bent valley with a path each, from the upper left to the star at "
    "the right. All follow the floor of the valley; momentum swings in the bend.",
)

figure = Figure(figsize=(5.4, 3.4), layout="constrained")
axes = figure.add_subplot()
for name, path in valley.items():
    _, _, colour, style, marker = rules[name]
    heights = np.maximum([rosenbrock(v) for v in path], 1e-16)
    axes.loglog(
        np.arange(1, len(path) + 1),
        heights,
        style,
        color=colour,
        marker=marker,
        label=name,
        markevery=0.15,
        markersize=5,
    )
axes.set(xlabel="step", ylabel="f")
axes.legend(frameon=False, fontsize=9)
lab.show_figure(
    figure,
    title="How low, how soon",
    caption="The same walks as heights. RMSprop keeps its steps at one length, and so comes to a "
    "floor that only a smaller learning rate would lower.",
    alt="Chart with logarithmic axes of the height over the steps. "
    + " ".join(f"{name} ends at {rosenbrock(v[-1]):.1g}." for name, v in valley.items()),
)

# %% [markdown]
# ## The library has the same rules
#
# An optimizer of the library takes gradients and variables, `optimizer.apply(gradients,
# variables)`. Fifty steps in the valley, in float64:

# %%
keras.config.set_floatx("float64")
library = {
    "SGD": (keras.optimizers.SGD(1e-3), sgd, 1e-3),
    "momentum": (keras.optimizers.SGD(3e-4, momentum=0.9), momentum, 3e-4),
    "Nesterov": (keras.optimizers.SGD(3e-4, momentum=0.9, nesterov=True), nesterov, 3e-4),
    "RMSprop": (keras.optimizers.RMSprop(0.01), rmsprop, 0.01),
    "Adam": (keras.optimizers.Adam(0.1), adam, 0.1),
}
largest = 0.0
for name, (optimizer, rule, rate) in library.items():
    ours = walk(rule, rosenbrock_slope, (-1.2, 1.0), 50, rate)
    variable = keras.Variable(ours[0])
    for place in ours[1:]:
        slope = rosenbrock_slope(keras.ops.convert_to_numpy(variable))
        optimizer.apply([keras.ops.convert_to_tensor(slope)], [variable])
        largest = max(largest, np.max(np.abs(keras.ops.convert_to_numpy(variable) - place)))
    theirs = keras.ops.convert_to_numpy(variable)
    print(f"{name:9} ours {ours[-1].round(6)}, the library's {theirs.round(6)}")
keras.config.set_floatx("float32")
lab.metric("rules_difference", largest)
print(f"largest difference at any step: {largest:.1g}")

# %% [markdown]
# ## A race on real data
#
# Pictures of ten kinds of clothes, of 28×28 grey pixels. The network has 784 inputs, 64 hidden
# units and 10 outputs; its loss is a landscape over 50,890 variables that nobody can draw. We
# train on few images, for a few passes: what counts here is how far an optimizer comes in a short
# time.
#
# **The images are in three parts.** We train on the first. The second, for *validation*, chooses
# each optimizer's learning rate. The third, for the *test*, is used once, at the end.

# %%
(x_all, y_all), (x_test, y_test) = lab.load_data()
x_all = x_all.reshape(len(x_all), -1).astype("float32") / 255  # (images, 784)
x_test = x_test.reshape(len(x_test), -1).astype("float32")[:2000] / 255
y_test = y_test[:2000]
count = min(p.images, len(x_all) * 4 // 5)
x_train, y_train = x_all[:count], y_all[:count]
x_valid, y_valid = x_all[count : count + 1000], y_all[count : count + 1000]
classes = len(lab.class_names)
print(f"{len(x_train)} images to train on, {len(x_valid)} to choose with, {len(x_test)} to test on")

layers = keras.layers


def train(optimizer, seed, x=x_train, y=y_train, batch_size=64, epochs=p.epochs):
    """A network trained from a seed: its history and itself."""
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.Input((x.shape[1],)),
            layers.Dense(64, activation="relu"),
            layers.Dense(classes, activation="softmax"),
        ]
    )
    model.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, batch_size=batch_size, epochs=epochs, verbose=0)
    return history.history["loss"], model


def accuracy(model, x, y):
    return model.evaluate(x, y, batch_size=1000, verbose=0)[1]


# %% [markdown]
# ### Batch, mini-batch, stochastic
#
# First, how many images should one step look at? All at once gives the exact gradient, and one
# step per pass. One image gives a rough gradient, and as many steps as there are images. Plain
# gradient descent, the same learning rate of 0.1 for the first two; a single image allows 0.01
# only, since nothing averages its noise.

# %%
few = min(500, len(x_train))
sizes = {
    "all images": (few, 0.1, BLUE, "o-"),
    "mini-batch of 32": (32, 0.1, GREEN, "s--"),
    "one image": (1, 0.01, ORANGE, "^:"),
}
figure = Figure(figsize=(5.4, 3.3), layout="constrained")
axes = figure.add_subplot()
for name, (size, rate, colour, style) in sizes.items():
    losses, _ = train(
        keras.optimizers.SGD(rate), lab.seed, x_train[:few], y_train[:few], size, p.batch_passes
    )
    axes.plot(np.arange(1, len(losses) + 1), losses, style, color=colour, label=name)
    print(f"{name:17} {-(-few // size):4} steps per pass, loss in the last pass {losses[-1]:.3f}")
axes.set(xlabel="pass", ylabel="loss during the pass", xticks=np.arange(1, p.batch_passes + 1))
axes.legend(frameon=False)
lab.show_figure(
    figure,
    title="The same number of images, more or fewer steps",
    caption=f"{few} images. A pass costs the same arithmetic in all three; one image at a time "
    "cannot use the machine's width, and takes longest by the clock. Hence mini-batches.",
    alt="Line chart of the loss over passes. With all images it hardly falls; with mini-batches "
    "and with single images it falls at once.",
)

# %% [markdown]
# ### Learning rates first

# %%
optimizers = {
    "SGD": (keras.optimizers.SGD, {}, (0.1, 0.3, 0.03)),
    "momentum": (keras.optimizers.SGD, {"momentum": 0.9}, (0.03, 0.1, 0.01)),
    "Nesterov": (keras.optimizers.SGD, {"momentum": 0.9, "nesterov": True}, (0.03, 0.1, 0.01)),
    "RMSprop": (keras.optimizers.RMSprop, {}, (1e-3, 3e-3, 3e-4)),
    "Adam": (keras.optimizers.Adam, {}, (1e-3, 3e-3, 3e-4)),
}
chosen = {}
for name, (kind, settings, rates) in optimizers.items():
    reached, rates = [], rates[: p.rates]
    for rate in rates:
        _, model = train(kind(rate, **settings), 1000 + lab.seed)
        reached.append(accuracy(model, x_valid, y_valid))
    chosen[name] = rates[int(np.argmax(reached))]
    tried = ", ".join(f"{rate:g}: {value:.3f}" for rate, value in zip(rates, reached, strict=True))
    print(f"{name:9} validation accuracy with {tried}; takes {chosen[name]:g}")

# %% [markdown]
# ### Schedules
#
# Long steps to get going, short ones to settle: the learning rate may fall with the step $t$ of
# $T$.
#
# - constant: $\eta_0$;
# - exponential: $\eta_0 \, \gamma^{t/T}$, here down to a twentieth;
# - in stairs: divided by 5 after half of the steps, and again after three quarters;
# - cosine (Loshchilov and Hutter 2017): $\eta_0 \, \tfrac12 (1 + \cos(\pi t / T))$, here after a
#   *warm-up* in which it rises from a tenth, since the first gradients say little.

# %%
total = -(-len(x_train) // 64) * p.epochs  # steps of a run
top = chosen["Adam"]
schedules = keras.optimizers.schedules
plans = {
    "constant": lambda: top,
    "exponential": lambda: schedules.ExponentialDecay(top, total, 0.05),
    "stairs": lambda: schedules.PiecewiseConstantDecay(
        [total // 2, total * 3 // 4], [top, top / 5, top / 25]
    ),
    "cosine": lambda: schedules.CosineDecay(
        top / 10, total - total // 10, warmup_target=top, warmup_steps=total // 10
    ),
}
looks = ((BLUE, "-", "o"), (ORANGE, "--", "s"), (GREEN, "-.", "^"), (PINK, ":", "D"))
figure = Figure(figsize=(5.4, 3.3), layout="constrained")
axes = figure.add_subplot()
for (name, plan), (colour, style, marker) in zip(plans.items(), looks, strict=True):
    rate = plan()
    curve = [rate if name == "constant" else float(rate(t)) for t in range(0, total, 5)]
    axes.plot(
        range(0, total, 5),
        curve,
        style,
        color=colour,
        marker=marker,
        markevery=0.12,
        markersize=5,
        label=name,
    )
    _, model = train(keras.optimizers.Adam(plan()), 1000 + lab.seed)
    print(f"Adam, {name:11} validation accuracy {accuracy(model, x_valid, y_valid):.3f}")
axes.set(xlabel="step", ylabel="learning rate", ylim=(0, None))
axes.legend(frameon=False, fontsize=9)
lab.show_figure(
    figure,
    title="Four schedules for Adam",
    caption="All with the same highest rate. A falling rate takes out the shaking at the end, and "
    "costs way at the start: it pays when there is time, and not in a very short run.",
    alt="Line chart of four learning rates over the steps: one constant, one falling smoothly, one "
    "in three stairs, one rising for a short time and then falling like a cosine to zero.",
)

# %% [markdown]
# ### The ranking
#
# Each optimizer with the rate that it has chosen, and other seeds: other first weights, another
# order of the images. One seed proves nothing; the spread over several says which differences are
# worth talking about. The rank is that of the training loss, since making it small is what an
# optimizer is for.

# %%
results = {}
entries = [(name, kind, settings, chosen[name]) for name, (kind, settings, _) in optimizers.items()]
entries.append(("Adam, cosine", keras.optimizers.Adam, {}, plans["cosine"]))
for name, kind, settings, rate in entries:
    losses, tests = [], []
    for k in range(p.seeds):
        curve, model = train(
            kind(rate() if callable(rate) else rate, **settings), 10 * lab.seed + k
        )
        losses.append(curve[-1])
        tests.append(accuracy(model, x_test, y_test))
    results[name] = (np.array(losses), np.array(tests))

ranking = sorted(results, key=lambda name: results[name][0].mean())
winner = ranking[0]
print(f"{'rank':5}{'optimizer':14}{'training loss':>16}{'test accuracy':>18}")
for rank, name in enumerate(ranking, start=1):
    losses, tests = results[name]
    print(
        f"{rank:<5}{name:14}{losses.mean():9.3f} ± {losses.std():.3f}"
        f"{tests.mean():11.3f} ± {tests.std():.3f}"
    )
lab.metric("loss_gain", results["SGD"][0].mean() - results[winner][0].mean())
lab.metric("winner_accuracy", results[winner][1].mean())

# %%
figure = Figure(figsize=(5.4, 3.5), layout="constrained")
axes = figure.add_subplot()
for place, name in enumerate(reversed(ranking)):
    losses, _ = results[name]
    axes.plot(
        [losses.min(), losses.max()], [place, place], "-", color="0.6", linewidth=5, alpha=0.5
    )
    axes.plot(losses, np.full(len(losses), place), "o", color=BLUE, markersize=5)
    axes.plot(losses.mean(), place, "|", color=ORANGE, markersize=20, markeredgewidth=3)
axes.set_yticks(range(len(ranking)), list(reversed(ranking)))
axes.set(xlabel="training loss in the last pass", ylim=(-0.6, len(ranking) - 0.4))
lab.show_figure(
    figure,
    title="The ranking, and how sure it is",
    caption=f"Each dot is one of {p.seeds} seeds, the orange bar their mean. Where dots of two "
    "rows lie side by side, the ranks of the two mean nothing.",
    alt="Dots of the training loss for each optimizer, best at the top. "
    + " ".join(f"{name}: mean {results[name][0].mean():.3f}." for name in ranking),
)

# %% [markdown]
# In a full run plain descent is behind all others: with one learning rate for all directions it has
# to keep to what the steepest allows. *Which* of the others is in front is worth less. It changes
# with the network, the data and the time, and where the dots overlap it changes with the seed. Good
# advice is short: take Adam when you know nothing; take momentum when you have time to find its
# learning rate; in both cases look for the rate first, and let it fall at the end.
#
# ## What to try next
#
# - Ravines with $\kappa = 10$ and $10{,}000$. Does the gain of momentum follow $\sqrt\kappa$?
# - `beta=0.99` in the ravine. What do you see, and how long does it take to calm down?
# - Turn the ravine by 45°. Whom does that hurt: momentum or Adam? Why?
# - `--set epochs=20`: who wins in the long run, in training loss and on the test images?
# - Give RMSprop the cosine in Rosenbrock's valley: where is its floor now?
#
# ## Questions
#
# 1. *On a steady slope $g$, how long is a step of each of the four rules after many steps?*
#
# <details><summary>Answer</summary>
#
# Descent: $\eta |g|$. Momentum: $\eta |g| / (1 - \beta)$. RMSprop and Adam: $\eta$, however steep
# it is, since $g / \sqrt{g^2} = \pm 1$.
#
# </details>
#
# 2. *Multiply the loss by 1000. Which rules must get another learning rate?*
#
# <details><summary>Answer</summary>
#
# Descent and momentum: their steps grow by 1000, so the rate must shrink by 1000. For RMSprop and
# Adam the factor stands above and below the fraction and cancels out (up to $\varepsilon$).
#
# </details>
#
# 3. *What would Adam's first step be without the division by $1 - \beta_1^t$ and
#    $1 - \beta_2^t$?*
#
# <details><summary>Answer</summary>
#
# $m = 0.1\, g$ and $\sqrt s = \sqrt{0.001}\, |g| \approx 0.03\, |g|$: about $3 \eta$ in each
# direction, more than three times what is meant, just when least is known.
#
# </details>
#
# 4. *Why must the learning rates be chosen on other images than those of the ranking?*
#
# <details><summary>Answer</summary>
#
# The best of several tries is partly the luckiest one. On the images that chose it, its luck is
# counted as skill. And who had more tries would look better.
#
# </details>
#
# 5. *How many numbers must each rule keep besides the weights?*
#
# <details><summary>Answer</summary>
#
# Descent none, momentum and RMSprop one per weight, Adam two. For a model of a billion weights in
# 32 bits, Adam's memory alone takes 8 GB.
#
# </details>
#
# ## Sources
#
# - B. Polyak, *Some methods of speeding up the convergence of iteration methods*, USSR
#   Computational Mathematics and Mathematical Physics, 1964.
# - Y. Nesterov, *A method for solving the convex programming problem with convergence rate
#   O(1/k²)*, Soviet Mathematics Doklady, 1983.
# - G. Hinton, *Neural networks for machine learning*, lecture 6, 2012: RMSprop.
# - D. Kingma, J. Ba, *Adam: a method for stochastic optimization*, ICLR, 2015.
# - I. Loshchilov, F. Hutter, *SGDR: stochastic gradient descent with warm restarts*, ICLR, 2017.
# - R. Schmidt, F. Schneider, P. Hennig, *Descending through a crowded valley: benchmarking deep
#   learning optimizers*, ICML, 2021: how little the ranks tell.
# - H. Rosenbrock, *An automatic method for finding the greatest or least value of a function*, The
#   Computer Journal, 1960.
# - H. Xiao, K. Rasul, R. Vollgraf, *Fashion-MNIST: a novel image dataset for benchmarking machine
#   learning algorithms*, 2017.
