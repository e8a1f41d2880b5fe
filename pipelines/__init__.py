"""The application: the `pmc15m` command and its DAGs. Nothing that runs on a worker is defined here."""
