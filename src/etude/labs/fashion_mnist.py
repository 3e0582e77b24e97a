# %% [raw]
# /// lab
# title = "Fashion-MNIST: a network with a shortcut"
# summary = """
# Shirts, coats, boots: harder than digits. The network is a graph, built with the functional API, \
# and the confusion matrix tells which garments even it cannot tell apart."""
# unit = 3
# topics = [
#     "functional API", "residual connection", "augmentation", "confusion matrix",
#     "label smoothing", "precision and recall",
# ]
#
# [data]
# name = "fashion_mnist"
# stand_in = "digits"
# image = [28, 28]
#
# [parameters]
# epochs = {full = 8, quick = 3, help = "passes over the training images"}
# batch_size = {full = 128, quick = 64, help = "images per step"}
# learning_rate = {full = 4e-3, quick = 3e-3, help = "the largest: after one epoch"}
# train_images = {full = 60000, quick = 4000, help = "how many of the training images are used"}
# test_images = {full = 10000, quick = 2000, help = "how many of the test images are used"}
#
# [metrics.test_accuracy]
# label = "test accuracy"
# target = {full = 0.93, quick = 0.8, stand_in = 0.85}
# source = """
# Xiao, Rasul and Vollgraf 2017, Fashion-MNIST, and the table beside its data: networks of two or \
# three convolutions with normalisation or augmentation are listed with 0.92 to 0.94. Targets of \
# quick runs and of stand-in data are our own, with a margin below what we measured."""
# ///

# %% [markdown]
# # Fashion-MNIST: a network with a shortcut
#
# MNIST has been solved so often that it no longer tells good ideas from bad ones. So in 2017 Han
# Xiao and colleagues took photos of clothes from a shop, shrank them to 28×28, and made a data
# set of the very same form: 60,000 to learn from, 10,000 to be tested on, ten classes. What reaches
# 99% on digits reaches some 92% here.
#
# The lab brings three things beyond `mnist-cnn`: a network that is a **graph** and not a list, a
# closer look at **which** mistakes it makes, and labels that are a little less sure of themselves.

# %%
import numpy as np
from matplotlib.figure import Figure

import etude as keras
from etude import labs
from etude.labs import BLUE, ORANGE

lab = labs.begin("fashion-mnist")
p = lab.parameters
keras.utils.set_random_seed(lab.seed)
layers = keras.layers

(x_train, y_train), (x_test, y_test) = lab.load_data()
x_train, y_train = x_train[: p.train_images], y_train[: p.train_images].astype("int64")
x_test, y_test = x_test[: p.test_images], y_test[: p.test_images].astype("int64")
x_train = x_train[..., None].astype("float32") / 255  # (images, 28, 28, 1)
x_test = x_test[..., None].astype("float32") / 255
names, classes = lab.class_names, len(lab.class_names)
print(f"{len(x_train)} images to learn from, {len(x_test)} to be tested on, {classes} classes")

# %%
shown = min(classes, 10)
figure = Figure(figsize=(5.4, 0.62 * shown + 0.2), layout="constrained")
for label, row in enumerate(figure.subplots(shown, 6, squeeze=False)):
    for axes, image in zip(row, x_train[y_train == label][:6], strict=False):
        axes.imshow(image[..., 0], cmap="gray_r")
    for axes in row:
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    row[0].set_ylabel(names[label][:12], rotation=0, ha="right", va="center", fontsize=10)
lab.show_figure(
    figure,
    title="Six of each class",
    caption="Would you tell a pullover from a coat, or a shirt from a T-shirt, at this size?",
    alt="A table of small grey pictures, six of each of the classes " + ", ".join(names[:10]) + ".",
)

# %% [markdown]
# ## A graph instead of a list
#
# `Sequential` is a list: each layer has one layer before it. In the **functional API** you call a
# layer on a tensor and get a tensor, so a tensor may go to two layers, and a layer may take two
# tensors. The model is then whatever lies between `inputs` and `outputs`.
#
# We use that for a **residual connection**: the tensor $x$ goes through a convolution, and around
# it as well, and both are added up:
#
# $$ y = \max\big(0,\; x + F(x)\big) $$
#
# - $x$: the feature maps that come in;
# - $F$: convolution and normalisation, with weights of their own;
# - $y$: what goes on.
#
# The convolution only has to learn what to *add* to its input. Where nothing is to be added, $F$
# goes to zero, and the block does no harm. And on the way back the gradient passes through the sum
# unchanged, $\partial y / \partial x = 1 + \partial F / \partial x$ where the ReLU is open, so it
# reaches the first layers however many blocks lie between. The lab `architectures` stacks nine of
# them.


# %%
def convolution(x, maps, padding="same"):
    """Convolution and normalisation, without the activation: the sum comes first."""
    x = layers.Conv2D(maps, 3, padding=padding, use_bias=False)(x)
    return layers.BatchNormalization(momentum=0.9)(x)


inputs = keras.Input((28, 28, 1))
# A mirrored shoe is a shoe, a mirrored digit is none: where digits stand in, nothing is mirrored.
mirrored = names[0] == "T-shirt/top"
x = layers.RandomFlip("horizontal", seed=lab.seed)(inputs) if mirrored else inputs
x = layers.Activation("relu")(convolution(x, 32))  # (28, 28, 32)
x = layers.MaxPooling2D(2)(x)  # (14, 14, 32)
x = layers.Activation("relu")(convolution(x, 64, "valid"))  # (12, 12, 64)
x = layers.MaxPooling2D(2)(x)  # (6, 6, 64)
around = x
x = convolution(x, 64)  # (6, 6, 64)
x = layers.Add()([around, x])
x = layers.Activation("relu")(x)
x = layers.Activation("relu")(convolution(x, 128, "valid"))  # (4, 4, 128)
x = layers.Flatten()(x)  # (2048,)
x = layers.Dropout(0.4)(x)
outputs = layers.Dense(classes, activation="softmax")(x)
model = keras.Model(inputs, outputs, name="shortcut")
lab.show_model(model)

# %% [markdown]
# ## Labels that leave a doubt
#
# Cross-entropy with the label *shirt* asks for the probability 1, which softmax reaches only at
# infinity. So the network keeps pushing, also on garments that nobody could name for sure. **Label
# smoothing** asks for a little less: of $K$ classes the true one gets $1 - \epsilon +
# \epsilon / K$, each other one $\epsilon / K$, here with $\epsilon = 0.1$. The network has reached
# its goal at a finite distance and stops shouting. (The loss no longer goes to zero, then: its
# lowest value is the entropy of the smoothed labels, about 0.5 for ten classes.)
#
# The learning rate first climbs over one epoch and then falls along half a cosine, as in
# `mnist-cnn`.

# %%
steps_per_epoch = int(np.ceil(len(x_train) / p.batch_size))
steps = p.epochs * steps_per_epoch
warmup = min(steps_per_epoch, steps // 2)
schedule = keras.optimizers.schedules.CosineDecay(
    0.0, decay_steps=steps - warmup, warmup_target=p.learning_rate, warmup_steps=warmup
)
model.compile(
    optimizer=keras.optimizers.Adam(schedule, epsilon=1e-5),
    loss=keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
    metrics=["accuracy"],
)
history = model.fit(
    x_train,
    keras.utils.to_categorical(y_train, classes),
    batch_size=p.batch_size,
    epochs=p.epochs,
    validation_data=(x_test, keras.utils.to_categorical(y_test, classes)),
    verbose=2,
)
lab.show_curves(history)

# %% [markdown]
# ## The result

# %%
probabilities = model.predict(x_test, batch_size=256, verbose=0)  # (images, classes)
predicted = probabilities.argmax(axis=-1)
lab.metric("test_accuracy", np.mean(predicted == y_test))
lab.show_confusion(y_test, predicted)
lab.show_mistakes(x_test, y_test, probabilities)

# %% [markdown]
# ## Reading the confusion matrix
#
# Row: what it is. Column: what the network says. Two numbers for each class:
#
# - **recall** $= \dfrac{\text{right}}{\text{all of this class}}$: of all shirts, how many are
#   found?
# - **precision** $= \dfrac{\text{right}}{\text{all that were called so}}$: of all that is called a
#   shirt, how much is one?
#
# One accuracy for everything hides that some classes are solved and one is not:

# %%
counts = np.zeros((classes, classes), int)
np.add.at(counts, (y_test, predicted), 1)
recall = counts.diagonal() / np.maximum(counts.sum(axis=1), 1)
precision = counts.diagonal() / np.maximum(counts.sum(axis=0), 1)
order = np.argsort(recall)[:10]
for label in order:
    wrong = np.where(np.arange(classes) == label, 0, counts[label])
    print(
        f"{names[label]:>12}: recall {recall[label]:.3f}, precision {precision[label]:.3f}, "
        f"most often taken for {names[int(wrong.argmax())]} ({wrong.max()})"
    )

figure = Figure(figsize=(5.4, 0.38 * len(order) + 1.0), layout="constrained")
axes = figure.subplots()
rows = np.arange(len(order))
axes.plot(recall[order], rows, "o", color=BLUE, label="recall")
axes.plot(precision[order], rows, "s", color=ORANGE, label="precision", fillstyle="none")
axes.set_yticks(rows, [names[label] for label in order])
axes.set(xlabel="share of test images", xlim=(None, 1.01))
axes.grid(axis="y", alpha=0.3)
axes.legend(frameon=False, loc="upper left")
axes.invert_yaxis()
lab.show_figure(
    figure,
    title="Class by class",
    caption="The hardest class is at the top. Where recall is left of precision, the network is "
    "too shy with this name; where it is right of it, too quick.",
    alt="Dots for recall and precision of each class, the lowest recall first: "
    + ", ".join(f"{names[label]} {recall[label]:.2f}" for label in order)
    + ".",
)

# %% [markdown]
# Trousers and bags are all but solved; the shirt is not. A shirt lies between T-shirt, pullover and
# coat, and what makes it one, a collar or a row of buttons, is two pixels wide. Look at the worst
# mistakes in the report: many could be argued about in the shop itself.
#
# ## What to try next
#
# - Take out the `Add` and go on with $F(x)$ alone. Does one block make a difference? Would ten?
# - `label_smoothing=0`: what happens to the probabilities of the mistakes?
# - Merge *shirt* with *T-shirt/top* in the result. How much of the error disappears?
# - Put a second branch beside the flattened maps: `GlobalMaxPooling2D`, joined by `Concatenate`.
# - Average the predictions for each image and its mirror image. It costs no training at all.
#
# ## Questions
#
# 1. *Why must $x$ and $F(x)$ have the same shape, and what can you do where they do not?*
#
# <details><summary>Answer</summary>
#
# They are added number by number. Where $F$ changes the number of maps or the size, send $x$
# through a 1×1 convolution with the same number of maps and the same stride.
#
# </details>
#
# 2. *Of 1,000 shirts, 780 are found; 950 images are called a shirt. Recall and precision?*
#
# <details><summary>Answer</summary>
#
# Recall 780/1000 = 0.78; precision 780/950 ≈ 0.82.
#
# </details>
#
# 3. *A shop wants every fake bag found and checks all alarms by hand. Recall or precision?*
#
# <details><summary>Answer</summary>
#
# Recall: a missed fake is lost, a false alarm costs only a look. Lower the threshold from which
# it counts as an alarm.
#
# </details>
#
# 4. *With ten classes and $\epsilon = 0.1$, what is the smallest possible loss?*
#
# <details><summary>Answer</summary>
#
# The entropy of (0.91, 0.01, …, 0.01): $-0.91 \ln 0.91 - 9 \cdot 0.01 \ln 0.01 \approx 0.086 +
# 0.414 = 0.50$.
#
# </details>
#
# 5. *Two networks have 0.930 and 0.934 on the 10,000 test images. Is the second one better?*
#
# <details><summary>Answer</summary>
#
# The standard error of each is $\sqrt{0.93 \cdot 0.07 / 10000} \approx 0.0026$, so a difference of
# 0.004 may be chance. Compare image by image (how many does only one of them get right?), or train
# both several times.
#
# </details>
#
# ## Sources
#
# - H. Xiao, K. Rasul, R. Vollgraf, *Fashion-MNIST: a novel image dataset for benchmarking machine
#   learning algorithms*, 2017.
# - K. He, X. Zhang, S. Ren, J. Sun, *Deep residual learning for image recognition*, CVPR 2016.
# - C. Szegedy, V. Vanhoucke, S. Ioffe, J. Shlens, Z. Wojna, *Rethinking the Inception architecture
#   for computer vision*, CVPR 2016: label smoothing.
# - R. Müller, S. Kornblith, G. Hinton, *When does label smoothing help?*, NeurIPS 2019.
