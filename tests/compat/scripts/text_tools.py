"""Text in TensorFlow: strings as tensors, tables of words, and the old Tokenizer."""

import tensorflow as tf
from tensorflow.keras.preprocessing.sequence import pad_sequences
from tensorflow.keras.preprocessing.text import Tokenizer

lines = tf.constant(["The cat sat.", "The DOG ran!"])
clean = tf.strings.regex_replace(tf.strings.lower(lines), "[.!]", "")
print("clean:", [s.decode() for s in clean.numpy()])
print("words:", [w.numpy().decode() for w in tf.strings.split(clean[0])])
print(
    "joined:",
    tf.strings.join(["a", "b"], separator=" ").numpy().decode(),
    int(tf.strings.length("abc")),
)

table = tf.lookup.StaticHashTable(
    tf.lookup.KeyValueTensorInitializer(tf.constant(["the", "cat"]), tf.constant([1, 2])),
    default_value=0,
)
print("table:", table.lookup(tf.constant(["cat", "bird", "the"])).numpy().tolist())

dataset = tf.data.Dataset.from_tensor_slices((["good film", "bad film"], [1, 0]))
dataset = dataset.map(lambda text, label: (tf.strings.upper(text), label)).batch(2)
for text, label in dataset:
    print("batch:", [t.decode() for t in text.numpy()], label.numpy().tolist())

tokenizer = Tokenizer(num_words=6, oov_token="<OOV>")
tokenizer.fit_on_texts(["The cat sat on the mat", "The dog sat"])
sequences = tokenizer.texts_to_sequences(["the cat sat", "the bird"])
print("index:", dict(list(tokenizer.word_index.items())[:4]), sequences)
padded = pad_sequences(sequences, maxlen=4, padding="post")
print("shape:", padded.shape, tokenizer.texts_to_matrix(["the cat the"], mode="count").shape)

model = tf.keras.Sequential(
    [
        tf.keras.layers.Input((4,)),
        tf.keras.layers.Embedding(6, 3),
        tf.keras.layers.Flatten(),
        tf.keras.layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile(loss="binary_crossentropy", optimizer="adam")
model.fit(padded, tf.constant([1, 0]), epochs=1, verbose=0)
print("params:", model.count_params())
