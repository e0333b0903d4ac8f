"""The files of docs/operations are what their programs accept, and agree with the pinned versions."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

ROOT = Path(__file__).resolve().parents[2]
OPERATIONS = ROOT / "docs" / "operations"
COMPOSE = OPERATIONS / "compose.yaml"
UNITS = sorted(OPERATIONS.glob("*.service"))
CHECKOUT = "/srv/ferroscreen/app"


class Strict(BaseModel):
    """Unknown keys and other types are mistakes, as they are to Compose (https://github.com/compose-spec/compose-spec)."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Healthcheck(Strict):
    """How Compose asks a service whether it is ready."""

    test: list[str] | str
    interval: str = "30s"
    retries: int = 3


class Condition(Strict):
    """What a service waits for in another one."""

    condition: Literal["service_started", "service_healthy", "service_completed_successfully"]


class Service(Strict):
    """The keys of the Compose specification that the file uses."""

    image: str
    command: str | list[str] | None = None
    working_dir: str | None = None
    environment: dict[str, str | int | float | None] = {}
    volumes: list[str] = []
    ports: list[str] = []
    healthcheck: Healthcheck | None = None
    depends_on: list[str] | dict[str, Condition] = []
    restart: Literal["no", "always", "on-failure", "unless-stopped"] = "no"


class Compose(Strict):
    """The whole file."""

    services: dict[str, Service]
    volumes: dict[str, dict[str, Any] | None] = {}


@pytest.fixture(scope="module")
def compose() -> Compose:
    return Compose.model_validate(yaml.safe_load(COMPOSE.read_text()))


def test_services_wait_for_services_that_are_there(compose: Compose) -> None:
    for service in compose.services.values():
        assert set(service.depends_on) <= set(compose.services)
        if isinstance(service.depends_on, dict):
            healthy = [name for name, how in service.depends_on.items() if how.condition == "service_healthy"]
            assert all(compose.services[name].healthcheck for name in healthy)
        named = {mount.partition(":")[0] for mount in service.volumes if not mount.startswith(("/", "."))}
        assert named <= set(compose.volumes)


def test_mistakes_in_the_file_are_noticed() -> None:
    content = yaml.safe_load(COMPOSE.read_text())
    content["services"]["worker"]["enviroment"] = {}
    with pytest.raises(ValidationError, match="enviroment"):
        Compose.model_validate(content)


def test_passwords_come_from_outside_and_ports_stay_inside(compose: Compose) -> None:
    text = COMPOSE.read_text()
    assert set(re.findall(r"(?:PASSWORD|KEY): \"?([^\"\s}]*)", text)) <= {"${POSTGRES_PASSWORD:?", "${MP_API_KEY:-"}
    assert all(port.startswith("127.0.0.1:") for service in compose.services.values() for port in service.ports)


def test_the_server_is_the_pinned_prefect(compose: Compose) -> None:
    (pinned,) = re.findall(r"^prefect==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert compose.services["server"].image.startswith(f"prefecthq/prefect:{pinned}-")


def test_compose_reads_the_file() -> None:
    commands = (["docker", "compose"], ["podman-compose"], ["docker-compose"])
    there = [c for c in commands if shutil.which(c[0]) and not subprocess.run([*c, "version"], capture_output=True).returncode]
    if not there:
        pytest.skip("needs docker compose, podman-compose or docker-compose")
    environment = {"POSTGRES_PASSWORD": "x", "PATH": "/usr/local/bin:/usr/bin:/bin"}
    done = subprocess.run([*there[0], "-f", str(COMPOSE), "config"], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr


def verify(unit: Path) -> subprocess.CompletedProcess[str]:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("needs systemd-analyze")
    return subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True)


def installed(unit: Path, folder: Path) -> Path:
    """The unit for a checkout at another place, whose virtual environment has the programs."""
    programs = folder / "app" / ".venv" / "bin"
    programs.mkdir(parents=True, exist_ok=True)
    (programs / "prefect").write_text("#!/bin/sh\n")
    (programs / "prefect").chmod(0o755)
    place = folder / unit.name
    place.write_text(unit.read_text().replace(CHECKOUT, str(folder / "app")))
    return place


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_accepts_the_units(unit: Path, tmp_path: Path) -> None:
    done = verify(installed(unit, tmp_path))
    assert done.returncode == 0 and not done.stderr.strip(), done.stderr


@pytest.mark.parametrize(("before", "after"), [
    ("RestartSec=10", "RestartSeconds=10"), ("Restart=always", "Restart=sometimes"), ("ExecStart=", "ExecStart=not/absolute "),
])  # fmt: skip
def test_systemd_notices_mistakes(before: str, after: str, tmp_path: Path) -> None:
    place = installed(UNITS[0], tmp_path)
    assert before in place.read_text()
    place.write_text(place.read_text().replace(before, after))
    done = verify(place)
    assert done.returncode != 0 or done.stderr.strip()


def test_the_units_start_what_the_checkout_has() -> None:
    for unit in UNITS:
        started = re.findall(r"^ExecStart(?:Pre)?=(\S+) (.*)$", unit.read_text(), re.MULTILINE)
        assert started and all(program == f"{CHECKOUT}/.venv/bin/prefect" for program, _ in started)
