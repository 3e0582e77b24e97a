"""What is called in between, while a model is trained."""

from etude.callbacks.callback import Callback
from etude.callbacks.callback_list import CallbackList
from etude.callbacks.csv_logger import CSVLogger
from etude.callbacks.early_stopping import EarlyStopping
from etude.callbacks.history import History
from etude.callbacks.lambda_callback import LambdaCallback
from etude.callbacks.learning_rate import LearningRateScheduler, ReduceLROnPlateau
from etude.callbacks.model_checkpoint import ModelCheckpoint
from etude.callbacks.monitor import MonitorCallback
from etude.callbacks.progress import ProgbarLogger
from etude.callbacks.terminate_on_nan import TerminateOnNaN

__all__ = [
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "MonitorCallback",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "TerminateOnNaN",
]
