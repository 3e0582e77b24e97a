"""The namespace `keras.optimizers.legacy`: older names of optimizers.

TensorFlow 2.11 to 2.15 kept the optimizers of before under these names. Their steps are those of
today, so the names stand for the same classes.
"""

from etude.optimizers.adagrad import Adagrad
from etude.optimizers.adam import Adam
from etude.optimizers.ftrl import Ftrl
from etude.optimizers.optimizer import Optimizer
from etude.optimizers.rmsprop import RMSprop
from etude.optimizers.sgd import SGD

__all__ = ["SGD", "Adagrad", "Adam", "Ftrl", "Optimizer", "RMSprop"]
