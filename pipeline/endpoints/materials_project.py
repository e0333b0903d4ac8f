"""The Materials Project: its heartbeat, and with a key how many documents there are and whether the first one can be read."""

from __future__ import annotations

from typing import Any

from pydantic import SecretStr

from data.errors import UserError
from data.rejection import Reason, Rejection
from data.retry import RetryPolicy
from data.sources.materials_project.client import MaterialsProject, check_endpoint, release_of
from data.sources.materials_project.documents import narrow
from data.sources.materials_project.query import FIELDS, REQUIRED
from data.sources.materials_project.source import read_document
from data.sources.network import where
from pipeline.endpoints.finding import Finding, Heard, State, ask

NAME = "mp"
RETRIES = RetryPolicy(attempts=2, first_wait_s=1.0, longest_wait_s=2.0, longest_retry_after_s=5.0, call_s=60.0, read_s=20.0)
FEW = 2  # documents on the page that is asked for
# what may be wrong with one document, and says nothing of the format
_OF_ONE = {Reason.CONTRADICTORY_LABEL, Reason.PARTIAL_OCCUPANCY, Reason.OVERLAPPING_SITES}


def check_materials_project(endpoint: str, key: SecretStr | None, retries: RetryPolicy = RETRIES) -> list[Finding]:
    """Two findings: of the heartbeat, which needs no key, and of the documents.

    Args:
        endpoint: the API's address.
        key: None: the documents are not asked for.
        retries: how long to try.

    Raises:
        UserError: the endpoint would carry the key in clear text.
    """
    check_endpoint(endpoint)
    address = where(endpoint)
    heartbeat = ask(f"{NAME}: heartbeat", address, lambda heard: _heartbeat(heard, endpoint, retries))
    if key is None:
        why = "there is no key: get one at https://next-gen.materialsproject.org/api and `export MP_API_KEY=...`"
        return [heartbeat, Finding(f"{NAME}: documents", address, State.NOT_ASKED, (why,))]
    secrets = (key.get_secret_value(),)
    try:
        service = MaterialsProject(endpoint, key, retries)
    except UserError as fault:  # no key at all by its length
        return [heartbeat, Finding(f"{NAME}: documents", address, State.REFUSED, (str(fault),))]
    return [heartbeat, ask(f"{NAME}: documents", address, lambda heard: _documents(heard, service), secrets)]


def _heartbeat(heard: Heard, endpoint: str, retries: RetryPolicy) -> None:
    release = release_of(endpoint, retries)
    heard.notes.append(f"release {release.database_version}")
    heard.expect(bool(release.software_version), "the heartbeat states no software version")


def _documents(heard: Heard, service: MaterialsProject) -> None:
    total = service.count()
    heard.notes.append(f"{total} documents")
    if not heard.expect(total > 0, "the query that `refresh` asks finds no document"):
        return
    few = min(total, FEW)
    _document(heard, service.page(1, few, FIELDS, few)[0])


def _document(heard: Heard, raw: dict[str, Any]) -> None:
    """Whether a document has the fields that are read, and whether the reader makes a labelled crystal of it."""
    lacking = [name for name in FIELDS if raw.get(name) is None]
    if required := [name for name in REQUIRED if name in lacking]:
        heard.differences.append(f"a document states no {', '.join(required)}")
    elif lacking:
        heard.notes.append(f"a document states no {', '.join(lacking)} (the reader does without)")
    document = narrow(raw)
    found = read_document(document)
    if not isinstance(found, Rejection):
        heard.notes.append(f"{document.material_id} ({found.crystal.formula}) can be read")
    elif found.reason in _OF_ONE:
        heard.notes.append(f"{document.material_id} is readable, and would be set aside: {found.detail}")
    elif not required:
        heard.differences.append(f"{document.material_id} cannot be read: {found.reason}: {found.detail}")
