"""Models on disk: a directory of plain arrays and one JSON file, so that loading can run no code.

One idea a file: ``manifest`` is the JSON, ``arrays`` are the arrays, ``content`` turns a model into
both and back and says what does not fit, ``directory`` saves and loads, ``listing`` shows what is
there, ``registry`` says which of several is the current one. The format is decision 0005, the registry
decision 0014.
"""

from log_guard.adapters.models.directory import load_model, save_model, verify_model
from log_guard.adapters.models.listing import ModelInfo, describe, list_models
from log_guard.adapters.models.manifest import is_model
from log_guard.adapters.models.registry import Entry, Registry, is_registry, open_model

__all__ = [
    "Entry",
    "ModelInfo",
    "Registry",
    "describe",
    "is_model",
    "is_registry",
    "list_models",
    "load_model",
    "open_model",
    "save_model",
    "verify_model",
]
