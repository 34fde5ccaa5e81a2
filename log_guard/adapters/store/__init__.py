"""The store: results, alerts, dead letters and accounts in a database.

One idea a file: ``schema`` has the tables, ``migrations`` their history, ``rows`` turns what the core
knows into rows and back, ``records`` does so for records of Kafka's topics, ``database`` runs the
statements, ``upgrading`` and ``maintaining`` look after the tables, ``failures`` says what went
wrong, ``store`` is the way in. SQLAlchemy is imported when a store is opened.
"""

from log_guard.adapters.store.store import Store, check_database

__all__ = ["Store", "check_database"]
