"""`tf.keras.losses`: etude's own, and the older, shorter names of its functions."""

from __future__ import annotations

from typing import Any

from etude import losses

KLD = kld = kullback_leibler_divergence = losses.kl_divergence
MAE = mae = losses.mean_absolute_error
MAPE = mape = losses.mean_absolute_percentage_error
MSE = mse = losses.mean_squared_error
MSLE = msle = losses.mean_squared_logarithmic_error
logcosh = losses.log_cosh

SHORT_NAMES = "KLD kld kullback_leibler_divergence MAE mae MAPE mape MSE mse MSLE msle logcosh"
"""Those of the functions above, which `tf.keras.metrics` has too."""


class Reduction:
    """The older way to say how the losses of samples become one.

    >>> Reduction.NONE
    'none'
    """

    AUTO = "sum_over_batch_size"
    NONE = "none"
    SUM = "sum"
    SUM_OVER_BATCH_SIZE = "sum_over_batch_size"


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return getattr(losses, name)


def __dir__() -> list[str]:
    return sorted({*dir(losses), *SHORT_NAMES.split(), "Reduction"})
