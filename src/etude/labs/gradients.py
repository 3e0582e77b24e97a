# %% [raw]
# /// lab
# title = "Gradients: by hand, by tape, by differences"
# summary = """
# The chain rule on a small graph, and then on real layers; the tape that does it for us; the \
# check that finds a wrong gradient; and the gradient of a gradient."""
# unit = 1
# frameworks = ["etude"]
# topics = [
#     "chain rule", "computational graph", "back-propagation", "GradientTape",
#     "central differences", "gradient checking", "Hessian", "nested tapes",
# ]
#
# [parameters]
# points = {full = 100, quick = 10, help = "random points at which each derivation is compared"}
# descent_steps = {full = 5000, quick = 1000, help = "steps of gradient descent on Rosenbrock"}
#
# [metrics.hand_difference]
# label = "largest difference between a derivation by hand and the tape"
# better = "lower"
# target = {full = 1e-9, quick = 1e-9}
# source = """
# Both are exact formulas, evaluated in float64 with a relative rounding error of 1e-16 in each \
# step: 1e-9 leaves room for sums, and for nothing else."""
#
# [metrics.hessian_difference]
# label = "largest difference between the Hessian by hand and by two tapes"
# better = "lower"
# target = {full = 1e-9, quick = 1e-9}
# source = "As above; relative to the largest entry of the Hessian."
#
# [metrics.difference_error]
# label = "relative error of central differences with the best step"
# better = "lower"
# target = {full = 1e-9, quick = 1e-9}
# source = """
# The error is about ε^(2/3) = 4e-11 in float64 (Press et al., Numerical Recipes, section 5.7); \
# ours, with a margin."""
#
# [metrics.wrong_gradient]
# label = "what the check says of a wrong gradient"
# target = {full = 0.01, quick = 0.01}
# source = """
# Our own: a right gradient gives less than 1e-7, so 0.01 leaves no doubt."""
# ///

# %% [markdown]
# # Gradients: by hand, by tape, by differences
#
# A network has a million weights, and one number that says how bad it is: the loss. Which way
# should each weight move? Try it out: nudge one weight, look at the loss, put the weight back. A
# million trials for one step.
#
# The **gradient** gives all million answers at once, for about the price of two trials. How this
# is possible is the most important idea of the field, and it is the chain rule of school, used
# from the far end. We do it by hand, let the library's tape do it, and learn to check whether it
# was done right.

# %%
import numpy as np
from matplotlib.figure import Figure

import etude as keras
from etude import labs
from etude.labs import BLUE, GREEN, ORANGE

lab = labs.begin("gradients")
p = lab.parameters
rng = np.random.default_rng(lab.seed)
ops = keras.ops


# %% [markdown]
# ## One neuron as a graph
#
# A neuron with one input, its error squared, and a penalty that keeps the weight small:
#
# $$ L = \big( \sigma(w x + b) - y \big)^2 + \lambda w^2, \qquad \sigma(z) = \frac{1}{1 + e^{-z}} $$
#
# - $x$: the input; $y$: the target; $w, b$: weight and bias; $\lambda$: the strength of the
#   penalty; $\sigma$: the sigmoid, which brings any number between 0 and 1.
#
# Write it so that each line does one thing:
#
# $$ u = w x, \quad z = u + b, \quad a = \sigma(z), \quad e = a - y, \quad s = e^2, \quad
# r = \lambda w^2, \quad L = s + r $$
#
# This is a **computational graph**: each line is a node, and an arrow goes from each node to those
# that use it. Computing from left to right is the *forward pass*.

# %%
x, y, w, b, penalty = 2.0, 1.0, -0.5, 0.3, 0.1

u = w * x
z = u + b
a = 1 / (1 + np.exp(-z))
e = a - y
s = e**2
r = penalty * w**2
L = s + r
print(f"u = {u:.4f}, z = {z:.4f}, a = {a:.4f}, e = {e:.4f}, s = {s:.4f}, r = {r:.4f}: L = {L:.4f}")

# %% [markdown]
# ## The chain rule, from the far end
#
# Write $\bar v = \partial L / \partial v$ for how much $L$ changes when the node $v$ changes by a
# little. One node is easy: $\bar L = 1$. All others follow, from right to left:
#
# $$ \bar v = \sum_{k \,:\, v \to k} \bar k \; \frac{\partial k}{\partial v} $$
#
# - the sum is over the nodes $k$ that use $v$: where a value goes two ways, both effects add up;
# - $\partial k / \partial v$ is the **local** derivative: it knows one line of the computation and
#   nothing of the rest.
#
# | line | local derivatives |
# |---|---|
# | $L = s + r$ | $1$ and $1$ |
# | $s = e^2$ | $2e$ |
# | $e = a - y$ | $1$ for $a$ |
# | $a = \sigma(z)$ | $a (1 - a)$ |
# | $z = u + b$ | $1$ and $1$ |
# | $u = w x$ | $x$ for $w$, and $w$ for $x$ |
# | $r = \lambda w^2$ | $2 \lambda w$ |
#
# The *backward pass* needs one product per arrow. Note that it uses $e$, $a$, $x$ and $w$: values
# of the forward pass must be kept. That is why training takes more memory than using a network.

# %%
dL = 1.0
ds, dr = dL * 1, dL * 1
de = ds * 2 * e
da = de * 1
dz = da * a * (1 - a)
du, db = dz * 1, dz * 1
dx = du * w
dw = du * x + dr * 2 * penalty * w  # w is used twice: by u and by r
print(f"dL/dw = {dw:.6f}, dL/db = {db:.6f}, dL/dx = {dx:.6f}")

# %%
nodes = {  # name: (place, formula, value, gradient)
    "x": ((0, 2), "$x$", x, dx),
    "w": ((0, 0.7), "$w$", w, dw),
    "u": ((1, 2), "$u = w x$", u, du),
    "b": ((1, 3.2), "$b$", b, db),
    "z": ((2, 2.6), "$z = u + b$", z, dz),
    "a": ((3, 2.6), "$a = σ(z)$", a, da),
    "e": ((4, 2.6), "$e = a - y$", e, de),
    "s": ((4, 0.7), "$s = e^2$", s, ds),
    "r": ((1.9, 0.7), "$r = λ w^2$", r, dr),
    "L": ((3, 0.7), "$L = s + r$", L, dL),
}
arrows = ["xu", "wu", "uz", "bz", "za", "ae", "es", "wr", "sL", "rL"]

figure = Figure(figsize=(5.8, 4), layout="constrained")
axes = figure.add_subplot()
for start, end in arrows:
    level = nodes[start][0][1] == nodes[end][0][1]
    gap = 28 if level else 34  # in points: what an arrow leaves free for the numbers
    style = {"arrowstyle": "->", "shrinkA": gap, "shrinkB": gap, "color": "black"}
    axes.annotate("", nodes[end][0], nodes[start][0], arrowprops=style)
for place, formula, value, gradient in nodes.values():
    across, up = place
    axes.text(across, up, formula, ha="center", va="center", fontsize=10.5)
    axes.text(across, up + 0.27, f"{value:.3f}", ha="center", va="center", color=BLUE)
    axes.text(across, up - 0.27, f"{gradient:.3f}", ha="center", va="center", color=ORANGE)
axes.set(xlim=(-0.4, 4.5), ylim=(0.2, 3.7))
axes.set_axis_off()
lab.show_figure(
    figure,
    title="The graph, forward and backward",
    caption="Above each formula its value, computed along the arrows. Below it the gradient of L "
    "with respect to it, computed against the arrows.",
    alt="A graph of ten nodes. x and w lead to u, u and b to z, then to a, e and s; w also leads "
    "to r; s and r meet in L. "
    + " ".join(f"{name}: value {v:.3f}, gradient {g:.3f}." for name, (_, _, v, g) in nodes.items()),
)

# %% [markdown]
# Read the orange numbers: `dL/db` is negative, so a larger bias makes the loss smaller. And `dL/dw`
# is the sum of two effects, one through the answer and one through the penalty.
#
# ## The tape does the same
#
# `GradientTape` records each operation as it runs, with its inputs. `tape.gradient` then walks the
# record backwards with exactly our rule; each operation brings its own local derivative.
# Variables are recorded by themselves, other tensors after `tape.watch`.


# %%
def tape_gradients(f, *inputs):
    """The gradient of the number f(*inputs) with respect to each input, in float64."""
    tensors = [ops.convert_to_tensor(np.asarray(v, "float64")) for v in inputs]
    with keras.GradientTape() as tape:
        tape.watch(tensors)
        out = f(*tensors)
    return [ops.convert_to_numpy(g) for g in tape.gradient(out, tensors)]


def neuron_loss(x, w, b):
    return (ops.sigmoid(w * x + b) - y) ** 2 + penalty * w**2


by_tape = tape_gradients(neuron_loss, x, w, b)
for name, ours, theirs in zip("xwb", (dx, dw, db), by_tape, strict=True):
    print(f"dL/d{name}: by hand {ours:.15f}, by tape {theirs:.15f}")
largest = max(abs(np.array([dx, dw, db]) - by_tape))

# %% [markdown]
# ## Derivations that every network needs
#
# With vectors and matrices the rule stays the same. It only has to be written so that shapes fit:
# **a gradient has the shape of what it belongs to**. Five that you will meet again; $G$ stands for
# the gradient that arrives from the right, $N$ for the number of examples.
#
# 1. *Linear layer*, $Z = XW + b$: $\;\bar X = G W^\top$, $\;\bar W = X^\top G$,
#    $\;\bar b = \sum_n G_n$.
# 2. *Softmax with cross-entropy*, $L = -\frac1N \sum_n \log p_{n, y_n}$:
#    $\;\bar z = (p - Y) / N$, where $Y$ is 1 at the true class, else 0.
# 3. *Sigmoid with cross-entropy*: $\;\bar z = (\sigma(z) - y) / N$.
# 4. *Length of tanh*, $L = \lVert t \rVert$ with $t = \tanh x$:
#    $\;\bar x = (1 - t^2) \, t / \lVert t \rVert$.
# 5. *Normalisation*, $\hat x = (x - \mu) / s$ with the mean $\mu$ and the standard deviation $s$ of
#    $x$, and $g$ the gradient that arrives:
#    $\;\bar x = ( g - \operatorname{mean}(g) - \hat x \operatorname{mean}(g \, \hat x) ) / s$.
#
# The second one is the reason why softmax and cross-entropy belong together: behind two pages of
# algebra the gradient is *what was said minus what is true*. The last one is harder. Each $x$
# moves every $\hat x$, through the mean $\mu$ and the deviation $s$; the two subtracted
# terms are these two ways.
#
# In each pair below the first function is the forward pass for the tape, the second our derivation
# in NumPy.


# %%
def linear(x, w, b, y):
    return ops.sum((x @ w + b - y) ** 2) / 2


def linear_by_hand(x, w, b, y):
    g = x @ w + b - y  # (N, U): the gradient of half the squared error
    return [g @ w.T, x.T @ g, g.sum(axis=0), -g]


classes = np.eye(3)[[0, 2, 1, 2]]  # (4, 3): four examples, the true class of each as a 1


def softmax_loss(z):
    return -ops.mean(ops.sum(classes * ops.log_softmax(z), axis=-1))


def softmax(z):
    shifted = np.exp(z - z.max(axis=-1, keepdims=True))  # the largest becomes 1: no overflow
    return shifted / shifted.sum(axis=-1, keepdims=True)


def softmax_by_hand(z):
    return [(softmax(z) - classes) / len(z)]


truth = np.array([0.0, 1, 1, 0, 1])


def sigmoid_loss(z):
    return ops.mean(ops.softplus(z) - truth * z)  # = -y log a - (1 - y) log(1 - a), a = σ(z)


def sigmoid_by_hand(z):
    return [(1 / (1 + np.exp(-z)) - truth) / len(z)]


def tanh_length(x):
    return ops.sqrt(ops.sum(ops.tanh(x) ** 2))


def tanh_by_hand(x):
    t = np.tanh(x)
    return [(1 - t**2) * t / np.sqrt(np.sum(t**2))]


arriving = np.array([0.5, -1.0, 2.0, 0.1, -0.7, 1.5])


def normalised(x):
    return ops.sum(arriving * (x - ops.mean(x)) / ops.std(x))


def normalised_by_hand(x):
    hat = (x - x.mean()) / x.std()
    return [(arriving - arriving.mean() - hat * np.mean(arriving * hat)) / x.std()]


derivations = {  # name: (forward, by hand, the shapes of the inputs)
    "linear layer": (linear, linear_by_hand, [(4, 3), (3, 2), (2,), (4, 2)]),
    "softmax, cross-entropy": (softmax_loss, softmax_by_hand, [(4, 3)]),
    "sigmoid, cross-entropy": (sigmoid_loss, sigmoid_by_hand, [(5,)]),
    "length of tanh": (tanh_length, tanh_by_hand, [(6,)]),
    "normalisation": (normalised, normalised_by_hand, [(6,)]),
}

for name, (forward, by_hand, shapes) in derivations.items():
    worst = 0.0
    for _ in range(p.points):
        inputs = [rng.normal(size=shape) for shape in shapes]
        for ours, theirs in zip(by_hand(*inputs), tape_gradients(forward, *inputs), strict=True):
            worst = max(worst, np.max(np.abs(ours - theirs)))
    print(f"{name:24} largest difference at {p.points} random points: {worst:.1g}")
    largest = max(largest, worst)
lab.metric("hand_difference", largest)

# %% [markdown]
# ## Checking: differences
#
# Our derivations and the tape agree. But what if you have no tape, or write the rule *for* the
# tape? Go back to what a derivative is:
#
# $$ f'(x) = \lim_{h \to 0} \frac{f(x + h) - f(x)}{h}
# \qquad \text{forward:} \; \frac{f(x + h) - f(x)}{h}
# \qquad \text{central:} \; \frac{f(x + h) - f(x - h)}{2h} $$
#
# How small should $h$ be? As small as possible, says the limit. The computer disagrees. Two errors
# work against each other:
#
# - **Cutting off.** By Taylor's theorem the central difference is off by $\frac{h^2}{6} f'''(x)$;
#   the forward one by $\frac h2 f''(x)$. Both shrink with $h$.
# - **Rounding.** In float64 each value of $f$ is off by about $\varepsilon \, |f|$ with
#   $\varepsilon \approx 10^{-16}$. Divided by $h$, that is $\varepsilon |f| / h$: it grows when $h$
#   shrinks.
#
# The sum $\frac{h^2}{6} |f'''| + \frac{\varepsilon |f|}{h}$ is least where its derivative by $h$ is
# zero:
#
# $$ h_{best} = \sqrt[3]{3 \varepsilon \, |f| / |f'''|} \approx \sqrt[3]{\varepsilon} \approx
# 6 \cdot 10^{-6} $$
#
# There the error is about $\varepsilon^{2/3} \approx 4 \cdot 10^{-11}$: ten digits are right. For
# the forward difference it is $h \approx \sqrt \varepsilon \approx 10^{-8}$, and eight digits.

# %%
steps = 10.0 ** np.arange(-13, 0.1, 0.25)
point = 0.7
exact = np.exp(point) * (np.sin(point) + np.cos(point))  # of f below, by the product rule


def f(x):
    return np.exp(x) * np.sin(x)


forward_error = np.abs((f(point + steps) - f(point)) / steps / exact - 1)
central_error = np.abs((f(point + steps) - f(point - steps)) / (2 * steps) / exact - 1)
epsilon = np.finfo("float64").eps
best = (3 * epsilon) ** (1 / 3)  # f and its third derivative are of about the same size here
at_best = abs((f(point + best) - f(point - best)) / (2 * best) / exact - 1)
lab.metric("difference_error", at_best)
print(f"best step {best:.1e}: relative error {at_best:.1e}")

figure = Figure(figsize=(5.4, 3.8), layout="constrained")
axes = figure.add_subplot()
axes.loglog(steps, forward_error + 1e-17, "s--", color=ORANGE, markersize=4, label="forward")
axes.loglog(steps, central_error + 1e-17, "o-", color=BLUE, markersize=4, label="central")
axes.axvline(best, color=GREEN, linestyle=":", label="predicted best step")
axes.set(xlabel="step h", ylabel="relative error", ylim=(1e-13, 3))
axes.legend(frameon=False, loc="lower left")
lab.show_figure(
    figure,
    title="The best step is not the smallest",
    caption="Error of both differences for exp(x)·sin(x) at 0.7. On the right the formula is too "
    "coarse, on the left rounding takes over.",
    alt="Chart with logarithmic axes of the relative error over the step size. Both curves have "
    "the form of a V. The forward difference is best near 1e-8 with an error near 1e-8, the "
    "central difference near 1e-5 with an error below 1e-10.",
)

# %% [markdown]
# The right arms are straight lines of slope 1 and 2: the powers of $h$ in the two formulas. The
# left arms are ragged, since rounding is as good as random, and have slope −1.
#
# ## A check that finds mistakes
#
# To check a gradient, nudge each entry of the input, and compare:
#
# $$ \text{relative error} = \frac{\lVert g - d \rVert}{\lVert g \rVert + \lVert d \rVert} $$
#
# - $g$: the gradient that is to be checked; $d$: the central differences. 0 means equal, 1 means
#   that they have nothing in common. Under $10^{-7}$ is right; over $10^{-3}$ is wrong; between the
#   two, look for a kink or for numbers of very different size.


# %%
def differences(f, x, h=1e-5):
    """The gradient of f at x by central differences: two values of f for each entry of x."""
    d = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        nudge = np.zeros_like(x)
        nudge[i] = h
        d[i] = (f(x + nudge) - f(x - nudge)) / (2 * h)
    return d


def relative_error(g, d):
    return np.linalg.norm(g - d) / (np.linalg.norm(g) + np.linalg.norm(d))


def softmax_loss_numpy(z):
    return -np.mean(np.log(np.sum(classes * softmax(z), axis=-1)))


# %% [markdown]
# Now a mistake that many make. "Softmax has the derivative $p (1 - p)$, like the sigmoid, and
# $-\log p_y$ has $-1/p_y$." Both are true. But $p_y$ depends on **all** of $z$, not on $z_y$
# alone, since the other entries stand in the denominator. Who forgets that gets:


# %%
def softmax_wrong(z):
    q = softmax(z)
    return [-classes / q * q * (1 - q) / len(z)]  # the ways through the denominator are missing


z = rng.normal(size=(4, 3))
measured = differences(softmax_loss_numpy, z)
right = relative_error(softmax_by_hand(z)[0], measured)
wrong = relative_error(softmax_wrong(z)[0], measured)
lab.metric("wrong_gradient", wrong)
print(f"relative error of the right gradient {right:.1e}, of the wrong one {wrong:.2f}")

figure = Figure(figsize=(5.4, 3.4), layout="constrained")
axes = figure.add_subplot()
places = np.arange(6)
axes.bar(places - 0.27, measured[:2].ravel(), 0.25, color=BLUE, label="differences")
axes.bar(places, softmax_by_hand(z)[0][:2].ravel(), 0.25, color=GREEN, hatch="//", label="right")
axes.bar(
    places + 0.27, softmax_wrong(z)[0][:2].ravel(), 0.25, color=ORANGE, hatch="..", label="wrong"
)
axes.axhline(0, color="black", linewidth=0.8)
axes.set_xticks(places, [f"$z_{{{n + 1},{k + 1}}}$" for n in range(2) for k in range(3)])
axes.set_ylabel("gradient")
axes.legend(frameon=False)
lab.show_figure(
    figure,
    title="A wrong gradient, found",
    caption="Two of the four examples. The wrong gradient is right at the true class and zero "
    "elsewhere: the network would still learn, only worse. That is why such mistakes live long.",
    alt="Bar chart of six entries of the gradient. Differences and the right gradient are the same "
    "everywhere. The wrong gradient agrees at the true class of each example and is zero at the "
    "other classes.",
)

# %% [markdown]
# **A wrong gradient seldom crashes.** The loss falls, a little slower, and nobody looks. So check
# each rule once, when you write it, on a small random input, in float64.
#
# **When a right gradient fails the check.** $\max(0, x)$ has a kink at 0. Within $h$ of it the
# difference measures a mixture of both sides. Draw other numbers, and see whether it stays.
#
# The library has this check built in: `autodiff.check` compares the tape with differences along
# random directions, for any function and any order of derivative. It raises an error where the two
# differ.

# %%
from etude import autodiff

worst = autodiff.check(softmax_loss, [z], order=2)
print(f"autodiff.check, first and second derivatives of the softmax loss: {worst:.1e}")

# %% [markdown]
# ## Second derivatives
#
# The gradient says which way is down; how it *changes* says how the ground is bent. The matrix of
# second derivatives is the **Hessian**, $H_{i,j} = \partial^2 f / \partial x_i \, \partial x_j$.
# Take Rosenbrock's valley, a test for optimizers since 1960:
#
# $$ f(x, y) = (1 - x)^2 + 100 \, (y - x^2)^2 $$
#
# By hand:
#
# $$ \nabla f = \begin{pmatrix} -2(1 - x) - 400\, x \,(y - x^2) \\ 200\,(y - x^2) \end{pmatrix}
# \qquad
# H = \begin{pmatrix} 2 - 400\,(y - 3x^2) & -400\,x \\ -400\,x & 200 \end{pmatrix} $$
#
# With tapes: the gradient is itself a computation, so a second tape around the first can record
# it. Each row of $H$ is the gradient of one entry of the gradient.


# %%
def rosenbrock(v):
    return (1 - v[0]) ** 2 + 100 * (v[1] - v[0] ** 2) ** 2


def gradient_by_hand(v):
    x, y = v
    return np.array([-2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)])


def hessian_by_hand(v):
    x, y = v
    return np.array([[2 - 400 * (y - 3 * x**2), -400 * x], [-400 * x, 200]])


def hessian_by_tapes(f, v):
    v = ops.convert_to_tensor(v)
    with keras.GradientTape(persistent=True) as outer:
        outer.watch(v)
        with keras.GradientTape() as inner:
            inner.watch(v)
            out = f(v)
        gradient = inner.gradient(out, v)  # recorded by the outer tape
        entries = [gradient[i] for i in range(v.shape[0])]
    rows = [outer.gradient(entry, v) for entry in entries]
    return np.array([ops.convert_to_numpy(row) for row in rows])


largest = 0.0
for _ in range(p.points):
    v = rng.normal(size=2)
    ours, theirs = hessian_by_hand(v), hessian_by_tapes(rosenbrock, v)
    largest = max(largest, np.max(np.abs(ours - theirs)) / np.max(np.abs(ours)))
lab.metric("hessian_difference", largest)

minimum = np.array([1.0, 1.0])
curvatures = np.linalg.eigvalsh(hessian_by_tapes(rosenbrock, minimum))
print(f"largest difference between the Hessians: {largest:.1g}")
print(
    f"curvatures at the minimum: {curvatures.round(3)}, ratio {curvatures[1] / curvatures[0]:.0f}"
)

# %% [markdown]
# The two eigenvalues of $H$ at the minimum are the curvature along the valley and across it. Their
# ratio, here about 2500, is the **condition number**. Gradient descent must keep its steps small
# enough for the steep direction, and so crawls along the flat one. **Newton's method** divides by
# the curvature: it steps to where the gradient would be zero if the ground were exactly a parabola,
#
# $$ v \leftarrow v - H^{-1} \, \nabla f . $$

# %%
start = np.array([-1.2, 1.0])

descent = [start]
for _ in range(p.descent_steps):
    descent.append(descent[-1] - 0.001 * gradient_by_hand(descent[-1]))
descent = np.array(descent)

newton = [start]
for _ in range(6):
    v = newton[-1]
    slope = tape_gradients(rosenbrock, v)[0]
    newton.append(v - np.linalg.solve(hessian_by_tapes(rosenbrock, v), slope))
newton = np.array(newton)
print(f"gradient descent, {p.descent_steps} steps: {descent[-1].round(4)}")
print(f"Newton, 6 steps: {newton[-1].round(8)}")

figure = Figure(figsize=(5.4, 4), layout="constrained")
axes = figure.add_subplot()
grid_x, grid_y = np.meshgrid(np.linspace(-1.7, 1.5, 120), np.linspace(-3.4, 2, 120))
height = rosenbrock(np.array([grid_x, grid_y]))
axes.contour(grid_x, grid_y, height, 10.0 ** np.arange(-1, 3.6, 0.5), colors="0.6", linewidths=0.8)
axes.plot(
    *descent.T, "-", color=ORANGE, linewidth=2.5, label=f"gradient descent, {p.descent_steps}"
)
axes.plot(*newton.T, "o--", color=BLUE, markersize=5, label="Newton, 6")
axes.plot(1, 1, "*", color=GREEN, markersize=14, label="minimum")
axes.set(xlabel="x", ylabel="y")
axes.legend(frameon=False, loc="lower left")
lab.show_figure(
    figure,
    title="Down Rosenbrock's valley, without and with curvature",
    caption="Gradient descent falls into the valley at once and then crawls along its floor. "
    "Newton's method leaps, once far out of the valley, and lands on the minimum.",
    alt="Contour plot of a curved valley. The path of gradient descent follows the floor of the "
    "valley. Newton's path has six straight leaps, one of them far down to y near -3, and ends "
    "at the minimum at (1, 1).",
)

# %% [markdown]
# Why does nobody train networks so? The Hessian of a network with a million weights has $10^{12}$
# entries. Optimizers like RMSprop and Adam keep one number per weight instead, a rough measure of
# its scale; the lab `optimizers` compares them.
#
# ## What to try next
#
# - Put the nudge of the check at $10^{-2}$ and at $10^{-12}$. From which on does the right gradient
#   look wrong?
# - Do the whole lab in float32: where is the best step now, and how many digits are left?
# - Derive the gradient of $\log \sum_k e^{z_k}$. You have seen it before.
# - Take three tapes for the third derivative of $\tanh$, and compare with your own derivation.
# - Make a mistake in one of the five derivations. How large is the difference?
#
# ## Questions
#
# 1. *Why do we walk the graph from the loss to the weights, and not the other way round?*
#
# <details><summary>Answer</summary>
#
# From the weights to the loss, one walk gives the effect of **one** weight. From the loss, one walk
# gives the effect of **all** weights on the one loss. With many inputs and one output, backward is
# cheaper by the number of inputs. With one input and many outputs it would be the other way round.
#
# </details>
#
# 2. *Where in the backward pass of the neuron do you see that a saturated sigmoid learns nothing?*
#
# <details><summary>Answer</summary>
#
# In $\bar z = \bar a \, a (1 - a)$. Where $a$ is close to 0 or to 1, the factor is nearly zero, and
# so is everything that is computed from it: $\bar w$, $\bar b$ and all that lies before.
#
# </details>
#
# 3. *How many values of $f$ does the check need for a million weights, and how many passes does
#    back-propagation need?*
#
# <details><summary>Answer</summary>
#
# Two million, against one pass forward and one backward, which costs about as much as two or three
# values of $f$.
#
# </details>
#
# 4. *With `float32`, $\varepsilon \approx 10^{-7}$. Which step is best, and how many digits does it
#    give?*
#
# <details><summary>Answer</summary>
#
# $h \approx \sqrt[3]{10^{-7}} \approx 0.005$, with an error of about $\varepsilon^{2/3} \approx
# 2 \cdot 10^{-5}$: five digits. So check gradients in float64.
#
# </details>
#
# 5. *What is the gradient of $f(x) = x \cdot x$ by our rule, if you take it as a product
#    $u \cdot v$ with $u = v = x$?*
#
# <details><summary>Answer</summary>
#
# $x$ is used twice. One way gives $v = x$, the other $u = x$; the sum is $2x$.
#
# </details>
#
# ## Sources
#
# - D. Rumelhart, G. Hinton, R. Williams, *Learning representations by back-propagating errors*,
#   Nature, 1986.
# - A. Griewank, A. Walther, *Evaluating derivatives: principles and techniques of algorithmic
#   differentiation*, SIAM, 2008.
# - A. Baydin, B. Pearlmutter, A. Radul, J. Siskind, *Automatic differentiation in machine learning:
#   a survey*, JMLR, 2018.
# - W. Press, S. Teukolsky, W. Vetterling, B. Flannery, *Numerical recipes*, Cambridge University
#   Press, 2007, section 5.7: numerical derivatives.
# - H. Rosenbrock, *An automatic method for finding the greatest or least value of a function*, The
#   Computer Journal, 1960.
