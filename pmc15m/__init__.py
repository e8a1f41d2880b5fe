"""pmc15m: figure-caption pairs from PubMed Central, from live articles to training shards."""

__version__ = "0.1.0"
