# %% [raw]
# /// lab
# title = "The perceptron, and what it can never learn"
# summary = """
# One neuron, and one rule for learning from mistakes. It learns AND, OR and to know a setosa, in \
# no more steps than a theorem allows. XOR it never learns, and four inequalities say why."""
# unit = 1
# topics = [
#     "perceptron", "learning rule", "decision boundary", "linear separability", "AND, OR, XOR",
#     "convergence theorem",
# ]
#
# [data]
# name = "iris"
#
# [parameters]
# passes = {full = 200, quick = 50, help = "the most passes over a truth table or the flowers"}
# margin_steps = {full = 100000, quick = 20000, help = "steps of the search for the widest margin"}
#
# [metrics.setosa_mistakes]
# label = "mistakes on setosa against the rest"
# better = "lower"
# target = {full = 0, quick = 0}
# source = """
# Novikoff 1962, On convergence proofs on perceptrons: where a line separates the classes, the \
# perceptron ends with no mistake. Fisher 1936: setosa can be separated."""
#
# [metrics.updates_over_bound]
# label = "updates, as a share of the bound (R/γ)²"
# better = "lower"
# target = {full = 1, quick = 1}
# source = "Novikoff 1962, On convergence proofs on perceptrons: at most (R/γ)² updates."
#
# [metrics.xor_mistakes]
# label = "mistakes in the best pass over XOR"
# target = {full = 1, quick = 1}
# source = """
# Minsky and Papert 1969, Perceptrons: no line separates XOR, so each pass has at least one \
# mistake. The proof stands in the lab."""
#
# [metrics.library_difference]
# label = "largest difference to the library's weights"
# better = "lower"
# target = {full = 1e-12, quick = 1e-12, keras = 1e-5}
# source = """
# Both compute the same sums in float64, Keras on JAX in 32 bits: only rounding may tell them \
# apart."""
#
# [metrics.species_accuracy]
# label = "three species: accuracy on flowers that were held back"
# target = {full = 0.9, quick = 0.9}
# source = """
# Our own: guessing gives 1/3. Two of the species overlap, and 30 flowers are few, so we ask no \
# more than 27 of 30."""
# ///

# %% [markdown]
# # The perceptron, and what it can never learn
#
# In 1958 Frank Rosenblatt showed a machine that learned to tell cards apart. It had one idea: give
# every input a weight, add up, say *yes* when the sum is positive. And one rule: *when the answer
# was wrong, move the weights a little towards the right answer; when it was right, leave them
# alone.*
#
# That is all of this lab, and every later network is built from such neurons. We write it with
# NumPy alone, prove that it ends where it can end, find four points where it cannot, and let the
# library do the same at the end.

# %%
import numpy as np
from matplotlib.figure import Figure

import etude as keras
from etude import labs
from etude.labs import BLUE, GREEN, ORANGE, PINK

lab = labs.begin("perceptron")
p = lab.parameters
rng = np.random.default_rng(lab.seed)


# %% [markdown]
# ## The neuron
#
# A neuron takes $D$ numbers $x_1, \dots, x_D$ and says $+1$ or $-1$:
#
# $$ z = b + \sum_{i=1}^{D} w_i \, x_i, \qquad
# \hat y = \begin{cases} +1 & z > 0 \\ -1 & z \le 0 \end{cases} $$
#
# - $w_i$: the weight of input $i$: how much it speaks for *yes* (positive) or *no* (negative);
# - $b$: the bias: how ready the neuron is to say *yes* before it has seen anything;
# - $\hat y$: its answer; the right answer is $y$, also $+1$ or $-1$.
#
# Where $z = 0$, the neuron is undecided. With two inputs these points are a **line**, with three a
# plane: on one side the answer is $+1$, on the other $-1$. A neuron cuts its world in two with one
# straight cut.
#
# **A trick.** Give every example one more input that is always 1. Its weight is then the bias, and
# $z = w \cdot x$ is a single product. From here on $w$ has the bias as its last entry.


# %%
def with_one(x):
    """Adds an input that is always 1: its weight is the bias. (N, D) -> (N, D + 1)."""
    return np.column_stack([x, np.ones(len(x))])


def answers(w, x):
    """+1 where the sum is positive, else -1."""
    return np.where(x @ w > 0, 1, -1)


# %% [markdown]
# ## Learning from mistakes
#
# Look at one example $x$ with the right answer $y$. The answer is wrong when $z$ and $y$ do not
# have the same sign, that is, when $y \, (w \cdot x) \le 0$. Then, and only then:
#
# $$ w \leftarrow w + y \, x $$
#
# Why this step? After it, the same example gives
#
# $$ y \, \big( (w + y\,x) \cdot x \big) = y \, (w \cdot x) + \lVert x \rVert^2 , $$
#
# since $y^2 = 1$. The number that was too small has grown by the squared length of $x$. It may
# take more than one such step, and a step for one example may spoil another. Whether this ever
# ends is the question of the whole lab.


# %%
def train(x, y, passes, start=None):
    """Passes over the examples until one pass has no mistake.

    Returns the weights after each update, and the number of mistakes in each pass.
    """
    w = np.zeros(x.shape[1]) if start is None else start
    path, mistakes = [w], []
    for _ in range(passes):
        wrong = 0
        for x_i, y_i in zip(x, y, strict=True):
            if y_i * (w @ x_i) <= 0:
                w = w + y_i * x_i
                path.append(w)
                wrong += 1
        mistakes.append(wrong)
        if wrong == 0:
            break
    return np.array(path), mistakes


# %% [markdown]
# ## AND and OR
#
# Two inputs, each 0 or 1. AND is $+1$ when both are 1, OR when at least one is.

# %%
corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
tables = {
    "AND": np.array([-1, -1, -1, 1]),
    "OR": np.array([-1, 1, 1, 1]),
    "XOR": np.array([-1, 1, 1, -1]),
}
runs = {name: train(with_one(corners), y, p.passes) for name, y in tables.items()}

for name in ("AND", "OR"):
    path, mistakes = runs[name]
    w1, w2, b = path[-1]
    print(f"{name}: mistakes per pass {mistakes}; line {w1:g}·x1 + {w2:g}·x2 + {b:g} = 0")


# %%
def draw_points(axes, x, y):
    """Circles for +1, crosses for -1: shape tells them apart, not colour alone."""
    axes.scatter(*x[y == 1].T, color=BLUE, marker="o", s=45, label="+1", zorder=3)
    axes.scatter(*x[y == -1].T, color=ORANGE, marker="x", s=45, label="−1", zorder=3)


def draw_line(axes, w, low, high, **style):
    """The points of the plane between low and high where the neuron is undecided."""
    w1, w2, b = w
    ends = np.array([low, high])
    if abs(w2) > abs(w1):  # more flat than steep: a height for each place
        axes.plot(ends, -(w1 * ends + b) / w2, **style)
    elif w1 != 0:  # where both weights are 0, there is no line
        axes.plot(-(w2 * ends + b) / w1, ends, **style)


figure = Figure(figsize=(5.6, 3.5), layout="constrained")
for axes, name in zip(figure.subplots(1, 2, sharey=True), ("AND", "OR"), strict=True):
    path, _ = runs[name]
    for k, w in enumerate(path[1:-1], start=1):
        draw_line(axes, w, -2, 3, color=GREEN, alpha=0.15 + 0.5 * k / len(path), linewidth=1.2)
    draw_line(axes, path[-1], -2, 3, color=GREEN, linewidth=3)
    draw_points(axes, corners, tables[name])
    axes.set(xlim=(-0.5, 1.5), ylim=(-0.5, 1.5), xticks=[0, 1], yticks=[0, 1], aspect="equal")
    axes.set_title(f"{name}: {len(path) - 1} updates")
    axes.set_xlabel("$x_1$")
figure.axes[1].legend(loc="lower left", fontsize=9, frameon=False)
figure.axes[0].set_ylabel("$x_2$")
lab.show_figure(
    figure,
    title="AND and OR: the line as it moves",
    caption="Each update gives a new line, from faint to strong; the thick line is the last. "
    "Circles are +1, crosses −1.",
    alt="Two plots of the four corners of a square. For AND the last line cuts off the upper right "
    "corner, for OR the lower left corner. Faint lines show the way there.",
)

# %% [markdown]
# The last line is *a* line that separates, not the best one: the perceptron stops as soon as it
# makes no mistake. That the line passes close to a point does not trouble it.
#
# ## A setosa is known by its leaves
#
# Now real data: 150 irises, measured in 1935, of the species setosa, versicolor and virginica.
# The four inputs are lengths and widths of sepals and petals in centimetres. The question is
# *setosa or not?* We learn from 120 flowers and hold 30 back.

# %%
(x_train, y_train), (x_test, y_test) = lab.load_data()
setosa_train = np.where(y_train == 0, 1, -1)
setosa_test = np.where(y_test == 0, 1, -1)

path, mistakes = train(with_one(x_train), setosa_train, p.passes)
found = path[-1]
wrong_train = np.sum(answers(found, with_one(x_train)) != setosa_train)
wrong_test = np.sum(answers(found, with_one(x_test)) != setosa_test)
lab.metric("setosa_mistakes", wrong_train + wrong_test)
print(f"mistakes per pass {mistakes}: {len(path) - 1} updates in all")
print(f"mistakes after that: {wrong_train} of {len(x_train)}, held back {wrong_test}")

# %% [markdown]
# Four inputs cannot be drawn. With petals alone, they can:

# %%
petals = x_train[:, 2:4]
petal_path, _ = train(with_one(petals), setosa_train, p.passes)

figure = Figure(figsize=(5.4, 3.6), layout="constrained")
axes = figure.add_subplot()
draw_points(axes, petals, setosa_train)
for k, w in enumerate(petal_path[1:-1], start=1):
    share = k / len(petal_path)
    draw_line(axes, w, -2, 9, color=GREEN, alpha=0.15 + 0.5 * share, linewidth=1.2)
draw_line(axes, petal_path[-1], -2, 9, color=GREEN, linewidth=3)
axes.set(xlim=(0.5, 7.2), ylim=(-0.2, 2.8), xlabel="petal length (cm)", ylabel="petal width (cm)")
axes.legend(title="setosa", loc="lower right", frameon=False)
lab.show_figure(
    figure,
    title="Setosa or not, from its petals",
    caption=f"The line after each of {len(petal_path) - 1} updates, from faint to strong. Lines "
    "that miss the picture are those that called all flowers the same.",
    alt="Scatter plot of petal width over petal length. Setosas are a small group at the lower "
    "left, all others lie at the upper right. The last line runs through the gap between them.",
)

# %% [markdown]
# ## Why it ends: the theorem
#
# Say that some line separates the classes. In vectors: there is a $u$ of length 1 and a
# $\gamma > 0$ with $y_n \, (u \cdot x_n) \ge \gamma$ for every example $n$. This $\gamma$ is the
# **margin**: how far the nearest example is from the cut. Let $R$ be the length of the longest
# $x_n$. Then, in whatever order the examples come:
#
# $$ \text{number of updates} \;\le\; \Big( \frac{R}{\gamma} \Big)^2 $$
#
# **Proof** (Novikoff 1962). Let $w_k$ be the weights after $k$ updates, with $w_0 = 0$. The $k$-th
# update was for an example $(x, y)$ that $w_{k-1}$ got wrong.
#
# 1. *Each update brings $w$ nearer to $u$:* $\; w_k \cdot u = w_{k-1} \cdot u + y \, (x \cdot u)
#    \ge w_{k-1} \cdot u + \gamma$. So $w_k \cdot u \ge k \gamma$.
# 2. *And $w$ does not grow fast:* $\; \lVert w_k \rVert^2 = \lVert w_{k-1} \rVert^2 + 2 y \,
#    (w_{k-1} \cdot x) + \lVert x \rVert^2 \le \lVert w_{k-1} \rVert^2 + R^2$, since the middle
#    term is not positive: that was the mistake. So $\lVert w_k \rVert \le \sqrt k \, R$.
# 3. Since $u$ has length 1, $w_k \cdot u \le \lVert w_k \rVert$. Together: $k \gamma \le \sqrt k
#    \, R$, so $k \le (R / \gamma)^2$. ∎
#
# Something that grows at least like $k$ must stay below something that grows at most like
# $\sqrt k$. That cannot go on for long.
#
# ### The widest margin
#
# The theorem holds for every $u$ that separates; the widest margin gives the best bound. To find
# it, we keep the same rule and change only *which* example is taken: always the one that lies
# nearest to the cut, or furthest on its wrong side (Krauth and Mézard 1987).


# %%
def widest_margin(x, y, steps):
    """A direction of length 1, and its margin, which comes close to the widest one."""
    signed = y[:, None] * x  # (N, D): each example turned so that it should lie on the + side
    w = np.zeros(x.shape[1])
    for _ in range(steps):
        w = w + signed[np.argmin(signed @ w)]
    u = w / np.linalg.norm(w)
    return u, np.min(signed @ u)


x_one = with_one(x_train)
u, gamma = widest_margin(x_one, setosa_train, p.margin_steps)
R = np.max(np.linalg.norm(x_one, axis=1))
bound = (R / gamma) ** 2
updates = len(path) - 1
lab.metric("updates_over_bound", updates / bound)
print(f"R = {R:.2f} cm, margin γ = {gamma:.3f} cm, so at most {bound:.0f} updates; took {updates}")

# %%
k = np.arange(len(path))
figure = Figure(figsize=(5.4, 3.6), layout="constrained")
axes = figure.add_subplot()
axes.plot(k, R * np.sqrt(k), ":", color=PINK, label="√k · R: no longer than this")
axes.plot(k, np.linalg.norm(path, axis=1), "-", color=BLUE, label="length of $w_k$")
axes.plot(k, path @ u, "--", color=ORANGE, label="$w_k · u$")
axes.plot(k, k * gamma, "-.", color=GREEN, label="k · γ: no less than this")
axes.set(xlabel="update $k$")
axes.legend(frameon=False)
lab.show_figure(
    figure,
    title="The proof, step by step, on the irises",
    caption="The length of the weights stays under √k·R, their part along u stays over k·γ. "
    f"The outer two lines meet at k = {bound:.0f}: no run can be longer than that.",
    alt="Line chart over updates. From the highest to the lowest line: the square root of k times "
    "R, the length of the weights, the weights along u, and k times gamma.",
)

# %% [markdown]
# The bound is a promise for the worst order of the worst examples, so real runs stay well below
# it. Note what it does *not* contain: the number of examples, and the number of inputs. Only the
# width of the gap counts, measured in lengths of $x$.
#
# ## XOR never ends
#
# XOR is $+1$ when exactly one of the two inputs is 1.

# %%
path, mistakes = runs["XOR"]
lab.metric("xor_mistakes", min(mistakes))
print(f"XOR: {len(mistakes)} passes, mistakes in each: {mistakes[:6]}, ... {mistakes[-1]}")


def first_repeat(x, y, passes):
    """The first pass that starts with weights that an earlier pass has started with."""
    w, seen = np.zeros(x.shape[1]), []
    for _ in range(passes):
        if tuple(w) in seen:
            return seen.index(tuple(w)), len(seen)
        seen.append(tuple(w))
        w = train(x, y, 1, start=w)[0][-1]
    return None


repeat = first_repeat(with_one(corners), tables["XOR"], p.passes)
if repeat is not None:
    earlier, later = repeat
    print(f"Pass {later + 1} starts with the very weights of pass {earlier + 1}: so on for ever.")

# %%
figure = Figure(figsize=(5.4, 3.2), layout="constrained")
axes = figure.add_subplot()
for (name, (_, counts)), (colour, style) in zip(
    runs.items(), ((BLUE, "-o"), (GREEN, "-.^"), (ORANGE, "--s")), strict=True
):
    shown = counts[:20]
    axes.plot(np.arange(1, len(shown) + 1), shown, style, color=colour, label=name, markersize=5)
axes.set(xlabel="pass", ylabel="mistakes", ylim=(-0.2, 4.4), xticks=[1, 5, 10, 15, 20])
axes.legend(frameon=False)
lab.show_figure(
    figure,
    title="Mistakes in each pass",
    caption="AND and OR end with a pass without mistakes. XOR gets all four wrong, every time: "
    "each update undoes what the ones before it did.",
    alt="Line chart of mistakes per pass. AND falls to 0 in pass 9 and OR in pass 6. XOR "
    "has 4 mistakes of 4 in every pass.",
)

# %% [markdown]
# It is not a matter of patience. **No weights at all solve XOR.** Say that $w_1, w_2, b$ did:
#
# | input | answer | so |
# |---|---|---|
# | (1, 0) | +1 | $w_1 + b > 0$ |
# | (0, 1) | +1 | $w_2 + b > 0$ |
# | (0, 0) | −1 | $b \le 0$ |
# | (1, 1) | −1 | $w_1 + w_2 + b \le 0$ |
#
# Add the first two: $w_1 + w_2 + 2b > 0$. Add the last two: $w_1 + w_2 + 2b \le 0$. Both cannot
# be. ∎
#
# In the picture: the two +1 lie on one diagonal of the square, the two −1 on the other. The
# diagonals cross, so no straight line has one pair on each side. Points that a line, plane or
# hyperplane can separate are called **linearly separable**. Minsky and Papert's book *Perceptrons*
# (1969) showed how much else is not, and money for neural networks dried up for years.
#
# **The way out** is in the same book: let the neuron see more than the raw inputs. With the
# product $x_1 x_2$ as a third input, XOR is separable. Here we had to think of that product. A
# network with a hidden layer finds such inputs by itself; that is the lab `mlp-from-scratch`.

# %%
with_product = np.column_stack([corners, corners[:, 0] * corners[:, 1]])  # (4, 3)
path, mistakes = train(with_one(with_product), tables["XOR"], p.passes)
print(f"XOR with the product: {len(path) - 1} updates, then {mistakes[-1]} mistakes")
print(f"  weights of x1, x2, x1·x2 and the bias: {path[-1]}")

# %% [markdown]
# ## The library does the same
#
# What is the perceptron's rule in today's words? Take as loss of one example
#
# $$ L = \max\big(0, \; -y \, (w \cdot x) \big) . $$
#
# It is 0 for a right answer; for a wrong one its gradient is $\partial L / \partial w = -y\,x$. A
# step of gradient descent with learning rate $\eta = 1$ is $w - \eta \, \partial L / \partial w = w
# + y\,x$: **the perceptron is stochastic gradient descent on this loss**, one example at a time.
#
# So one `Dense` unit, this loss and `SGD(1.0)` must walk exactly our path. One care: at $z = 0$,
# where all-zero weights begin, our rule counts a mistake, while the loss is flat. We start both
# from the same random weights instead.

# %%
layers = keras.layers

keras.config.set_floatx("float64")  # as NumPy; the library's own choice is float32
start = rng.normal(size=5)
model = keras.Sequential([keras.Input((4,)), layers.Dense(1)])
model.compile(
    optimizer=keras.optimizers.SGD(learning_rate=1.0),
    loss=lambda y, z: keras.ops.maximum(0.0, -y * z),
)
model.set_weights([start[:4, None], start[4:]])

largest = 0.0
ours = theirs = start
for _ in range(5):
    ours = train(x_one, setosa_train, 1, start=ours)[0][-1]
    model.fit(x_train, setosa_train[:, None], batch_size=1, epochs=1, shuffle=False, verbose=0)
    kernel, bias = model.get_weights()
    theirs = np.append(kernel[:, 0], bias)
    largest = max(largest, np.max(np.abs(ours - theirs)))
keras.config.set_floatx("float32")
lab.metric("library_difference", largest)
print("ours:  ", ours.round(4))
print("theirs:", theirs.round(4))
print(f"largest difference after each of five passes: {largest:.1g}")

# %% [markdown]
# ## Closing experiment: three species
#
# For $K$ classes take $K$ neurons, one row of weights each; the largest sum wins. After a mistake,
# the right class moves towards the example and the class that won moves away:
#
# $$ w_y \leftarrow w_y + x, \qquad w_{\hat y} \leftarrow w_{\hat y} - x $$
#
# Versicolor and virginica overlap, so this never ends either: the last weights are always those
# of the last quarrel. A simple cure is to answer with the **mean of all weights** on the way
# (Freund and Schapire 1999).


# %%
def train_classes(x, y, classes, passes):
    """The weights after each pass, and the mean of all weights up to there."""
    w = np.zeros((classes, x.shape[1]))
    total, count = np.zeros_like(w), 0
    last, mean = [], []
    for _ in range(passes):
        for i in rng.permutation(len(x)):
            winner = np.argmax(w @ x[i])
            if winner != y[i]:
                w[y[i]] += x[i]
                w[winner] -= x[i]
            total, count = total + w, count + 1
        last.append(w.copy())
        mean.append(total / count)
    return last, mean


def accuracy(w, x, y):
    return np.mean(np.argmax(x @ w.T, axis=1) == y)


last, mean = train_classes(x_one, y_train, len(lab.class_names), p.passes)
x_test_one = with_one(x_test)
last_curve = [accuracy(w, x_test_one, y_test) for w in last]
mean_curve = [accuracy(w, x_test_one, y_test) for w in mean]
lab.metric("species_accuracy", mean_curve[-1])
lab.show_confusion(y_test, np.argmax(x_test_one @ mean[-1].T, axis=1))

figure = Figure(figsize=(5.4, 3.2), layout="constrained")
axes = figure.add_subplot()
axes.plot(np.arange(1, 51), last_curve[:50], ":", color=ORANGE, label="the last weights")
axes.plot(np.arange(1, 51), mean_curve[:50], "-", color=BLUE, label="the mean of all weights")
axes.set(xlabel="pass", ylabel="accuracy, held back", ylim=(0, 1.04))
axes.legend(loc="lower right", frameon=False)
lab.show_figure(
    figure,
    title="Three species: the last weights and their mean",
    caption="Where classes overlap, the last weights jump from pass to pass. Their mean is calm.",
    alt="Line chart of the accuracy on 30 flowers over 50 passes. The accuracy of the last weights "
    "jumps up and down, that of the mean weights stays high.",
)

# %% [markdown]
# ## What to try next
#
# - Learn *versicolor or not*. One species lies between the two others: what do you expect?
# - Start AND from other weights (`start=`). Do the line and the number of updates change? Does
#   the theorem still hold as it stands?
# - Take the petals in millimetres instead of centimetres. What becomes of $R$, of $\gamma$, and of
#   the bound, and what does the constant 1 have to do with it?
# - Move one setosa among the others. How many mistakes remain, and for how long?
#
# ## Questions
#
# 1. *The rule has no learning rate. Would $w \leftarrow w + \eta\, y\, x$ with $\eta = 0.1$ change
#    the answers, starting from zero?*
#
# <details><summary>Answer</summary>
#
# No. All weights are then a tenth of what they were at every moment, and the sign of $w \cdot x$
# is the same. Only with another start does $\eta$ matter.
#
# </details>
#
# 2. *How many of the 16 truth tables of two inputs can one neuron learn?*
#
# <details><summary>Answer</summary>
#
# 14: all but XOR and its opposite. Those two are the tables with both diagonals against each
# other.
#
# </details>
#
# 3. *The classes can be separated with $R = 10$ and $\gamma = 0.5$. What does the theorem
#    promise? And what if you double the number of examples?*
#
# <details><summary>Answer</summary>
#
# At most $(10/0.5)^2 = 400$ updates. The number of examples is not in the bound: as long as the
# new ones keep $R$ and $\gamma$, it stays 400.
#
# </details>
#
# 4. *In XOR's table, why do the weights come back to values that they had before, and why does
#    that prove that the run never ends?*
#
# <details><summary>Answer</summary>
#
# The inputs are whole numbers, so the weights are too, and they stay bounded: there are only
# finitely many values to visit. A pass depends on nothing but the weights it starts with. Once
# a start is repeated, all that followed it is repeated too.
#
# </details>
#
# 5. *A perceptron makes no mistake on 120 flowers. Will it make none on the next 1,000?*
#
# <details><summary>Answer</summary>
#
# Nobody promises that. The theorem speaks about the examples that it was trained on. That is why
# 30 flowers were held back; and since the line may pass close to a point, a new flower may well
# fall on the wrong side.
#
# </details>
#
# ## Sources
#
# - F. Rosenblatt, *The perceptron: a probabilistic model for information storage and organization
#   in the brain*, Psychological Review, 1958.
# - A. Novikoff, *On convergence proofs on perceptrons*, Symposium on the Mathematical Theory of
#   Automata, 1962.
# - M. Minsky, S. Papert, *Perceptrons: an introduction to computational geometry*, MIT Press,
#   1969.
# - W. Krauth, M. Mézard, *Learning algorithms with optimal stability in neural networks*, Journal
#   of Physics A, 1987.
# - Y. Freund, R. Schapire, *Large margin classification using the perceptron algorithm*, Machine
#   Learning, 1999.
# - R. A. Fisher, *The use of multiple measurements in taxonomic problems*, Annals of Eugenics,
#   1936: the flowers.
