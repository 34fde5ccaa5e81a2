"""The store: results, alerts, dead letters and accounts in a database.

One idea a file: ``schema`` has the tables, ``rows`` turns what the core knows into rows and back,
``database`` runs the statements, ``failures`` says what went wrong, ``store`` is the way in. Only
``schema`` and ``database`` know SQLAlchemy, and they are imported when a store is opened.
"""

from log_guard.adapters.store.store import Store

__all__ = ["Store"]
