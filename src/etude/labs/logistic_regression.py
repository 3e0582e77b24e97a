# %% [raw]
# /// lab
# title = "Logistic regression: from a score to a probability"
# summary = """
# Is a tumour malignant? One neuron with a sigmoid says how likely it is. We see why cross-entropy \
# is its loss, where its boundary lies, and that the library finds scikit-learn's weights."""
# unit = 1
# topics = [
#     "logistic regression", "sigmoid", "cross-entropy", "decision boundary", "thresholds",
#     "confusion matrix", "L2 regularisation", "calibration",
# ]
#
# [data]
# name = "breast_cancer"
#
# [parameters]
# steps = {full = 3000, quick = 1000, help = "steps of gradient descent"}
# folds = {full = 5, quick = 3, help = "parts of the cross-validation"}
#
# [metrics.test_accuracy]
# label = "accuracy on tumours that were held back"
# target = {full = 0.965, quick = 0.965}
# source = """
# scikit-learn's LogisticRegression reaches 0.974 on the same split; 0.965 is one tumour less \
# in 114, and Street, Wolberg and Mangasarian 1993 report 0.97 with three of the features."""
#
# [metrics.over_scikit_learn]
# label = "accuracy minus scikit-learn's on the same split"
# target = {full = 0, quick = 0}
# source = "scikit-learn's LogisticRegression with its default settings, C = 1."
#
# [metrics.weights_difference]
# label = "largest difference between our weights and scikit-learn's"
# better = "lower"
# target = {full = 1e-3, quick = 1e-2}
# source = """
# Both minimise the same convex function, which has one lowest point. How far we stop from it is \
# our own choice."""
#
# [metrics.cross_validation]
# label = "accuracy in cross-validation over the training part"
# ///

# %% [markdown]
# # Logistic regression: from a score to a probability
#
# A doctor draws cells from a lump with a fine needle, and thirty numbers describe their nuclei: how
# large, how rough, how uneven. Malignant or benign? Linear regression would answer with any number
# at all, 1.7 or −0.4. We want a **probability**: a number from 0 to 1 that means what it says. Of
# the tumours to which we give 0.8, about 8 in 10 should be so.
#
# One function at the end of the sum is enough for that. With it comes another loss, and the reason
# for that loss holds for every classifier in this course.

# %%
import numpy as np
from matplotlib.figure import Figure

import etude as keras
from etude import labs
from etude.labs import BLUE, GREEN, ORANGE

lab = labs.begin("logistic-regression")
p = lab.parameters
keras.utils.set_random_seed(lab.seed)
layers = keras.layers


# %% [markdown]
# ## Odds, and the sigmoid
#
# Who bets does not say "probability 0.8" but "4 to 1": the **odds** $p / (1 - p)$. They run from 0
# to infinity. Their logarithm runs from $-\infty$ to $\infty$, and 0 means *equally likely*. That
# is a scale on which evidence can be added up, as a weighted sum does:
#
# $$ \log \frac{p}{1 - p} = z = b + \sum_i w_i \, x_i
# \qquad\Longleftrightarrow\qquad
# p = \sigma(z) = \frac{1}{1 + e^{-z}} $$
#
# - $x_i$: the measurements; $w_i$: how many units of log-odds one unit of $x_i$ is worth;
# - $b$: the log-odds when all $x_i$ are 0; $z$: the sum, also called the **logit**;
# - $\sigma$: the **sigmoid**, which turns log-odds back into a probability.
#
# The slope of the sigmoid is $\sigma'(z) = \sigma(z) \, (1 - \sigma(z))$: a quarter in the middle,
# nearly nothing far out.


# %%
def sigmoid(z):
    return 1 / (1 + np.exp(-z))


z = np.linspace(-8, 8, 161)
figure = Figure(figsize=(5.4, 3.2), layout="constrained")
axes = figure.add_subplot()
axes.plot(z, sigmoid(z), "-", color=BLUE, linewidth=2.5, label="σ(z)")
axes.plot(z, sigmoid(z) * (1 - sigmoid(z)), "--", color=ORANGE, label="its slope")
axes.plot(z, 0.5 + z / 4, ":", color=GREEN, label="tangent: ½ + z/4")
axes.set(xlabel="z, log-odds", ylabel="probability", ylim=(-0.05, 1.05))
axes.legend(frameon=False, loc="center right", bbox_to_anchor=(1, 0.4))
lab.show_figure(
    figure,
    title="The sigmoid",
    caption="Near 0 each unit of evidence moves the probability by a quarter. Who is sure is "
    "hardly moved by one unit more.",
    alt="An S-shaped curve from 0 to 1 that crosses one half at z = 0. Its slope is a low bell "
    "with a quarter at the top.",
)

# %% [markdown]
# ## Which loss?
#
# Say the truth is $y = 1$ and the model gives it $p$. How bad is that?
#
# The **likelihood** of all truths is the product of the probabilities that the model gave them:
# $\prod_n p_n^{y_n} (1 - p_n)^{1 - y_n}$; each example has one factor that is not 1. The best model
# is the one to which the truth looked most likely. A product of many small numbers is unhandy; its
# logarithm is a sum. With the sign turned, so that small is good, and as a mean:
#
# $$ L = -\frac1N \sum_{n=1}^{N} \Big( y_n \log p_n + (1 - y_n) \log (1 - p_n) \Big) $$
#
# That is the **cross-entropy**. To be sure and right costs nothing, to be undecided costs $\log 2
# \approx 0.69$, to be sure and wrong costs without limit.
#
# Why not squares, $(p - y)^2$? Look at the slopes:
#
# $$ \frac{\partial}{\partial z} \, \text{cross-entropy} = p - y, \qquad
# \frac{\partial}{\partial z} (p - y)^2 = 2 \, (p - y) \, p \, (1 - p) . $$
#
# Squares carry the slope of the sigmoid. A model that is sure and *wrong* ($y = 1$, $p \approx 0$)
# gets a gradient of nearly zero: just where it has most to learn, it learns nothing. With
# cross-entropy the slope of the logarithm cancels that of the sigmoid, and what is left is *what
# was said minus what is true*. It is also a bowl in $w$ and $b$, which squares of a sigmoid are
# not.

# %%
right = sigmoid(z)  # the probability that the model gives to the truth, y = 1
figure = Figure(figsize=(5.6, 3.2), layout="constrained")
height, slope = figure.subplots(1, 2, sharex=True)
height.plot(z, -np.log(right), "-", color=BLUE, label="cross-entropy")
height.plot(z, (right - 1) ** 2, "--", color=ORANGE, label="squares")
height.set_title("loss", fontsize=11)
slope.plot(z, right - 1, "-", color=BLUE, label="cross-entropy")
slope.plot(z, 2 * (right - 1) * right * (1 - right), "--", color=ORANGE, label="squares")
slope.set_title("its slope", fontsize=11)
height.legend(frameon=False, fontsize=9)
for axes in (height, slope):
    axes.set_xlabel("z, where y = 1")
lab.show_figure(
    figure,
    title="Sure and wrong: who still learns?",
    caption="The truth is 1; on the left of each picture the model is sure of 0. The slope of "
    "cross-entropy is then −1, that of squares is zero.",
    alt="Two line charts over z. The cross-entropy grows without limit to the left, squares level "
    "off at 1. The slope of cross-entropy goes to minus 1 on the left, that of squares to 0.",
)

# %% [markdown]
# ## The tumours
#
# 569 tumours, of which 212 were malignant. For each, ten measurements of the nuclei, with their
# mean, their error, and the mean of the three worst nuclei. Label 0 is malignant, label 1 benign,
# so $p$ is the probability of *benign*. We hold a fifth back, and bring all columns to mean 0 and
# standard deviation 1, by the numbers of the training part.

# %%
(x_train, y_train), (x_test, y_test) = lab.load_data()
mean, spread = x_train.mean(axis=0), x_train.std(axis=0)
spread = np.where(spread > 0, spread, 1)  # a column that never changes stays 0
x_train = ((x_train - mean) / spread).astype("float32")
x_test = ((x_test - mean) / spread).astype("float32")
zero, one = lab.class_names[:2]
print(f"{len(x_train)} to learn from, {len(x_test)} held back; 0: {zero}, 1: {one}")


# %% [markdown]
# ## The decision boundary
#
# We decide for class 1 where $p > \frac12$, that is, where $z > 0$. The border $z = 0$ is a
# straight line, plane or hyperplane, as for the perceptron. What is new: around it lies a *zone of
# doubt*, as wide as $|w|$ is small. To see it, we take two columns only: the one that tells most by
# itself, and the one that adds most to it.
#
# A model in the library is a layer with one unit and the activation `"sigmoid"`. The **L2 penalty**
# adds $\frac{1}{2 C N} \sum_i w_i^2$ to the loss. Without it, classes that can be separated
# perfectly would let the weights grow for ever: twice as sure is always a little better. $C = 1$ is
# what scikit-learn takes; we take it too, to compare.


# %%
def new_model(columns, rows, c=1.0):
    """One neuron with a sigmoid, and scikit-learn's penalty."""
    model = keras.Sequential(
        [
            keras.Input((columns,)),
            layers.Dense(
                1,
                activation="sigmoid",
                kernel_initializer="zeros",
                kernel_regularizer=keras.regularizers.L2(1 / (2 * c * rows)),
            ),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.SGD(0.3, momentum=0.95, nesterov=True),
        loss="binary_crossentropy",
        metrics=["accuracy"],
    )
    return model


def descend(model, x, y, steps):
    """That many steps over all rows. Fifty copies of the table let `fit` do fifty steps a pass."""
    copies = min(50, steps)
    return model.fit(
        np.tile(x, (copies, 1)),
        np.tile(y, copies).astype("float32"),
        batch_size=len(x),
        epochs=steps // copies,
        shuffle=False,
        verbose=0,
    )


signs = 2 * y_train - 1
first = int(np.argmax(np.abs(x_train.T @ signs)))
slope = x_train.T @ x_train[:, first] / len(x_train)
alone = x_train - np.outer(x_train[:, first], slope)  # what each column says that `first` does not
second = int(np.argmax(np.abs(alone.T @ signs)))
pair = x_train[:, [first, second]]
print(f"columns {first} and {second}")

model = new_model(2, len(pair))
stages, done = [], 0
for steps in (1, 4, 20, 200):
    descend(model, pair, y_train, steps - done)
    done = steps
    stages.append((steps, *model.get_weights()))

figure = Figure(figsize=(5.4, 5.8), layout="constrained")
low, high = pair.min(axis=0) - 0.3, np.minimum(pair.max(axis=0) + 0.3, 4)
across, up = np.meshgrid(np.linspace(low[0], high[0], 80), np.linspace(low[1], high[1], 80))
for axes, (steps, w, b) in zip(
    figure.subplots(2, 2, sharex=True, sharey=True).flat, stages, strict=True
):
    says = sigmoid(across * w[0, 0] + up * w[1, 0] + b[0])
    axes.contourf(across, up, says, np.linspace(0, 1, 11), cmap="PuOr", alpha=0.6)
    axes.contour(across, up, says, [0.1, 0.5, 0.9], colors="black", linestyles=[":", "-", "--"])
    axes.scatter(*pair[y_train == 1].T, s=10, color=BLUE, marker="o", label=one)
    axes.scatter(*pair[y_train == 0].T, s=14, color=ORANGE, marker="x", label=zero)
    axes.set_title(f"after {steps} steps", fontsize=11)
    axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
figure.legend(
    *figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False
)
lab.show_figure(
    figure,
    title="The boundary, and the zone of doubt",
    caption="Two columns. The full line is p = ½, the dashed one p = 0.9, the dotted one p = 0.1. "
    "The line finds its direction soon; then the zone of doubt becomes narrower.",
    alt="Four scatter plots of two groups of points with three parallel lines, at four moments of "
    "the training. At first the lines are far apart or outside; at the end they are close together "
    "and run between the groups.",
)

# %% [markdown]
# ## All columns

# %%
model = new_model(x_train.shape[1], len(x_train))
lab.show_model(model)
history = descend(model, x_train, y_train, p.steps)
probability = model.predict(x_test, verbose=0)[:, 0]
said = (probability > 0.5).astype(int)
accuracy = np.mean(said == y_test)
lab.metric("test_accuracy", accuracy)
lab.show_confusion(y_test, said)
print(f"right: {np.sum(said == y_test)} of {len(y_test)}, accuracy {accuracy:.4f}")

# %% [markdown]
# ## scikit-learn's weights
#
# `LogisticRegression` minimises the same function by another method (L-BFGS, which estimates the
# curvature). The function is a bowl with one lowest point. So the weights must be the same, digit
# by digit, as far as both go down.

# %%
from sklearn.linear_model import LogisticRegression

reference = LogisticRegression(tol=1e-8, max_iter=10_000).fit(x_train.astype("float64"), y_train)
kernel, bias = model.get_weights()
apart = max(
    np.max(np.abs(kernel[:, 0] - reference.coef_[0])), abs(bias[0] - reference.intercept_[0])
)
theirs = LogisticRegression().fit(x_train, y_train).score(x_test, y_test)
lab.metric("weights_difference", apart)
lab.metric("over_scikit_learn", accuracy - theirs)
print(f"largest difference of a weight {apart:.1g}; scikit-learn's accuracy {theirs:.4f}")

figure = Figure(figsize=(5.4, 3.6), layout="constrained")
axes = figure.add_subplot()
strongest = np.argsort(-np.abs(kernel[:, 0]))[:8]
places = np.arange(len(strongest))
axes.bar(places - 0.2, kernel[strongest, 0], 0.38, color=BLUE, label="ours")
axes.bar(
    places + 0.2,
    reference.coef_[0][strongest],
    0.38,
    color=ORANGE,
    hatch="//",
    label="scikit-learn",
)
axes.axhline(0, color="black", linewidth=0.8)
axes.set_xticks(places, [str(column) for column in strongest])
axes.set(xlabel="column", ylabel="weight")
axes.legend(frameon=False)
lab.show_figure(
    figure,
    title="The eight strongest weights, twice",
    caption="Of the tumours, columns 0 to 9 are means, 10 to 19 errors, 20 to 29 the worst nuclei. "
    f"A positive weight speaks for {one}.",
    alt="Bar chart of eight weights, two bars each, of equal height everywhere.",
)

# %% [markdown]
# ## More than one split
#
# 114 tumours are few: one mistake more is almost one point of accuracy. **Cross-validation** uses
# the training part better. Cut it into parts; hold each back once, train on the others, and predict
# it. Each tumour then has a prediction of a model that has not seen it.

# %%
order = np.random.default_rng(lab.seed).permutation(len(x_train))
unseen = np.zeros(len(x_train))  # p for each, of the model that did not train on it
for part in np.array_split(order, p.folds):
    others = np.setdiff1d(order, part)
    fold = new_model(x_train.shape[1], len(others))
    descend(fold, x_train[others], y_train[others], p.steps // 5)
    unseen[part] = fold.predict(x_train[part], verbose=0)[:, 0]
lab.metric("cross_validation", np.mean((unseen > 0.5) == y_train))
print(f"accuracy in cross-validation: {lab.scores['cross_validation']:.4f}")

# %% [markdown]
# ## Two kinds of mistakes
#
# To call a malignant tumour benign, and to call a benign one malignant: these are not equally bad.
# The threshold is ours to choose. Ask for $p > 0.9$ before you say *benign*, and fewer malignant
# ones slip through, at the price of more alarms for nothing. We choose it on the predictions of
# cross-validation; the held-back part stays untouched.

# %%
thresholds = np.linspace(0.02, 0.98, 49)
missed = [np.sum((unseen > t) & (y_train == 0)) for t in thresholds]
alarms = [np.sum((unseen <= t) & (y_train == 1)) for t in thresholds]

figure = Figure(figsize=(5.4, 3.3), layout="constrained")
axes = figure.add_subplot()
axes.plot(thresholds, missed, "-", color=ORANGE, linewidth=2, label=f"{zero}, called {one}")
axes.plot(thresholds, alarms, "--", color=BLUE, linewidth=2, label=f"{one}, called {zero}")
axes.axvline(0.5, color=GREEN, linestyle=":", label="½")
axes.set(xlabel=f"say {one} when p is over", ylabel="mistakes", ylim=(0, None))
axes.legend(frameon=False, fontsize=9)
lab.show_figure(
    figure,
    title="What the threshold trades",
    caption="In cross-validation over the training part. Where the lines cross, both mistakes are "
    "equally frequent; where you should stand depends on what each of them costs.",
    alt="Line chart of two kinds of mistakes over the threshold. One falls and the other rises "
    "with the threshold.",
)

# %% [markdown]
# ## Does 0.8 mean 8 in 10?
#
# Put the predictions into groups, and compare what was said with what happened. A model whose
# points lie on the diagonal is **calibrated**: its probabilities can be used to weigh costs.

# %%
edges = np.array([0, 0.1, 0.3, 0.7, 0.9, 1])
group = np.clip(np.digitize(unseen, edges) - 1, 0, 4)
filled = [g for g in range(5) if np.any(group == g)]
told = np.array([unseen[group == g].mean() for g in filled])
came = np.array([y_train[group == g].mean() for g in filled])
sizes = np.array([np.sum(group == g) for g in filled])
doubt = np.sqrt(told * (1 - told) / sizes)  # the standard error, were the model right

figure = Figure(figsize=(5, 3.8), layout="constrained")
axes = figure.add_subplot()
axes.plot([0, 1], [0, 1], ":", color=GREEN, label="calibrated")
axes.errorbar(told, came, yerr=2 * doubt, fmt="o", color=BLUE, capsize=4, label="two errors")
for a, b, n in zip(told, came, sizes, strict=True):
    axes.annotate(f"{n}", (a, b), (8, -12), textcoords="offset points", fontsize=9)
axes.set(xlabel="probability that was said", ylabel=f"share of {one}", ylim=(-0.15, 1.2))
axes.legend(frameon=False, loc="upper left")
lab.show_figure(
    figure,
    title="What was said, and what happened",
    caption="The numbers are how many examples each group has. Most lie at the ends, so the groups "
    "in the middle say little.",
    alt="Five points near the diagonal. "
    + " ".join(
        f"Of {n} with about {a:.2f}, {b:.2f} were {one}."
        for a, b, n in zip(told, came, sizes, strict=True)
    ),
)

# %% [markdown]
# ## What to try next
#
# - $C = 100$ and $C = 0.01$ in `new_model`. What becomes of the weights, of the zone of doubt, of
#   the accuracy in cross-validation?
# - Train with `loss="mean_squared_error"`, from weights that are sure and wrong
#   (`model.set_weights`). How long does it take to turn round?
# - Leave out the standardisation. What has to happen to the learning rate?
# - Say that a missed tumour is worth fifty alarms for nothing. Which threshold is best?
# - Use your own table: `etude run logistic-regression --data FILE.csv --target COLUMN`.
#
# ## Questions
#
# 1. *A weight is 0.7. What does one unit more of its column do to the odds?*
#
# <details><summary>Answer</summary>
#
# It adds 0.7 to the log-odds, so it multiplies the odds by $e^{0.7} \approx 2$.
#
# </details>
#
# 2. *Why is the boundary straight, though the sigmoid is bent?*
#
# <details><summary>Answer</summary>
#
# $\sigma(z) = \frac12$ exactly where $z = 0$, and $z$ is a weighted sum. The bend decides how the
# probability grows on the way across, not where it is one half.
#
# </details>
#
# 3. *What does a model pay, in cross-entropy, that always says the share of class 1, say 0.63?*
#
# <details><summary>Answer</summary>
#
# $-0.63 \log 0.63 - 0.37 \log 0.37 \approx 0.66$: the entropy of the labels. A model that pays more
# than that has learned less than nothing.
#
# </details>
#
# 4. *The classes can be separated by a plane, and there is no penalty. Why does training never
# end?*
#
# <details><summary>Answer</summary>
#
# Multiply all weights by 2: the plane is the same, all answers are right as before, and each is
# surer, so the loss is lower. It falls towards 0 for ever, and the weights grow without limit.
#
# </details>
#
# 5. *Why may the threshold not be chosen on the held-back tumours?*
#
# <details><summary>Answer</summary>
#
# The best of 49 thresholds fits the accidents of these 114. Its accuracy there would promise more
# than it keeps with the next ones.
#
# </details>
#
# ## Sources
#
# - D. R. Cox, *The regression analysis of binary sequences*, Journal of the Royal Statistical
#   Society, 1958.
# - W. N. Street, W. H. Wolberg, O. L. Mangasarian, *Nuclear feature extraction for breast tumor
#   diagnosis*, 1993: the data.
# - C. Bishop, *Pattern recognition and machine learning*, Springer, 2006, section 4.3.
# - T. Hastie, R. Tibshirani, J. Friedman, *The elements of statistical learning*, Springer, 2009,
#   sections 4.4 and 7.10.
# - C. Guo, G. Pleiss, Y. Sun, K. Weinberger, *On calibration of modern neural networks*, ICML,
# 2017.
