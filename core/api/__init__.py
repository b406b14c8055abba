"""What the outside may ask of a running engine: our tools, served to agents over MCP.

Invariant: whoever calls is known by a token of its own, and everything that follows carries its name. Tools use
`core.commands` like everybody else; what goes wrong is told in a sentence, never as a traceback. The libraries that
serve are imported by the first agent that wants tools, in a thread.
"""
