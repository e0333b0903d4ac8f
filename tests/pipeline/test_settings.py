"""Environment variables: earlier names still count and are told of, and none is ignored without a word."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from data.errors import UserError
from pipeline.settings import settings


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    settings.cache_clear()
    yield
    settings.cache_clear()


def test_an_earlier_name_still_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FERROSCREEN_MP_LONGEST_WISH_S", "7")
    with pytest.warns(FutureWarning, match="now called FERROSCREEN_MP_LONGEST_RETRY_AFTER_S"):
        assert settings().retry_policy.longest_retry_after_s == 7.0
    settings.cache_clear()
    monkeypatch.setenv("FERROSCREEN_MP_LONGEST_RETRY_AFTER_S", "9")
    with pytest.warns(FutureWarning, match="now called"):
        assert settings().retry_policy.longest_retry_after_s == 9.0


def test_a_name_that_is_no_setting_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FERROSCREEN_WORKER", "1")
    with pytest.warns(UserWarning, match=r"FERROSCREEN_WORKER is no setting; do you mean FERROSCREEN_WORKERS\?"):
        settings()


def test_names_that_count_are_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FERROSCREEN_WORKERS", "ferroscreen_mp_attempts", "FERROSCREEN_DEBUG"):
        monkeypatch.setenv(name, "1")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert settings().workers == settings().mp_attempts == 1


def test_a_value_that_cannot_be_is_a_mistake_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FERROSCREEN_MP_ATTEMPTS", "0")
    with pytest.raises(UserError, match="FERROSCREEN_MP_ATTEMPTS: Input should be greater than or equal to 1"):
        settings()


@pytest.mark.parametrize("value", ["nan", "inf", "-1"])
def test_a_time_limit_that_is_no_time_is_a_mistake_of_the_user(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("FERROSCREEN_MP_CALL_S", value)
    with pytest.raises(UserError, match="FERROSCREEN_MP_CALL_S: Input should be"):
        settings()


def test_an_empty_home_is_not_the_current_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell variable that is not set: models and runs would be written wherever one stands."""
    monkeypatch.setenv("FERROSCREEN_HOME", "")
    with pytest.raises(UserError, match="FERROSCREEN_HOME: it is empty"):
        settings()


def test_a_home_below_the_users_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As units and quotes have it, where no shell reads the sign."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("FERROSCREEN_HOME", "~/magnets")
    assert settings().home == tmp_path / "magnets"
    monkeypatch.setenv("FERROSCREEN_HOME", "~nobody-of-this-name/magnets")
    settings.cache_clear()
    with pytest.raises(UserError, match="FERROSCREEN_HOME: there is no such user"):
        settings()
