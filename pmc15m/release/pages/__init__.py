"""The report of a release: pages that are made from the release alone, and read without a server."""
