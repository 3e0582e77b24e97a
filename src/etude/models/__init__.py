"""Models: layers that are trained, saved and summarised."""

from etude.errors import explain_missing
from etude.models.cloning import clone_model
from etude.models.functional import Functional
from etude.models.model import Model, model_from_json
from etude.models.sequential import Sequential
from etude.saving.model_file import load_model, save_model

__all__ = [
    "Functional",
    "Model",
    "Sequential",
    "clone_model",
    "load_model",
    "model_from_json",
    "save_model",
]

explain_missing(__name__)
