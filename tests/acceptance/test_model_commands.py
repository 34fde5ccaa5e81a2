"""What the commands say of models that do not fit, and of what is in a directory of models."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.acceptance.test_commands import run
from tests.streams import Event, line
from tests.unit.test_cold_start import steady


def write(path: Path, events: list[Event]) -> None:
    path.write_bytes(b"\n".join(line(e) for e in sorted(events)) + b"\n")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two systems of three services each, and a registry whose current model is of the first."""
    folder = tmp_path_factory.mktemp("shop")
    events = steady(1_500)
    write(folder / "shop.log", events)
    write(folder / "bank.log", [e._replace(service=f"bank-{e.service}") for e in events])
    done = run("train", "shop.log", "--registry", "reg", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_a_model_of_other_services_is_not_promoted_unless_forced(shop: Path) -> None:
    learn = ("train", "bank.log", "--registry", "reg")
    refused = run(*learn, cwd=shop)
    assert refused.returncode == 1
    first, kept = refused.stdout.decode().splitlines()
    assert first == (
        "refused: it has no service in common with the current one (it has bank-api, bank-db, bank-queue, the current "
        "one api, db, queue): the two cannot be compared (--service names the lines that name none)"
    )
    assert "is kept but not promoted; 0001-" in kept
    assert run(*learn, "--force", cwd=shop).returncode == 0
    listed = run("models", "list", "reg", cwd=shop).stdout.decode()
    assert "forced although it has no service in common" in listed
    assert run("models", "rollback", "reg", cwd=shop).returncode == 0


def test_models_that_were_refused_or_cannot_be_used_are_listed_with_why(
    shop: Path, tmp_path: Path
) -> None:
    """Whatever is broken, the rest is listed, and ``verify`` names the file."""

    def models(command: str, code: int = 0) -> list[str]:
        done = run("models", command, "reg", cwd=tmp_path)
        assert done.returncode == code, done.stderr
        return (done.stdout + done.stderr).decode().splitlines()

    for log in ("shop.log", "bank.log"):
        run("train", str(shop / log), "--registry", "reg", cwd=tmp_path)
    first, second = sorted(p for p in (tmp_path / "reg").iterdir() if p.name.startswith("000"))
    one, other, *history = models("list")
    assert one.endswith("  CURRENT")
    why = "  REFUSED: it has no service in common with the current one (it has bank-api, bank-db, bank-queue, "
    assert why in other
    assert len(history) == 1  # what was refused did not become current
    (second / "text.idf.npy").write_bytes(b"")
    damaged = f"model reg/{second.name} is damaged (text.idf.npy was changed): "
    assert f"  UNUSABLE: {damaged}" in models("list")[1]
    assert models("verify", 1)[0].startswith(f"logguard: {damaged}")
    (second / "model.json").unlink()
    lost = f"reg/{second.name} is not a LogGuard model (it has no model.json): "
    assert models("list")[1].startswith(f"{second.name}{why}")
    assert f"  UNUSABLE: {lost}" in models("list")[1]
    assert models("verify", 1)[0].startswith(f"logguard: {lost}")
    first.rename(tmp_path / "elsewhere")
    assert models("list")[1].startswith(f"{first.name}  CURRENT  UNUSABLE: it is gone: ")
    assert f"logguard: reg/{first.name}, which is current, is gone: " in models("verify", 1)[1]
    (tmp_path / "elsewhere").rename(first)
    (tmp_path / "reg" / "registry.json").write_text("{")
    broken = "logguard: reg/registry.json is damaged: "
    row, *_, error = models("list", 1)
    assert row.startswith(f"{first.name}  ")
    assert error.startswith(broken)
    assert models("verify", 1)[-1].startswith(broken)


def test_a_model_goes_to_one_place(shop: Path) -> None:
    refused = run("train", "shop.log", "--out", "m", "--registry", "reg", cwd=shop)
    assert refused.returncode == 2
    assert refused.stderr.startswith(b"logguard: --out and --registry: use one of them (")
    assert not (shop / "m").exists()


def test_a_model_is_no_history(shop: Path) -> None:
    for command in (("try", "shop.log", "--history", "reg"), ("train", "reg", "--out", "n")):
        done = run(*command, cwd=shop)
        assert done.returncode == 1
        assert done.stderr.startswith(b"logguard: reg holds a model, and not what one is learnt ")


def test_a_list_of_models_is_for_people(shop: Path) -> None:
    listed = run("models", "list", "reg", cwd=shop).stdout.decode().splitlines()
    assert "  15,000 events  3 groups" in listed[0]


def test_services_judged_as_one_are_told_at_the_end(shop: Path) -> None:
    done = run("try", "shop.log", "--group-by", "none", cwd=shop)
    assert done.stdout.decode().splitlines()[-1] == (
        "all services (api, db, queue) were judged as one (--group-by none): what goes wrong in a quiet one, or that it "
        "falls silent, may be lost among the others; leave --group-by out to judge each"
    )
    assert b"judged as one" not in run("try", "shop.log", cwd=shop).stdout


STRANGE = (
    "the model knows none of the services of this log: it was learnt from api, db, queue, and here are bank-api, "
    "bank-db, bank-queue; give a --model or --history of these services, or neither to learn from this log itself"
)


def test_evaluate_says_first_that_a_history_is_of_other_services(shop: Path) -> None:
    truth = {"test_start": "2026-01-01T00:12", "end": "2026-01-01T00:24", "incidents": []}
    (shop / "none.json").write_text(json.dumps(truth))
    judge = ("evaluate", "bank.log", "none.json")
    done = run(*judge, "--history", "shop.log", cwd=shop)
    assert done.returncode == 0, done.stderr
    assert done.stderr.decode().splitlines()[0] == STRANGE
    assert b"the model knows" not in run(*judge, "--history", "bank.log", cwd=shop).stderr


@pytest.mark.parametrize("form", ["text", "json"])
def test_try_says_first_that_a_model_is_of_other_services(shop: Path, form: str) -> None:
    """Before the results: on standard error, which has nothing else but what is judged by what."""
    done = run("try", "bank.log", "--model", "reg", "--format", form, cwd=shop)
    assert done.returncode == 0, done.stderr
    assert done.stderr.decode().splitlines()[form == "text" :] == [STRANGE]
    assert STRANGE not in done.stdout.decode()
    fitting = run("try", "shop.log", "--model", "reg", "--format", form, cwd=shop)
    assert b"the model knows" not in fitting.stdout + fitting.stderr


def test_a_log_that_names_no_service_is_of_the_only_one_that_is_known(tmp_path: Path) -> None:
    """Its service would be its file's name, which is another on another day."""
    lines = [f"2026-01-01 10:{i // 60:02d}:{i % 60:02d} INFO Order placed" for i in range(1200)]
    for name in ("monday.log", "tuesday.log"):
        (tmp_path / name).write_text("\n".join(lines) + "\n")
    assert run("train", "monday.log", "--out", "model", cwd=tmp_path).returncode == 0
    judge = ("try", "tuesday.log", "--model", "model")
    judged = run(*judge, cwd=tmp_path)
    assert judged.stderr.endswith(
        b"judging by model; its lines name no service: they are taken for those of monday, the only one that the "
        b"model knows (--service NAME sets another)\n"
    )
    assert b"the model knows" not in judged.stdout
    other = run(*judge, "--service", "tuesday", cwd=tmp_path).stderr.decode()
    assert "if it is the same service, call it so (--service monday)" in other
    learnt = run("try", "tuesday.log", "--history", "monday.log", cwd=tmp_path)
    assert b"services: tuesday\n" in learnt.stdout
    assert b"the model knows" not in learnt.stdout


def test_a_model_that_is_there_is_replaced_and_named(shop: Path) -> None:
    learn = ("train", "shop.log", "--out", "one")
    first, again = (run(*learn, cwd=shop).stdout.decode() for _ in range(2))
    said = "replaced the model that was in one (--registry DIR keeps models side by side)\n"
    assert again == said + first
    (shop / "one" / "notes.txt").write_text("mine")
    refused = run(*learn, cwd=shop)
    assert refused.returncode == 1
    assert b"holds other files than a model's (notes.txt)" in refused.stderr
    assert (shop / "one" / "notes.txt").read_text() == "mine"


def test_a_model_is_shown_to_people(shop: Path) -> None:
    assert run("train", "bank.log", "--registry", "reg", cwd=shop).returncode == 1
    shown = run("models", "show", "reg", cwd=shop).stdout.decode().splitlines()
    facts = {line[:32].strip(): line[32:] for line in shown}
    assert facts["groups"] == "api, db, queue"
    assert facts["group by"] == "service"
    assert facts["training events"] == "15,000"
    assert facts["training most unusual"] == "none"
    assert facts["certified false alarms per day"] == "57.6"
    assert facts["registry"] == "current"
    current = facts["name"]
    other = next(p.name for p in (shop / "reg").iterdir() if p.name.startswith("0002-"))
    told = run("models", "show", f"reg/{other}", cwd=shop).stdout.decode()
    assert told.endswith(f"kept, not current ({current} is)\n")
    listed = run("models", "list", f"reg/{other}", cwd=shop).stdout.decode()
    assert listed == f"reg/{other} is a model itself: see `logguard models show reg/{other}`\n"


def test_a_live_stream_is_told_of_a_strange_model_before_it_ends(shop: Path) -> None:
    live = ("try", "-", "--follow", "--model", "reg")
    done = run(*live, cwd=shop, stdin=(shop / "bank.log").read_bytes())
    assert done.returncode == 0, done.stderr
    told = [row for row in done.stderr.splitlines() if b"knows none of the services" in row]
    assert len(told) == 1
