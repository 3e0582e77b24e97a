# %% [raw]
# /// lab
# title = "A convolutional network reads handwritten digits"
# summary = """
# Two convolutions, two poolings and two dense layers learn MNIST. A full run makes fewer than 75 \
# mistakes on 10,000 digits that it has never seen."""
# unit = 3
# topics = [
#     "Conv2D", "MaxPooling2D", "AveragePooling2D", "Flatten", "Dropout", "BatchNormalization",
#     "learning-rate schedules",
# ]
#
# [data]
# name = "mnist"
# stand_in = "digits"
# image = [28, 28]
#
# [parameters]
# epochs = {full = 8, quick = 2, help = "passes over the training images"}
# batch_size = {full = 128, quick = 32, help = "images per step"}
# learning_rate = {full = 2e-3, quick = 1e-3, help = "the largest: after one epoch"}
# train_images = {full = 60000, quick = 5000, help = "how many of the training images are used"}
# test_images = {full = 10000, quick = 2000, help = "how many of the test images are used"}
#
# [metrics.test_accuracy]
# label = "test accuracy"
# target = {full = 0.9925, quick = 0.93, stand_in = 0.94}
# source = """
# Keras 2.3.1, examples/mnist_cnn.py: its docstring states 99.25% after 12 epochs. The targets of \
# quick runs and of stand-in data are our own, with a margin below what we measured."""
# ///

# %% [markdown]
# # A convolutional network reads handwritten digits
#
# A dense layer looks at a picture as a list of 784 numbers. Shuffle the pixels, all pictures in
# the same way, and it learns exactly as well: it never knew which pixels were neighbours.
#
# A convolutional network knows. It looks through a small window, moves the window over the
# picture, and asks the same question everywhere: *is there an edge here? here? and here?* Three
# things follow:
#
# 1. **Few weights.** A 3×3 window has nine, however large the picture is.
# 2. **Shifts do not matter much.** An edge is found wherever it stands.
# 3. **Depth builds meaning.** Edges make strokes, strokes make loops and corners, and those make
#    digits.

# %%
import numpy as np

import etude as keras
from etude import labs

lab = labs.begin("mnist-cnn")
p = lab.parameters
keras.utils.set_random_seed(lab.seed)

# %% [markdown]
# ## The data
#
# MNIST holds 70,000 digits written by employees of the US Census Bureau and by high-school
# students, 60,000 to learn from and 10,000 to be tested on. Nobody's handwriting is in both
# parts.
#
# `lab.load_data()` is `keras.datasets.mnist.load_data()`, with two more ways out: your own folder
# of images (`etude run mnist-cnn --data FOLDER`, one sub-folder per class), and the small digits
# that scikit-learn carries, for when MNIST cannot be had.
#
# A pixel is a byte from 0 to 255. We bring it to the interval from 0 to 1, so that the first
# layer's sums start at a size for which its weights were drawn, and add an axis for the channels:
# a grey picture has one, a colour picture three.

# %%
(x_train, y_train), (x_test, y_test) = lab.load_data()
x_train, y_train = x_train[: p.train_images], y_train[: p.train_images]
x_test, y_test = x_test[: p.test_images], y_test[: p.test_images]

x_train = x_train[..., np.newaxis].astype("float32") / 255  # (images, 28, 28, 1)
x_test = x_test[..., np.newaxis].astype("float32") / 255
classes = len(lab.class_names)
print(f"{len(x_train)} images to learn from, {len(x_test)} to be tested on, {classes} classes")

# %% [markdown]
# ## What a convolution computes
#
# The picture is $x$, the window's weights are $w$, and $y$ is the map of answers:
#
# $$ y_{i,j,k} = b_k + \sum_{u=0}^{2} \sum_{v=0}^{2} \sum_{c} \; w_{u,v,c,k} \; x_{i+u,\,j+v,\,c}
# $$
#
# - $i, j$: where the window stands; $u, v$: the place inside the window, here 3×3;
# - $c$: the channel of the picture that goes in; $k$: the *filter*, that is, which question is
#   asked;
# - $b_k$: a bias. We leave it out below (`use_bias=False`), since the normalisation that follows
#   has a shift of its own.
#
# Without padding, a 3×3 window fits into 28 pixels at 26 places, so 28×28 becomes 26×26.
#
# ## What pooling does
#
# Pooling keeps one number of each 2×2 square: the largest (`MaxPooling2D`: *was the feature
# anywhere in here?*) or the mean (`AveragePooling2D`: *how much of it was there?*). The map
# shrinks to a quarter, the next window sees twice as far, and a shift by one pixel changes
# little. Pooling has no weights. Here is what both make of the same digit:

# %%
from matplotlib.figure import Figure

digit = x_test[:1]  # (1, 28, 28, 1)
pictures = {
    "the digit, 28×28": digit,
    "MaxPooling2D, 14×14": keras.layers.MaxPooling2D(2)(digit),
    "AveragePooling2D, 14×14": keras.layers.AveragePooling2D(2)(digit),
}
figure = Figure(figsize=(7, 2.6), layout="constrained")
for axes, (name, picture) in zip(figure.subplots(1, 3), pictures.items(), strict=True):
    axes.imshow(keras.ops.convert_to_numpy(picture)[0, :, :, 0], cmap="gray", vmin=0, vmax=1)
    axes.set_title(name, fontsize=10)
    axes.set_axis_off()
lab.show_figure(
    figure,
    title="What pooling leaves of a digit",
    caption="One test digit, and what two kinds of pooling leave of it. The largest value keeps "
    "strokes bright and makes them thicker; the mean makes them softer.",
    alt="Three pictures of one handwritten digit: the original of 28 by 28 pixels, after max "
    "pooling with bright thick strokes, and after average pooling with softer, greyer strokes.",
)

# %% [markdown]
# ## The network
#
# Twice *convolution, normalisation, ReLU, pooling*; then the maps are laid out as one list
# (`Flatten`), and two dense layers decide.
#
# - **ReLU**, $\max(0, z)$: without something that bends, two convolutions in a row would be one.
# - **BatchNormalization** brings every feature map to mean 0 and variance 1 over the batch, then
#   scales and shifts it: $\hat z = \gamma \, (z - \mu) / \sqrt{\sigma^2 + \varepsilon} + \beta$,
#   where $\mu, \sigma^2$ are the mean and variance over the batch, and $\gamma, \beta$ are
#   learned. Steps can then be larger. In use, running averages of $\mu$ and $\sigma^2$ take the
#   place of the batch's; `momentum=0.9` lets them follow within some dozens of steps.
# - **Dropout** sets a random share of the features to zero in every training step and scales up
#   the rest. No feature can rely on another one being there, so the network learns several ways
#   to recognise each digit. When the network is used, nothing is dropped.
# - **Softmax** turns ten numbers $z$ into probabilities: $p_k = e^{z_k} / \sum_m e^{z_m}$.

# %%
layers = keras.layers

model = keras.Sequential(
    [
        keras.Input((28, 28, 1)),
        layers.Conv2D(32, 3, use_bias=False),  # (26, 26, 32)
        layers.BatchNormalization(momentum=0.9),
        layers.Activation("relu"),
        layers.MaxPooling2D(2),  # (13, 13, 32)
        layers.Conv2D(64, 3, use_bias=False),  # (11, 11, 64)
        layers.BatchNormalization(momentum=0.9),
        layers.Activation("relu"),
        layers.MaxPooling2D(2),  # (5, 5, 64)
        layers.Flatten(),  # (1600,)
        layers.Dropout(0.25),
        layers.Dense(128, use_bias=False),
        layers.BatchNormalization(momentum=0.9),
        layers.Activation("relu"),
        layers.Dropout(0.4),
        layers.Dense(classes, activation="softmax"),
    ]
)
lab.show_model(model)

# %% [markdown]
# Look where the weights are: the two convolutions have 18,720 together, the first dense layer
# alone has 204,800. Windows are cheap.
#
# ## Training
#
# The loss is the cross-entropy $-\log p_y$: how surprised the network is by the true class $y$.
# Adam walks downhill. How far each step goes changes over the $T$ steps of the run:
#
# - **First it warms up.** Over the first $W$ steps, one epoch, the learning rate $\eta$ rises in
#   a straight line from 0 to its largest value $\eta_{max}$. The first gradients are large and
#   point anywhere; a network that is thrown about by them starts from a worse place.
# - **Then it cools down** along half a cosine: large steps find the valley, small ones its floor.
#   $\eta_t = \tfrac12 \, \eta_{max} \, \big(1 + \cos(\pi \, (t - W) / (T - W))\big)$.
#
# Adam divides each gradient by its usual size, plus a small $\varepsilon$. Where a gradient is
# nothing but rounding error, that would blow the error up to a full step. `epsilon=1e-5` keeps it
# small, so that two machines that round differently walk nearly the same path.

# %%
steps_per_epoch = int(np.ceil(len(x_train) / p.batch_size))
steps = p.epochs * steps_per_epoch
warmup = min(steps_per_epoch, steps // 2)
schedule = keras.optimizers.schedules.CosineDecay(
    0.0, decay_steps=steps - warmup, warmup_target=p.learning_rate, warmup_steps=warmup
)
model.compile(
    optimizer=keras.optimizers.Adam(schedule, epsilon=1e-5),
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
history = model.fit(
    x_train,
    y_train,
    batch_size=p.batch_size,
    epochs=p.epochs,
    validation_data=(x_test, y_test),
)
lab.show_curves(history)

# %% [markdown]
# The test images only watch here: no choice depends on them, neither when to stop nor which
# weights to keep. As soon as you tune anything by what you see, hold back a validation set of
# your own (`validation_split=0.1`), and look at the test images once, at the end.
#
# **Read the curves.** Training loss that stays *above* the test loss is no mistake: dropout makes
# the task harder while training, and is off in the test. When both have gone flat at the end,
# more epochs will not help; a larger network or more varied images might.
#
# ## The result

# %%
loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
probabilities = model.predict(x_test, batch_size=256, verbose=0)  # (images, classes)
predicted = probabilities.argmax(axis=-1)

lab.metric("test_accuracy", accuracy)
lab.show_confusion(y_test, predicted)
lab.show_mistakes(x_test, y_test, probabilities)

# %% [markdown]
# Look at the worst mistakes in the report. Some you would get wrong yourself; for a few, the
# label itself is doubtful. Those put an end to what any model can reach on this test.
#
# ## What to try next
#
# - `--epochs 2`, then `--epochs 16`. What does the second minute buy, and what the tenth?
# - Take out both `BatchNormalization` layers. How large may the learning rate be now?
# - Replace `MaxPooling2D` by `AveragePooling2D`. Then replace it by `strides=2` in the
#   convolutions.
# - Set both dropouts to 0. What happens to the gap between the two curves?
# - Train on 1,000 images: `--set train_images=1000`. How much does a dense network lose, how much
#   this one? (The lab `mnist-mlp` takes the same option.)
# - Feed it your own handwriting: `--data FOLDER`.
#
# ## Questions
#
# 1. *The second convolution has 64 filters of 3×3 on 32 channels. How many weights is that?*
#
# <details><summary>Answer</summary>
#
# 3 · 3 · 32 · 64 = 18,432; a bias would add 64.
#
# </details>
#
# 2. *How many pixels of the picture can one number after the second pooling depend on?*
#
# <details><summary>Answer</summary>
#
# A square of 10×10. Walk back from one number: pooling reads 2×2, the convolution before it 4×4,
# the pooling before that 8×8, the first convolution 10×10.
#
# </details>
#
# 3. *Why is the accuracy 0.1 for a network that has learned nothing?*
#
# <details><summary>Answer</summary>
#
# It guesses one of ten classes which are about equally frequent.
#
# </details>
#
# 4. *99.4% are right. How sure is the second 4, with 10,000 test images?*
#
# <details><summary>Answer</summary>
#
# Not very. The standard error of a share $a$ over $n$ images is $\sqrt{a(1-a)/n}$, here about
# 0.0008. Two networks that differ by 0.001 may well be equally good.
#
# </details>
#
# ## Sources
#
# - Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, *Gradient-based learning applied to document
#   recognition*, Proceedings of the IEEE, 1998: the data, and the first such networks.
# - S. Ioffe, C. Szegedy, *Batch normalization: accelerating deep network training by reducing
#   internal covariate shift*, ICML 2015.
# - N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever, R. Salakhutdinov, *Dropout: a simple
#   way to prevent neural networks from overfitting*, JMLR 2014.
# - I. Loshchilov, F. Hutter, *SGDR: stochastic gradient descent with warm restarts*, ICLR 2017:
#   the cosine.
# - D. Kingma, J. Ba, *Adam: a method for stochastic optimization*, ICLR 2015.
