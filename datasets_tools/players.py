"""Notes -> audio, by sampled instruments: SoundFont banks (SF2, SF3) and SFZ programs.

A note is (start s, end s, MIDI pitch, velocity); audio is float32 (frames, 2) at RATE.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

RATE = 44100


@dataclass(frozen=True)
class Note:
    """One note: start and end in seconds, MIDI pitch, velocity 1 to 127."""

    start: float
    end: float
    pitch: int
    velocity: int


@dataclass(frozen=True)
class Instrument:
    """A sampled instrument: an SFZ file, or a program of a SoundFont bank (drums: its percussion kits)."""

    path: Path
    program: int = 0
    drums: bool = False


def render(instrument, notes, seconds, bends=()):
    """Play `notes` on `instrument`: float32 (seconds * RATE, 2).

    `bends` are (time s, value -8192..8191) pitch wheel positions, over two semitones; SFZ programs ignore them.
    """
    if instrument.path.suffix == ".sfz":
        return _render_sfz(instrument, notes, seconds)
    return _render_soundfont(instrument, notes, seconds, bends)


@lru_cache(maxsize=4)
def _soundfont(path):
    import tinysoundfont

    synth = tinysoundfont.Synth(gain=-6, samplerate=RATE)
    return synth, synth.sfload(str(path), max_voices=128)


def _render_soundfont(instrument, notes, seconds, bends):
    synth, bank = _soundfont(instrument.path)
    channel = 9 if instrument.drums else 0
    synth.sounds_off()
    synth.program_select(channel, bank, 128 if instrument.drums else 0, instrument.program, instrument.drums)
    synth.pitchbend(channel, 8192)
    events = [(note.end, 0, note.pitch, 0) for note in notes]
    events += [(time, 1, int(value) + 8192, 0) for time, value in bends]
    events += [(note.start, 2, note.pitch, note.velocity) for note in notes]
    frames, done, blocks = round(seconds * RATE), 0, []
    for time, kind, value, velocity in sorted(events):
        until = min(max(round(time * RATE), done), frames)
        if until > done:
            blocks.append(np.frombuffer(bytes(synth.generate(until - done)), np.float32))
            done = until
        if kind == 0:
            synth.noteoff(channel, value)
        elif kind == 1:
            synth.pitchbend(channel, min(max(value, 0), 16383))
        else:
            synth.noteon(channel, value, velocity)
    if done < frames:
        blocks.append(np.frombuffer(bytes(synth.generate(frames - done)), np.float32))
    return np.concatenate(blocks).reshape(-1, 2)


@lru_cache(maxsize=6)
def _sfz(path):
    import pysfizz

    synth = pysfizz.Synth(RATE, 512)
    if not synth.load_sfz_file(str(path)):
        raise ValueError(f"{path}: the SFZ program does not load; are its samples beside it?")
    return synth


def _render_sfz(instrument, notes, seconds):
    program = _sfz(instrument.path)
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
    # A thread of sfizz streams samples from disk, and a note that it is late for stays silent: so the notes are played
    # twice, the first time to have their samples in memory.
    _play(program, events, seconds)
    return _play(program, events, seconds)


def _play(program, events, seconds):
    """The sound of (frame, 1 on or 0 off, pitch, velocity) events; then all is silent."""
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
