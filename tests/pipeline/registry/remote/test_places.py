"""URLs that cannot be read, written or opened, and what is said of them. The HTTP server is a real one, which only reads."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path

import pytest

from data.errors import Unavailable, UserError
from pipeline.ops.progress import Quiet
from pipeline.registry.remote import pull, push
from pipeline.settings import Settings
from tests.pipeline.registry.remote.homes import contents


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The folder at an HTTP server that only reads."""

    class Silent(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_artefacts_are_pulled_over_http(home: Settings, empty: Settings, there: Path) -> None:
    with served(there) as host:
        assert len(pull(empty, f"http://{host}/", Quiet())) == 3
        with pytest.raises(UserError, match="holds no snapshots"):
            pull(empty, f"http://{host}/elsewhere", Quiet())
    assert contents(empty) == contents(home)


def test_a_place_that_is_only_read_and_one_that_does_not_answer(home: Settings, empty: Settings, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    with served(tmp_path / "there") as host, pytest.raises(Unavailable, match=f"cannot write to http://{host}"):
        push(home, f"http://{host}", Quiet())
    assert list((tmp_path / "there").iterdir()) == []
    for act in (push, pull):
        with pytest.raises(Unavailable, match=f"cannot read http://{host}") as caught:
            act(home if act is push else empty, f"http://{host}", Quiet())
        assert "the same command goes on" in str(caught.value)


def test_a_folder_that_cannot_be_written(home: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Unavailable, match=r"cannot write to .*/file/there"):
        push(home, f"file://{tmp_path}/file/there", Quiet())
    if os.geteuid() != 0:  # whom no permission stops
        (tmp_path / "shut").mkdir(mode=0o500)
        with pytest.raises(Unavailable, match="Permission denied"):
            push(home, str(tmp_path / "shut"), Quiet())


@pytest.mark.parametrize("act", [push, pull])
@pytest.mark.parametrize(
    "url",
    [
        "http://anna:geheim%2Fwort@127.0.0.1:9/x",
        "http://anna:geheim/wort@127.0.0.1:9/x",
        "tape://anna:geheim/wort@host/x",
        "http://127.0.0.1:9/x?key=geheim/wort&sig=geheim",
        "ftp://anna:geheim@127.0.0.1:9/x",
    ],
)
def test_no_message_holds_a_secret(act: object, home: Settings, url: str) -> None:
    assert callable(act)
    with pytest.raises(UserError) as caught:
        act(home, url, Quiet())
    assert "geheim" not in str(caught.value) and "wort" not in str(caught.value) and "anna" not in str(caught.value)


def test_an_unknown_scheme(home: Settings) -> None:
    with pytest.raises(UserError, match="cannot open tape://drive: Protocol not known: tape"):
        push(home, "tape://drive", Quiet())


@pytest.mark.skipif(find_spec("s3fs") is not None, reason="s3fs is installed")
def test_a_driver_that_is_not_installed(home: Settings) -> None:
    with pytest.raises(UserError, match=r"s3:// needs a driver that is not installed: `pip install -e \.\[s3\]`"):
        push(home, "s3://bucket/folder", Quiet())
