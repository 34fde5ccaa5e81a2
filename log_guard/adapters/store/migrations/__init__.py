"""The history of the schema (Alembic). ``versions`` holds one file a step; none is ever changed."""
