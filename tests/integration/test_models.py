"""Models on disk: what is loaded scores as what was saved, and nothing else is ever loaded."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import resource
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from log_guard.adapters.models import (
    describe,
    list_models,
    load_model,
    save_model,
    verify_model,
)
from log_guard.core.detection.detect import Detect
from log_guard.core.detection.options import DetectOptions
from log_guard.core.events import SECOND, Level
from log_guard.core.features import FEATURES
from log_guard.core.learning.model import FORMAT_VERSION, Model
from log_guard.core.results import Result
from log_guard.core.summarising.summaries import Summarizer
from log_guard.core.windows import WHOLE_STREAM, WindowSpec
from log_guard.errors import ModelError
from tests.streams import Event, line

SPEC = WindowSpec()
START = 1_700_000_000 * SECOND
UNTIL = START + 1800 * SECOND
MESSAGES = [
    (Level.INFO, "order %d placed"),
    (Level.INFO, "paiement n° %d accepté"),
    (Level.DEBUG, "cache miss for key %d"),
    (Level.WARN, "slow query took %d ms"),
    (Level.ERROR, "upstream %d refused the connection"),
]


def events(
    start: int, seconds: int, seed: int, extra: tuple[Level, str] | None = None
) -> pl.DataFrame:
    """Three services at about one event a second each; ``extra`` comes 20 times in the middle."""
    rng = np.random.default_rng(seed)
    n = 3 * seconds
    which = rng.choice(len(MESSAGES), n, p=[0.5, 0.3, 0.15, 0.04, 0.01])
    rows = [
        (start + int(at), int(MESSAGES[w][0]), f"service-{int(s)}", MESSAGES[w][1] % int(x))
        for at, w, s, x in zip(
            np.sort(rng.integers(0, seconds * SECOND, n)),
            which,
            rng.integers(0, 3, n),
            rng.integers(0, 10**6, n),
            strict=True,
        )
    ]
    if extra is not None:
        middle = start + seconds // 2 * SECOND
        rows += [
            (middle + i * SECOND // 4, int(extra[0]), "service-1", extra[1]) for i in range(20)
        ]
    frame = pl.DataFrame(
        rows,
        schema={"time": pl.Int64, "level": pl.UInt8, "service": pl.String, "message": pl.String},
        orient="row",
    ).sort("time", maintain_order=True)
    return frame.with_columns(
        pl.int_range(1, pl.len() + 1, dtype=pl.UInt64).alias("position"),
        pl.col("service").alias("group"),
        pl.lit(False).alias("late"),
    )


def detect(detector: Detect, logs: pl.DataFrame) -> list[Result]:
    detector.add(Summarizer(SPEC.slide).summarize(logs))
    end = logs["time"].max()
    assert isinstance(end, int)
    return detector.advance(end, logs.height) + detector.finish(logs.height)


def judged_by(model: Model) -> list[Result]:
    """What a model says to logs with an incident in them."""
    logs = events(UNTIL, 600, seed=2, extra=(Level.ERROR, "disk failure on volume 7"))
    return detect(Detect(SPEC, model=model), logs)


def as_json(results: list[Result]) -> list[str]:
    # repr of a float is exact, so equal text is equal to the last bit.
    return [json.dumps(result.as_dict()) for result in results]


@pytest.fixture(scope="module")
def model() -> Model:
    detector = Detect(SPEC, DetectOptions(train_until=UNTIL))
    detect(detector, events(START, 1900, seed=1))
    assert detector.model is not None
    return detector.model


@pytest.fixture
def saved(model: Model, tmp_path: Path) -> Path:
    return save_model(model, tmp_path / "models" / "first")


def edit(
    directory: Path, change: Callable[[dict[str, Any]], object], *, signed: bool = True
) -> None:
    """Change the manifest, and (``signed``) its checksum with it, as somebody hostile would."""
    path = directory / "model.json"
    content = json.loads(path.read_text("utf-8"))
    checksum = content.pop("checksum")
    change(content)
    if signed:
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
        checksum = hashlib.sha256(canonical.encode()).hexdigest()
    path.write_text(json.dumps({**content, "checksum": checksum}), "utf-8")


def put_bytes(directory: Path, name: str, data: bytes) -> None:
    """Replace an array's file and sign it."""
    (directory / f"{name}.npy").write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    edit(directory, lambda content: content["arrays"].update({name: digest}))


def put_array(directory: Path, name: str, array: np.ndarray) -> None:
    out = io.BytesIO()
    np.lib.format.write_array(out, array, version=(3, 0))
    put_bytes(directory, name, out.getvalue())


def get_array(directory: Path, name: str) -> np.ndarray:
    return np.asarray(np.load(directory / f"{name}.npy", allow_pickle=False))


def refusal(directory: Path) -> str:
    """The one line with which a directory is refused, in loading and in verifying alike."""
    with pytest.raises(ModelError) as caught:
        load_model(directory)
    text = str(caught.value)
    assert "\n" not in text
    assert text in verify_model(directory)
    return text


# --- the round trip


def test_a_loaded_model_scores_as_the_saved_one_to_the_last_bit(model: Model, saved: Path) -> None:
    results = judged_by(model)
    assert any(r.is_anomaly and r.evidence for r in results), "the test has to see an anomaly"
    assert as_json(judged_by(load_model(saved))) == as_json(results)
    features = np.stack([r.features for r in results])
    assert np.array_equal(
        load_model(saved).density.distance(features), model.density.distance(features)
    )


def test_all_fields_come_back(model: Model, saved: Path) -> None:
    loaded = load_model(saved)
    for name in ("window", "slide", "group_by", "false_alarms_per_day", "groups", "templates"):
        assert getattr(loaded, name) == getattr(model, name)
    assert loaded.training == model.training
    assert loaded.scales == model.scales
    assert loaded.features == FEATURES
    assert loaded.version == model.version
    for name, array in model.text.arrays().items():
        assert np.array_equal(getattr(loaded.text, name), array)
        assert getattr(loaded.text, name).dtype == array.dtype


def test_axes_keep_their_order_in_memory(model: Model, tmp_path: Path) -> None:
    text = replace(model.text, components=np.asfortranarray(model.text.components))
    loaded = load_model(save_model(replace(model, text=text), tmp_path / "m"))
    assert loaded.text.components.flags.f_contiguous


def test_equal_models_give_equal_bytes(model: Model, saved: Path, tmp_path: Path) -> None:
    again = save_model(load_model(saved), tmp_path / "again")
    assert files(again) == files(saved)


def files(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_the_manifest_is_for_people_too(model: Model, saved: Path) -> None:
    text = (saved / "model.json").read_text("utf-8")
    assert text.startswith('{\n  "kind": "logguard-model",\n')
    assert "n° <num> accepté" in text
    content = json.loads(text)
    assert content["training"]["start"] == "2023-11-14T22:13:20Z"
    assert content["window_seconds"] == 30.0
    assert content["scales"].keys() == {"novelty", "surprise", "shift"}
    training = model.training
    seconds = training.blocks * training.block / SECOND
    assert content["certified_false_alarms_per_day"] == pytest.approx(86_400 / seconds)


# --- where it is written


def test_a_model_replaces_a_model(model: Model, saved: Path) -> None:
    other = replace(model, false_alarms_per_day=1.0)
    assert save_model(other, saved) == saved
    assert load_model(saved).false_alarms_per_day == 1.0
    assert list(saved.parent.iterdir()) == [saved]


def test_a_link_to_a_model_stays_a_link(model: Model, saved: Path, tmp_path: Path) -> None:
    link = tmp_path / "current"
    link.symlink_to(saved)
    assert save_model(replace(model, false_alarms_per_day=1.0), link) == saved
    assert link.is_symlink()
    assert load_model(link).false_alarms_per_day == 1.0


def test_an_empty_directory_is_filled(model: Model, tmp_path: Path) -> None:
    assert verify_model(save_model(model, tmp_path)) == []


@pytest.mark.parametrize("name", ["notes.txt", "model.json"])
def test_other_directories_are_left_alone(model: Model, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("{}")
    with pytest.raises(ModelError, match="name another directory"):
        save_model(model, tmp_path)
    assert files(tmp_path) == {name: b"{}"}


def test_files_beside_a_model_are_left_alone(model: Model, saved: Path) -> None:
    (saved / "notes.txt").write_text("mine")
    before = files(saved)
    with pytest.raises(ModelError, match=r"notes\.txt"):
        save_model(replace(model, false_alarms_per_day=1.0), saved)
    assert files(saved) == before


def test_a_file_is_no_place_for_a_model(model: Model, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ModelError, match=r"name (another|a) directory"):
            save_model(model, place)
    assert files(tmp_path) == {"file": b"mine"}


def test_a_write_that_fails_leaves_the_old_model_and_nothing_else(
    model: Model, saved: Path
) -> None:
    before = files(saved)
    most, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))  # as a full disk would
    try:
        with pytest.raises(ModelError, match="cannot write the model"):
            save_model(replace(model, false_alarms_per_day=1.0), saved)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    assert files(saved) == before
    assert list(saved.parent.iterdir()) == [saved]


def test_others_may_read_a_model(saved: Path) -> None:
    plain = saved.parent / "plain"
    plain.mkdir()
    assert saved.stat().st_mode == plain.stat().st_mode


def test_a_model_that_could_not_be_loaded_is_not_saved(model: Model, saved: Path) -> None:
    before = files(saved)
    idf = model.text.idf.copy()
    idf[0] = np.nan
    for unsound in (
        replace(model, text=replace(model.text, idf=idf)),
        replace(model, false_alarms_per_day=float("nan")),
        replace(model, templates=model.templates[:1]),
    ):
        with pytest.raises(ModelError, match="cannot be saved"):
            save_model(unsound, saved)
    assert files(saved) == before


# --- what is refused


def test_a_missing_directory(tmp_path: Path) -> None:
    assert "no such model" in refusal(tmp_path / "nowhere")


def test_a_directory_that_is_no_model(tmp_path: Path) -> None:
    assert "is not a LogGuard model" in refusal(tmp_path)
    (tmp_path / "model.json").write_text('{"kind": "something else"}')
    assert "is not a LogGuard model" in refusal(tmp_path)


def test_a_file_that_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "a model is a directory" in refusal(tmp_path / "file")


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b"[" * 100_000, b"1" * 5_000])
def test_a_manifest_that_is_no_json_object(saved: Path, content: bytes) -> None:
    (saved / "model.json").write_bytes(content)
    assert "is damaged" in refusal(saved)


def test_an_older_format(saved: Path) -> None:
    edit(saved, lambda content: content.update(format=FORMAT_VERSION - 1))
    text = refusal(saved)
    assert f"has format {FORMAT_VERSION - 1}, and this LogGuard reads format" in text
    assert "train it again" in text


def test_a_newer_format(saved: Path) -> None:
    edit(saved, lambda content: content.update(format=FORMAT_VERSION + 1, something="new"))
    assert "upgrade LogGuard" in refusal(saved)


def test_other_features(saved: Path) -> None:
    edit(saved, lambda content: content["features"].__setitem__(2, "panic_count"))
    text = refusal(saved)
    assert (
        "trained on other features (30 expected, found 30; first difference: number 3 is " in text
    )
    assert "panic_count, expected fatal_count): train it again with `logguard train`" in text


def test_fewer_and_more_features(saved: Path) -> None:
    edit(saved, lambda content: content["features"].pop())
    assert (
        "found 29; first difference: number 30 is missing, expected message_anomaly_score"
        in refusal(saved)
    )
    edit(saved, lambda content: content["features"].extend([FEATURES[-1], "mood"]))
    assert "found 31; first difference: number 31 is mood, expected none" in refusal(saved)


def test_an_edited_manifest(saved: Path) -> None:
    edit(saved, lambda content: content.update(false_alarms_per_day=9.0), signed=False)
    assert "model.json was changed" in refusal(saved)


@pytest.mark.parametrize(
    "change",
    [
        {"window_seconds": float("nan")},
        {"window_seconds": "30"},
        {"window_seconds": 31.0},
        {"false_alarms_per_day": float("inf")},
        {"groups": []},
        {"groups": [WHOLE_STREAM]},
        {"groups": ["service-0", "service-1", "service-2", WHOLE_STREAM]},
        {"templates": []},
        {"version": "x"},
        {"scales": {"default": [1.0, 1.0, 0.0], "by_group": {}}},
        {"scales": {"default": [1.0, 1.0, 1.0], "by_group": {"unheard-of": [1.0, 1.0, 1.0]}}},
        {"text": {"terms": [], "known": []}},
        {"surplus": 1},
    ],
)
def test_a_manifest_that_makes_no_sense(saved: Path, change: dict[str, Any]) -> None:
    edit(saved, lambda content: content.update(change))
    assert "is damaged" in refusal(saved)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_one_flipped_bit_anywhere_is_found(saved: Path, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted(saved.glob("*.npy"))))
    good = path.read_bytes()
    at = data.draw(st.integers(0, len(good) - 1))
    bad = bytearray(good)
    bad[at] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(bad)
    try:
        assert f"{path.name} was changed" in refusal(saved)
    finally:
        path.write_bytes(good)


def test_every_damaged_file_is_named(saved: Path) -> None:
    (saved / "text.idf.npy").unlink()
    (saved / "density.core.npy").write_bytes(b"")
    found = verify_model(saved)
    assert len(found) == 2
    assert "text.idf.npy is missing" in found[0]
    assert "density.core.npy was changed" in found[1]


class Bomb:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return Path.touch, (self.mark,)


def test_pickles_are_not_run(saved: Path, tmp_path: Path) -> None:
    mark = tmp_path / "the code ran"
    objects = np.empty(1, dtype=object)
    objects[0] = Bomb(mark)
    out = io.BytesIO()
    np.lib.format.write_array(out, objects, version=(3, 0), allow_pickle=True)
    for data in (out.getvalue(), pickle.dumps(Bomb(mark))):
        put_bytes(saved, "text.idf", data)
        assert "no array of the right kind" in refusal(saved)
        assert not mark.exists()
    np.load(io.BytesIO(out.getvalue()), allow_pickle=True)
    assert mark.exists(), "the bomb works where pickles are run"


def with_header(header: bytes) -> bytes:
    return b"\x93NUMPY\x03\x00" + len(header).to_bytes(4, "little") + header


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    header=st.binary(max_size=80)
    | st.text("({[,:'descr<fiO8|}])0129 ", max_size=120).map(str.encode)
)
def test_garbage_for_a_header_is_refused(saved: Path, header: bytes) -> None:
    put_bytes(saved, "text.idf", with_header(header))
    assert "is damaged" in refusal(saved)


def test_a_header_that_promises_too_much_is_refused(saved: Path) -> None:
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (%d,), }"
    for length in (10**3, 10**12, 10**18, 10**30):
        promise = header % length
        put_bytes(saved, "text.idf", with_header(promise))
        assert "text.idf.npy is no array of the right kind" in refusal(saved)


def test_arrays_that_do_not_fit(saved: Path) -> None:
    idf = get_array(saved, "text.idf")
    put_array(saved, "text.idf", idf[1:])
    assert f"text.idf has shape ({len(idf) - 1},), expected ({len(idf)},)" in refusal(saved)
    put_array(saved, "text.idf", idf.astype(np.float32))
    assert "it holds float32, not float64" in refusal(saved)
    put_array(saved, "text.idf", idf[:, None])
    assert "text.idf has shape" in refusal(saved)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["text.components", "density.core", "baseline.keys.sums"])
def test_numbers_that_are_not_finite(saved: Path, name: str, value: float) -> None:
    array = get_array(saved, name)
    array[0, 0] = value
    put_array(saved, name, array)
    assert f"{name} holds numbers that are not finite" in refusal(saved)


NONSENSE: list[tuple[str, Callable[[np.ndarray], np.ndarray], str]] = [
    ("baseline.keys.ids", lambda a: a[::-1].copy(), "not in ascending order"),
    ("baseline.keys.ids", lambda a: a + (99 << 36), "names groups that there are not"),
    ("baseline.keys.ids", lambda a: a + 99, "names templates that there are not"),
    ("density.scale", lambda a: a * 0, "not positive"),
    ("text.known_share", lambda a: -a, "not positive"),
]


@pytest.mark.parametrize(("name", "change", "problem"), NONSENSE)
def test_numbers_that_make_no_sense(
    saved: Path, name: str, change: Callable[[np.ndarray], np.ndarray], problem: str
) -> None:
    put_array(saved, name, change(get_array(saved, name)))
    assert problem in refusal(saved)


def test_an_unreadable_file(saved: Path) -> None:
    (saved / "text.idf.npy").unlink()
    (saved / "text.idf.npy").mkdir()
    assert "check its permissions and disk" in refusal(saved)


# --- what there is


def test_models_are_listed_by_name(model: Model, saved: Path) -> None:
    save_model(model, saved.parent / "broken")
    edit(saved.parent / "broken", lambda content: content.update(version="?"), signed=False)
    (saved.parent / "notes").mkdir()
    (saved.parent / "readme.txt").write_text("")
    save_model(model, saved.parent / ".hidden")
    broken, first = list_models(saved.parent)
    assert broken.name == "broken"
    assert broken.problem is not None
    assert "was changed" in broken.problem
    assert (first.name, first.version, first.events, first.groups) == (
        "first",
        model.version,
        model.training.events,
        3,
    )
    assert (first.start, first.end) == ("2023-11-14T22:13:20Z", "2023-11-14T22:43:20Z")
    assert first.problem is None


def test_an_unlistable_root_has_a_repair(tmp_path: Path) -> None:
    assert list_models(tmp_path) == []
    with pytest.raises(ModelError, match="check the path"):
        list_models(tmp_path / "nowhere")


def test_a_model_is_described(model: Model, saved: Path) -> None:
    shown = describe(saved)
    assert json.loads(json.dumps(shown)) == shown
    assert shown["name"] == "first"
    assert shown["groups"] == ["service-0", "service-1", "service-2"]
    assert shown["training_events"] == model.training.events
    assert shown["certified_false_alarms_per_day"] > 0
    with pytest.raises(ModelError):
        describe(saved.parent)


def test_neither_learning_nor_scoring_needs_a_learning_library(saved: Path, tmp_path: Path) -> None:
    # It takes a second and 60 MB to load.
    log = tmp_path / "app.log"
    log.write_bytes(
        b"\n".join(line(Event(float(i), message=f"served in {i} ms")) for i in range(3600))
    )
    script = (
        "import sys, log_guard; "
        "from log_guard.adapters.models import load_model; "
        f"load_model({str(saved)!r}); items = list(log_guard.scan({str(log)!r})); "
        "assert any(isinstance(i, log_guard.Result) for i in items); "
        "sys.exit('sklearn' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
