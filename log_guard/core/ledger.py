"""The accounts: what was consumed is scored, late, dead-lettered or filtered, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(slots=True)
class Ledger:
    """Counts of records; ledgers add.

    consumed:       records read from the source.
    scored:         in a published window.
    late:           older than the lateness that is still accepted; kept out of every window.
    dead_lettered:  not an event; kept with its reason.
    filtered:       left out on request.
    pending:        consumed, but in no published window yet. Zero at the end of a finished run.
    """

    consumed: int = 0
    scored: int = 0
    late: int = 0
    dead_lettered: int = 0
    filtered: int = 0

    def __add__(self, other: Ledger) -> Ledger:
        return Ledger(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    @property
    def pending(self) -> int:
        return self.consumed - self.scored - self.late - self.dead_lettered - self.filtered

    @property
    def balanced(self) -> bool:
        """Whether every record is accounted for."""
        return self.pending == 0

    def as_dict(self) -> dict[str, int]:
        return {f.name: getattr(self, f.name) for f in fields(self)}
