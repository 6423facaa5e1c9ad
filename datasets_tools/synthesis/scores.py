"""Scores: the notes of each player. Read MIDI files, cut, transpose, change the tempo, and humanise the playing.

Times are in seconds, pitches and velocities as in MIDI (60 is middle C; 1 to 127), bends in semitones.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Note:
    """One note."""

    start: float
    end: float
    pitch: int
    velocity: int


@dataclass(frozen=True)
class Part:
    """The notes of one player, with a General MIDI program (0 to 127) or drums.

    `bends`: (time, semitones), with linear interpolation. `role` is the kind of an invented part ("strum", "solo",
    ...); "" for a part from a MIDI file.
    """

    program: int
    notes: tuple[Note, ...]
    drums: bool = False
    bends: tuple[tuple[float, float], ...] = ()
    role: str = ""


@dataclass(frozen=True)
class Score:
    """Parts that play together for `seconds`; `beats` are the times of all beats, `bars` those of first beats.

    `sections`: (start, label) of each part of the song's form, such as "verse"; empty if the form is not known.
    """

    parts: tuple[Part, ...]
    seconds: float
    beats: tuple[float, ...] = field(default=())
    bars: tuple[float, ...] = field(default=())
    sections: tuple[tuple[float, str], ...] = field(default=())


def read_midi(path: str | Path) -> Score:
    """Read the Score of a MIDI file. Raises ValueError, in one line, if it is not MIDI or has no notes."""
    import warnings

    import pretty_midi

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # many files have tempo changes outside the first track
            midi = pretty_midi.PrettyMIDI(str(path))
            beats, bars = midi.get_beats(), midi.get_downbeats()
    except (OSError, ValueError, KeyError, IndexError, EOFError, AttributeError) as error:
        raise ValueError(f"{path}: cannot be read as MIDI ({error or type(error).__name__})") from None
    parts = []
    for player in midi.instruments:
        notes = sorted(
            (note for note in player.notes if note.end > note.start), key=lambda note: (note.start, note.pitch)
        )
        notes = tuple(Note(note.start, note.end, note.pitch, note.velocity) for note in notes if note.velocity)
        if notes:
            parts.append(Part(player.program, notes, player.is_drum, _wheel(player.pitch_bends)))
    if not parts:
        raise ValueError(f"{path}: has no notes")
    return Score(tuple(parts), midi.get_end_time(), tuple(beats.tolist()), tuple(bars.tolist()))


def _wheel(events: Iterable[Any]) -> tuple[tuple[float, float], ...]:
    """The steps of a pitch wheel as a curve: each value holds until just before the next."""
    curve: list[tuple[float, float]] = []
    for event in sorted(events, key=lambda event: event.time):
        if curve:
            curve.append((max(event.time - 0.005, curve[-1][0]), curve[-1][1]))
        curve.append((event.time, 2 * event.pitch / 8192))
    return tuple(curve) if any(bend for _, bend in curve) else ()


def excerpt(score: Score, start: float, seconds: float) -> Score:
    """The Score from `start` for `seconds`; notes that begin earlier are dropped, notes that end later are cut."""

    def cut(times):
        return tuple(time - start for time in times if start <= time < start + seconds)

    parts = []
    for part in score.parts:
        notes = tuple(
            replace(note, start=note.start - start, end=min(note.end - start, seconds))
            for note in part.notes
            if start <= note.start < start + seconds - 0.1
        )
        inside = [(time - start, bend) for time, bend in part.bends if start <= time < start + seconds]
        before = [bend for time, bend in part.bends if time < start]
        bends = ((0.0, before[-1] if before else 0.0), *inside) if part.bends else ()
        parts.append(replace(part, notes=notes, bends=bends))
    running = [(0.0, label) for time, label in score.sections if time <= start][-1:]
    sections = (*running, *((time - start, label) for time, label in score.sections if start < time < start + seconds))
    return Score(tuple(parts), seconds, cut(score.beats), cut(score.bars), sections)


def varied(score: Score, tempo: float, semitones: int) -> Score:
    """The Score `tempo` times as fast and `semitones` higher (except the drums)."""

    def at(time):
        return time / tempo

    parts = []
    for part in score.parts:
        shift = 0 if part.drums else semitones
        notes = tuple(
            replace(note, start=at(note.start), end=at(note.end), pitch=int(np.clip(note.pitch + shift, 0, 127)))
            for note in part.notes
        )
        parts.append(replace(part, notes=notes, bends=tuple((at(time), bend) for time, bend in part.bends)))
    sections = tuple((at(time), label) for time, label in score.sections)
    return Score(tuple(parts), at(score.seconds), tuple(map(at, score.beats)), tuple(map(at, score.bars)), sections)


def played(part: Part, random: np.random.Generator, looseness: float = 0.008, accents: float = 8.0) -> Part:
    """Humanise a Part: `looseness` (s) and `accents` are the standard deviations of onsets and velocities."""
    notes = []
    for note in part.notes:
        start = max(0.0, note.start + random.normal(0, looseness))
        velocity = int(np.clip(note.velocity + random.normal(0, accents), 15, 127))
        notes.append(replace(note, start=start, end=max(start + 0.05, note.end), velocity=velocity))
    return replace(part, notes=tuple(sorted(notes, key=lambda note: (note.start, note.pitch))))


def onsets(notes: Iterable[Note], apart: float = 0.04) -> list[list[Note]]:
    """Group notes that begin together, within `apart` seconds of the first note of the group."""
    groups: list[list[Note]] = []
    for note in sorted(notes, key=lambda note: note.start):
        if groups and note.start - groups[-1][0].start < apart:
            groups[-1].append(note)
        else:
            groups.append([note])
    return groups
