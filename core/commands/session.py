"""Commands about the session and about the record itself."""

from __future__ import annotations

from core.commands.base import CommandsBase
from core.errors import NotFound
from core.events import Append, BookmarkRemoved, BookmarkSet, SessionPaused, SessionResumed
from core.ids import uuid7
from core.projections import State


class SessionCommands(CommandsBase):
    """Pause and resume the session, set and remove bookmarks."""

    async def pause_session(self, *, reason: str = "", actor: str = "user") -> None:
        """Claim no more tasks; what runs goes on."""
        paused = Append(f"session/{self._journal.session_id}", [SessionPaused(reason=reason)])
        await self._journal.decide(lambda state: [] if self._session_is(state, "paused") else [paused], actor=actor)

    async def resume_session(self, *, reason: str = "", actor: str = "user") -> None:
        """The opposite of `pause_session`."""
        resumed = Append(f"session/{self._journal.session_id}", [SessionResumed(reason=reason)])
        await self._journal.decide(lambda state: [resumed] if self._session_is(state, "paused") else [], actor=actor)

    async def bookmark(
        self, position: int, *, label: str = "", branch: str = "main", bookmark_id: str = "", actor: str = "user"
    ) -> str:
        """Set a flag at a position, or change the label of one; the bookmark's id."""
        bookmark_id = bookmark_id or str(uuid7())
        flag = BookmarkSet(bookmark_id=bookmark_id, branch=branch, position=position, label=label)
        await self._journal.decide(lambda _: [Append(f"bookmark/{bookmark_id}", [flag])], actor=actor)
        return bookmark_id

    async def remove_bookmark(self, bookmark_id: str, *, actor: str = "user") -> str:
        """Take a flag away.

        Raises:
            NotFound
        """

        def decide(state: State) -> list[Append]:
            if bookmark_id not in state.bookmarks:
                raise NotFound("bookmark", bookmark_id)
            return [Append(f"bookmark/{bookmark_id}", [BookmarkRemoved(bookmark_id=bookmark_id)])]

        await self._journal.decide(decide, actor=actor)
        return bookmark_id

    def _session_is(self, state: State, status: str) -> bool:
        session = state.sessions.get(self._journal.session_id)
        return session is not None and session.status == status
