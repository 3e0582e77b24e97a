"""A small convolutional network on images of digits."""

import numpy as np
from sklearn.datasets import load_digits

import keras
from keras.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D
from keras.models import Sequential

digits = load_digits()
x = np.expand_dims(digits.images.astype("float32") / 16, -1)
y = digits.target

model = Sequential()
model.add(keras.Input(shape=(8, 8, 1)))
model.add(Conv2D(8, kernel_size=(3, 3), activation="relu", padding="same"))
model.add(MaxPooling2D(pool_size=(2, 2)))
model.add(Conv2D(16, (3, 3), activation="relu"))
model.add(Flatten())
model.add(Dropout(0.25))
model.add(Dense(10, activation="softmax"))

model.compile(
    loss=keras.losses.SparseCategoricalCrossentropy(),
    optimizer=keras.optimizers.Adam(learning_rate=5e-3),
    metrics=["accuracy"],
)
model.fit(
    x[:400], y[:400], batch_size=40, epochs=4, verbose=2, validation_data=(x[400:450], y[400:450])
)
score = model.evaluate(x[450:550], y[450:550], verbose=0)
assert score[1] > 0.4, score

for layer in model.layers:
    print("shape:", layer.name, tuple(layer.output.shape))
print("params:", model.count_params())
