"""What is called in between, while a model is trained."""

from etude.callbacks.backup_and_restore import BackupAndRestore
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
from etude.callbacks.resume import Resume
from etude.callbacks.swap_ema_weights import SwapEMAWeights
from etude.callbacks.tensorboard import TensorBoard
from etude.callbacks.terminate_on_nan import TerminateOnNaN
from etude.errors import explain_missing

__all__ = [
    "BackupAndRestore",
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
    "Resume",
    "SwapEMAWeights",
    "TensorBoard",
    "TerminateOnNaN",
]

explain_missing(__name__)
