"""Small audio files in every format, made with soundfile and PyAV."""

from fractions import Fraction

import av
import numpy as np
import soundfile

LAYOUTS = {1: "mono", 2: "stereo"}


def song(seconds=1.0, rate=44100, channels=2, seed=0):
    """Tones with a little noise, different in every channel: float32 (frames, channels)."""
    time = np.arange(round(seconds * rate))[:, None] / rate
    tones = 0.4 * np.sin(2 * np.pi * (220 + 70 * np.arange(channels) + 300 * seed) * time)
    noise = np.random.default_rng(seed).standard_normal((len(time), channels))
    return (tones * (1 + np.sin(9 * time)) / 2 + 0.02 * noise).astype(np.float32)


def write_sound(path, sound, rate=44100, **settings):
    """A file by soundfile; settings are its format and subtype."""
    soundfile.write(path, sound, rate, **settings)
    return path


def write_av(path, sounds, rate=44100, codec="aac", container=None, video=False, options=None):
    """A file by PyAV with an audio stream for each of sounds, and a small black video if wanted."""
    with av.open(str(path), "w", format=container, options=options or {}) as file:
        streams = []
        if video:
            picture = file.add_stream("mpeg4", rate=10)
            picture.width = picture.height = 32
            picture.pix_fmt = "yuv420p"
        for sound in sounds:
            streams.append(file.add_stream(codec, rate=rate, layout=LAYOUTS[sound.shape[1]]))
        file.start_encoding()
        if video:
            for index in range(10):
                frame = av.VideoFrame(32, 32, "yuv420p")
                for plane in frame.planes:
                    plane.update(bytes(plane.buffer_size))
                frame.pts = index
                file.mux(picture.encode(frame))
            file.mux(picture.encode(None))
        # Side by side, as in a real file: no stream lies wholly behind another.
        for at in range(0, max(map(len, sounds), default=0), 1024):
            for stream, sound in zip(streams, sounds, strict=True):
                if at < len(sound):
                    file.mux(stream.encode(_frame(sound[at : at + 1024], at, rate)))
        for stream in streams:
            file.mux(stream.encode(None))
    return path


def _frame(block, at, rate):
    layout = LAYOUTS[block.shape[1]]
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block.T), format="fltp", layout=layout)
    frame.sample_rate, frame.pts, frame.time_base = rate, at, Fraction(1, rate)
    return frame


def cut(path, share, name=None):
    """A copy of a file that breaks off after a share (0 to 1) of its bytes."""
    data = path.read_bytes()
    target = path.with_name(name or f"cut_{path.name}")
    target.write_bytes(data[: int(len(data) * share)])
    return target
