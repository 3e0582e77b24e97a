"""Code written for Keras or TensorFlow, run unchanged.

`execution` runs a script or a notebook with etude in the place of keras, `tensorflow` is a stand-in
for the parts of TensorFlow that course code uses around Keras, and `keras` is etude with the
older names that `tf.keras` still has.
"""
