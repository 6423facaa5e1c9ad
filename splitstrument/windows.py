"""Networks' masks for a stream of spectra: a network's windows laid over the stream with an overlap and cross-faded.

Windows of T frames begin every T - V frames. Over the V frames that two windows share, the earlier one's mask fades
out as the later one's fades in, on straight lines that add up to one; so no border can be heard, and a network that
returns the same mask everywhere gives just that mask.

Of several networks each one's masks are complete at other frames; those that are ahead wait for the others.
"""

import numpy as np

# A model has not learned the last tenth below its Nyquist frequency, where the resampler of its training data fades.
# From there up, to wherever the song's own spectrum ends, the mask goes on as its mean over the tenth before.
LEARNED, SAMPLE = 0.9, 0.8


def overlap_of(frames):
    """How many of a window's frames the next one shares: a sixteenth, 70 ms for the hourglass, costs little time."""
    return max(2, frames // 16)


class Masks:
    """Spectra of any channel count on the song's grid -> masks of the same shape.

    `predict` maps (batch, bins, frames, channels) magnitudes to masks; `shape` is (bins, frames, channels) of the
    network, `overlap` the frames that windows share. Windows go to the network one at a time: on processors that is
    the fastest, since more at once no longer fit the caches.
    """

    def __init__(self, predict, shape, overlap):
        self.predict, (self.bins, self.frames, self.channels) = predict, shape
        self.overlap, self.step = overlap, self.frames - overlap
        self.rising = ((np.arange(overlap) + 0.5) / max(overlap, 1)).astype(np.float32)[:, None]
        self.waiting, self.tail = None, None

    def __call__(self, spectra, last=False):
        """The masks that are complete after these `spectra` (channels, frames, bins); `last` completes all."""
        if self.waiting is not None:
            spectra = np.concatenate([self.waiting, spectra], axis=1)
        done, masks = 0, []
        while spectra.shape[1] - done >= (1 if last else self.frames):
            masks.append(self._masked(spectra[:, done : done + self.frames]))
            done += self.step
        complete = min(done, spectra.shape[1])
        self.waiting = spectra[:, complete:]
        if not masks:
            return np.zeros(spectra[:, :0].shape, np.float32)
        return np.concatenate(masks, axis=1)[:, :complete]

    def _masked(self, spectra):
        """Masks for the first `step` frames of a window; those of the rest are kept to be faded into the next one."""
        channels, present, bins = spectra.shape
        padding = ((0, 0), (0, self.frames - present), (0, 0))
        masks = np.clip(self.predict(self._heard(np.abs(np.pad(spectra, padding)))), 0, 1)
        if self.tail is not None:
            masks[:, :, : self.overlap] *= self.rising
            masks[:, :, : self.overlap] += self.tail * (1 - self.rising)
        self.tail = masks[:, :, self.step :]
        return self._spread(masks[:, :, : self.step], channels, bins)

    def _heard(self, magnitudes):
        """(channels, frames, bins of the song) -> (groups, bins, frames, channels of the network).

        A mono network hears the root mean square of all channels, in which nothing cancels; a wider one takes
        channels side by side, the last one again where they do not come out even.
        """
        if self.channels == 1:
            groups = np.sqrt((magnitudes**2).mean(0))[None, None]
        else:
            count = -(-len(magnitudes) // self.channels)
            indices = np.minimum(np.arange(count * self.channels), len(magnitudes) - 1)
            groups = magnitudes[indices].reshape(count, self.channels, *magnitudes.shape[1:])
        groups = groups[..., : self.bins]
        missing = self.bins - groups.shape[-1]
        if missing:
            groups = np.pad(groups, ((0, 0), (0, 0), (0, 0), (0, missing)))
        return groups.transpose(0, 3, 2, 1)

    def _spread(self, masks, channels, bins):
        """(groups, bins, frames, channels of the network) -> (channels, frames, bins of the song)."""
        masks = masks.transpose(0, 3, 2, 1)
        masks = masks.reshape(-1, *masks.shape[2:])
        masks = np.broadcast_to(masks, (channels, *masks.shape[1:])) if self.channels == 1 else masks[:channels]
        learned, sample = int(LEARNED * (self.bins - 1)), int(SAMPLE * (self.bins - 1))
        if bins <= learned:
            return masks[..., :bins]
        above = masks[..., sample:learned].mean(-1, keepdims=True)
        return np.concatenate([masks[..., :learned], np.repeat(above, bins - learned, -1)], -1)


class SharedMasks:
    """Several networks' masks of one stream of spectra, in step, that give nothing away twice.

    Where masks claim more than the whole of a bin they are divided by their sum, so that the mask of the rest, which is
    one minus their sum, is never negative. A network alone has the masks it would have anyway.
    """

    def __init__(self, masks):
        self.masks = masks
        self.spectra, self.ahead = None, [None] * len(masks)

    def __call__(self, spectra, last=False):
        """(spectra, a list of each network's masks) that all have completed after these `spectra`; `last`: all."""
        ahead = [_joined(old, each(spectra, last)) for old, each in zip(self.ahead, self.masks, strict=True)]
        spectra = _joined(self.spectra, spectra)
        complete = min(each.shape[1] for each in ahead)
        self.spectra, self.ahead = spectra[:, complete:], [each[:, complete:] for each in ahead]
        masks = [each[:, :complete] for each in ahead]
        if len(masks) > 1:
            whole = np.maximum(sum(masks), 1)
            masks = [each / whole for each in masks]
        return spectra[:, :complete], masks


def _joined(waiting, more):
    return np.concatenate([waiting, more], axis=1) if waiting is not None and waiting.shape[1] else more
