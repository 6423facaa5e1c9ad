"""Make a song from a seed: arrange a score, render every voice, and mix them.

The mix passes an equaliser, a compressor and a limiter. The same filter and gain curves are applied to each stem, so
the stems add up to the mix.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from datasets_tools.synthesis import charts, effects, forms
from datasets_tools.synthesis.amplifier import amplified
from datasets_tools.synthesis.arrangement import TARGETS, Voice, arranged
from datasets_tools.synthesis.effects import level_normalised, placed
from datasets_tools.synthesis.material import GUITARS, Material, Song
from datasets_tools.synthesis.players import RATE, render
from datasets_tools.synthesis.scores import Score, excerpt, read_midi, varied

ATTEMPTS = 40
MMA = ("a chart drawn by seed, played by MMA's groove", "none needed")


@dataclass(frozen=True)
class Settings:
    """Which songs to make: the `target` of TARGETS, `seconds` per song, `seed`, and `charts`: the share of charts.

    With `forms`, charts have sections that come again, pick-ups, bars of three beats, and changes of tempo (see forms).
    """

    target: str = "guitar"
    seconds: float = 60.0
    seed: int = 0
    charts: float = 0.0
    forms: bool = False

    def __post_init__(self) -> None:
        if self.target not in TARGETS:
            raise ValueError(f"target: must be one of {', '.join(TARGETS)}, not {self.target!r}")
        if not 5 <= self.seconds <= 600:
            raise ValueError(f"seconds: must be 5 to 600, not {self.seconds}")
        if not 0 <= self.charts <= 1:
            raise ValueError(f"charts: must be 0 to 1, not {self.charts}")
        if self.seed < 0:
            raise ValueError(f"seed: must be at least 0, not {self.seed}")


@dataclass(frozen=True)
class Rendered:
    """A song and its stems, each float32 (frames, 2) at RATE; they add up to the mix.

    `score` is (name, licence, file) of the score, `choices` are the random choices for the whole song. `played` is the
    score itself, with the times of its beats, bars and sections.
    """

    voices: tuple[Voice, ...]
    stems: tuple[np.ndarray, ...]
    score: tuple[str, str, str]
    choices: dict = field(default_factory=dict)
    played: Score = field(default=Score((), 0.0))

    @property
    def mix(self) -> np.ndarray:
        return np.asarray(sum(self.stems))


def song(material: Material, songs: Sequence[Song], settings: Settings, index: int) -> Rendered:
    """Song number `index` for the `settings`, from `songs` and random charts.

    Raises ValueError if none of many scores can be played.
    """
    random = np.random.default_rng([settings.seed, index])
    reason = "none has parts for a band"
    for _ in range(ATTEMPTS):
        try:
            score, source = drawn_score(songs, settings, random)
        except ValueError as error:  # a broken MIDI file among many
            reason = str(error)
            continue
        if voices := arranged(score, settings.target, material, random):
            if settings.forms and score.sections:  # no silence after the end
                settings = replace(settings, seconds=max(5.0, min(settings.seconds, score.seconds + 1)))
            return replace(_rendered(voices, source, settings, random), played=score)
    raise ValueError(f"{ATTEMPTS} scores tried: {reason}")


def drawn_score(
    songs: Sequence[Song], settings: Settings, random: np.random.Generator
) -> tuple[Score, tuple[str, str, str]]:
    """(an excerpt of a random song or chart, with varied tempo and key; its name, licence and file)."""
    tempo, semitones = random.uniform(0.85, 1.18), int(random.integers(-5, 7))
    long = settings.seconds * tempo
    chart_wanted = not songs or random.random() < settings.charts
    if chart_wanted and settings.forms:
        form = forms.drawn(random, long)
        score = forms.performed(form, int(random.integers(2**31)))
        return varied(excerpt(score, 0.0, min(long, score.seconds)), tempo, semitones), (*MMA, form.groove)
    if chart_wanted:
        groove, chart = charts.drawn(random, 8 + round(long / 1.5))
        source = (*MMA, groove)
    else:
        file = songs[int(random.integers(len(songs)))]
        chart = file.path.read_text(encoding="utf-8") if file.path.suffix.lower() == ".mma" else None
        source = (file.name, file.licence, file.path.name)
    score = read_midi(file.path) if chart is None else charts.play(chart, int(random.integers(2**31)))
    start = random.uniform(0, max(0.0, score.seconds - long))
    return varied(excerpt(score, start, long), tempo, semitones), source


def _rendered(
    voices: Sequence[Voice], source: tuple[str, str, str], settings: Settings, random: np.random.Generator
) -> Rendered:
    cents = random.normal(0, 12) if random.random() < 0.4 else 0.0  # detuning of the whole band
    stems = [played_voice(voice, settings.seconds, cents, random) for voice in voices]
    # The level of the target relative to the rest: usually lower.
    ratio = random.normal(-5 if settings.target == "guitar" else -4, 3.5)
    target = np.asarray(sum(stem for voice, stem in zip(voices, stems, strict=True) if voice.target))
    rest = np.asarray(sum(stem for voice, stem in zip(voices, stems, strict=True) if not voice.target))
    power = [float((audio.astype(np.float64) ** 2).mean()) + 1e-12 for audio in (target, rest)]
    gain = np.float32(10 ** (ratio / 20) * np.sqrt(power[1] / power[0]))
    stems = [stem * gain if voice.target else stem for voice, stem in zip(voices, stems, strict=True)]
    stems, loudness = _mastered(stems, random)
    choices = {"cents": round(cents, 1), "target_to_rest_db": round(ratio, 1), "loudness_db": round(loudness, 1)}
    return Rendered(tuple(voices), tuple(stems), source, choices)


def played_voice(voice: Voice, seconds: float, cents: float, random: np.random.Generator) -> np.ndarray:
    """The sound of a Voice, (frames, 2), at its level and pan position."""
    takes = []
    side = random.uniform(0.4, 1.0) * random.choice([-1, 1])
    for place in (side, -side) if voice.doubled else (None,):
        apart = random.normal(0, 4) if voice.doubled or random.random() < 0.3 else 0.0
        audio = render(voice.instrument, voice.part, seconds, random, cents + apart)
        takes.append(_channel(audio, voice, place, random))
    total = np.asarray(sum(takes))
    if random.random() < 0.7:
        total = effects.roomy(total, random, RATE)
    return level_normalised(total, voice.level, RATE)


def _channel(audio: np.ndarray, voice: Voice, place: float | None, random: np.random.Generator) -> np.ndarray:
    """Apply the effects to one take. Drums and basses get fewer, as in real productions."""
    family = voice.instrument.family
    low = family in ("bass", "drums")
    if random.random() < 0.3:
        audio = effects.compressed(audio, random, RATE)
    if voice.drive is not None:
        audio = amplified(audio, voice.drive, random, RATE)
    if not low and random.random() < 0.15:
        audio = effects.chorused(audio, random, RATE)
    if family in ("organ", "electric piano", *GUITARS) and random.random() < 0.15:
        audio = effects.trembling(audio, random, RATE)
    if not low and random.random() < 0.15:
        audio = effects.echoing(audio, random, RATE)
    if not low:
        audio = effects.brightened(audio, random, RATE)
    audio = effects.filtered(audio, effects.equaliser(random, RATE))
    if place is None and not low:
        place = random.uniform(-0.8, 0.8) if random.random() < 0.7 else 0.0
    if family in GUITARS or voice.drive is not None:  # most guitars are recorded with one microphone
        audio = np.repeat(audio.mean(1, keepdims=True), 2, 1)
    return placed(level_normalised(audio, -20, RATE), place or 0.0)


def _mastered(stems: Sequence[np.ndarray], random: np.random.Generator) -> tuple[list[np.ndarray], float]:
    """(stems, level of the mix in dBFS), after equalising, compressing and limiting the mix to below full scale."""
    equaliser = effects.equaliser(random, RATE, (-3.0, 4.0))
    shaped = [effects.filtered(stem, equaliser) for stem in stems]
    mix = np.asarray(sum(shaped))
    if random.random() < 0.6:
        level = effects.level_of(mix, RATE)
        gain = effects.gain_above(level, random.uniform(-6, 2), random.uniform(1.5, 4), 0.02, random.uniform(0.1, 0.4))
        factors = effects.spread(gain, len(mix), RATE)[:, None].astype(np.float32)
        shaped = [stem * factors for stem in shaped]
        mix = np.asarray(sum(shaped))
    loudness = random.uniform(-24, -10)
    loud = np.float32(10 ** (loudness / 20) / np.sqrt((mix.astype(np.float64) ** 2).mean() + 1e-12))
    factors = effects.limiter(mix * loud, 0.97, RATE)[:, None].astype(np.float32) * loud
    shaped = [stem * factors for stem in shaped]
    # The peak of a single stem may be higher than the peak of the mix.
    peak = max(float(np.abs(stem).max()) for stem in shaped)
    return [stem * np.float32(min(1.0, 0.999 / max(peak, 1e-9))) for stem in shaped], loudness
