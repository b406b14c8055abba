"""The terminal: the dashboard and the `cw` command line, both over `core.engine`."""
