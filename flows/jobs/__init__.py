"""The jobs as plain functions: no Prefect. Each takes one settings object, and an outlet for what only a server can take."""
