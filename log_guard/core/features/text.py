"""The 18 text features: TF-IDF → SVD → KMeans → rarity, one vector a template.

Each template is vectorised once in its life; a window's features are the count-weighted means of
its templates' vectors. Vectors are exact (``exact.py``): their sums are the same in any order, so
equal summaries give bit-equal features.

* ``text_svd_1`` to ``_15``: TF-IDF over the 100 commonest uni- and bigrams (smoothed IDF, unit
  length, as in scikit-learn's ``TfidfTransformer``), reduced by a truncated SVD.
* ``message_cluster``: its cluster of 20 (KMeans), numbered by falling share of the history, so that
  a mean of several says how far from the usual they are.
* ``message_rarity``: surprisal of the cluster and of the template in the history, mean of the two, bits.
* ``message_anomaly_score``: distance to the cluster's centre over the cluster's own mean distance.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from itertools import pairwise

import numpy as np

from log_guard.core.exact import exact
from log_guard.core.features.clustering import kmeans

COMPONENTS = 15
CLUSTERS = 20
TERMS = 100
TEXT_FEATURES = (
    *(f"text_svd_{i + 1}" for i in range(COMPONENTS)),
    "message_cluster",
    "message_rarity",
    "message_anomaly_score",
)

_WORD = re.compile(r"<?[^\W\d_][\w'-]*>?")


def terms(template: str) -> list[str]:
    """Words of a template in lower case, then its pairs of neighbouring words."""
    words = [word.lower() for word in _WORD.findall(template)]
    return words + [f"{a} {b}" for a, b in pairwise(words)]


@dataclass(frozen=True)
class TextModel:
    """Everything that turns a template into its 18 numbers; plain arrays."""

    terms: np.ndarray  # (t,) str, t <= 100
    idf: np.ndarray  # (t,)
    components: np.ndarray  # (15, t)
    centres: np.ndarray  # (c, 15), c <= 20, largest cluster first
    cluster_share: np.ndarray  # (c,)
    cluster_spread: np.ndarray  # (c,) mean distance to the centre
    known: np.ndarray  # (m,) str, templates of the history, sorted
    known_share: np.ndarray  # (m,)

    def arrays(self) -> dict[str, np.ndarray]:
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def vectors(self, templates: list[str]) -> np.ndarray:
        """Vectors of templates, (n, 18)."""
        if not templates:
            return np.zeros((0, len(TEXT_FEATURES)))
        reduced = tfidf(templates, self.terms, self.idf) @ self.components.T
        distance = np.sqrt(((reduced[:, None, :] - self.centres[None, :, :]) ** 2).sum(axis=2))
        cluster = distance.argmin(axis=1)
        at = np.minimum(np.searchsorted(self.known, templates), max(len(self.known) - 1, 0))
        hit = self.known[at] == np.array(templates)
        floor = self.known_share.min() / 2
        share = np.where(hit, self.known_share[at], floor)
        rarity = -(np.log2(share) + np.log2(np.maximum(self.cluster_share[cluster], floor))) / 2
        score = distance[np.arange(len(templates)), cluster] / np.maximum(
            self.cluster_spread[cluster], 0.05
        )
        out = np.column_stack([reduced, cluster, rarity, score])
        return exact(out)


def tfidf(templates: list[str], vocabulary: np.ndarray, idf: np.ndarray) -> np.ndarray:
    """Unit-length TF-IDF rows, (n, t)."""
    index = {term: i for i, term in enumerate(vocabulary.tolist())}
    matrix = np.zeros((len(templates), len(index)))
    for row, template in enumerate(templates):
        for term in terms(template):
            column = index.get(term)
            if column is not None:
                matrix[row, column] += 1.0
    matrix *= idf
    length = np.sqrt((matrix**2).sum(axis=1, keepdims=True))
    return np.asarray(matrix / np.maximum(length, 1e-12))


def fit_text(templates: list[str], counts: np.ndarray) -> TextModel:
    """Learn from the templates of a history and how often each occurred, (n,).

    Document frequencies, SVD and clusters weigh a template by its count, as if each event had been
    a document. At least one template with a count is needed.
    """
    order = np.argsort(np.array(templates))
    templates = [templates[i] for i in order]
    weight = counts[order].astype(float)
    total = weight.sum()
    frequency: dict[str, float] = {}
    documents: dict[str, float] = {}
    for template, count in zip(templates, weight.tolist(), strict=True):
        found = terms(template)
        for term in found:
            frequency[term] = frequency.get(term, 0.0) + count
        for term in set(found):
            documents[term] = documents.get(term, 0.0) + count
    chosen = sorted(sorted(frequency, key=lambda t: (-frequency[t], t))[:TERMS]) or ["<none>"]
    df = np.array([documents.get(term, 0.0) for term in chosen])
    idf = np.log((1.0 + total) / (1.0 + df)) + 1.0
    vocabulary = np.array(chosen)
    matrix = tfidf(templates, vocabulary, idf)
    components = _svd(matrix, weight)
    reduced = matrix @ components.T
    clusters = min(CLUSTERS, len(np.unique(reduced.round(9), axis=0)))
    centres, label = kmeans(reduced, weight, clusters)
    share = np.bincount(label, weights=weight, minlength=clusters) / total
    distance = np.sqrt(((reduced - centres[label]) ** 2).sum(axis=1))
    spread = np.bincount(label, weights=weight * distance, minlength=clusters) / np.maximum(
        share * total, 1e-9
    )
    rank = np.lexsort((np.arange(clusters), -share))
    return TextModel(
        terms=vocabulary,
        idf=idf,
        components=components,
        centres=centres[rank],
        cluster_share=share[rank],
        cluster_spread=spread[rank],
        known=np.array(templates),
        known_share=weight / total,
    )


def _svd(matrix: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """First right singular vectors of the weighted rows, (15, t), signs fixed; zeros where the rank ends."""
    second_moment = matrix.T @ (matrix * weight[:, None])
    values, vectors = np.linalg.eigh(second_moment)
    top = vectors[:, np.argsort(values)[::-1][:COMPONENTS]].T
    signs = np.sign(top[np.arange(len(top)), np.abs(top).argmax(axis=1)])
    out = np.zeros((COMPONENTS, matrix.shape[1]))
    out[: len(top)] = top * signs[:, None]
    return out
