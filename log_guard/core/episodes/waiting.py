"""Episodes that are over but for a silence, of which there are hardly any windows: until the service is heard again."""

from __future__ import annotations

from dataclasses import dataclass, field

from log_guard.core.episodes.episode import Episode

MAX_WAITING = 200
"""Beyond that the first one is given up."""


@dataclass(slots=True)
class Waiting:
    """Episodes by their id, the first to wait first; ``awaited``: silent group → id of its episode."""

    episodes: dict[int, Episode] = field(default_factory=dict)
    awaited: dict[str, int] = field(default_factory=dict)

    def add(self, episode: Episode) -> None:
        """Wait for its silent groups."""
        self.episodes[episode.id] = episode
        self.awaited.update(dict.fromkeys(episode.silent, episode.id))

    def latest(self) -> Episode | None:
        """The one that began to wait last: what the whole stream lacks meanwhile, it lacks with it."""
        return next(reversed(self.episodes.values()), None)

    def heard(self, group: str) -> Episode | None:
        """The episode that waits for the group, and now no longer does."""
        id = self.awaited.get(group)
        return None if id is None else self._taken(id)

    def given_up(self, now: int, patience: int) -> list[Episode]:
        """Those that have waited for longer than this, µs of event time, and those for which there is no room."""
        out = []
        while self.episodes:
            first = next(iter(self.episodes.values()))
            if first.until + patience >= now and len(self.episodes) <= MAX_WAITING:
                break
            first.last_to(min(first.until + patience, now))
            out.append(self._taken(first.id))
        return out

    def _taken(self, id: int) -> Episode:
        self.awaited = {name: of for name, of in self.awaited.items() if of != id}
        return self.episodes.pop(id)
