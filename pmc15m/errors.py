"""Errors that a user mends: one clear sentence each, exit code 2, nothing touched."""


class UsageError(ValueError):
    """What was asked for cannot be done as asked."""
