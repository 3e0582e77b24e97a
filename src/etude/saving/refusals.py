"""What is said where a file is not read: which file, and why."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from etude.errors import ArgumentError, ConfigTypeError, EtudeError, SerializationError

__all__ = ["named_errors", "program_in", "refuse_programs"]

PICKLES = (".pt", ".pth", ".pkl", ".pickle", ".joblib", ".dill")
_PICKLED = (
    "is a pickle, which is a program: whatever reads it runs it, and files that harm the reader "
    "look like all others. etude runs none, under any option. Whoever has the file and trusts it "
    "writes its numbers as safetensors: `safetensors.torch.save_file(model.state_dict(), "
    "'weights.safetensors')`, which `etude.saving.load_torch_weights` reads"
)
_ONNX = (
    "is an ONNX graph. etude reads none (and would follow none of the files that it may name): "
    "build the model in code, and load its weights from safetensors"
)
_SAVED_MODEL = (
    "is a SavedModel of TensorFlow: a program, and not run. In TensorFlow, `model.save('x.keras')` "
    "writes what can be read"
)


class ProgramError(SerializationError, ArgumentError):
    """A file is a program rather than data."""


def program_in(path: Path) -> str | None:
    """Why a file is not even looked into: by its name or its first bytes it is a program.

    >>> program_in(Path("weights.pt"))[:11]
    'is a pickle'
    >>> program_in(Path("weights.h5"))
    """
    suffix = path.suffix.lower()
    if suffix == ".onnx":
        return _ONNX
    if suffix in PICKLES:
        return _PICKLED
    if suffix == ".pb" or (path / "saved_model.pb").is_file():
        return _SAVED_MODEL
    if path.is_file():
        with path.open("rb") as file:
            start = file.read(2)
        if start[:1] == b"\x80" and start[1:] in (b"\2", b"\3", b"\4", b"\5"):
            return _PICKLED
        if start == b"PK" and _holds_pickle(path):
            return _PICKLED
    return None


def _holds_pickle(path: Path) -> bool:
    """Whether a file is an archive as PyTorch writes it."""
    import zipfile  # noqa: PLC0415  (slow to import)

    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith(("/data.pkl", ".pickle")) for name in archive.namelist())
    except Exception:  # a damaged archive, of which its reader says more
        return False


def refuse_programs(path: Path) -> None:
    """Refuses what is a program, by its name or its first bytes.

    Raises:
        ProgramError: it is a pickle, an ONNX graph or a SavedModel.
    """
    reason = program_in(path)
    if reason is not None:
        raise ProgramError(f"File format not supported: filepath={path} {reason}.")


@contextmanager
def named_errors(path: Any) -> Iterator[None]:
    """Whatever goes wrong inside is told with the name of the file, as an error of etude.

    Configs come from strangers: what classes do with arguments that no one ever gave them cannot
    be foreseen.

    Args:
        path: the file.

    Raises:
        SerializationError: in the place of all that is no error of etude's.
    """
    try:
        yield
    except EtudeError as error:
        if str(path) in str(error):
            raise
        raise _again(error, f"{path}: {error}") from error
    except RecursionError as error:
        raise SerializationError(
            f"{path} has parts within parts within parts, and is not read."
        ) from error
    except MemoryError as error:
        raise SerializationError(
            f"{path} describes more than there is memory for, and is not read. ({error})"
        ) from error
    except TypeError as error:
        raise ConfigTypeError(_unforeseen(path, error)) from error
    except Exception as error:
        raise SerializationError(_unforeseen(path, error)) from error


def _unforeseen(path: Any, error: Exception) -> str:
    return (
        f"{path} cannot be turned into a model: {type(error).__name__}: {error}. Either its config "
        "was changed or damaged, or a class or function of your own that it names does not take it."
    )


def _again(error: EtudeError, message: str) -> EtudeError:
    """An error of the same kind with another message."""
    try:
        return type(error)(message)
    except Exception:  # a kind that takes other arguments
        return SerializationError(message)
