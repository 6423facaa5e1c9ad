"""Sections of a song: where one ends and the next begins, and which of them are alike.

Three ways. "network": a small U-Net (structure.boundaries) says where sections begin; they are then grouped by how
alike they are. "novelty": the same without training, from where the self-similarity of the song looks like a
checkerboard (Foote, "Automatic Audio Segmentation Using a Measure of Audio Novelty", 2000). "laplacian": places that
are alike, or next to each other, are joined into a graph, and the eigenvectors of its Laplacian tell the groups apart
(McFee and Ellis, "Analyzing Song Structure with Spectral Clustering", 2014).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from structure.similarity import Places, self_similarity, smoothed, stacked

if TYPE_CHECKING:
    import numpy as np

METHODS = ("network", "novelty", "laplacian")
SHIFT = 4  # places by which two sections that are alike may be apart, as a pick-up or a late boundary does


@dataclass(frozen=True)
class SectionSettings:
    """How sections are looked for. Spans are in beats.

    Network and novelty: a boundary stands out of its neighbourhood's mean, over `reach` before and after, by `peak`
    deviations; boundaries are `apart`; `bar` is added where a bar begins. Novelty's checkerboard has the same `reach`.
    Sections whose average distance is below `alike` (0: equal, 1: unrelated) get one label. Laplacian: `groups` labels,
    chosen between 2 and this; `memory`: the beats that are compared together. `timbre`: the weight of timbre beside
    harmony, 0 to 1.
    """

    method: str = "network"
    reach: int = 16
    peak: float = 0.3
    apart: int = 8
    bar: float = 1.0
    alike: float = 0.5
    groups: int = 4
    memory: int = 4
    timbre: float = 0.6

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ValueError(f"method: must be one of {', '.join(METHODS)}, not {self.method!r}")
        if min(self.reach, self.apart, self.memory) < 1 or self.groups < 2 or not 0 <= self.timbre <= 1:
            raise ValueError("reach, apart, memory: must be at least 1, groups at least 2, timbre from 0 to 1")


def sections(
    song: Places, settings: SectionSettings = SectionSettings(), odds: "np.ndarray | None" = None
) -> tuple["np.ndarray", list[int]]:
    """(edges, labels): the first places of the k sections and n, (k + 1,), and a label for each, from 0.

    `odds` (n,): how much speaks for a boundary at each place, which the method "network" needs.
    """
    if settings.method == "laplacian":
        return _by_laplacian(song, settings)
    if settings.method == "novelty":
        # Places are compared with what follows, so a change is seen early; without smoothing it is where it is.
        plain = (1 - settings.timbre) * self_similarity(song.chroma) + settings.timbre * self_similarity(song.timbre)
        odds = novelty(plain, _reach(song, settings))
    elif odds is None:
        raise ValueError("method network: needs the odds of boundaries")
    edges = _peaks(odds, song, settings)
    return edges, _labelled(song, edges[:-1].tolist(), settings)


def _reach(song: Places, settings: SectionSettings) -> int:
    return max(2, settings.reach // song.per_beat)


def similarity(song: Places, settings: SectionSettings = SectionSettings()) -> "np.ndarray":
    """How alike any two places are, over about a bar from each on: (n, n), -1 to 1."""
    span = max(1, settings.memory // song.per_beat)
    chroma, timbre = (self_similarity(smoothed(vectors, span)) for vectors in (song.chroma, song.timbre))
    return (1 - settings.timbre) * chroma + settings.timbre * timbre


def novelty(similar: "np.ndarray", reach: int) -> "np.ndarray":
    """How much each place divides the song, (n,): the correlation of (n, n) with a checkerboard along the diagonal.

    The checkerboard has 2 `reach` places on a side and fades towards its corners as a Gaussian. At the ends, what is
    missing of the song counts as the mean of `similar`.
    """
    import numpy as np

    places = np.arange(-reach, reach) + 0.5
    fade = np.exp(-0.5 * (places / (0.5 * reach)) ** 2) * np.sign(places)
    kernel = np.outer(fade, fade) / np.abs(fade).sum() ** 2
    padded = np.pad(similar, reach, constant_values=float(similar.mean()))
    squares = (padded[at : at + 2 * reach, at : at + 2 * reach] for at in range(len(similar)))
    return np.array([float((square * kernel).sum()) for square in squares])


def _peaks(curve: "np.ndarray", song: Places, settings: SectionSettings) -> "np.ndarray":
    """The first places of the sections and n, (k + 1,): where the `curve` (n,) has a peak, preferably with a bar."""
    import numpy as np

    count, reach, apart = len(curve), _reach(song, settings), max(2, settings.apart // song.per_beat)
    curve = (curve - curve.mean()) / (curve.std() + 1e-9)
    chosen = curve + settings.bar * song.first
    edges = [0]
    for place in range(apart, count - apart + 1):
        near = chosen[max(0, place - apart) : place + apart + 1]
        wide = curve[max(0, place - 2 * reach) : place + 2 * reach + 1]
        if chosen[place] >= near.max() and curve[place] > wide.mean() + settings.peak and place - edges[-1] >= apart:
            edges.append(place)
    return np.array([*edges, count])


def _labelled(song: Places, starts: list[int], settings: SectionSettings) -> list[int]:
    """A label for each section that begins at one of `starts`: those that run alike from their starts get the same."""
    import numpy as np
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    similar = similarity(song, settings)
    if len(starts) == 1:
        return [0]
    spans = list(zip(starts, [*starts[1:], len(similar)], strict=True))
    apart = np.zeros((len(starts), len(starts)))
    for one, first in enumerate(spans):
        for other, second in enumerate(spans[:one]):
            alike = max(_along(similar, first, second, shift) for shift in range(-SHIFT, SHIFT + 1))
            apart[one, other] = apart[other, one] = max(0.0, 1 - alike)
    groups = fcluster(linkage(squareform(apart, checks=False), "average"), settings.alike, "distance")
    return _in_order(groups)


def _along(similar: "np.ndarray", one: tuple[int, int], other: tuple[int, int], shift: int) -> float:
    """How alike two spans of places are, place by place, where the second begins `shift` places later; at least -1.

    Only shifts that leave half of the shorter one are compared.
    """
    import numpy as np

    a, b = one[0] + max(0, -shift), other[0] + max(0, shift)
    count = min(one[1] - a, other[1] - b)
    if 2 * count < min(one[1] - one[0], other[1] - other[0]) or count < 1:
        return -1.0
    along = np.arange(count)
    return float(similar[a + along, b + along].mean())


def _in_order(groups: "np.ndarray") -> list[int]:
    """Numbers from 0 in the order in which the groups first appear."""
    order = list(dict.fromkeys(groups.tolist()))
    return [order.index(group) for group in groups.tolist()]


def _by_laplacian(song: Places, settings: SectionSettings) -> tuple["np.ndarray", list[int]]:
    import numpy as np
    from scipy.ndimage import median_filter

    vectors = _eigenvectors(song, settings)
    vectors = median_filter(vectors, size=(max(1, 2 * settings.apart // song.per_beat // 2 * 2 + 1), 1), mode="nearest")
    groups = _grouped(vectors, settings.groups)
    change = np.flatnonzero(np.diff(groups)) + 1
    edges = [0]
    for place in change:
        if place - edges[-1] >= max(2, settings.apart // 2 // song.per_beat):
            edges.append(_at_bar(int(place), song))
    edges = sorted(set(edges))
    ends = [*edges[1:], len(groups)]
    labels = [int(np.bincount(groups[a:b]).argmax()) for a, b in zip(edges, ends, strict=True)]
    kept = [0, *(at for at in range(1, len(labels)) if labels[at] != labels[at - 1])]
    return np.array([*(edges[at] for at in kept), len(groups)]), _in_order(np.array([labels[at] for at in kept]))


def _at_bar(place: int, song: Places) -> int:
    """The nearest place where a bar begins, up to two beats away, or else the place itself."""
    for shift in (0, 1, -1, 2, -2):
        if 0 < place + shift < len(song.first) and song.first[place + shift]:
            return place + shift
    return place


def _eigenvectors(song: Places, settings: SectionSettings) -> "np.ndarray":
    """The eigenvectors of the smallest eigenvalues of the normalised Laplacian, (n, groups).

    The graph joins each place with those most alike in harmony (a diagonal median filter keeps only passages), and
    with its neighbours in time, the more the less the timbre changes. Both kinds weigh as much at a place, on average.
    """
    import librosa
    import numpy as np
    from scipy.linalg import eigh

    chroma = stacked(song.chroma, max(1, settings.memory // song.per_beat))
    alike = librosa.segment.recurrence_matrix(chroma.T, width=3, mode="affinity", sym=True)
    filtered = librosa.segment.timelag_filter(_median)(alike, size=(1, 7))
    steps = np.sum(np.diff(song.timbre, axis=0) ** 2, axis=1)
    near = np.exp(-steps / (np.median(steps) + 1e-9))
    path = np.diag(near, 1) + np.diag(near, -1)
    degrees, nearby = filtered.sum(axis=1), path.sum(axis=1)
    share = nearby @ (degrees + nearby) / (np.sum((degrees + nearby) ** 2) + 1e-9)
    graph = share * filtered + (1 - share) * path
    sizes = 1 / np.sqrt(graph.sum(axis=1) + 1e-9)
    laplacian = np.eye(len(graph)) - sizes[:, None] * graph * sizes[None, :]
    return np.asarray(eigh(laplacian, subset_by_index=[0, min(settings.groups, len(graph)) - 1])[1])


def _median(matrix: "np.ndarray", size: tuple[int, int]) -> "np.ndarray":
    import numpy as np
    from scipy.ndimage import median_filter

    return np.asarray(median_filter(matrix, size=size, mode="mirror"))


def _grouped(vectors: "np.ndarray", groups: int) -> "np.ndarray":
    """A group from 0 for each row of (n, groups): k-means of the rows, each of length 1, from ten beginnings."""
    import numpy as np
    from sklearn.cluster import KMeans

    unit = vectors / (np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-9)
    return np.asarray(KMeans(min(groups, len(unit)), n_init=10, random_state=0).fit_predict(unit))
