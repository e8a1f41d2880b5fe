"""Tests of pmc15m. A package, since a dependency brings a top-level `tests` of its own."""
