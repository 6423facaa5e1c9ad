"""Notes -> audio: by SoundFont banks, SFZ programs, and computed strings, pianos, synthesizers and voices.

Audio is float32 (frames, 2) at RATE.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from datasets_tools.synthesis.material import Instrument
from datasets_tools.synthesis.scores import Note, Part
from datasets_tools.synthesis.strings import hertz_of, pluck

RATE = 44100
CURVE = 441  # Hz, the sampling rate of pitch-bend curves


def render(
    instrument: Instrument, part: Part, seconds: float, random: np.random.Generator, cents: float = 0.0
) -> np.ndarray:
    """Play the Part on the Instrument, `seconds` long, detuned by `cents` and with the bends of the part."""
    players: dict[str, Callable[..., np.ndarray]]
    players = {"bank": _bank, "sfz": _sfz, "string": _string, "tones": _tones, "voice": _voice, "words": _voice}
    player = players[instrument.kind]
    if player is _voice:  # it ignores bends, since it glides by itself
        return player(instrument, part, seconds, random)
    if not part.bends and not cents:
        return player(instrument, part.notes, seconds, random)
    return bent(lambda notes, length: player(instrument, notes, length, random), part, seconds, cents)


def bent(
    play: Callable[[Sequence[Note], float], np.ndarray], part: Part, seconds: float, cents: float = 0.0
) -> np.ndarray:
    """The output of `play(notes, seconds)`, read like a tape at a speed that follows the part's bends.

    At the speed 2^(b / 12), the time tau on the tape advances by d tau = 2^(b / 12) dt. Notes are moved to the tape
    times that are read at their original times. So bends work with any instrument.
    """
    from scipy.ndimage import map_coordinates

    times = np.arange(round(seconds * CURVE) + 1) / CURVE
    points = part.bends or ((0.0, 0.0),)
    curve = np.interp(times, [time for time, _ in points], [bend for _, bend in points]) + cents / 100
    speed = 2 ** (curve / 12)
    tape = np.concatenate([[0.0], np.cumsum((speed[1:] + speed[:-1]) / 2) / CURVE])

    def at(time):
        return float(np.interp(time, times, tape))

    notes = tuple(replace(note, start=at(note.start), end=at(note.end)) for note in part.notes)
    sound = play(notes, tape[-1] + 0.01)
    places = np.interp(np.arange(round(seconds * RATE)) / RATE, times, tape) * RATE
    channels = [map_coordinates(sound[:, side], [places], order=3, mode="nearest") for side in range(2)]
    return np.stack(channels, 1).astype(np.float32)


@lru_cache(maxsize=8)
def _soundfont(path: Path) -> tuple[Any, int]:
    import tinysoundfont

    synth = tinysoundfont.Synth(gain=-6, samplerate=RATE)
    return synth, synth.sfload(str(path), max_voices=128)


def _bank(instrument: Instrument, notes: Sequence[Note], seconds: float, random: np.random.Generator) -> np.ndarray:
    synth, bank = _soundfont(instrument.path)
    drums = instrument.family == "drums"
    channel = 9 if drums else 0
    synth.sounds_off()
    synth.generate(RATE // 2)  # let the previous part decay
    synth.program_select(channel, bank, 128 if drums else 0, instrument.program, drums)
    events = [(note.end, 0, channel, note.pitch, 0) for note in notes]
    events += [(note.start, 1, channel, note.pitch, note.velocity) for note in notes]
    return sounded(synth, events, seconds)


def sounded(synth: Any, events: Sequence[tuple[float, int, int, int, int]], seconds: float) -> np.ndarray:
    """The sound of a SoundFont `synth`: float32 (frames, 2).

    `events`: (time in seconds, 1 where a note begins and 0 where it ends, channel, pitch, velocity).
    """
    frames, done, blocks = round(seconds * RATE), 0, []
    for time, begins, channel, pitch, velocity in [*sorted(events), (seconds, 0, 0, 0, 0)]:
        until = min(max(round(time * RATE), done), frames)
        if until > done:
            blocks.append(np.frombuffer(bytes(synth.generate(until - done)), np.float32))
            done = until
        if begins:
            synth.noteon(channel, pitch, velocity)
        else:
            synth.noteoff(channel, pitch)
    return np.concatenate(blocks).reshape(-1, 2)


@lru_cache(maxsize=64)
def _program(path: Path) -> Any:
    import pysfizz

    synth = pysfizz.Synth(RATE, 512)
    if not synth.load_sfz_file(str(path)):
        raise ValueError(f"{path}: the SFZ program cannot be loaded; are its samples missing?")
    synth._synth.set_sample_quality(3)  # differs from the best, 10, by less than -64 dB, in a third of the time
    return synth


def _sfz(instrument: Instrument, notes: Sequence[Note], seconds: float, random: np.random.Generator) -> np.ndarray:
    program = _program(instrument.path)
    keys = program.playable_keys
    events = []
    for note in notes:
        pitch = note.pitch
        while pitch < keys[0]:
            pitch += 12
        while pitch > keys[-1]:
            pitch -= 12
        if pitch in keys:
            events += [(round(note.end * RATE), 0, pitch, 0), (round(note.start * RATE), 1, pitch, note.velocity)]
    events.sort()
    # A thread of sfizz streams samples from disk, and notes whose samples arrive late stay silent. So the notes are
    # played twice; the first time loads their samples into memory.
    _play(program, events, seconds)
    return _play(program, events, seconds)


def _play(program: Any, events: Sequence[tuple[int, int, int, int]], seconds: float) -> np.ndarray:
    """The sound of events (frame, 1 for on or 0 for off, pitch, velocity); all notes end with it."""
    synth, block = program._synth, program.get_block_size()
    frames, position, left, right = round(seconds * RATE), 0, [], []
    for start in range(0, frames, block):
        while position < len(events) and events[position][0] < start + block:
            time, kind, pitch, velocity = events[position]
            delay = max(time - start, 0)
            if kind:
                synth.note_on(delay, pitch, velocity)
            else:
                synth.note_off(delay, pitch, 0)
            position += 1
        first, second = synth.render_block()
        left.append(np.array(first))
        right.append(np.array(second))
    synth.all_sound_off()
    return np.stack([np.concatenate(left), np.concatenate(right)], 1)[:frames].astype(np.float32)


def _string(instrument: Instrument, notes: Sequence[Note], seconds: float, random: np.random.Generator) -> np.ndarray:
    """A guitar with random pick and pickup positions for each part (strings.pluck)."""
    electric = instrument.family == "electric guitar"
    settings = {
        "pick": random.uniform(0.06, 0.3),
        "pickup": random.uniform(0.08, 0.3) if electric else random.uniform(0.2, 0.5),
        "bright": random.uniform(1500, 6000),
        "sustain": random.uniform(4, 12) if electric else random.uniform(2, 6),
        "treble": random.uniform(0.5, 2.5) if electric else random.uniform(0.25, 1.0),
    }
    frames = round(seconds * RATE)
    track, release = np.zeros(frames), round(0.04 * RATE)
    for note in notes:
        first = round(note.start * RATE)
        length = min(round((note.end - note.start) * RATE) + release, frames - first)
        if length <= release:
            continue
        hertz = hertz_of(note.pitch)
        # A harder pluck is also brighter.
        strength = note.velocity / 100
        bright = settings["bright"] * strength
        sound = pluck(hertz, length / RATE, RATE, random, **settings | {"bright": bright})[:length]
        sound[-release:] *= np.linspace(1, 0, release)
        track[first : first + len(sound)] += strength * sound
    return np.repeat(track[:, None], 2, 1).astype(np.float32)


def _tones(instrument: Instrument, notes: Sequence[Note], seconds: float, random: np.random.Generator) -> np.ndarray:
    from datasets_tools.synthesis.tones import play

    return play(instrument.family, notes, seconds, random, RATE, worn=instrument.name == "computed worn piano")


def _voice(instrument: Instrument, part: Part, seconds: float, random: np.random.Generator) -> np.ndarray:
    from datasets_tools.synthesis.voice import Vowels, Words, sing

    return sing(part, seconds, random, RATE, Words if instrument.kind == "words" else Vowels)
