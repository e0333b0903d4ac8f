"""Errors whose message a person can act on."""


class UserError(Exception):
    """A mistake in what the user asked for or handed over; the command line ends with exit code 2."""


class Refused(UserError):
    """A service will not answer this question, or not to this key; asking again does not help."""


class Denied(Refused):
    """A service does not accept the key or the account."""


class Unavailable(UserError):
    """A service failed for longer than we were told to wait; the same command goes on later where this one stopped.

    Args:
        message: what happened, without any secret.
        answered: whether it did answer, and made no sense.
    """

    def __init__(self, message: str, answered: bool = False) -> None:
        super().__init__(message)
        self.answered = answered


class Transient(Exception):
    """A service failed in a way that may pass: overload, time-out, a cut connection, an answer that is no answer.

    Args:
        message: what happened, without any secret.
        retry_after_s: how long the service asks to be left alone, in seconds.
        answered: whether it did answer, and made no sense.
    """

    def __init__(self, message: str, retry_after_s: float | None = None, answered: bool = False) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.answered = answered
