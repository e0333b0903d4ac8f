"""Errors whose message a person can act on."""


class UserError(Exception):
    """A mistake in what the user asked for or handed over; the command line ends with exit code 2."""
