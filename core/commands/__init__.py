"""Commands: the only write API. Each decides against the current state and appends; nothing else happens here.

Side effects follow from the events: the scheduler and the supervisor see to them. A command that cannot be carried
out raises and appends nothing. All return once what they appended is durable. Arguments are the events' payload
fields as keywords; what is returned is the id of what the command is about.
"""

from core.commands.agents import AgentCommands
from core.commands.conversations import ConversationCommands
from core.commands.session import SessionCommands
from core.commands.tasks import TaskCommands

__all__ = ["Commands"]


class Commands(TaskCommands, AgentCommands, ConversationCommands, SessionCommands):
    """What a user, an agent or a script may ask for."""
