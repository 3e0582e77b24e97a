# %% [raw]
# /// lab
# title = "CIFAR-10: small pictures in colour"
# summary = """
# Ten kinds of things at 32×32 pixels, each in another place and light. Augmentation, a network \
# of three stages, and a trick that costs no training: look twice, once in the mirror."""
# unit = 3
# topics = [
#     "colour images", "augmentation", "batch normalisation", "SGD with momentum",
#     "test-time augmentation", "error analysis",
# ]
#
# [data]
# name = "cifar10"
# stand_in = "scenes"
# image = [32, 32]
# channels = 3
#
# [parameters]
# epochs = {full = 6, quick = 4, help = "passes over the training images"}
# batch_size = {full = 64, quick = 32, help = "images per step"}
# learning_rate = {full = 0.05, quick = 0.05, help = "the largest: after one epoch"}
# train_images = {full = 50000, quick = 3000, help = "how many of the training images are used"}
# test_images = {full = 10000, quick = 1000, help = "how many of the test images are used"}
#
# [metrics.test_accuracy]
# label = "test accuracy"
# target = {full = 0.75, quick = 0.4, stand_in = 0.25}
# source = """
# Keras 2.3.1, examples/cifar10_cnn.py: its docstring states 75% after 25 epochs. The targets of \
# quick runs and of stand-in data are our own."""
#
# [metrics.mirrored_accuracy]
# label = "test accuracy, looking twice"
# target = {full = 0.75, quick = 0.4, stand_in = 0.25}
# source = "Our own: the mean of two opinions of one network should not be worse than one."
# ///

# %% [markdown]
# # CIFAR-10: small pictures in colour
#
# In 2009 Alex Krizhevsky had students sort 60,000 small photos into ten classes: airplanes, cats,
# frogs, ships and so on, 32×32 pixels each, in colour. Digits stand in the middle of a black
# field; here a cat may lie, jump or look out of a box, in any light, before any background.
# For years this was the test for every new idea about networks for pictures.
#
# The file lies at the University of Toronto. Where it cannot be reached, the lab composes a
# **stand-in** of the same form: cut-out photos of mammals, birds, fruit, tools and so on before
# backgrounds of noise. No thing of the training pictures is in the test. The report says which of
# the two was used, and numbers of one say nothing about the other.

# %%
import numpy as np
from matplotlib.figure import Figure

import etude as keras
from etude import labs
from etude.labs import BLUE, ORANGE

lab = labs.begin("cifar10")
p = lab.parameters
keras.utils.set_random_seed(lab.seed)
layers = keras.layers

(x_train, y_train), (x_test, y_test) = lab.load_data()
x_train, y_train = x_train[: p.train_images], y_train[: p.train_images].ravel().astype("int64")
x_test, y_test = x_test[: p.test_images], y_test[: p.test_images].ravel().astype("int64")
names, classes = lab.class_names, len(lab.class_names)
print(f"{len(x_train)} images to learn from, {len(x_test)} to be tested on, {classes} classes")

# %%
shown = min(classes, 10)
figure = Figure(figsize=(5.4, 0.62 * shown + 0.2), layout="constrained")
for label, row in enumerate(figure.subplots(shown, 6, squeeze=False)):
    for axes, image in zip(row, x_train[y_train == label][:6], strict=False):
        axes.imshow(image)
    for axes in row:
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    row[0].set_ylabel(names[label][:12], rotation=0, ha="right", va="center", fontsize=10)
lab.show_figure(
    figure,
    title="Six of each class",
    caption="Colour helps, and misleads: what is green may be a frog, a leaf or a lawn behind a "
    "horse.",
    alt="A table of small colour pictures, six of each of the classes "
    + ", ".join(names[:10])
    + ".",
)

# %% [markdown]
# ## Three channels
#
# A pixel is now three bytes: red, green, blue. Each channel is brought to mean 0 and deviation 1
# over all training images, $z_c = (x_c - \mu_c) / \sigma_c$. A window of the first convolution
# has a slice for each channel, so it can ask *red here and green next to it?*, which no grey
# picture can answer.

# %%
mean = x_train.mean(axis=(0, 1, 2))  # (3,)
deviation = x_train.std(axis=(0, 1, 2))
x_train = ((x_train - mean) / deviation).astype("float32")
x_test = ((x_test - mean) / deviation).astype("float32")

# %% [markdown]
# ## Augmentation
#
# A network of this size can learn its training images by heart. Each image is therefore mirrored by
# chance, and shifted by up to four pixels, anew in every epoch. What is pushed out at one side is
# filled at the other with the colour of the border.
#
# Mirrored ships are ships. Mirrored writing is none: look at your own data before you copy this.
#
# ## The network
#
# Three stages, each of one convolution, normalisation, ReLU and pooling. Each halves the size and
# doubles the maps. After the last one, a mean over each map and one dense layer decide.

# %%
model = keras.Sequential(
    [
        keras.Input((32, 32, 3)),
        layers.RandomFlip("horizontal", seed=lab.seed),
        layers.RandomTranslation(0.125, 0.125, fill_mode="nearest", seed=lab.seed + 1),
        layers.Conv2D(32, 3, padding="same", use_bias=False),  # (32, 32, 32)
        layers.BatchNormalization(momentum=0.9),
        layers.Activation("relu"),
        layers.MaxPooling2D(2),  # (16, 16, 32)
        layers.Conv2D(64, 3, padding="same", use_bias=False),  # (16, 16, 64)
        layers.BatchNormalization(momentum=0.9),
        layers.Activation("relu"),
        layers.MaxPooling2D(2),  # (8, 8, 64)
        layers.Conv2D(128, 3, padding="same", use_bias=False),  # (8, 8, 128)
        layers.BatchNormalization(momentum=0.9),
        layers.Activation("relu"),
        layers.GlobalAveragePooling2D(),  # (128,)
        layers.Dropout(0.2),
        layers.Dense(classes, activation="softmax"),
    ],
    name="three_stages",
)
lab.show_model(model)

# %% [markdown]
# ## Training, the old way
#
# Most labs use Adam. The networks that hold the records on CIFAR-10 were trained with plain
# gradient descent and **momentum**:
#
# $$ v \leftarrow \beta v - \eta \, g, \qquad w \leftarrow w + \beta v - \eta \, g $$
#
# - $g$: the gradient of the batch's loss; $\eta$: the learning rate; $w$: a weight;
# - $v$: the velocity, a memory of past gradients; $\beta = 0.9$: how much of it stays. In a valley,
#   steps to and fro cancel out in it, and steps along the valley add up, to ten times the length.
#
# The second formula, with $\beta v$ once more, is Nesterov's: it steps to where the velocity is
# about to go. The learning rate climbs over one epoch, then falls along half a cosine to zero.

# %%
steps_per_epoch = int(np.ceil(len(x_train) / p.batch_size))
steps = p.epochs * steps_per_epoch
warmup = min(steps_per_epoch, steps // 2)
schedule = keras.optimizers.schedules.CosineDecay(
    0.0, decay_steps=steps - warmup, warmup_target=p.learning_rate, warmup_steps=warmup
)
model.compile(
    optimizer=keras.optimizers.SGD(schedule, momentum=0.9, nesterov=True, weight_decay=5e-4),
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
history = model.fit(
    x_train,
    y_train,
    batch_size=p.batch_size,
    epochs=p.epochs,
    validation_data=(x_test, y_test),
    verbose=2,
)
lab.show_curves(history)

# %% [markdown]
# ## Looking twice
#
# The network gives slightly different answers for an image and its mirror image, and its mistakes
# on the two are not always the same. The mean of both answers is a committee of two, without a
# second training. (Batches of test images are large, so this costs a second or so.)

# %%
once = model.predict(x_test, batch_size=250, verbose=0)  # (images, classes)
mirror = model.predict(x_test[:, :, ::-1].copy(), batch_size=250, verbose=0)
twice = (once + mirror) / 2
lab.metric("test_accuracy", np.mean(once.argmax(axis=-1) == y_test))
lab.metric("mirrored_accuracy", np.mean(twice.argmax(axis=-1) == y_test))
lab.show_confusion(y_test, twice.argmax(axis=-1))
lab.show_mistakes((x_test * deviation + mean).clip(0, 255).astype("uint8"), y_test, twice)

# %% [markdown]
# ## How sure may it be?
#
# Of all images to which the network gives 80%, about 80% should be right. We sort its answers by
# their probability, cut them into pieces, and look:

# %%
sure, right = twice.max(axis=-1), twice.argmax(axis=-1) == y_test
pieces = np.array_split(np.argsort(sure), 8)
claimed = [sure[piece].mean() for piece in pieces]
true = [right[piece].mean() for piece in pieces]

figure = Figure(figsize=(5.0, 3.8), layout="constrained")
axes = figure.subplots()
axes.plot([0, 1], [0, 1], ":", color="gray", label="as sure as it may be")
axes.plot(claimed, true, "o-", color=BLUE, label="this network")
axes.axhline(right.mean(), linestyle="--", color=ORANGE, label="accuracy over all")
axes.set(xlabel="probability that it gives", ylabel="share that is right", xlim=(0, 1), ylim=(0, 1))
axes.legend(frameon=False, loc="upper left")
lab.show_figure(
    figure,
    title="Said and true",
    caption="Below the dotted line the network is surer than it should be, above it too modest. "
    "Each dot stands for an eighth of the test images.",
    alt="Line chart of the share of right answers over the probability that the network gives: "
    + ", ".join(f"{c:.2f} said, {t:.2f} true" for c, t in zip(claimed, true, strict=True))
    + ".",
)

# %% [markdown]
# ## What to try next
#
# - Take out the two layers of augmentation. How far do training and test part now?
# - `--epochs 25`: what do four times as many passes bring?
# - Two convolutions per stage instead of one. What does it cost, and what does it bring? The lab
#   `architectures` goes on from there.
# - Make all images grey (the mean over the channels, three times). Which classes suffer?
# - `--data FOLDER` with your own pictures, one sub-folder per class.
#
# ## Questions
#
# 1. *How many weights has the first convolution, and how many would it have on grey images?*
#
# <details><summary>Answer</summary>
#
# $3 \cdot 3 \cdot 3 \cdot 32 = 864$, on grey images 288. (No bias: the normalisation has one.)
#
# </details>
#
# 2. *With $\beta = 0.9$ and a constant gradient $g$, how long do the steps become?*
#
# <details><summary>Answer</summary>
#
# $v$ tends to $-\eta g / (1 - \beta) = -10\, \eta g$.
#
# </details>
#
# 3. *Why does the mirror not help a network that reads digits?*
#
# <details><summary>Answer</summary>
#
# It has never seen a mirrored 3 in training, and most mirrored digits are none. Its second opinion
# would be noise.
#
# </details>
#
# 4. *Training accuracy is below test accuracy in the first epochs. Is the test too easy?*
#
# <details><summary>Answer</summary>
#
# No. Training accuracy is measured on augmented images, with dropout, and as a mean over an epoch
# in which the network was still worse. The test is taken at the end of it, on images as they are.
#
# </details>
#
# 5. *A network scores 0.75 here. Ten classes, equally frequent. What would guessing give, and what
#    do people reach?*
#
# <details><summary>Answer</summary>
#
# Guessing gives 0.10. On CIFAR-10, people were measured at about 0.94.
#
# </details>
#
# ## Sources
#
# - A. Krizhevsky, *Learning multiple layers of features from tiny images*, 2009: the data.
# - Y. Nesterov, *A method for solving the convex programming problem with convergence rate
#   O(1/k²)*, 1983; I. Sutskever, J. Martens, G. Dahl, G. Hinton, *On the importance of
#   initialization and momentum in deep learning*, ICML 2013.
# - C. Guo, G. Pleiss, Y. Sun, K. Weinberger, *On calibration of modern neural networks*, ICML 2017.
# - D. Dwibedi, I. Misra, M. Hebert, *Cut, paste and learn*, ICCV 2017: the idea of the stand-in.
