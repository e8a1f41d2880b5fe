"""Errors that a user mends: one clear sentence each, exit code 2, nothing touched."""


class UsageError(ValueError):
    """What was asked for cannot be done as asked."""


class ConfigError(UsageError):
    """The TOML file does not say what it has to say."""


class Submitted(Exception):
    """The job goes on without this process: no error, exit code 0."""


class TooManyFaultsError(RuntimeError):
    """The world is broken more than it may be: exit code 3, output kept."""


class BrokenWorldError(RuntimeError):
    """What is outside of the program does not do what it must: one clear sentence, exit code 1."""
