"""The orchestration core: the log, its folds, the queue, the processes. It knows no terminal.

Invariant: importing any `core` module has no side effects, and nothing here imports Textual, Rich or `tui`.
Imports go down the floors listed in `pyproject.toml` (`[tool.importlinter]`), never up or sideways.
"""
