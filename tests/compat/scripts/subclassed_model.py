"""A model as a class, inside of another, with its own ways through the data."""

import numpy as np

import keras
from keras import layers


class Classifier(keras.Model):
    def __init__(self, num_classes=2):
        super().__init__()
        activation = "sigmoid" if num_classes == 2 else "softmax"
        self.dense = layers.Dense(1 if num_classes == 2 else num_classes, activation=activation)

    def call(self, inputs):
        return self.dense(inputs)


class CustomerTicketModel(keras.Model):
    def __init__(self, num_departments):
        super().__init__()
        self.concat_layer = layers.Concatenate()
        self.mixing_layer = layers.Dense(12, activation="relu")
        self.priority_scorer = Classifier(2)
        self.department_classifier = Classifier(num_departments)

    def call(self, inputs):
        features = self.concat_layer([inputs["title"], inputs["text_body"]])
        features = self.mixing_layer(features)
        return self.priority_scorer(features), self.department_classifier(features)


rng = np.random.default_rng(0)
data = {"title": rng.integers(0, 2, (40, 8)).astype("float32"), "text_body": rng.random((40, 6))}
priority, department = rng.random((40, 1)), rng.integers(0, 2, (40, 4))
model = CustomerTicketModel(num_departments=4)
print("shape:", [tuple(o.shape) for o in model(data)])
model.compile(
    optimizer="rmsprop",
    loss=["mean_squared_error", "categorical_crossentropy"],
    metrics=[["mean_absolute_error"], ["accuracy"]],
)
model.fit(data, [priority, department], epochs=1, verbose=0)
results = model.evaluate(data, [priority, department], verbose=0)
print("results:", len(results))
print("params:", model.count_params())
print("weights:", len(model.weights), len(model.trainable_weights))
