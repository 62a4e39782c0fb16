"""The container's recipe: what it copies exists, it runs without root, and the commands in it are Muster's."""

from __future__ import annotations

import ast
import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from engine.cli.app import command

ROOT = Path(__file__).parents[1]
RECIPE = (ROOT / "docs" / "deploy" / "Dockerfile").read_text(encoding="utf-8")
LINES = [line for line in re.sub(r"\\\n", " ", RECIPE).splitlines() if line and not line.startswith("#")]
COMPOSE = yaml.safe_load((ROOT / "docs" / "deploy" / "compose.yaml").read_text(encoding="utf-8"))


def given(instruction: str) -> list[str]:
    """The arguments of each such instruction."""
    return [line.partition(" ")[2].strip() for line in LINES if line.startswith(f"{instruction} ")]


def test_what_is_copied_exists_and_is_sent_to_the_builder() -> None:
    sent = (ROOT / ".dockerignore").read_text().splitlines()
    for words in given("COPY"):
        names = words.split()[:-1] if "--from" not in words else []
        for name in names:
            assert (ROOT / name).exists(), name
            assert f"!{name}" in sent, name


def test_it_runs_without_root_and_is_asked_for_its_health() -> None:
    assert given("USER") == ["muster"]
    (health,) = given("HEALTHCHECK")
    script = json.loads(health.partition("CMD ")[2])[2]
    ast.parse(script)
    assert "/healthz" in script


@pytest.mark.parametrize("words", [json.loads(given("CMD")[0]), COMPOSE["services"]["muster"]["command"]])
def test_its_command_is_one(words: list[str]) -> None:
    assert json.loads(given("ENTRYPOINT")[0]) == ["muster"]
    found = command.commands[words[0]]  # type: ignore[attr-defined]
    assert set(words[1::2]) <= {option for each in found.params for option in each.opts}


def test_what_must_outlive_the_container_is_a_volume() -> None:
    volumes = json.loads(given("VOLUME")[0])
    mounted = [each.partition(":")[2] for each in COMPOSE["services"]["muster"]["volumes"]]
    environment = dict(re.findall(r"(MUSTER_[A-Z]+)=(\S+)", given("ENV")[0]))
    assert mounted == volumes
    assert all(any(place.startswith(each) for each in volumes) for place in environment.values())
    assert set(environment) == {"MUSTER_WORKSPACE", "MUSTER_KEYS", "MUSTER_CACHE"}


def test_it_gets_no_rights() -> None:
    service = COMPOSE["services"]["muster"]
    assert service["cap_drop"] == ["ALL"]
    assert service["read_only"] is True
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert set(COMPOSE["volumes"]) == {"workspace", "keys", "models", "database"}


@pytest.mark.parametrize("index", ["", "https://index.example/cpu"])
def test_without_cuda_everything_but_torch_is_installed_as_locked(index: str, tmp_path: Path) -> None:
    (step,) = (each for each in given("RUN") if "TORCH_INDEX" in each)
    script = step.replace("/opt/muster/bin/python -m pip install", "echo pip")
    (tmp_path / "requirements.lock").write_bytes((ROOT / "requirements.lock").read_bytes())
    done = subprocess.run(
        ["sh", "-e", "-c", script], cwd=tmp_path, env={"PATH": "/usr/bin:/bin", "TORCH_INDEX": index},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    whole, left = ((tmp_path / name).read_text() for name in ("requirements.lock", "locked.txt"))
    locked, kept = (set(re.findall(r"^([a-z0-9.-]+)==", each, re.MULTILINE)) for each in (whole, left))
    if not index:
        assert left == whole
        return
    assert {"torch", "torchvision"} <= locked - kept
    assert all(re.match(r"torch$|torchvision$|triton$|nvidia-|cuda-", each) for each in locked - kept)
    assert not [each for each in kept if "nvidia" in each or "cuda" in each]
    parts = [re.split(r"\n(?=[a-z])", each) for each in (whole, left)]
    assert [each.strip() for each in parts[0] if each.partition("==")[0] in kept] == [
        each.strip() for each in parts[1][-len(kept) :]
    ]
    asked = next(line for line in done.stdout.splitlines() if "--index-url" in line)
    pairs = dict(re.findall(r"^(torch|torchvision)==([^ ]+)", whole, re.MULTILINE))
    assert {f"{name}=={version}+cpu" for name, version in pairs.items()} <= set(asked.split())


def test_the_documented_pair_for_cpus_is_the_locked_one() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    told = (ROOT / "docs" / "installing.md").read_text()
    for name in ("torch", "torchvision"):
        version = re.search(rf"^{name}==([^ ]+)", lock, re.MULTILINE)
        assert version is not None
        assert set(re.findall(rf"{name}==([0-9.]+)\+cpu", told)) == {version[1]}
