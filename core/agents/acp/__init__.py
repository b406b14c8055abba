"""The Agent Client Protocol, version 1: agents that are spoken with in JSON-RPC over their standard input and output.

`decoder` says what the records mean and is pure; `adapter` holds the conversation. Invariants: a record of any shape is
accepted, what is not understood is kept raw; the library that counts the requests is imported only when an agent
starts. Source: https://agentclientprotocol.com/protocol/v1
"""
