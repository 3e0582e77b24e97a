# %% [raw]
# /// lab
# title = "A multilayer perceptron reads handwritten digits"
# summary = """
# Three dense layers and nothing else learn MNIST: the first image classifier, and the measure for \
# all that follow."""
# unit = 2
# topics = ["Dense", "ReLU", "softmax", "cross-entropy", "Dropout", "mini-batches"]
#
# [data]
# name = "mnist"
# stand_in = "digits"
# image = [28, 28]
#
# [parameters]
# epochs = {full = 20, quick = 5, help = "passes over the training images"}
# batch_size = {full = 128, quick = 32, help = "images per step"}
# learning_rate = {full = 1e-3, quick = 1e-3, help = "at the start; falls to zero"}
# units = {full = 512, quick = 256, help = "units in each of the two hidden layers"}
# train_images = {full = 60000, quick = 10000, help = "how many of the training images are used"}
# test_images = {full = 10000, quick = 2000, help = "how many of the test images are used"}
#
# [metrics.test_accuracy]
# label = "test accuracy"
# target = {full = 0.984, quick = 0.92, stand_in = 0.93}
# source = """
# Keras 2.3.1, examples/mnist_mlp.py: its docstring states 98.40% after 20 epochs. The targets of \
# quick runs and of stand-in data are our own, with a margin below what we measured."""
# ///

# %% [markdown]
# # A multilayer perceptron reads handwritten digits
#
# Which digit is this? You see it at once, and could not write down the rule. So we do not write
# one. We take a function with some hundred thousand adjustable numbers, show it 60,000 examples,
# and turn each number a little in the direction in which the answers get better, again and again.
#
# Everything in this lab comes back in every later one: layers, a loss, gradient descent in small
# batches, curves that tell how learning went, and a test on images that were never shown.

# %%
import numpy as np

import etude as keras
from etude import labs

lab = labs.begin("mnist-mlp")
p = lab.parameters
keras.utils.set_random_seed(lab.seed)

# %% [markdown]
# ## The data
#
# A picture of 28×28 grey pixels is, for this network, a list of 784 numbers. We bring them from 0
# to 255 to the interval from 0 to 1. The labels stay what they are: whole numbers from 0 to 9.
#
# `lab.load_data()` is `keras.datasets.mnist.load_data()`, unless you give your own images with
# `--data FOLDER`, or MNIST cannot be had and scikit-learn's small digits stand in.

# %%
(x_train, y_train), (x_test, y_test) = lab.load_data()
x_train, y_train = x_train[: p.train_images], y_train[: p.train_images]
x_test, y_test = x_test[: p.test_images], y_test[: p.test_images]

pixels = x_train[0].size
x_train = x_train.reshape(-1, pixels).astype("float32") / 255  # (images, 784)
x_test = x_test.reshape(-1, pixels).astype("float32") / 255
classes = len(lab.class_names)
print(f"{len(x_train)} images to learn from, {len(x_test)} to be tested on, {classes} classes")

# %% [markdown]
# ## The network
#
# A dense layer takes a list $x$ of $n$ numbers and gives a list $y$ of $m$ numbers:
#
# $$ y_j = \varphi \Big( b_j + \sum_{i=1}^{n} x_i \, w_{i,j} \Big) $$
#
# - $w_{i,j}$: the weight with which input $i$ counts for output $j$, an $n \times m$ matrix;
# - $b_j$: the bias, what output $j$ is when all inputs are zero;
# - $\varphi$: the activation, the bend without which three layers would be one. In the hidden
#   layers it is ReLU, $\max(0, z)$.
#
# The last layer has one output per class. Softmax turns these into probabilities,
# $p_k = e^{z_k} / \sum_m e^{z_m}$: all positive, with the sum 1.
#
# `Dropout(0.2)` sets every fifth number to zero in each training step, at random. No unit can
# rely on any other unit, so the network finds several reasons for each answer; when it is used,
# nothing is dropped.

# %%
layers = keras.layers

model = keras.Sequential(
    [
        keras.Input((pixels,)),
        layers.Dense(p.units, activation="relu"),
        layers.Dropout(0.2),
        layers.Dense(p.units, activation="relu"),
        layers.Dropout(0.2),
        layers.Dense(classes, activation="softmax"),
    ]
)
lab.show_model(model)

# %% [markdown]
# ## Training
#
# The loss is the cross-entropy, $L = -\log p_y$, for the probability $p_y$ that the network gave
# to the true class $y$: 0 when it was certain and right, and large when it was certain and wrong.
#
# One step takes a batch of images, computes the mean loss and its gradient, the direction in
# which the loss grows fastest, and moves every weight the other way. Adam gives each weight a
# step size of its own. The learning rate falls along half a cosine: large steps first, fine ones
# at the end.

# %%
steps = p.epochs * int(np.ceil(len(x_train) / p.batch_size))
model.compile(
    optimizer=keras.optimizers.Adam(
        keras.optimizers.schedules.CosineDecay(p.learning_rate, decay_steps=steps)
    ),
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
# **Read the curves.** As long as both fall, the network learns something that holds for new
# images. When the training loss goes on falling and the other does not, it learns its examples by
# heart: that is overfitting, and the distance between the curves is its measure.
#
# The test images are shown here so that you can watch; nothing is chosen by them. Where you
# choose something, take a validation set of its own: `validation_split=0.1`.
#
# ## The result

# %%
loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
probabilities = model.predict(x_test, batch_size=256, verbose=0)  # (images, classes)
predicted = probabilities.argmax(axis=-1)
side = int(np.sqrt(pixels))

lab.metric("test_accuracy", accuracy)
lab.show_confusion(y_test, predicted)
lab.show_mistakes(x_test.reshape(-1, side, side), y_test, probabilities)

# %% [markdown]
# The confusion matrix shows which digits look alike to this network. Are they the ones that look
# alike to you?
#
# ## What to try next
#
# - One hidden layer instead of two; 32 units instead of 512. How small can it get before it costs
#   a whole point?
# - No dropout. Where do the curves part, and how far?
# - Leave out the division by 255. What happens to the first loss, and why?
# - Shuffle the pixels of all images in the same way (`x_train[:, order]`, `x_test[:, order]` with
#   `order = np.random.permutation(pixels)`). The accuracy stays. What does that say about what
#   the network knows of pictures? The lab `mnist-cnn` does something about it.
#
# ## Questions
#
# 1. *How many weights and biases has the full network?*
#
# <details><summary>Answer</summary>
#
# 784 · 512 + 512 + 512 · 512 + 512 + 512 · 10 + 10 = 669,706.
#
# </details>
#
# 2. *What is the loss of a network that gives 0.1 to every digit?*
#
# <details><summary>Answer</summary>
#
# $-\log 0.1 \approx 2.303$. A first loss far above that says that something is wrong with the
# scale of the data or of the weights.
#
# </details>
#
# 3. *Why is the loss computed on batches of 128, and not on all 60,000 images?*
#
# <details><summary>Answer</summary>
#
# The gradient of 128 images points nearly the same way, and costs one part in 470. Four hundred
# rough steps bring more than one exact step.
#
# </details>
#
# 4. *Why softmax with cross-entropy, and not the share of wrong answers, which is what we care
#    about?*
#
# <details><summary>Answer</summary>
#
# The share of wrong answers does not change when a weight changes a little, so its gradient is
# zero almost everywhere: it cannot say which way is down.
#
# </details>
#
# ## Sources
#
# - D. Rumelhart, G. Hinton, R. Williams, *Learning representations by back-propagating errors*,
#   Nature, 1986.
# - Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, *Gradient-based learning applied to document
#   recognition*, Proceedings of the IEEE, 1998: the data.
# - N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever, R. Salakhutdinov, *Dropout: a simple
#   way to prevent neural networks from overfitting*, JMLR 2014.
# - D. Kingma, J. Ba, *Adam: a method for stochastic optimization*, ICLR 2015.
