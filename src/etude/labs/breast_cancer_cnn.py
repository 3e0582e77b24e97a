# %% [raw]
# /// lab
# title = "Conv1D on a table: thirty numbers about a tumour"
# summary = """
# A convolution slides along a row of measurements. It works, and one experiment shows what it \
# does not do: it does not care in which order the measurements stand."""
# unit = 3
# topics = [
#     "Conv1D", "cross-validation", "scaling", "binary classification", "sensitivity",
#     "inductive bias",
# ]
#
# [data]
# name = "breast_cancer"
#
# [parameters]
# epochs = {full = 60, quick = 30, help = "passes over the training patients"}
# folds = {full = 5, quick = 2, help = "how many of the five folds are tested on"}
# batch_size = {full = 32, quick = 32, help = "patients per step"}
#
# [metrics.accuracy]
# label = "accuracy over the folds"
# target = {full = 0.965, quick = 0.94}
# source = """
# Our own, after what the course asks of this data. Logistic regression reaches about 0.975 on the \
# same folds: on a table, a convolution has no advantage to begin with."""
#
# [metrics.shuffled_accuracy]
# label = "accuracy with the measurements in another order"
# target = {full = 0.955, quick = 0.93}
# source = "Our own: what does not use the order cannot lose more than chance by losing it."
# ///

# %% [markdown]
# # Conv1D on a table: thirty numbers about a tumour
#
# A fine needle takes some cells out of a lump in the breast; under the microscope, a program
# outlines their nuclei and measures ten things of each: radius, texture, perimeter, area,
# smoothness, and so on. For each of the ten the table has three numbers: the **mean** over the
# nuclei, its **standard error**, and the **worst** (the mean of the three largest). The question is
# whether the lump is malignant.
#
# Convolutions are for data with neighbours: pixels, sounds, days. What are they doing on a table?
# They do get used there, and that is why this lab exists: to see what happens, and to ask what the
# convolution has contributed.

# %%
import numpy as np
from matplotlib.figure import Figure
from sklearn.linear_model import LogisticRegression

import etude as keras
from etude import labs
from etude.labs import BLUE, GREEN, ORANGE, PINK

lab = labs.begin("breast-cancer-cnn")
p = lab.parameters
keras.utils.set_random_seed(lab.seed)
rng = np.random.default_rng(lab.seed)
layers = keras.layers

(x_train, y_train), (x_test, y_test) = lab.load_data()
x = np.concatenate([x_train, x_test]).astype("float32")  # (patients, 30)
y = np.concatenate([y_train, y_test]).astype("float32")  # 0: malignant, 1: benign
print(
    f"{len(x)} patients, {x.shape[1]} numbers each, {np.mean(y):.0%} of them {lab.class_names[1]}"
)

# %% [markdown]
# ## A row of measurements as a short signal
#
# We lay the 30 numbers out as ten places with three channels: place $t$ is a quantity, the
# channels $c$ are its mean, error and worst value, much as a pixel has red, green and blue. A
# `Conv1D` with a window of three then computes
#
# $$ y_{t,k} = b_k + \sum_{u=0}^{2} \sum_{c=1}^{3} w_{u,c,k} \; x_{t+u,\,c} $$
#
# - $t$: the place; $u$: the place inside the window; $c$: the channel;
# - $w_{u,c,k}$: the weights of filter $k$, **the same at every place**; $b_k$: its bias.
#
# That last point is the whole promise and the whole doubt. In a picture, an edge is an edge
# wherever it is. Is *radius, texture, perimeter* the same kind of triple as *smoothness,
# compactness, concavity*? Nobody would say so. The network will have to make do.
#
# **Scaling** first: an area goes up to 2,500, a smoothness to 0.16. Each number is brought to mean
# 0 and standard deviation 1, $z = (x - \mu) / \sigma$, with $\mu$ and $\sigma$ of the *training*
# patients only: the test patients must not have a say.


# %%
def as_signal(x, order):
    """Numbers as places with channels: (N, 30) -> (N, 10, 3), or (N, n) -> (N, n, 1)."""
    x = x[:, order]
    if x.shape[1] % 3:
        return x[:, :, None]
    return x.reshape(len(x), 3, -1).transpose(0, 2, 1)


def network(shape):
    """Two convolutions along the places, and one number: how likely it is benign."""
    return keras.Sequential(
        [
            keras.Input(shape),
            layers.Conv1D(16, 3, padding="same", activation="relu"),  # (10, 16)
            layers.Conv1D(32, 3, padding="same", activation="relu"),  # (10, 32)
            layers.Flatten(),  # (320,)
            layers.Dropout(0.4),
            layers.Dense(1, activation="sigmoid", kernel_regularizer=keras.regularizers.L2(1e-2)),
        ],
        name="conv1d",
    )


# %% [markdown]
# ## Five folds
#
# A fifth of 569 patients are 114. One mistake more or less is almost a whole point there, so a
# single split says little. **Cross-validation** cuts the patients into five folds, trains five
# times on four of them, and tests on the fifth. In the end every patient has been a test patient
# exactly once, and nobody was tested by a network that had seen them. The folds are *stratified*:
# each has the same share of malignant cases.


# %%
def folds(y, count):
    """The test patients of each of five folds, the classes spread evenly; the first few folds."""
    which = np.empty(len(y), int)
    for label in np.unique(y):
        mine = rng.permutation(np.flatnonzero(y == label))
        which[mine] = np.arange(len(mine)) % 5
    return [np.flatnonzero(which == k) for k in range(count)]


def scaled(train, test):
    """Both by the mean and deviation of the training patients."""
    mean, deviation = train.mean(axis=0), np.maximum(train.std(axis=0), 1e-6)
    return (train - mean) / deviation, (test - mean) / deviation


parts = folds(y, p.folds)
model = network(as_signal(x, np.arange(x.shape[1])).shape[1:])
fresh = model.get_weights()
lab.show_model(model)


def cross_validate(order):
    """The probability of *benign* for each tested patient, with the numbers in some order."""
    answers, history = np.full(len(y), np.nan), None
    for test in parts:
        train = np.setdiff1d(np.arange(len(y)), test)
        a, b = (as_signal(part, order) for part in scaled(x[train], x[test]))
        model.set_weights(fresh)  # each fold starts anew, from the same weights
        model.compile(
            optimizer=keras.optimizers.Adam(2e-3, epsilon=1e-5),
            loss="binary_crossentropy",
            metrics=["accuracy"],
        )
        history = model.fit(
            a,
            y[train],
            batch_size=p.batch_size,
            epochs=p.epochs,
            validation_data=(b, y[test]),
            verbose=0,
        )
        answers[test] = model.predict(b, verbose=0)[:, 0]
    return answers, history


answers, history = cross_validate(np.arange(x.shape[1]))
lab.show_curves(history)

# %% [markdown]
# The curves are those of the last fold. Nothing was chosen by them: the number of epochs stood
# before we looked.
#
# ## The same without a convolution, and in another order
#
# Two comparisons say what the convolution is worth:
#
# - **logistic regression**: one weight per number, no places, no windows;
# - the **same network on shuffled columns**: all patients have their 30 numbers in one other order,
#   so that other quantities are neighbours. For a picture this would be the end. For a table?

# %%
tested = np.concatenate(parts)
straight = np.full(len(y), np.nan)
for test in parts:
    train = np.setdiff1d(np.arange(len(y)), test)
    a, b = scaled(x[train], x[test])
    straight[test] = LogisticRegression(max_iter=1000).fit(a, y[train]).predict_proba(b)[:, 1]
shuffled, _ = cross_validate(rng.permutation(x.shape[1]))

truth = y[tested] == 1
results = {
    "logistic regression": np.mean((straight[tested] > 0.5) == truth),
    "Conv1D": np.mean((answers[tested] > 0.5) == truth),
    "Conv1D, shuffled": np.mean((shuffled[tested] > 0.5) == truth),
}
for name, value in results.items():
    wrong = round((1 - value) * len(tested))
    print(f"{name}: {value:.4f}, {wrong} of {len(tested)} patients wrong")
lab.metric("accuracy", results["Conv1D"])
lab.metric("shuffled_accuracy", results["Conv1D, shuffled"])
lab.show_confusion(y[tested], answers[tested] > 0.5)

# %%
figure = Figure(figsize=(5.4, 2.4), layout="constrained")
axes = figure.subplots()
error = [np.sqrt(value * (1 - value) / len(tested)) for value in results.values()]
for row, (value, half, colour, mark) in enumerate(
    zip(results.values(), error, (GREEN, BLUE, ORANGE), "^os", strict=True)
):
    axes.errorbar(value, row, xerr=half, color=colour, marker=mark, markersize=8, capsize=4)
axes.set_yticks(range(3), list(results))
axes.set(xlabel="accuracy, with its standard error", ylim=(2.5, -0.5))
axes.grid(axis="x", alpha=0.3)
lab.show_figure(
    figure,
    title="What the convolution is worth here",
    caption="The bars are standard errors. Where they overlap this much, none of the three can be "
    "called better.",
    alt="Three points with error bars: "
    + ", ".join(f"{name} {value:.3f}" for name, value in results.items())
    + ".",
)

# %% [markdown]
# The order does not matter, so **the network has learned nothing from neighbourhood**: it cannot
# have. `Flatten` and the last layer give each place weights of its own, and the convolutions below
# only mix what happens to stand side by side. It works because the task is easy, not because the
# tool fits.
#
# This is what is meant by an **inductive bias**: what a network takes for granted before it has
# seen any data. A convolution takes for granted that neighbours belong together and that places
# are alike. Where that is true (pictures, sounds, DNA, an electrocardiogram), it saves data.
# Where it is not, it saves nothing, and may cost.
#
# ## Not all mistakes are equal
#
# To call a malignant lump benign is worse than the reverse. The **threshold** decides: we need not
# say *benign* from 0.5 on. **Sensitivity** is the share of malignant cases that are found,
# **specificity** the share of benign ones that are left in peace.

# %%
thresholds = np.linspace(0.02, 0.98, 49)
probability = answers[tested]
sensitivity = [np.mean(probability[~truth] <= t) for t in thresholds]
specificity = [np.mean(probability[truth] > t) for t in thresholds]
enough = thresholds[np.array(sensitivity) >= 0.99]
if len(enough):
    print(f"from threshold {enough[0]:.2f} on, 99% of the malignant cases are found")
else:
    print(f"up to threshold 0.98, at most {max(sensitivity):.1%} of the malignant cases are found")

figure = Figure(figsize=(5.4, 4.0), layout="constrained")
axes = figure.subplots()
axes.plot(thresholds, sensitivity, "-", color=PINK, label="sensitivity: malignant found")
axes.plot(thresholds, specificity, "--", color=BLUE, label="specificity: benign left in peace")
axes.axvline(0.5, color=GREEN, linestyle=":", label="threshold 0.5")
axes.set(xlabel="called benign above this probability", ylabel="share of patients")
figure.legend(frameon=False, loc="outside upper center")
lab.show_figure(
    figure,
    title="What a threshold trades",
    caption="Moving to the right finds more malignant cases and alarms more healthy people. Where "
    "to stop is a question for doctors and patients, not for the network.",
    alt="Line chart over the threshold from 0 to 1: sensitivity rises from left to right, "
    "specificity falls; both are high in between.",
)

# %% [markdown]
# ## What to try next
#
# - `GlobalAveragePooling1D` instead of `Flatten`: now places really are alike. What does it cost,
#   and does the order matter then?
# - A window of 1 instead of 3 (`Conv1D(16, 1)`): no neighbours at all, only the three channels.
# - Leave out the scaling. Which of the three methods suffers most?
# - Other data with neighbours: a heartbeat, a day of temperatures. The lab `time-series` has some.
#
# ## Questions
#
# 1. *How many weights has `Conv1D(16, 3)` on three channels, and how many would it have on ten
#    places more?*
#
# <details><summary>Answer</summary>
#
# $3 \cdot 3 \cdot 16 + 16 = 160$. On more places just as many: the window is the same everywhere.
#
# </details>
#
# 2. *Why are mean and deviation for the scaling computed inside each fold?*
#
# <details><summary>Answer</summary>
#
# Computed over all patients they contain the test patients. The effect is tiny here, but the habit
# is the same that keeps larger leaks out: nothing that is fitted may see the test.
#
# </details>
#
# 3. *Accuracy 0.97 with 37% malignant cases: between which bounds is the sensitivity?*
#
# <details><summary>Answer</summary>
#
# At worst all 3% of mistakes are missed malignant cases: $1 - 0.03/0.37 \approx 0.92$. At best
# none is, and it is 1.
#
# </details>
#
# 4. *Would shuffling the columns change logistic regression?*
#
# <details><summary>Answer</summary>
#
# Not at all: the sum $\sum_i w_i x_i$ does not depend on the order, each weight moves along with
# its column.
#
# </details>
#
# ## Sources
#
# - W. Street, W. Wolberg, O. Mangasarian, *Nuclear feature extraction for breast tumor diagnosis*,
#   1993: the data.
# - R. Kohavi, *A study of cross-validation and bootstrap for accuracy estimation and model
#   selection*, IJCAI 1995.
# - T. Mitchell, *The need for biases in learning generalizations*, 1980: inductive bias.
