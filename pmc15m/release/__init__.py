"""What a release is made of: tar shards, Parquet tables, report and manifest."""
