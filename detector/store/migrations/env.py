"""What Alembic runs: the steps, on the connection and inside the transaction of whoever opens the store."""

from __future__ import annotations

from alembic import context

from detector.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
