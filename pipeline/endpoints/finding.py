"""The answer of one service to one request that changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from data.errors import Denied, Unavailable, UserError
from data.sources.network import NoAnswer


class State(StrEnum):
    """How a service answered."""

    AS_EXPECTED = "as expected"
    DIFFERS = "differs"  # it answered, and not as the readers expect
    REFUSED = "refused"  # it answered, and does not accept the key or the account
    NO_ANSWER = "no answer"
    NOT_ASKED = "not asked"  # there is no key for it


@dataclass(frozen=True)
class Finding:
    """One service, what it was asked, and how it answered."""

    service: str
    address: str  # host and path
    state: State
    said: tuple[str, ...] = ()  # in plain words: the answer, or what is wrong with it


@dataclass
class Heard:
    """What has been learned of a service so far."""

    notes: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)

    def expect(self, holds: bool, otherwise: str) -> bool:
        """Note a difference unless something holds; returns whether it does."""
        if not holds:
            self.differences.append(otherwise)
        return holds


def ask(service: str, address: str, question: Callable[[Heard], None], secrets: tuple[str, ...] = ()) -> Finding:
    """Ask one service; whatever comes of it becomes a finding.

    Args:
        service: its name.
        address: host and path, without a query.
        question: asks, and notes what it hears; raises UserError where there is no usable answer.
        secrets: keys and passwords, which no word of the finding repeats, whatever the service says.
    """
    heard = Heard()
    state, words = State.AS_EXPECTED, []
    try:
        question(heard)
    except Denied as fault:
        state, words = State.REFUSED, [str(fault)]
    except NoAnswer as fault:
        state, words = State.NO_ANSWER, [str(fault)]
    except Unavailable as fault:
        state, words = State.DIFFERS if fault.answered else State.NO_ANSWER, [str(fault)]
    except UserError as fault:
        state, words = State.DIFFERS, [str(fault)]
    except Exception as fault:  # an answer that a reader did not foresee
        state, words = State.DIFFERS, [f"the reader fails on its answer: {type(fault).__name__}: {fault}"]
    if heard.differences and state is State.AS_EXPECTED:
        state = State.DIFFERS
    said = (*heard.notes, *heard.differences, *words)
    return Finding(service, address, state, tuple(_without(text, secrets) for text in said))


def _without(text: str, secrets: tuple[str, ...]) -> str:
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    return text
