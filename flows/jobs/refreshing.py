"""Job `refresh`: a source to a published snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flows.console import reporter
from flows.jobs.outlet import Outlet
from pipeline.settings import settings

MATERIALS_PROJECT = "mp"


@dataclass(frozen=True)
class RefreshJob:
    """What to publish as a snapshot.

    Args:
        source: `mp`, `starter`, `parquet:PATH`, `csv:PATH`, `calculated:FOLDER`, or several of these, comma-separated;
            or `literature:FOLDER`, measured values.
        columns: of a table with other names, e.g. `id=my_id,cif=my_cif,moment=my_moment`.
        full: of the Materials Project, pull every document, not only what moved.
    """

    source: str = "starter"
    columns: str = ""
    full: bool = False

    def check(self) -> None:
        """Raises UserError for a source that is unknown or cannot be read, or a missing key."""
        if self.source == MATERIALS_PROJECT:
            from flows.credentials import materials_project_key

            materials_project_key()
            return
        from pipeline.refresh.literature import SOURCE_PREFIX, literature_folder

        if self.source.startswith(SOURCE_PREFIX):
            literature_folder(self.source)
            return
        from data.sources.opening import labelled_source
        from data.sources.parquet import Columns

        labelled_source(self.source, Columns.parse(self.columns)).identity()


def refresh(job: RefreshJob, outlet: Outlet) -> dict[str, Any]:
    """Publish the source's crystals and labels as a snapshot.

    Returns:
        The snapshot's manifest; of the Materials Project with `news`, whether there was anything new.
    """
    from pipeline.refresh.literature import SOURCE_PREFIX

    if job.source.startswith(SOURCE_PREFIX):
        measured = outlet.step("publish literature", publish_literature, job.source)
        told = f"Literature `{measured['id']}`: {measured['values']} values, {measured['quarantined']} quarantined"
        outlet.markdown("literature", told, f"Data from {measured['source']}")
        return measured
    if job.source == MATERIALS_PROJECT:
        manifest = outlet.step("refresh from the Materials Project", pull_materials_project, job.full)
    else:
        manifest = outlet.step("publish snapshot", publish, job)
    outlet.markdown(
        "snapshot",
        f"Snapshot `{manifest['id']}`: {manifest['crystals']} crystals, {manifest['quarantined']} quarantined",
        f"Data from {manifest['source']}",
    )
    return manifest


def publish(job: RefreshJob) -> dict[str, Any]:
    """The manifest of the snapshot that the source gives."""
    from data.sources.opening import labelled_source
    from data.sources.parquet import Columns
    from pipeline.refresh.publish import publish_source

    return publish_source(labelled_source(job.source, Columns.parse(job.columns)), settings(), reporter()).manifest


def publish_literature(source: str) -> dict[str, Any]:
    """The manifest of the snapshot that the tables of measured values give."""
    from pipeline.refresh.literature import literature_folder, refresh_literature

    return refresh_literature(literature_folder(source), settings(), reporter()).manifest


def pull_materials_project(full: bool) -> dict[str, Any]:
    """The manifest of the Materials Project's newest snapshot, and `news`."""
    from flows.credentials import materials_project_key
    from pipeline.refresh.materials_project import refresh_materials_project

    refreshed = refresh_materials_project(materials_project_key(), settings(), reporter(), full)
    return {**refreshed.snapshot.manifest, "news": refreshed.news}
