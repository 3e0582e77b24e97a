# %% [raw]
# /// lab
# title = "Who is about to leave? From a mixed table to a decision"
# summary = """
# Customers of a telephone company: numbers, categories, gaps, and three who stay for each who \
# leaves. Shaped by hand, ranked by a network, judged by the ROC curve, decided by what a mistake \
# costs."""
# unit = 2
# topics = [
#     "scaling", "one-hot encoding", "missing values", "imbalance", "class weights",
#     "cross-validation", "ROC curve", "thresholds", "costs",
# ]
#
# [data]
# name = "churn"
# table = ["binary"]
#
# [parameters]
# epochs = {full = 20, quick = 8, help = "passes over the training rows"}
# batch_size = {full = 128, quick = 128, help = "rows per step"}
# learning_rate = {full = 2e-3, quick = 3e-3, help = "at the start; falls to zero"}
# units = {full = 64, quick = 64, help = "units in the first hidden layer; the second has half"}
# miss = {full = 5.0, quick = 5.0, help = "what a leaver missed costs, in calls made in vain"}
#
# [metrics.roc_auc]
# label = "area under the ROC curve, mean of five folds"
# target = {full = 0.84, quick = 0.83, own = 0.55}
# source = """
# Logistic regression and trees reach 0.84 to 0.85 on this table in many published comparisons; we \
# ask for the lower end. Knowing nothing gives 0.5."""
#
# [metrics.lead]
# label = "the same, over scikit-learn's logistic regression"
# target = {full = -0.005, quick = -0.01}
# source = """
# Our own: the same rows, the same columns. 0.005 is one standard error of the mean of the folds."""
#
# [metrics.saved]
# label = "share of the cost saved, against the better of calling all or nobody"
# target = {full = 0.2, quick = 0.15}
# source = "Our own: a decision that does not save a fifth is not worth a network."
#
# [metrics.area_difference]
# label = "our area under the curve against scikit-learn's"
# better = "lower"
# target = {full = 1e-9, quick = 1e-9, own = 1e-9}
# source = "Two ways to compute one number: only rounding may tell them apart."
# ///

# %% [markdown]
# # Who is about to leave? From a mixed table to a decision
#
# A telephone company loses a quarter of its customers. If it knew who is about to leave, it could
# call them and make an offer. That is the whole task, and it has three parts, of which the network
# is the smallest:
#
# 1. **Shaping**: a table of years, amounts, words and gaps becomes numbers of one scale;
# 2. **Ranking**: a network gives each customer a probability to leave;
# 3. **Deciding**: whom do we call? That depends on what mistakes cost, not on the network.
#
# Any table with a yes-or-no column does: `etude run churn --data FILE.csv --target COLUMN`.

# %%
import itertools

import numpy as np
from matplotlib.figure import Figure
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

import etude as keras
from etude import labs
from etude.labs import BLUE, GREEN, ORANGE, PINK

lab = labs.begin("churn")
p = lab.parameters
layers = keras.layers
keras.utils.set_random_seed(lab.seed)

# %% [markdown]
# ## The table
#
# `lab.load_table()` gives columns by name: numbers, with NaN where one is missing, and categories,
# which are texts. We put its rows together again, since we shall split them in a way of our own.

# %%
table = lab.load_table()
columns = {
    name: np.concatenate([table.train[name], table.test[name]])
    for name in (*table.numbers, *table.categories)
}
y = np.concatenate([table.train.y, table.test.y])
stays, leaves = table.class_names
print(f"{len(y)} rows, {len(table.numbers)} columns of numbers, {len(table.categories)} of words")
print(f"{leaves!r}: {np.mean(y):.1%} of the rows")
for name in table.numbers:
    if np.isnan(columns[name]).any():
        print(f"{name}: {np.isnan(columns[name]).sum()} values are missing")

# %% [markdown]
# ### Look first
#
# For each value of a column: which share of its rows leaves? Where the shares differ, the column
# knows something.


# %%
def shares(name):
    """The values of a column, and for each the share that leaves and its number of rows."""
    column = columns[name]
    if name in table.numbers:  # four groups of nearly one size
        edges = np.unique(np.nanquantile(column, [0, 0.25, 0.5, 0.75, 1]))
        group = np.clip(np.searchsorted(edges, column, side="right") - 1, 0, len(edges) - 2)
        known = ~np.isnan(column)
        names = [f"{a:g} to {b:g}" for a, b in itertools.pairwise(edges)]
        masks = [known & (group == i) for i in range(len(names))]
    else:
        names = sorted(set(column))
        masks = [column == value for value in names]
    return [(n, np.mean(y[m]), m.sum()) for n, m in zip(names, masks, strict=True) if m.any()]


def spread(name):
    """How far the shares of a column's values lie apart; each value counts by its rows."""
    found = shares(name)
    return sum(n * (share - y.mean()) ** 2 for _, share, n in found)


telling = sorted(columns, key=spread, reverse=True)[:4]
figure = Figure(figsize=(5.6, 6.4), layout="constrained")
for axes, name in zip(figure.subplots(len(telling), 1, squeeze=False)[:, 0], telling, strict=True):
    found = shares(name)[:6]
    places = np.arange(len(found))[::-1]
    axes.barh(places, [100 * share for _, share, _ in found], color=BLUE, height=0.7)
    axes.set_yticks(places, [str(value)[:22] for value, _, _ in found], fontsize=9)
    axes.axvline(100 * y.mean(), color=ORANGE, linestyle="--")
    axes.set_title(name, loc="left", fontsize=10)
    axes.set_xlim(0, 100 * min(1, max(1.1 * max(share for _, share, _ in found), 0.1)))
figure.axes[-1].set_xlabel(f"{leaves}, per cent of the rows (dashed: of all rows)")
lab.show_figure(
    figure,
    title="The columns that tell the most",
    caption="Which share leaves, by the value of a column. Four columns whose values differ most.",
    alt="Four groups of bars, one group per column: "
    + "; ".join(
        f"{name}: " + ", ".join(f"{v} {100 * s:.0f} per cent" for v, s, _ in shares(name)[:6])
        for name in telling
    )
    + ".",
)

# %% [markdown]
# ## Shaping
#
# **Numbers** are brought to mean 0 and standard deviation 1. A gap becomes 0, which is the mean,
# and one more column says *was missing*: that a value is missing may itself mean something. (Here
# it does: `total_charges` is missing for those who came this month and have paid nothing yet.)
#
# **Words** become one column of 0 and 1 for each value (*one-hot*). A value that the training rows
# never had is 0 in all of them: the network then says what it says about nobody in particular.
#
# What is learned from data here, means, deviations, lists of values, is learned from training rows
# alone. So shaping is a function that is *fitted*, as a network is.


# %%
def fit_shape(rows):
    """Learns from some rows how to shape, and returns the function that does it."""
    known = {name: columns[name][rows] for name in columns}
    mean = {name: np.nanmean(known[name]) for name in table.numbers}
    deviation = {name: np.nanstd(known[name]) or 1.0 for name in table.numbers}
    values = {name: sorted(set(known[name])) for name in table.categories}
    gaps = [name for name in table.numbers if np.isnan(known[name]).any()]

    def shape(rows):
        out = []
        for name in table.numbers:
            scaled = (columns[name][rows] - mean[name]) / deviation[name]
            out.append(np.where(np.isnan(scaled), 0.0, scaled))
        out += [np.isnan(columns[name][rows]) for name in gaps]
        out += [columns[name][rows] == value for name in values for value in values[name]]
        return np.stack(out, axis=1).astype("float32")  # (rows, features)

    return shape


shape = fit_shape(np.arange(len(y)))
print(f"{len(columns)} columns become {shape(np.arange(1)).shape[1]} numbers")

# %% [markdown]
# ## Five folds instead of one test
#
# A fifth of the rows for the test, some fourteen hundred customers: is that not plenty? Only a
# quarter of them leave, and the measure that we shall use scatters by a whole point from one such
# fifth to the next. So we take **each fifth in turn** as the test and learn from the other four:
# five networks, and every customer is predicted once, by a network that has never seen them. This
# is *cross-validation*. The folds are drawn within each class, so that each has its quarter.


# %%
def draw_folds(y, count, rng):
    """For each row the fold in which it is tested; the classes are spread evenly."""
    fold = np.empty(len(y), int)
    for label in (0, 1):
        mine = rng.permutation(np.flatnonzero(y == label))
        fold[mine] = np.arange(len(mine)) % count
    return fold


FOLDS = 5
fold = draw_folds(y, FOLDS, np.random.default_rng(lab.seed))

# %% [markdown]
# ## The network
#
# Two small hidden layers, held back by dropout and by a price on large weights (L2), since a table
# of this size is soon known by heart; then one sigmoid: $\hat y = 1 / (1 + e^{-z})$ is
# the probability to leave. The loss is the binary cross-entropy.
#
# **Class weights.** Three rows in four are *stays*. A network may reach a small loss by looking
# mostly at those. One can count a row of class $c$ with the weight
#
# $$ w_c = \frac{N}{2 N_c} , $$
#
# where $N$ is the number of rows and $N_c$ that of the class: both classes then weigh the same in
# sum. What that changes, and what not, we shall see in a moment.


# %%
def train(x, y, class_weight=None):
    """A network that has learned from these rows, and the history of its training."""
    steps = p.epochs * int(np.ceil(len(x) / p.batch_size))
    decay = keras.regularizers.L2(1e-3)
    model = keras.Sequential(
        [
            keras.Input((x.shape[1],)),
            layers.Dense(p.units, activation="relu", kernel_regularizer=decay),
            layers.Dropout(0.5),
            layers.Dense(p.units // 2, activation="relu", kernel_regularizer=decay),
            layers.Dropout(0.5),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.Adam(
            keras.optimizers.schedules.CosineDecay(p.learning_rate, steps)
        ),
        loss="binary_crossentropy",
    )
    history = model.fit(
        x,
        y[:, None],
        batch_size=p.batch_size,
        epochs=p.epochs,
        class_weight=class_weight,
        verbose=0,
    )
    return model, history


def probabilities(model, x):
    return np.asarray(model.predict(x, batch_size=1024, verbose=0))[:, 0].astype(float)


# %%
said = np.zeros(len(y))  # each row's probability, from the network that has not seen it
linear = np.zeros(len(y))
trained = []
for k in range(FOLDS):
    learn, test = np.flatnonzero(fold != k), np.flatnonzero(fold == k)
    shape = fit_shape(learn)
    trained.append(train(shape(learn), y[learn]))
    said[test] = probabilities(trained[k][0], shape(test))
    reference = LogisticRegression(max_iter=3000).fit(shape(learn), y[learn])
    linear[test] = reference.predict_proba(shape(test))[:, 1]
    print(f"fold {k + 1} of {FOLDS}: {len(learn)} rows to learn from, {len(test)} tested")
lab.show_model(trained[0][0])
lab.show_curves(trained[0][1])

# %% [markdown]
# ## What a threshold does: the ROC curve
#
# To call someone or not, we compare the probability with a threshold $t$. Each $t$ gives two
# shares:
#
# - the **true positive rate**: of those who leave, the share with $\hat y \ge t$, whom we call;
# - the **false positive rate**: of those who stay, the share that we call in vain.
#
# Lower $t$, and both rise. All thresholds together give the **ROC curve**. Blind guessing calls
# both kinds at the same rate, which is the diagonal.
#
# The area under it, AUC, has a meaning of its own: take one customer who leaves and one who stays,
# at random. The AUC is the probability that the one who leaves has the higher $\hat y$. So it asks
# about the **order** only: no threshold, no calibration, and how rare the class is does not
# matter.


# %%
def roc(y, said):
    """False and true positive rates, from the highest threshold to the lowest."""
    order = np.argsort(-said, kind="stable")
    last = np.append(np.diff(said[order]) != 0, True)  # equal probabilities are one step
    true = np.cumsum(y[order])[last] / y.sum()
    false = np.cumsum(1 - y[order])[last] / (1 - y).sum()
    return np.append(0.0, false), np.append(0.0, true), np.append(np.inf, said[order][last])


def area(false, true):
    """The area under the curve, trapezium by trapezium."""
    return np.sum(np.diff(false) * (true[1:] + true[:-1]) / 2)


def areas(said):
    return np.array([area(*roc(y[fold == k], said[fold == k])[:2]) for k in range(FOLDS)])


ours, theirs = areas(said), areas(linear)
lab.metric("roc_auc", ours.mean())
lab.metric("lead", ours.mean() - theirs.mean())
lab.metric("area_difference", abs(area(*roc(y, said)[:2]) - roc_auc_score(y, said)))
print("per fold, the network:   ", ours.round(4))
print("per fold, a linear model:", theirs.round(4))

# %%
figure = Figure(figsize=(5.2, 4.6), layout="constrained")
axes = figure.add_subplot()
for k in range(FOLDS):
    false, true, _ = roc(y[fold == k], said[fold == k])
    label = "the network, fold by fold" if k == 0 else None
    axes.plot(false, true, color=BLUE, linewidth=1, alpha=0.7, label=label)
false, true, _ = roc(y, linear)
axes.plot(false, true, "--", color=ORANGE, label="logistic regression, all folds")
axes.plot([0, 1], [0, 1], ":", color="black", label="blind guessing")
axes.set(xlabel="false positive rate", ylabel="true positive rate", aspect="equal")
axes.legend(loc="lower right", frameon=False, fontsize=9)
lab.show_figure(
    figure,
    title="The ROC curve",
    caption=f"AUC of the five folds: {', '.join(f'{a:.3f}' for a in ours)}; mean "
    f"{ours.mean():.3f}. Their distance is what chance does to a test of this size.",
    alt="Five thin curves close together rise from the lower left, steeply at first, far above "
    f"the diagonal, to the upper right; mean area {ours.mean():.3f}. The dashed curve of the "
    f"logistic regression runs among them, with a mean area of {theirs.mean():.3f}.",
)

# %% [markdown]
# The linear model is nearly as good. That is not a failure of the network but a fact about this
# table: the effects of contract, tenure and price mostly add up. **A linear model belongs beside
# every network on a table**; without it one would praise the network for what a sum can do.
#
# ## What class weights do
#
# The same fold, the same rows, with and without weights, and each decided at $t = 0.5$:

# %%
learn, test = np.flatnonzero(fold != 0), np.flatnonzero(fold == 0)
shape = fit_shape(learn)
counts = np.bincount(y[learn])
weights = {c: len(learn) / (2 * counts[c]) for c in (0, 1)}
weighted_model, _ = train(shape(learn), y[learn], class_weight=weights)
weighted = probabilities(weighted_model, shape(test))
print({c: round(float(w), 3) for c, w in weights.items()})


def at(threshold, said, y):
    """Accuracy, recall and precision of a decision, and the mean probability."""
    call = said >= threshold
    hits = np.sum(call & (y == 1))
    return np.mean(call == y), hits / y.sum(), hits / max(call.sum(), 1), said.mean()


always = np.zeros(len(test))
lab.show_table(
    f"At the threshold 0.5: {leaves}, found and called",
    ["model", "accuracy", "recall", "precision", "mean probability", "AUC"],
    [
        [name, *at(0.5, given, y[test]), area(*roc(y[test], given)[:2])]
        for name, given in (
            (f"always {stays}", always),
            ("logistic regression", linear[test]),
            ("network", said[test]),
            ("network, class weights", weighted),
        )
    ],
    caption=f"One fold of {len(test)} rows, of which {np.mean(y[test]):.1%} are {leaves}. Recall: "
    "the share of them that is called. Precision: the share of the called that it is right about.",
)

# %% [markdown]
# Read it column by column.
#
# - *Always stays* has three quarters right and finds nobody. Accuracy is the wrong question.
# - With weights the network finds far more of those who leave, and is wrong more often about those
#   it calls. It has not become cleverer: the **AUC is the same**. Its probabilities have moved up,
#   as if half of all customers left; the threshold 0.5 therefore lies elsewhere in the same order.
# - So weights are one way to choose a threshold. They cost something: $\hat y$ is no longer a
#   probability that one could reckon with (see its mean). We keep the network without weights, and
#   move the threshold.
#
# ## What a mistake costs
#
# Say a call in vain costs 1, and a customer who leaves without a call costs $m$; here $m = 5$ (the
# parameter `miss`). Somebody leaves with probability $\hat y$. Calling costs $1 - \hat y$ on
# average, not calling $m \hat y$. So call when
#
# $$ 1 - \hat y < m \, \hat y \iff \hat y > t^* = \frac{1}{1 + m} . $$
#
# With $m = 5$: from a sixth on. The threshold follows from the costs alone, **if** the
# probabilities are true. Are they? Of those who got about 0.3, do three in ten leave?


# %%
def cost(threshold, said, y):
    """The mean cost per customer of calling all with at least this probability."""
    call = said >= threshold
    return np.mean(call & (y == 0)) + p.miss * np.mean(~call & (y == 1))


best = 1 / (1 + p.miss)
trivial = min(cost(-1, said, y), cost(2, said, y))  # all are called, or nobody
paid = cost(best, said, y)
lab.metric("saved", 1 - paid / trivial)
print(
    f"threshold {best:.3f}: cost {paid:.3f} per customer; the better of all or nobody {trivial:.3f}"
)

thresholds = np.linspace(0, 1, 101)
curve = [cost(t, said, y) for t in thresholds]
groups = np.array_split(np.argsort(said), 10)
figure = Figure(figsize=(5.6, 6.2), layout="constrained")
above, below = figure.subplots(2, 1)
above.plot([0, 1], [0, 1], ":", color="black", label="as it should be")
above.plot(
    [said[g].mean() for g in groups],
    [y[g].mean() for g in groups],
    "-o",
    color=GREEN,
    label="tenths of the rows",
)
above.set(xlabel="mean probability that was said", ylabel="share that left")
above.legend(frameon=False)
below.plot(thresholds, curve, color=BLUE, label="calling from t on")
below.axhline(trivial, color=ORANGE, linestyle="--", label="the better of all or nobody")
below.axvline(best, color=PINK, linestyle="-.", label="$t^* = 1 / (1 + m)$")
below.axvline(0.5, color="black", linestyle=":", linewidth=0.9, label="0.5")
below.set(xlabel="threshold t", ylabel="cost per customer", ylim=(0, None))
below.legend(frameon=False, loc="lower right", fontsize=9)
lab.show_figure(
    figure,
    title="True probabilities, and what a threshold costs",
    caption="Above: what was said, and what came, in ten groups of customers. Below: the cost of "
    "each threshold. It is lowest near the one that follows from the costs, and 0.5 is dear.",
    alt="Two charts. Above, ten points near the diagonal: the share that left is close to the mean "
    "probability said. Below, the cost per customer over the threshold, lowest near "
    f"{thresholds[int(np.argmin(curve))]:.2f} and rising towards 1; at 0.5 it is "
    f"{cost(0.5, said, y):.2f}, at {best:.2f} it is {paid:.2f}.",
)
lab.show_confusion(y, (said >= best).astype(int))

# %% [markdown]
# The order of the customers came from the network. That a sixth is the place to cut came from a
# sentence about money. When somebody asks for "a model with 90 % accuracy", ask back what a missed
# customer costs.
#
# ## What to try next
#
# - `--set miss=1`, `--set miss=20`. Where does the threshold go, and who is called?
# - Leave out `contract`, the column that tells most. How much AUC does it cost, and why so little?
# - Feed the numbers without scaling. What does the first loss say?
# - `--set epochs=200 --set units=256`: what becomes of the ten points near the diagonal?
# - Fold by fold, compare with the linear model. Is the lead larger than the scatter?
#
# ## Questions
#
# 1. *A model's probabilities are all divided by 10. What happens to the AUC, to the accuracy at
#    0.5, to the loss?*
#
# <details><summary>Answer</summary>
#
# The AUC stays: the order is the same. At 0.5 nobody is called any more. The loss grows, since for
# those who leave $-\log \hat y$ grows by $\log 10$.
#
# </details>
#
# 2. *Why not copy each leaver three times, and then split into training and test?*
#
# <details><summary>Answer</summary>
#
# Copies of one customer would stand on both sides. The test would ask the network about rows that
# it knows by heart. Split first; copy (or weigh) only in the training part.
#
# </details>
#
# 3. *Two columns, `internet_service = No` and `online_security = No internet service`, are always
#    equal. Does that hurt?*
#
# <details><summary>Answer</summary>
#
# Not the prediction: the network may share one weight between the two as it likes. It hurts the
# reading of weights, and the importance of each seems half.
#
# </details>
#
# 4. *The AUC of the five folds goes from 0.83 to 0.86. A colleague reports 0.86 on one split. What
#    do you ask?*
#
# <details><summary>Answer</summary>
#
# How the split was chosen, and how often it was drawn. With one test of 1,400 rows the AUC is
# uncertain by about 0.01; the best of five draws is 0.86 for everybody.
#
# </details>
#
# 5. *A call now costs more than a lost customer: m = 0.5. Whom do we call?*
#
# <details><summary>Answer</summary>
#
# Those above $1 / 1.5 = 0.67$: only the nearly certain ones. At $m \to 0$ nobody, at $m \to
# \infty$ everybody.
#
# </details>
#
# ## Sources
#
# - IBM, *Telco customer churn*, sample data set, in the R package *modeldata* by M. Kuhn.
# - T. Fawcett, *An introduction to ROC analysis*, Pattern Recognition Letters, 2006.
# - J. Hanley, B. McNeil, *The meaning and use of the area under a receiver operating
#   characteristic (ROC) curve*, Radiology, 1982.
# - C. Elkan, *The foundations of cost-sensitive learning*, IJCAI 2001.
# - M. Stone, *Cross-validatory choice and assessment of statistical predictions*, Journal of the
#   Royal Statistical Society, 1974.
