"""What an agent and its user said and did, as a conversation one can read.

From the log to the screen: `reading` keeps a window of events, `entries` folds them to messages, tool calls, plans
and questions, `drawing` says how each looks, `layout` breaks it to a width, and the detail's list draws the lines.
Invariant: everything an agent said passes through `tui.text` on its way; Markdown makes ink, never markup.
"""
