"""Score one track: mix its parts, have each system separate the mixture, and compare with the truth.

The scores are kept in a record for each track, system by system, so that an interrupted command can continue.

Rules: audio is silent if no sample reaches -80 dBFS. For a silent part of the truth, only the leak is scored, and it
is not used as a reference for the others. A silent estimate has a plain SDR (0 dB) and a leak, but no SDR, SIR, SAR,
SI-SDR or level. Both cases are counted. Scores are limited to -100 to 100 dB, since rounding errors dominate beyond.
"""

import functools
import hashlib
import json
import operator
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evaluation.systems import System
from evaluation.targets import Plan, Target
from splitstrument.files.folders import EXCERPTS
from splitstrument.files.texts import write_text
from splitstrument.files.writing import AudioWriter
from splitstrument.stages.records import identity, read_record
from splitstrument.stages.run import Outcome
from splitstrument.tracks import Track

if TYPE_CHECKING:
    import numpy as np

Sounds = dict[str, "np.ndarray"]
Scores = dict[str, dict[str, Any]]  # {part: {measure: dB or None, "silent": None, "reference" or "estimate"}}

MEASURES = ("sdr", "sir", "sar", "plain_sdr", "plain_sdr_improvement", "si_sdr", "si_sdr_improvement", "level", "leak")
BSS_EVAL = ("sdr", "sir", "sar")
SILENCE = 1e-4  # peaks below this count as silent
LIMIT = 100.0  # dB
EXCERPT = 10.0  # seconds
SHORTEST = 2048  # samples; BSS Eval's filters of 512 taps can fit anything shorter


@dataclass(frozen=True)
class Task:
    """What to do with every track. `metrics`: how to compute SDR, SIR and SAR: "own", "mir_eval" or "none".

    `excerpts`: the names of the tracks to keep ten seconds of.
    """

    plan: Plan
    output: Path
    remove_panning: bool = False
    metrics: str = "own"
    excerpts: frozenset[str] = frozenset()


def record_path(output: str | Path, track: Track) -> Path:
    """The path of a track's record."""
    name = hashlib.md5(track.name.encode(errors="surrogateescape")).hexdigest()
    return Path(output) / ".scores" / f"{name}.json"


def excerpt_folder(output: str | Path, track_name: str, system: System | str | None = None) -> Path:
    """The folder for a track's excerpts: of truth and mixture, or of a system (a System or its name)."""
    folder = Path(output) / EXCERPTS / track_name
    name = system.name if isinstance(system, System) else system
    return folder / name.strip("./").replace("/", "_") if name else folder


def score_track(track: Track, task: Task) -> Outcome:
    """Score a track with all systems. The Outcome's result is the track's record."""
    record: dict[str, Any] = read_record(path := record_path(task.output, track)) or {}
    made_from = [identity(file) for _, file, _ in track.files]
    if record.get("made_from") != made_from or "systems" not in record:
        record = {"name": track.name, "made_from": made_from, "systems": {}}
    all_targets = {system: task.plan.targets(system, track) for system in task.plan.systems}
    true_parts = {target.name: target.truth for targets in all_targets.values() for target in targets}
    missing = [
        system
        for system, targets in all_targets.items()
        if targets and not _finished(record, system, targets, true_parts, task)
    ]
    if not missing:
        return Outcome(track.name, "already there", result=record)
    truth, rate = track.read(task.remove_panning)
    mixture = _sum(truth, track.parts)
    if len(mixture) < SHORTEST:
        raise ValueError(f"{track.folder}: {len(mixture)} samples are too few to score; the minimum is {SHORTEST}")
    record |= {"seconds": len(mixture) / rate, "sample_rate": rate, "channels": mixture.shape[1]}
    start = excerpt_start(truth, rate)
    if track.name in task.excerpts:
        sounds = {name: _sum(truth, parts) for name, parts in true_parts.items()}
        _write_excerpts(excerpt_folder(task.output, track.name), {"mixture": mixture} | sounds, rate, start)
    for system in missing:
        system.prepare()
        began = time.perf_counter()
        estimates = system.separate(mixture, rate, truth, all_targets[system], track.name)
        seconds = time.perf_counter() - began
        if _has_excerpt(system, track.name, task):
            _write_excerpts(excerpt_folder(task.output, track.name, system), estimates, rate, start)
        scores = score(truth, estimates, mixture, task.metrics, task.plan.left(track))
        made = {"made_from": _made_from(all_targets[system]), "seconds": seconds, "parts": scores}
        record["systems"][system.identity] = made
        write_text(path, json.dumps(record) + "\n")
    silent = [part for part, sound in truth.items() if is_silent(sound)]
    notes = (f"silent, so not scored: {', '.join(silent)}",) if silent else ()
    return Outcome(track.name, notes=notes, result=record)


def score(
    truth: Sounds,
    estimates: Sounds,
    mixture: "np.ndarray",
    metrics: str = "own",
    left: Mapping[str, tuple[str, ...]] | None = None,
) -> Scores:
    """Score all estimates: {name: {measure: dB or None, "silent": None, "reference" or "estimate"}}.

    `truth`: {part: audio (samples, channels)} for all parts of the track. `estimates`: {name: audio} for parts, or for
    remainders of the song, which are in `left`: {name: the removed parts}. The references for a part are all parts;
    for a remainder, they are the remainder and the removed parts. So all systems are scored with the same references.
    """
    for name, estimate in estimates.items():
        if estimate.shape != mixture.shape:
            raise ValueError(f"{name}: the estimate has the shape {estimate.shape}, the song {mixture.shape}")
    left = left or {}
    parts = {name: estimate for name, estimate in estimates.items() if name not in left}
    scores = _scores(truth, parts, mixture, metrics)
    for name in (name for name in estimates if name in left):
        among = {part: truth[part] for part in left[name]}
        among[name] = _sum(truth, [part for part in truth if part not in left[name]])
        scores |= _scores(among, {name: estimates[name]}, mixture, metrics)
    return {name: scores[name] for name in estimates}


def _scores(truth: Sounds, estimates: Sounds, mixture: "np.ndarray", measured: str) -> Scores:
    from evaluation import metrics

    audible = [part for part, sound in truth.items() if not is_silent(sound)]
    scored = {part for part in audible if part in estimates and not is_silent(estimates[part])}
    filtered = {}
    if scored and measured != "none":
        bss_eval = metrics.reference_bss_eval if measured == "mir_eval" else metrics.bss_eval
        # A part without an estimate stands for itself, so that it counts as a source that may interfere.
        tried = [(estimates if part in scored else truth)[part] for part in audible]
        filtered = dict(zip(audible, bss_eval([truth[part] for part in audible], tried), strict=True))
    scores: Scores = {}
    for part, estimate in estimates.items():
        values: dict[str, float | None] = dict.fromkeys(MEASURES)
        if part in audible:
            values["plain_sdr"] = after = metrics.plain_sdr(truth[part], estimate)
            values["plain_sdr_improvement"] = _improvement(after, metrics.plain_sdr(truth[part], mixture))
        if part in scored:
            if filtered:
                values |= zip(BSS_EVAL, filtered[part], strict=True)
                values["sir"] = values["sir"] if len(audible) > 1 else None
            values["si_sdr"] = after = metrics.scale_invariant_sdr(truth[part], estimate)
            before = metrics.scale_invariant_sdr(truth[part], mixture) if not is_silent(mixture) else None
            values["si_sdr_improvement"] = None if before is None else _improvement(after, before)
            values["level"] = metrics.level(truth[part], estimate)
        values["leak"] = metrics.leak(truth[part], estimate, mixture, is_silent)
        silent = None if part in scored else "estimate" if part in audible else "reference"
        scores[part] = {measure: None if value is None else _limited(value) for measure, value in values.items()}
        scores[part]["silent"] = silent
    return scores


def is_silent(sound: "np.ndarray") -> bool:
    """Whether no sample reaches -80 dBFS."""
    return not len(sound) or max(float(sound.max()), -float(sound.min())) < SILENCE


def excerpt_start(truth: Sounds, rate: int) -> int:
    """The first sample of ten seconds in which all parts can be heard, each close to its own maximum level."""
    import numpy as np

    seconds = len(next(iter(truth.values()))) // rate
    if seconds <= EXCERPT:
        return 0
    powers = [np.square(sound[: seconds * rate]).reshape(seconds, -1).mean(1) for sound in truth.values()]
    sums = np.array([np.convolve(power, np.ones(int(EXCERPT)), "valid") for power in powers])
    # Relative to the level of each part, so that a quiet part does not determine the choice alone.
    return int((sums / (sums.max(1, keepdims=True) + 1e-12)).min(0).argmax()) * rate


def _improvement(after: float, before: float) -> float | None:
    """The improvement; None if the mixture equals the part (all others are silent), so nothing can be improved."""
    return None if before >= LIMIT else _limited(after) - _limited(before)


def _limited(value: float) -> float:
    """A value in dB for a record: within LIMIT, rounded to four digits."""
    return round(float(min(max(value, -LIMIT), LIMIT)), 4)


def _sum(sounds: Sounds, parts: Sequence[str]) -> "np.ndarray":
    return functools.reduce(operator.add, (sounds[part] for part in parts))


def _made_from(targets: tuple[Target, ...]) -> list:
    """What a system was scored on, in the form of a record."""
    return [[target.name, list(target.truth), target.estimate, list(target.minus)] for target in targets]


def _finished(record: dict, system: System, targets: tuple[Target, ...], true_parts: Iterable[str], task: Task) -> bool:
    known = record["systems"].get(system.identity)
    if known is None or known["made_from"] != _made_from(targets):
        return False
    if any(measure not in scores for scores in known["parts"].values() for measure in MEASURES):
        return False  # from an earlier version
    if not _has_excerpt(system, record["name"], task):
        return True
    files = [excerpt_folder(task.output, record["name"]) / f"{name}.flac" for name in ("mixture", *true_parts)]
    files += [excerpt_folder(task.output, record["name"], system) / f"{name}.flac" for name in known["parts"]]
    return all(file.exists() for file in files)


def _has_excerpt(system: System, track_name: str, task: Task) -> bool:
    """Whether to keep an excerpt of the system's estimates for the track; the mixture already has one."""
    return track_name in task.excerpts and system.kind != "mixture"


def _write_excerpts(folder: Path, sounds: Sounds, rate: int, start: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, sound in sounds.items():
        with AudioWriter(folder / f"{name}.flac", rate, sound.shape[1], "16") as writer:
            writer.write(sound[start : start + int(EXCERPT * rate)])
