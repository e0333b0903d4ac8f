"""Where things live and how many cores may work. Environment variables start with FERROSCREEN_."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from platformdirs import user_data_path
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from pipeline.parallel import default_workers


class Settings(BaseSettings):
    """The environment wins over these defaults; a command's own option wins over both."""

    model_config = SettingsConfigDict(env_prefix="FERROSCREEN_")

    home: Path = Field(default_factory=lambda: user_data_path("ferroscreen"), description="folder of all artefacts")
    workers: int = Field(default_factory=default_workers, ge=1, description="processor cores to use")

    @property
    def snapshots(self) -> Path:
        return self.home / "snapshots"

    @property
    def graphs(self) -> Path:
        return self.home / "graphs"

    @property
    def descriptors(self) -> Path:
        """The cache of the costly descriptors; may be deleted at any time."""
        return self.home / "descriptors"

    @property
    def models(self) -> Path:
        return self.home / "models"

    @property
    def runs(self) -> Path:
        return self.home / "runs"

    @property
    def work(self) -> Path:
        """Unfinished work that a later run takes up: checkpoints, finished members, finished shards."""
        return self.home / "work"


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The process's settings, read once."""
    return Settings()
