"""The ICSD API: a log-in, a search for iron, one row and one CIF text of what it finds, and a log-out."""

from __future__ import annotations

from data.cif.disorder import Disorder
from data.cif.reader import read_cif
from data.crystal import Crystal
from data.disordered import DisorderedCrystal
from data.retry import RetryPolicy
from data.sources.icsd.api import FIELDS, Credentials, IcsdApi
from data.sources.icsd.fetch import EXPERIMENTAL
from data.sources.icsd.table import CODE, code_of
from data.sources.network import where
from pipeline.endpoints.finding import Finding, Heard, ask

NAME = "icsd"
QUERY = "COMPOSITION : Fe AND NUMBEROFELEMENTS : 1"
RETRIES = RetryPolicy(
    attempts=2, first_wait_s=1.0, longest_wait_s=5.0, longest_retry_after_s=5.0, read_s=20.0, call_s=60.0, answer_mb=16.0
)


def check_icsd(account: Credentials, retries: RetryPolicy = RETRIES) -> Finding:
    """Ask the service with an account."""
    secrets = (account.password.get_secret_value(), account.login)
    return ask(NAME, where(account.base_url), lambda heard: _session(heard, account, retries), secrets)


def _session(heard: Heard, account: Credentials, retries: RetryPolicy) -> None:
    with IcsdApi(account, retries) as api:
        ids = api.search(QUERY, EXPERIMENTAL)
        heard.notes.append(f"logged in; {len(ids)} entries of iron")
        if not heard.expect(bool(ids), f"the query {QUERY} finds no entry"):
            return
        rows = api.table(ids[:1])
        if not heard.expect(len(rows) == 1, f"{len(rows)} rows for one entry"):
            return
        lacking = [name for name in FIELDS if name not in rows[0]]
        heard.expect(not lacking, f"the table has no column {', '.join(lacking)}")
        texts = api.cifs(ids[:1])
    code = code_of(rows[0][CODE])
    if not heard.expect(list(texts) == [code], f"the CIF text of entry {code:.20} is not there, or breaks off"):
        return
    found = next(iter(read_cif(texts[code], "", code, Disorder.AVERAGE)), None)
    if isinstance(found, Crystal | DisorderedCrystal):
        heard.notes.append(f"entry {code} ({found.formula}) can be read")
    else:
        why = "it is empty" if found is None else f"{found.reason}: {found.detail}"
        heard.differences.append(f"the CIF text of entry {code} cannot be read: {why}")
