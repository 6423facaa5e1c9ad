"""What a request for a new job asks for: which models, which song, and an example where a model needs one."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from splitstrument import youtube
from webapp import decoding, sandbox, uploads
from webapp.jobs import Job
from webapp.offer import Offer, parts_together
from webapp.pages.refused import Refused
from webapp.sandbox import Limits
from webapp.settings import Settings

_PROBE_SECONDS = 20.0


def requested_job(
    settings: Settings, offer: Offer, rule: youtube.Rule, probing: threading.Semaphore, folder: Path
) -> Job:
    """The Job that the current request asks for, with the folder's name as its id, of nobody yet. Raises Refused.

    Its files are written into `folder`, an example as a short WAV. `probing` limits how many are looked into at once.
    """
    form = uploads.receive(folder, settings.megabytes)
    models, parts = _chosen(offer, form.models)
    job = Job(folder.name, models, title="", address="", parts=parts)

    if any(offer[name].example for name in models):
        if not form.example:
            raise Refused(400, "Choose an example: a few seconds in which the sound to take out plays alone.")
        with probing:
            sandbox.run(decoding.example, (str(folder / uploads.EXAMPLE),), Limits.of(settings, _PROBE_SECONDS))
    elif form.example:
        raise Refused(400, f"Leave the example out: {' and '.join(models)} can do nothing with it.")
    if form.youtube:  # a link has priority (thesis, section 7.4)
        if not settings.youtube:
            raise Refused(400, "This server takes no links. Please upload a file.")
        try:
            link = youtube.address(form.youtube, rule)
        except youtube.LinkError as error:
            raise Refused(error.status, error.message) from None
        (folder / uploads.SONG).unlink(missing_ok=True)
        return replace(job, link=link, title=link.removeprefix("https://www."))
    if not form.song:
        raise Refused(400, "Choose a song, or give the link of a video.")
    song = folder / uploads.SONG
    if not song.stat().st_size:
        raise Refused(400, "The file is empty.")
    with probing:
        limits = Limits.of(settings, _PROBE_SECONDS, file=2**20)  # it has nothing to write
        sound = sandbox.run(decoding.probe, (str(song), settings.minutes * 60), limits)
    return replace(job, title=uploads.title_of(form.song), seconds=sound["seconds"] or 0.0)


def _chosen(models: Offer, names: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The models of these names, else the first, as they are offered one after the other, and the parts that come out.

    Raises Refused where there is no such model, or two of them take out the same part.
    """
    names = names or (next(iter(models)),)
    if not set(names) <= set(models):
        raise Refused(400, f"There is no model of that name; there are: {', '.join(models)}.")
    names = tuple(sorted(names, key=list(models).index))
    try:
        return names, parts_together(models, names)
    except ValueError as error:
        raise Refused(400, str(error)) from None
