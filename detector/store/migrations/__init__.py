"""Alembic's steps from an older store to the newest one; run when a program opens a store to write."""
