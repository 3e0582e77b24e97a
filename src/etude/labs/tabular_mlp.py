# %% [raw]
# /// lab
# title = "Tables: four questions, one kind of network"
# summary = """
# How much, yes or no, which one, which ones: the same multilayer perceptron answers all four, and \
# only its last layer and its loss change. With --data FILE.csv it answers yours."""
# unit = 2
# topics = [
#     "regression", "binary classification", "multi-class", "multi-label", "Sequential", "compile",
#     "fit", "evaluate", "predict", "baselines",
# ]
#
# [data]
# name = "diabetes"
# table = true
#
# [parameters]
# networks = {full = 3, quick = 1, help = "networks whose answers are averaged"}
# steps = {full = 900, quick = 300, help = "training steps of each network, more or less"}
# batch_size = {full = 32, quick = 32, help = "rows per step"}
# learning_rate = {full = 3e-3, quick = 3e-3, help = "at the start; falls to zero"}
# units = {full = 32, quick = 32, help = "units in each of the two hidden layers"}
# dropout = {full = 0.2, quick = 0.1, help = "share of the units left out in each step"}
#
# [metrics.diabetes_lead]
# label = "diabetes: R² over scikit-learn's MLP"
# target = {full = -0.05, quick = -0.1}
# source = """
# scikit-learn's MLPRegressor with the same hidden layers, on the same split. Over 89 patients, R² \
# has a standard error of about 0.05: what is closer than that cannot be told apart."""
#
# [metrics.cancer_lead]
# label = "breast cancer: more right of 114 than scikit-learn's MLP"
# target = {full = -2, quick = -3}
# source = """
# scikit-learn's MLPClassifier with the same hidden layers, on the same split. Two of 114 are one \
# standard error."""
#
# [metrics.wine_lead]
# label = "wine: more right of 36 than scikit-learn's MLP"
# target = {full = -1, quick = -2}
# source = """
# scikit-learn's MLPClassifier with the same hidden layers, on the same split. One of 36 is less \
# than one standard error."""
#
# [metrics.labels_lead]
# label = "several labels: share right, over scikit-learn's MLP"
# target = {full = -0.01, quick = -0.05}
# source = """
# scikit-learn's MLPClassifier with the same hidden layers, on the same split. Of 1,000 labels in \
# 200 rows, 0.01 is one standard error."""
#
# [metrics.own_skill]
# label = "your table: share of the baseline's loss that the network removes"
# target = {own = 0.01}
# source = """
# The baseline answers the same in every row: the mean, or how frequent each class is in the \
# training rows. A network that is no better than that has learned nothing."""
# ///

# %% [markdown]
# # Tables: four questions, one kind of network
#
# Most of the world's data are neither pictures nor text but **tables**: one row per patient, wine
# or customer, one column per thing that was measured. Some column is to be predicted from the
# others, and the first thing to ask is what kind of answer it wants:
#
# | question | answer | example |
# |---|---|---|
# | how much? | a number | how far a disease will progress |
# | yes or no? | one probability | is the tumour malignant? |
# | which one? | one probability per class, sum 1 | which of three vineyards? |
# | which ones? | one probability per label, each for itself | which topics does a text touch? |
#
# The network that answers is the same in all four. Only its last layer and its loss differ.
#
# **Your own table.** `etude run tabular-mlp --data FILE.csv --target COLUMN` leaves the four
# examples out and answers the question of your column instead, at the end of this lab.

# %%
import warnings

import numpy as np
from matplotlib.figure import Figure
from sklearn.neural_network import MLPClassifier, MLPRegressor

import etude as keras
from etude import datasets, labs
from etude.labs import BLUE, ORANGE

lab = labs.begin("tabular-mlp")
p = lab.parameters
layers = keras.layers
keras.utils.set_random_seed(lab.seed)

# %% [markdown]
# ## One scale for all columns
#
# A column in years and one in milligrams differ by factors of a thousand, and so would their
# pulls on the weights: $\partial L / \partial w_{ij} = x_i \, \delta_j$ grows with the input
# $x_i$, where $\delta_j$ is the slope of the loss $L$ at the sum of unit $j$. So each column is
# brought to mean 0 and standard deviation 1:
#
# $$ \tilde x_i = \frac{x_i - \mu_i}{\sigma_i} $$
#
# $\mu_i$ and $\sigma_i$ are the mean and standard deviation of column $i$ **in the training
# rows**. Test rows stand for rows of tomorrow, and nobody knows the mean of those. The layer
# `Normalization` learns both numbers in `adapt` and keeps them as part of the model, so whoever
# uses the model later need not know them.
#
# ## One network, four last layers
#
# Two hidden layers of ReLU units, $h = \max(0, W x + b)$, find combinations of columns. Then, with
# $z$ for the sums of the last layer, $y$ for the right answer, $\hat y$ for the network's:
#
# | task | last layer | loss of one row |
# |---|---|---|
# | regression | 1 unit: $\hat y = z$ | squared error $(y - \hat y)^2$ |
# | binary | 1 unit: $\hat y = \sigma(z)$ | $-y \log \hat y - (1 - y) \log (1 - \hat y)$ |
# | classes | $K$ units: $\hat y_k = e^{z_k} / \sum_m e^{z_m}$ | $-\log \hat y_y$ |
# | labels | $K$ units: $\hat y_k = \sigma(z_k)$ | mean over $k$ of the binary loss |
#
# where $\sigma(z) = 1 / (1 + e^{-z})$ brings every number between 0 and 1.
#
# **Why softmax for classes and sigmoids for labels?** Softmax makes the units share one whole: a
# wine is from one vineyard, so what one class gains the others lose. Sigmoids do not know of each
# other: a text may be about several things, or none.

# %%
LAST = {
    "regression": (None, "mean_squared_error"),
    "binary": ("sigmoid", "binary_crossentropy"),
    "classes": ("softmax", "sparse_categorical_crossentropy"),
    "labels": ("sigmoid", "binary_crossentropy"),
}


def outputs(kind, y):
    """How many numbers the last layer gives."""
    return {"classes": int(y.max()) + 1, "labels": y.shape[-1]}.get(kind, 1)


def network(kind, x, y, hidden):
    """A perceptron that brings its columns to one scale; without hidden layers it is linear."""
    scale = layers.Normalization()
    scale.adapt(x)
    activation, loss = LAST[kind]
    model = keras.Sequential([keras.Input((x.shape[1],)), scale])
    for units in hidden:
        model.add(layers.Dense(units, activation="relu"))
        model.add(layers.Dropout(p.dropout))
    model.add(layers.Dense(outputs(kind, y), activation=activation))
    return model, loss


# %% [markdown]
# ## Training
#
# `compile` chooses how to learn, `fit` learns, `predict` answers. AdamW pulls every weight a
# little towards zero in each step (weight decay), and dropout leaves units out at random: tables
# are small, and without such brakes a network soon knows its rows by heart.
#
# A number to be predicted is brought to one scale too, and its answer back again: a network whose
# weights start small should not have to climb to 150 first.
#
# Small tables leave much to chance: which weights the training starts from, which rows come last.
# So we train several networks, and **average their answers**. Their common knowledge stays, their
# private errors cancel in part.


# %%
def train(kind, x, y, hidden):
    """Returns the model and the history of its training."""
    model, loss = network(kind, x, y, hidden)
    steps = int(np.ceil(len(x) / p.batch_size))
    epochs = int(np.clip(round(p.steps / steps), 12, 150))
    rate = p.learning_rate if hidden else 10 * p.learning_rate  # one layer bears larger steps
    model.compile(
        optimizer=keras.optimizers.AdamW(
            keras.optimizers.schedules.CosineDecay(rate, epochs * steps),
            weight_decay=0.01,
        ),
        loss=loss,
    )
    target = y if y.ndim == 2 else y[:, None]
    history = model.fit(x, target, batch_size=p.batch_size, epochs=epochs, verbose=0)
    return model, history


def answers(kind, train_rows, x_test, hidden, networks=1):
    """The mean answer of some networks to rows that they have not seen."""
    x, y = (part.astype("float32") for part in train_rows)
    low, size = (y.mean(), y.std()) if kind == "regression" else (0.0, 1.0)
    y = (y - low) / size if kind == "regression" else y.astype("int32")
    trained = [train(kind, x, y, hidden) for _ in range(networks)]
    said = [np.asarray(m.predict(x_test.astype("float32"), verbose=0)) for m, _ in trained]
    return low + size * np.mean(said, axis=0), *trained[-1]


MEASURE = {"regression": "R²"} | dict.fromkeys(["binary", "classes", "labels"], "share right")


def share_right(kind, said, y):
    """R² of numbers; of classes and labels the share that is right."""
    if kind == "regression":
        return 1 - np.mean((y - said[:, 0]) ** 2) / np.var(y)
    if kind == "classes":
        return np.mean(said.argmax(axis=1) == y)
    return np.mean((said > 0.5) == (y if y.ndim == 2 else y[:, None]))


# %% [markdown]
# ## Somebody else's network
#
# Is that good? A number alone says little, so every task has a measure beside it: the multilayer
# perceptron of scikit-learn, with hidden layers of the same size and all else as its makers set
# it, on the same rows.


# %%
def somebody_elses(kind, train_rows, x_test):
    """The answers of scikit-learn's perceptron."""
    x, y = train_rows
    mean, deviation = x.mean(axis=0), x.std(axis=0)
    x, x_test = (x - mean) / deviation, (x_test - mean) / deviation
    options = {"hidden_layer_sizes": (p.units, p.units), "random_state": lab.seed}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it would say that it could train for longer
        if kind == "regression":
            model = MLPRegressor(**options).fit(x, (y - y.mean()) / y.std())
            return y.mean() + y.std() * np.asarray(model.predict(x_test))[:, None]
        said = np.asarray(MLPClassifier(**options).fit(x, y).predict_proba(x_test))
    return said[:, 1:] if kind == "binary" else said


# %% [markdown]
# ## The four tables
#
# - **How much?** 442 patients with diabetes, ten measurements each; the disease's progression a
#   year later, a number from 25 to 346.
# - **Yes or no?** 569 tumours, thirty measurements of cell nuclei; benign or not.
# - **Which one?** 178 wines, thirteen chemical analyses; the cultivar of the grape, one of three.
# - **Which ones?** A made table of 1,000 rows: each row is a bag of 20 kinds of words, drawn from
#   the one, two or more of 5 topics that it is about.
#
# A fifth of each is kept for the test, the same rows for both networks.


# %%
def made_labels(seed, rows=1000, words=20, topics=5):
    """Counts of words, and which topics they were drawn from."""
    rng = np.random.default_rng(seed)
    frequency = rng.dirichlet(np.full(words, 0.5), topics)  # (topics, words)
    y = rng.random((rows, topics)) < 0.35
    y[~y.any(axis=1), 0] = True  # no row is about nothing
    mixed = y @ frequency / y.sum(axis=1, keepdims=True)  # (rows, words)
    x = np.stack([rng.multinomial(40, row / row.sum()) for row in mixed]).astype(float)
    cut = rows * 4 // 5
    return (x[:cut], y[:cut].astype(int)), (x[cut:], y[cut:].astype(int))


tasks = {}
if lab.own_data is None:
    tasks = {
        "diabetes": ("regression", lab.load_data()),
        "breast cancer": ("binary", datasets.breast_cancer.load_data(seed=113 + lab.seed)),
        "wine": ("classes", datasets.wine.load_data(seed=113 + lab.seed)),
        "several labels": ("labels", made_labels(lab.seed)),
    }

found = {}
for name, (kind, (train_rows, (x_test, y_test))) in tasks.items():
    said, model, history = answers(kind, train_rows, x_test, [p.units] * 2, p.networks)
    theirs = somebody_elses(kind, train_rows, x_test)
    found[name] = (kind, said, y_test, history)
    ours, other = share_right(kind, said, y_test), share_right(kind, theirs, y_test)
    print(f"{name}: {ours:.4f}, scikit-learn's {other:.4f}")
    lead = ours - other
    if name == "diabetes":
        lab.show_model(model)
        lab.metric("diabetes_lead", lead)
    elif name == "breast cancer":
        lab.metric("cancer_lead", round(lead * len(y_test)))
    elif name == "wine":
        lab.metric("wine_lead", round(lead * len(y_test)))
    else:
        lab.metric("labels_lead", lead)
    found[name] += (ours, other)

# %% [markdown]
# A lead of one wine is no lead. Had the 36 test wines been other ones, it might be the other
# way round: the standard error of a share $a$ over $n$ rows is $\sqrt{a (1 - a) / n}$, here some
# three per cent. Numbers that are closer than that are **the same number**, and a table of results
# that hides it teaches the wrong thing.

# %%
if found:
    lab.show_table(
        "Four tasks, two networks",
        ["task", "measure", "ours", "scikit-learn's", "standard error"],
        [
            [name, MEASURE[kind], ours, other, np.sqrt(max(ours * (1 - ours), 1 / y.size) / y.size)]
            for name, (kind, _, y, _, ours, other) in found.items()
        ],
        caption="Each on test rows that neither has seen. Differences below the last column are "
        "chance.",
    )
    figure = Figure(figsize=(5.4, 3.4), layout="constrained")
    axes = figure.add_subplot()
    _, said, y_test, *_ = found["diabetes"]
    axes.plot([25, 350], [25, 350], "--", color=ORANGE, label="as it should be")
    axes.scatter(y_test, said[:, 0], s=22, color=BLUE, label="a patient")
    axes.set(xlabel="progression, measured", ylabel="predicted")
    axes.legend(frameon=False)
    lab.show_figure(
        figure,
        title="How much? What was predicted, and what came",
        caption="A good prediction lies on the dashed line. The cloud is flatter than the line: "
        "where the measurements say little, the safe answer is near the mean.",
        alt="Scatter plot of predicted over measured progression for the test patients. The points "
        "rise along the diagonal in a wide band, and high values are predicted too low.",
    )

# %% [markdown]
# ### What a probability is worth
#
# The network for tumours does not say *benign*. It says *0.97*. If such numbers mean something,
# then of the cases that got 0.9 about nine in ten should be benign. With 114 cases one can look at
# them all:

# %%
if found:
    _, said, y_test, *_ = found["breast cancer"]
    order = np.argsort(said[:, 0])
    place = np.arange(len(order))
    benign = y_test[order] == 1
    figure = Figure(figsize=(5.4, 3.2), layout="constrained")
    axes = figure.add_subplot()
    sure = said[order, 0]
    axes.scatter(place[benign], sure[benign], s=26, color=BLUE, marker="o", label="benign")
    axes.scatter(place[~benign], sure[~benign], s=26, color=ORANGE, marker="x", label="malignant")
    axes.axhline(0.5, color="black", linewidth=0.8, linestyle=":")
    axes.set(xlabel="test tumours, in order", ylabel="probability of benign")
    axes.legend(frameon=False, loc="center left")
    lab.show_figure(
        figure,
        title="Yes or no? The answer is a probability",
        caption="Nearly all are told apart with certainty. The few near the dotted line are the "
        "ones for a human to look at again.",
        alt="The test tumours in the order of their probability of being benign: a curve from 0 "
        "to 1 with a steep middle. Malignant ones are crosses at the left and low, benign ones "
        "circles at the right and high; few lie on the wrong side of one half.",
    )
    _, said, y_test, *_ = found["wine"]
    lab.show_confusion(y_test, said.argmax(axis=1), ["1", "2", "3"])

# %% [markdown]
# ## Your own table
#
# `--data FILE.csv --target COLUMN` came to this point directly. What kind of task it is follows
# from the column: text and few whole numbers are classes, other numbers are a quantity.
#
# `lab.load_table()` finds out what the other columns hold, says what it did with each, and keeps a
# fifth of the rows for the test. Its `arrays()` are all numbers: a missing number becomes the
# training rows' mean, with one more column that says *was missing*; a category becomes one column
# of 0 and 1 per value (one-hot). The lab `churn` does such shaping by hand.
#
# **Two measures, before any pride.** The *baseline* gives the same answer in every row: the mean,
# or how frequent each class is. The *linear model* is our network without hidden layers. What the
# network removes of the baseline's loss is its **skill**:
#
# $$ \text{skill} = 1 - \frac{L_{\text{model}}}{L_{\text{baseline}}} $$
#
# 0 is no better than answering blindly, 1 is perfect. For numbers this is R².


# %%
def loss_of(kind, said, y):
    """The mean loss of answers, as in training."""
    if kind == "regression":
        return np.mean((y - said[:, 0]) ** 2)
    said = np.hstack([1 - said, said]) if kind == "binary" else said
    return -np.mean(np.log(np.clip(said[np.arange(len(y)), y], 1e-7, 1)))


def baseline(kind, y, rows):
    """The same answer for every row."""
    if kind == "classes":
        return np.tile(np.bincount(y) / len(y), (rows, 1))
    return np.full((rows, 1), y.mean())


def skills(table):
    """Answers of baseline, linear model and network; and the last two's skill."""
    train_rows, (x_test, y_test) = table.arrays()
    said = {"baseline": baseline(table.kind, train_rows[1], len(y_test))}
    for name, hidden in (("linear model", []), ("network", [p.units] * 2)):
        said[name], model, _ = answers(table.kind, train_rows, x_test, hidden, p.networks)
    lab.show_model(model)
    lost = {name: loss_of(table.kind, given, y_test) for name, given in said.items()}
    return said, {name: 1 - lost[name] / lost["baseline"] for name in lost}


table = lab.load_table() if lab.own_data is not None else None
if table is not None:
    said, skill = skills(table)
    lab.metric("own_skill", skill["network"])
    lab.show_table(
        f"How well {table.target} is predicted",
        ["model", MEASURE[table.kind], "skill"],
        [[name, share_right(table.kind, said[name], table.test.y), skill[name]] for name in said],
        caption=f"On {len(table.test)} rows that were kept for the test; {len(table.train)} were "
        "learned from.",
    )
    if table.kind != "regression":
        given = said["network"]
        guess = given.argmax(axis=1) if table.kind == "classes" else given[:, 0] > 0.5
        lab.show_confusion(table.test.y, guess)

# %% [markdown]
# ### Which columns count?
#
# Shuffle one column of the test rows, so that it says nothing about its row any more, and see how
# much larger the loss becomes (*permutation importance*). What the network does not need costs
# nothing. Two columns that say the same cover for each other: both look unimportant.

# %%
if table is not None:
    (x_train, y_train), (x_test, y_test) = table.arrays()
    rng = np.random.default_rng(lab.seed)
    _, model, _ = answers(table.kind, (x_train, y_train), x_test, [p.units] * 2)
    scale = (y_train.mean(), y_train.std()) if table.kind == "regression" else (0, 1)
    shuffled = [np.array(x_test)]
    for name in (*table.numbers, *table.categories):
        mine = [i for i, f in enumerate(table.features) if f.split(" = ")[0] == name]
        changed = np.array(x_test)
        changed[:, mine] = changed[rng.permutation(len(changed))][:, mine]
        shuffled.append(changed)
    costs = [
        loss_of(table.kind, scale[0] + scale[1] * np.asarray(model.predict(x, verbose=0)), y_test)
        for x in (part.astype("float32") for part in shuffled)
    ]
    rise = np.array(costs[1:]) / costs[0] - 1
    names = np.array([*table.numbers, *table.categories])
    top = np.argsort(rise)[-12:]
    figure = Figure(figsize=(5.4, 1.2 + 0.32 * len(top)), layout="constrained")
    axes = figure.add_subplot()
    axes.barh([str(name)[:24] for name in names[top]], 100 * rise[top], color=BLUE)
    axes.set_xlabel("rise of the loss without it (per cent)")
    lab.show_figure(
        figure,
        title="Which columns count",
        caption="How much the loss on test rows rises when a column is shuffled.",
        alt="Bar chart of columns by how much the loss rises without them. The most important: "
        + ", ".join(str(names[i]) for i in top[::-1][:3])
        + ".",
    )

# %% [markdown]
# ## What to try next
#
# - Leave out the `Normalization`. Which of the four suffers most, and can you tell from the ranges
#   of its columns?
# - `--set networks=10`, then `--set networks=1` with the seeds 0 to 4. What does averaging change:
#   the mean of the results, or how far they scatter?
# - Give *wine* sigmoids instead of softmax. Is it still right? Do its three probabilities still
#   have the sum 1?
# - Your own table: take out the column that counts most. How much of it did the others know?
#
# ## Questions
#
# 1. *A network for three classes ends in softmax. All its last sums $z$ grow by 5. What changes?*
#
# <details><summary>Answer</summary>
#
# Nothing: $e^{z_k + 5} = e^5 e^{z_k}$, and the factor cancels. With sigmoids all three
# probabilities would come closer to 1.
#
# </details>
#
# 2. *You normalise with the mean of all rows, the test's too. What is wrong with that?*
#
# <details><summary>Answer</summary>
#
# Test rows have then told the model something about themselves. With means the gain is small; with
# "fill gaps by the mean of the class" it can be everything. The rule is simple and has no
# exceptions: whatever is learned is learned on training rows.
#
# </details>
#
# 3. *95 % of the rows of a table are "no". A model is right in 95 % of the cases. Is it good?*
#
# <details><summary>Answer</summary>
#
# One cannot tell: the baseline that always says "no" has 95 % as well. Its skill says more, and so
# do the numbers of found and missed "yes": see the lab `churn`.
#
# </details>
#
# 4. *A column holds colours, written as 0 red, 1 green, 2 blue. Why one-hot, and not this number?*
#
# <details><summary>Answer</summary>
#
# As a number, green lies between red and blue, and blue is twice green. A weight can only raise or
# lower the answer along that order. Three columns of 0 and 1 have three weights, one per colour.
#
# </details>
#
# 5. *The linear model beats the network on your table. A mistake?*
#
# <details><summary>Answer</summary>
#
# Not at all: with few rows, or where effects simply add up, there is nothing for hidden layers to
# find, and their freedom only lets them learn chance. Then take the linear model: it is smaller,
# and one can read it.
#
# </details>
#
# ## Sources
#
# - B. Efron, T. Hastie, I. Johnstone, R. Tibshirani, *Least angle regression*, Annals of
#   Statistics, 2004: the patients.
# - W. Street, W. Wolberg, O. Mangasarian, *Nuclear feature extraction for breast tumor diagnosis*,
#   1993: the tumours.
# - S. Aeberhard, M. Forina, *Wine*, UCI Machine Learning Repository, 1992.
# - I. Loshchilov, F. Hutter, *Decoupled weight decay regularization*, ICLR 2019: AdamW.
# - L. Breiman, *Random forests*, Machine Learning, 2001: importance by shuffling.
# - L. Hansen, P. Salamon, *Neural network ensembles*, IEEE Transactions on Pattern Analysis and
#   Machine Intelligence, 1990.
