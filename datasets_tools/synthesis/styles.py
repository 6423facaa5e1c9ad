"""Add to MIDI parts what players do: a guitarist's strums, bends and vibrato, and a singer's slides."""

from dataclasses import replace

import numpy as np

from datasets_tools.synthesis.scores import Part, onsets


def strummed(part: Part, random: np.random.Generator) -> Part:
    """Strum chords of three or more notes, one string after another: down on strong onsets, otherwise up or down."""
    spread, notes = random.uniform(0.006, 0.025), []
    for number, group in enumerate(onsets(part.notes)):
        if len(group) < 3:
            notes += group
            continue
        down = number % 2 == 0 or random.random() < 0.5
        for string, note in enumerate(sorted(group, key=lambda note: note.pitch if down else -note.pitch)):
            start = note.start + string * spread
            notes.append(replace(note, start=start, end=max(note.end, start + 0.06)))
    return replace(part, notes=tuple(notes))


def expressive(part: Part, random: np.random.Generator) -> Part:
    """Add bends into some notes and vibrato on long ones to a melody without `bends`.

    Only for one note at a time, since a bend affects all notes.
    """
    groups = onsets(part.notes)
    if part.bends or not groups or np.mean([len(group) > 1 for group in groups]) > 0.1:
        return part
    curve, depth, speed = [(0.0, 0.0)], random.uniform(0.1, 0.45), random.uniform(4.5, 6.5)
    into = random.uniform(0.1, 0.4)
    for group, after in zip(groups, [*groups[1:], None], strict=True):
        start = group[0].start
        end = min(max(note.end for note in group), after[0].start if after else np.inf)
        if end - start < 0.08:
            continue
        curve.append((max(curve[-1][0], start - 0.005), 0.0))
        if random.random() < into:  # from a half or a whole tone below, as a finger bends a string
            steps, time = int(random.choice([1, 2, 2])), min(random.uniform(0.06, 0.25), (end - start) / 2)
            curve += [(start, -steps), (start + 0.3 * time, -steps), (start + time, 0.0)]
        if end - start > 0.4:
            times = np.arange(max(curve[-1][0], start + 0.2) + 0.02, end - 0.02, 0.02)
            grown = np.minimum(1, (times - times[0]) / 0.3) if len(times) else times
            swing = depth * grown * (0.5 + 0.5 * np.sin(2 * np.pi * speed * (times - start)))
            curve += list(zip(times.tolist(), swing.tolist(), strict=True))
        curve.append((max(curve[-1][0] + 0.001, end - 0.005), 0.0))
    return replace(part, bends=tuple(curve))
