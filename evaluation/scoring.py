"""Score one track: mix its parts, have each system separate the mixture, and compare with the truth.

What is found is kept in a record for each track, system by system, so that a command that was stopped goes on there.

Rules: a sound is silent where no sample reaches -80 dBFS. A silent part of the truth is not scored, but for what leaks
into it, and is no reference for the others; a part that an estimate leaves silent has a plain SDR (0 dB) and a leak,
but no SDR, SIR, SAR or SI-SDR. Both are counted. Scores are kept within -100 and 100 dB: beyond, rounding decides.
"""

import hashlib
import json
import time
from dataclasses import dataclass
from pathlib import Path

from evaluation.systems import System
from splitstrument.files.writing import AudioWriter, write_text
from splitstrument.stages.records import identity, read_record
from splitstrument.stages.run import Outcome

MEASURES = ("sdr", "sir", "sar", "plain_sdr", "plain_sdr_improvement", "si_sdr", "si_sdr_improvement", "leak")
SILENCE = 1e-4  # the peak below which a sound is silent
LIMIT = 100.0  # dB
EXCERPT = 10.0  # seconds
SHORTEST = 2048  # samples; BSS Eval's filters of 512 taps make anything of so little


@dataclass(frozen=True)
class Task:
    """What is done with every track. `excerpts`: the names of the tracks of which ten seconds are kept to listen to."""

    systems: tuple[System, ...]
    output: Path
    remove_panning: bool = False
    reference_metrics: bool = False
    excerpts: frozenset[str] = frozenset()


def record_path(output, track):
    """The file of a track's record."""
    return Path(output) / ".scores" / f"{hashlib.md5(track.name.encode()).hexdigest()}.json"


def excerpt_folder(output, track_name, system=None):
    """The folder of a track's excerpts: the truth's and the mixture's, or those of a system (a System or its name)."""
    folder = Path(output) / "excerpts" / track_name
    return folder / getattr(system, "name", system).strip("./").replace("/", "_") if system else folder


def score_track(track, task):
    """The Outcome of scoring a track with all systems; its result is the track's record."""
    record = read_record(path := record_path(task.output, track)) or {}
    made_from = [identity(file) for _, file, _ in track.files]
    if record.get("made_from") != made_from or "systems" not in record:
        record = {"name": track.name, "made_from": made_from, "systems": {}}
    missing = [system for system in task.systems if not _finished(record, system, track, task)]
    if not missing:
        return Outcome(track.name, "already there", result=record)
    truth, rate = track.read(task.remove_panning)
    mixture = sum(truth.values())
    if len(mixture) < SHORTEST:
        raise ValueError(f"{track.folder}: {len(mixture)} samples are too few to score; {SHORTEST} are the least")
    record |= {"seconds": len(mixture) / rate, "sample_rate": rate, "channels": mixture.shape[1]}
    start = excerpt_start(truth, rate)
    if track.name in task.excerpts:
        _write_excerpts(excerpt_folder(task.output, track.name), {"mixture": mixture} | truth, rate, start)
    for system in missing:
        system.prepare()
        began = time.perf_counter()
        estimates = system.separate(mixture, rate, truth)
        seconds = time.perf_counter() - began
        if _heard(system, track, task):
            _write_excerpts(excerpt_folder(task.output, track.name, system), estimates, rate, start)
        scores = score(truth, estimates, mixture, task.reference_metrics)
        record["systems"][system.name] = {"made_from": _made_from(system), "seconds": seconds, "parts": scores}
        write_text(path, json.dumps(record) + "\n")
    silent = [part for part, sound in truth.items() if is_silent(sound)]
    notes = (f"silent: {', '.join(silent)}; not scored",) if silent else ()
    return Outcome(track.name, notes=notes, result=record)


def score(truth, estimates, mixture, reference_metrics=False):
    """{part: {measure: dB or None, "silent": None, "reference" or "estimate"}} of the parts that are estimated.

    `truth` and `estimates`: {part: sound (samples, channels)}. Where an estimate is of "rest" and the truth has no such
    part (a model on a song of four stems), the rest is the sum of all other parts.
    """
    from evaluation import metrics

    if "rest" in estimates and "rest" not in truth:
        (own,) = (part for part in estimates if part != "rest")
        rest = {own: truth[own], "rest": sum(sound for part, sound in truth.items() if part != own)}
        sides = ((truth, own), (rest, "rest"))  # its own part among all of them, as other systems are scored
        return {p: score(t, {p: estimates[p]}, mixture, reference_metrics)[p] for t, p in sides}
    for part, estimate in estimates.items():
        if estimate.shape != mixture.shape:
            raise ValueError(f"{part}: an estimate of shape {estimate.shape} for a song of {mixture.shape}")
    audible = [part for part, sound in truth.items() if not is_silent(sound)]
    scored = {part for part in audible if part in estimates and not is_silent(estimates[part])}
    filtered = {}
    if scored:
        bss_eval = metrics.reference_bss_eval if reference_metrics else metrics.bss_eval
        # A part without an estimate to score is estimated by itself: it counts as a source that may interfere.
        tried = [(estimates if part in scored else truth)[part] for part in audible]
        filtered = dict(zip(audible, bss_eval([truth[part] for part in audible], tried), strict=True))
    scores = {}
    for part, estimate in estimates.items():
        values = dict.fromkeys(MEASURES)
        if part in audible:
            values["plain_sdr"] = metrics.plain_sdr(truth[part], estimate)
            values["plain_sdr_improvement"] = _improvement(values["plain_sdr"], metrics.plain_sdr(truth[part], mixture))
        if part in scored:
            values |= zip(("sdr", "sir", "sar"), filtered[part], strict=True)
            values["sir"] = values["sir"] if len(audible) > 1 else None
            values["si_sdr"] = metrics.scale_invariant_sdr(truth[part], estimate)
            before = metrics.scale_invariant_sdr(truth[part], mixture) if not is_silent(mixture) else None
            values["si_sdr_improvement"] = None if before is None else _improvement(values["si_sdr"], before)
        values["leak"] = metrics.leak(truth[part], estimate, mixture, is_silent)
        silent = None if part in scored else "estimate" if part in audible else "reference"
        scores[part] = {measure: _limited(value) for measure, value in values.items()} | {"silent": silent}
    return scores


def is_silent(sound):
    """Whether no sample of a sound reaches -80 dBFS."""
    return not len(sound) or max(float(sound.max()), -float(sound.min())) < SILENCE


def excerpt_start(truth, rate):
    """The sample at which ten seconds begin in which all parts are to be heard, each near its own loudest."""
    import numpy as np

    seconds = len(next(iter(truth.values()))) // rate
    if seconds <= EXCERPT:
        return 0
    powers = [np.square(sound[: seconds * rate]).reshape(seconds, -1).mean(1) for sound in truth.values()]
    sums = np.array([np.convolve(power, np.ones(int(EXCERPT)), "valid") for power in powers])
    # Relative to each part's own level, so that one that is soft throughout does not decide alone.
    return int((sums / (sums.max(1, keepdims=True) + 1e-12)).min(0).argmax()) * rate


def _improvement(after, before):
    """None where the mixture is the part itself: all others are silent, and there is nothing to improve."""
    return None if before >= LIMIT else _limited(after) - _limited(before)


def _limited(value):
    """dB as a number of a record: within LIMIT, four digits, None where there is none."""
    return None if value is None else round(float(min(max(value, -LIMIT), LIMIT)), 4)


def _made_from(system):
    """By what a system is known again."""
    from importlib.metadata import version

    if system.kind != "model":
        return [version("splitstrument"), system.instrument]
    names = ("model.yaml", "model.weights.h5", "configuration.jsonc", "weights/weights.h5")
    return [identity(path) for path in (Path(system.source) / name for name in names) if path.exists()]


def _finished(record, system, track, task):
    known = record["systems"].get(system.name)
    if known is None or known["made_from"] != _made_from(system):
        return False
    if any(measure not in scores for scores in known["parts"].values() for measure in MEASURES):
        return False  # of an earlier version
    if not _heard(system, track, task):
        return True
    files = [excerpt_folder(task.output, track.name) / f"{part}.flac" for part in ("mixture", *track.parts)]
    files += [excerpt_folder(task.output, track.name, system) / f"{part}.flac" for part in known["parts"]]
    return all(file.exists() for file in files)


def _heard(system, track, task):
    """Whether an excerpt of what the system makes of the track is kept; of the mixture there is one already."""
    return track.name in task.excerpts and system.kind != "mixture"


def _write_excerpts(folder, sounds, rate, start):
    folder.mkdir(parents=True, exist_ok=True)
    for name, sound in sounds.items():
        with AudioWriter(folder / f"{name}.flac", rate, sound.shape[1], "16") as writer:
            writer.write(sound[start : start + int(EXCERPT * rate)])
