"""An autoencoder of digits; encoder and decoder are models of their own with shared layers."""

from sklearn.datasets import load_digits

import keras
from keras.layers import Dense, Input
from keras.models import Model

x = load_digits().data.astype("float32") / 16
encoding_dim = 6

input_img = Input(shape=(64,))
encoded = Dense(24, activation="relu")(input_img)
encoded = Dense(encoding_dim, activation="relu", activity_regularizer=keras.regularizers.l1(1e-5))(
    encoded
)
decoded = Dense(24, activation="relu")(encoded)
decoded = Dense(64, activation="sigmoid")(decoded)

autoencoder = Model(input_img, decoded)
encoder = Model(input_img, encoded)
encoded_input = Input(shape=(encoding_dim,))
decoder = Model(encoded_input, autoencoder.layers[-1](autoencoder.layers[-2](encoded_input)))

autoencoder.compile(optimizer="adam", loss="binary_crossentropy")
history = autoencoder.fit(x[:300], x[:300], epochs=3, batch_size=50, shuffle=True, verbose=0)
assert history.history["loss"][-1] < history.history["loss"][0]

codes = encoder.predict(x[:10], verbose=0)
images = decoder.predict(codes, verbose=0)
print("shape:", codes.shape, images.shape)
print("params:", autoencoder.count_params(), encoder.count_params(), decoder.count_params())
