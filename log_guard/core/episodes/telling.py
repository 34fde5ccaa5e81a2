"""What an alert tells of an episode: which group leads, whose symptoms are told, and how it went.

Groups are services and the whole stream, which is their sum: it speaks for them only where it is alone, or
where all of them have fallen silent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from log_guard.core.course import Bout, Course, Other, Symptom
from log_guard.core.episodes.causes import SILENCE, Cause
from log_guard.core.episodes.symptoms import Symptoms, shown_as, tell
from log_guard.core.episodes.trouble import Trouble
from log_guard.core.windows import WHOLE_STREAM

MAX_OTHERS = 20
MAX_SHOWN = 20


def ranked(groups: Mapping[str, Trouble]) -> list[tuple[str, Trouble]]:
    """Services by onset, then by surprise; the stream as a whole leads alone, or where it is all that went silent."""
    first = silence_of_all(groups) is not None
    return sorted(
        groups.items(),
        key=lambda item: (
            (item[0] == WHOLE_STREAM) != first,
            item[1].onset,
            -item[1].score,
            item[0],
        ),
    )


def silence_of_all(groups: Mapping[str, Trouble]) -> Symptom | None:
    """That nobody said anything, if there was nothing but silence before it.

    While nobody speaks the services have no windows of their own: only the whole stream has.
    """
    whole = groups.get(WHOLE_STREAM)
    silence = None if whole is None else whole.symptoms.get(SILENCE)
    if silence is None:
        return None
    others = (t.symptoms for name, t in groups.items() if name != WHOLE_STREAM)
    before = (c for symptoms in others for c, s in symptoms.items() if s.onset < silence.onset)
    return silence if all(few for few, _ in before) else None


def speaks(groups: Mapping[str, Trouble], name: str) -> bool:
    """Whether the symptoms of a group are told: those of a service, or of the whole stream where it leads."""
    return name != WHOLE_STREAM or len(groups) == 1 or silence_of_all(groups) is not None


def symptoms_of(groups: Mapping[str, Trouble], lead: str, *, unheard: bool) -> list[Symptom]:
    """All symptoms, those to be told first; from now on they are told. ``lead``: the group that leads."""
    cause = shown_as(groups[lead].symptoms, groups[lead].evidence)
    silence = silence_of_all(groups)
    found = [
        replace(
            symptom,
            leads=(symptom.service, key) == (lead, cause),
            still=key == SILENCE and trouble.silent,
        )
        for name, trouble in groups.items()
        if speaks(groups, name)
        for key, symptom in tell(trouble.symptoms, unheard).items()
        if silence is None or not _is_part_of(silence, key, symptom, groups[WHOLE_STREAM].window)
    ]
    return sorted(found, key=lambda s: (s.told, not s.severe, -s.score, s.onset, s.service))


def _is_part_of(silence: Symptom, cause: Cause, symptom: Symptom, window: int) -> bool:
    """Whether a lack is that of the windows at the edges of the whole stream's silence, or of them together."""
    if symptom.service == WHOLE_STREAM:
        return cause != SILENCE
    inside = silence.onset - window <= symptom.onset <= silence.end
    return cause[0] and inside and symptom.end <= silence.end + window


def _is_all_part_of(silence: Symptom, symptoms: Symptoms, window: int) -> bool:
    return all(_is_part_of(silence, cause, s, window) for cause, s in symptoms.items())


def course_of(
    groups: Sequence[tuple[str, Trouble]],
    bouts: tuple[Bout, ...],
    joined: Sequence[str],
    symptoms: Sequence[Symptom],
    usual_from: int | None,
) -> Course:
    """How an episode went; ``groups`` as :func:`ranked`, ``joined`` since it was told of."""
    lead = groups[0][1]
    silence = silence_of_all(dict(groups))
    others = tuple(
        Other(name, trouble.onset, trouble.evidence.sentence)
        for name, trouble in groups[1:]
        if name != WHOLE_STREAM
        and not (silence and _is_all_part_of(silence, trouble.symptoms, lead.window))
    )
    shown = sorted(symptoms[:MAX_SHOWN], key=lambda s: (s.onset, s.end, s.service))
    return Course(
        lead.onset,
        lead.count,
        lead.peak,
        bouts,
        tuple(joined),
        others[:MAX_OTHERS],
        tuple(shown),
        len(symptoms) - len(shown),
        usual_from,
    )
