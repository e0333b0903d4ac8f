"""The key shows up nowhere, whatever fails: a service that repeats it in its errors, logs at DEBUG, every file that is left."""

from __future__ import annotations

import io
import logging
import traceback
from pathlib import Path

import pytest
from pydantic import SecretStr

from data.errors import Refused, Unavailable, UserError
from data.sources.materials_project.client import MaterialsProject
from pipeline.ops.progress import Quiet
from pipeline.refresh.materials_project import refresh_materials_project
from pipeline.settings import Settings
from tests.faults.refreshing.conftest import KEY, Refresh
from tests.servers.materials_project import Fault, MaterialsProjectServer

FAULTS: list[int | str] = [400, 401, 403, 404, 422, 429, 500, 503, "html", "truncated", "cut", "fewer rows", "no data", "silent"]


def everything(fault: BaseException | None) -> str:
    """An exception as any logger could print it: message, arguments, traceback, and the exceptions behind it, shown or hidden."""
    told = ""
    while fault is not None:
        told += f"{fault} {fault.args!r} {vars(fault)!r} {''.join(traceback.format_exception(fault))}"
        fault = fault.__cause__ or fault.__context__
    return told


def left_behind(home: Path) -> str:
    return " ".join(path.read_bytes().decode("latin-1") for path in home.rglob("*") if path.is_file())


@pytest.mark.parametrize("kind", FAULTS)
def test_no_key_in_logs_exceptions_or_files(
    service: MaterialsProjectServer, refresh: Refresh, where: Settings, capfd: pytest.CaptureFixture[str], kind: int | str
) -> None:
    stream = io.StringIO()
    handler, root = logging.StreamHandler(stream), logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    service.faults[("page", 3)] = Fault(kind, times=99, seconds=0.6)
    try:
        with pytest.raises((Refused, Unavailable)) as caught:
            refresh()
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
    assert "GET /materials/summary/" in stream.getvalue(), "nothing was logged at DEBUG"
    printed = capfd.readouterr()
    told = stream.getvalue() + everything(caught.value) + left_behind(where.home) + printed.out + printed.err
    assert KEY not in told
    assert KEY not in repr(where)


def test_no_key_in_a_finished_home(refresh: Refresh, where: Settings) -> None:
    refresh()
    assert KEY not in left_behind(where.home)


def test_no_key_in_what_holds_it(service: MaterialsProjectServer, where: Settings) -> None:
    assert KEY not in repr(vars(MaterialsProject(service.endpoint, SecretStr(KEY), where.retry_policy)))


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        ("http://materials.example/", "is no https address"),
        ("ftp://127.0.0.1/", "is no https address"),
        ("https://me:secret@materials.example/", "must not hold a user name or password"),
    ],
)
def test_the_key_travels_only_encrypted(where: Settings, endpoint: str, words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        refresh_materials_project(SecretStr(KEY), where.model_copy(update={"mp_endpoint": endpoint}), Quiet())
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("wrong", [KEY[:-1], f"{KEY[:15]}\n{KEY[16:]}", f"{KEY[:15]}д{KEY[16:]}"])
def test_a_key_that_cannot_be_one(service: MaterialsProjectServer, where: Settings, wrong: str) -> None:
    """A line end or a letter of another alphabet, from a pasted text, cannot be sent: asking again and again is of no use."""
    with pytest.raises(UserError, match="has 32 characters, all ASCII; copy yours from https://") as caught:
        refresh_materials_project(SecretStr(wrong), where, Quiet())
    assert wrong not in everything(caught.value) and KEY[:15] not in everything(caught.value)
    assert not service.log


def test_a_redirect_does_not_take_the_key_along(service: MaterialsProjectServer, refresh: Refresh) -> None:
    """To another host, though it is the same machine by another name."""
    elsewhere = service.endpoint.replace("127.0.0.1", "localhost") + "elsewhere"
    service.faults[("page", 1)] = Fault(307, headers={"Location": elsewhere}, times=99)
    with pytest.raises(Refused, match="404"):
        refresh()
    assert ("/elsewhere", {}) in service.log
    assert service.keys[service.log.index(("/elsewhere", {}))] is None
