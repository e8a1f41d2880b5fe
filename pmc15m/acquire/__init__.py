"""From a source of articles to packages: metadata JSON, media lists, versions."""
