"""The demo: a small real project, and the plan of its release, made anew for every `cw demo`.

`project/` holds it as it is written to disk. Files that our own tools would take for ours (Python, `.gitignore`)
carry a `.txt` behind their names there and lose it on the way. What the tasks do is done by the project's own
`tools/`, with nothing but the standard library and git.

Invariant: everything in it happens for real; three tasks fail, are labelled so, and the rest completes.
Forbidden here: the engine and the screen.
"""

from tui.demo.making import MEANT_TO_FAIL, demo_plan, make_demo

__all__ = ["MEANT_TO_FAIL", "demo_plan", "make_demo"]
