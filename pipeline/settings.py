"""Settings of a process: folders, cores, limits. Environment variables start with FERROSCREEN_."""

from __future__ import annotations

import os
import warnings
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path

from platformdirs import user_data_path
from pydantic import Field, ValidationError, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

from data.errors import UserError
from data.retry import RetryPolicy
from pipeline.old_names import OLD_SETTINGS
from pipeline.ops.parallel import default_workers

PREFIX = "FERROSCREEN_"
OTHER_VARIABLES = ("FERROSCREEN_DEBUG",)  # read where they are needed
MP_ENDPOINT = "https://api.materialsproject.org/"


class Settings(BaseSettings):
    """An environment variable overrides the default; an option of a command overrides both."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, allow_inf_nan=False)

    home: Path = Field(default_factory=lambda: user_data_path("ferroscreen"), description="folder of all artefacts")
    workers: int = Field(default_factory=default_workers, ge=1, description="processor cores to use")

    mp_endpoint: str = Field(default=MP_ENDPOINT, description="URL of the Materials Project's API")
    mp_page_size: int = Field(default=1000, ge=1, le=1000, description="materials per request")
    mp_attempts: int = Field(default=8, ge=1, description="attempts per request before the pull ends")
    mp_first_wait_s: float = Field(default=1.0, ge=0, description="wait after a first failure, s; doubled with each further one")
    mp_longest_wait_s: float = Field(default=120.0, ge=0, description="longest wait between two attempts, s")
    mp_longest_retry_after_s: float = Field(default=900.0, ge=0, description="longest Retry-After that is waited for, s")
    mp_read_s: float = Field(default=60.0, gt=0, description="time without data that ends an attempt, s")
    mp_call_s: float = Field(default=300.0, gt=0, description="time limit of one attempt, s")
    max_quarantine: float = Field(default=0.05, ge=0, le=1, description="largest unusable share of a pull")
    max_withdrawn: float = Field(default=0.2, ge=0, le=1, description="largest share of materials that may disappear at once")

    quality: bool = Field(default=True, description="compare structures and write quality.html with each snapshot")

    engine_address: str = Field(default="", description="address of a Dask or Ray cluster; empty: two local workers")
    kept_predictions_mb: int = Field(default=1024, ge=0, description="most that screens keep of predictions, MB; 0: nothing")
    notify: str = Field(default="", description="Prefect notification blocks, `type-slug/name`, comma-separated")

    @field_validator("home", mode="before")
    @classmethod
    def _named(cls, given: object) -> object:
        """A leading ~ is the user's folder, which no shell has put there in a unit or in quotes."""
        if isinstance(given, str) and not given.strip():
            raise PydanticCustomError("empty", "it is empty, which would mean the current folder")
        try:
            return Path(given).expanduser() if isinstance(given, str) else given
        except RuntimeError as fault:
            raise PydanticCustomError("no_user", "there is no such user's folder") from fault

    @property
    def retry_policy(self) -> RetryPolicy:
        """Attempts and waits for requests to the Materials Project."""
        return RetryPolicy(
            attempts=self.mp_attempts,
            first_wait_s=self.mp_first_wait_s,
            longest_wait_s=self.mp_longest_wait_s,
            longest_retry_after_s=self.mp_longest_retry_after_s,
            call_s=self.mp_call_s,
            read_s=self.mp_read_s,
        )

    @property
    def snapshots(self) -> Path:
        return self.home / "snapshots"

    @property
    def literature(self) -> Path:
        """Snapshots of measured values."""
        return self.home / "literature"

    @property
    def graphs(self) -> Path:
        return self.home / "graphs"

    @property
    def descriptors(self) -> Path:
        """The cache of the slow descriptors; may be deleted at any time."""
        return self.home / "descriptors"

    @property
    def predictions(self) -> Path:
        """What screens keep of symmetry and predictions; may be deleted at any time."""
        return self.home / "predictions"

    @property
    def models(self) -> Path:
        return self.home / "models"

    @property
    def order_classifiers(self) -> Path:
        return self.home / "order-classifiers"

    @property
    def order_rankers(self) -> Path:
        return self.home / "order-rankers"

    @property
    def experiment_models(self) -> Path:
        return self.home / "experiment-models"

    @property
    def runs(self) -> Path:
        return self.home / "runs"

    @property
    def work(self) -> Path:
        """Unfinished work that a later run continues: checkpoints, finished members, finished shards."""
        return self.home / "work"


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of the process, read once. Variables of other names cause a warning, because they have no effect.

    Raises:
        UserError: a variable has a value that the setting cannot have.
    """
    given = {name.upper(): value for name, value in os.environ.items() if name.upper().startswith(PREFIX)}
    renamed = {}
    for old, new in OLD_SETTINGS.items():
        if old in given:
            warnings.warn(f"{old} is now called {new}; the old name still counts", FutureWarning, stacklevel=2)
            if new not in given:
                renamed[new.removeprefix(PREFIX).lower()] = given[old]
    known = {*OLD_SETTINGS, *OTHER_VARIABLES, *(PREFIX + name.upper() for name in Settings.model_fields)}
    for name in sorted(set(given) - known):
        close = get_close_matches(name, known, n=1)
        warnings.warn(f"{name} is no setting{f'; do you mean {close[0]}?' if close else ''}", stacklevel=2)
    try:
        return Settings(**renamed)  # type: ignore[arg-type]  # text, which pydantic reads like the variables
    except ValidationError as fault:
        wrong = [f"{PREFIX}{'.'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in fault.errors()]
        raise UserError("; ".join(wrong)) from fault
