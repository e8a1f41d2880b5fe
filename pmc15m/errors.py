"""Errors that a user mends: one clear sentence each, exit code 2, nothing touched."""


class UsageError(ValueError):
    """What was asked for cannot be done as asked."""


class Submitted(Exception):  # noqa: N818, it ends a command and is no error
    """The job goes on without this process: exit code 0."""


class TooManyFaultsError(RuntimeError):
    """The world is broken more than it may be: exit code 3, output kept."""


class BrokenWorldError(RuntimeError):
    """What is outside of the program does not do what it must: one clear sentence, exit code 1."""
