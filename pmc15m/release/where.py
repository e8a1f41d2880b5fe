"""Which rows an expression wants: DuckDB's SQL over the columns of a table, and nothing else of DuckDB.

An expression is asked of each row by itself and has the same answer for ever: it sees no other row, no file,
no network, no clock and no dice.
"""

import importlib
import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from pmc15m.errors import UsageError
from pmc15m.release.table import PAIRS_SCHEMA

_SETTINGS = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "threads": "1",
}
_NAME = "pairs"
_FICKLE = """
SELECT function_name FROM duckdb_functions() WHERE list_contains($1, function_name) AND stability IS NOT NULL
GROUP BY function_name HAVING bool_and(stability <> 'CONSISTENT') ORDER BY function_name
"""
_OF_THE_SESSION = {"current_setting", "getenv", "getvariable", "version"}
"""Functions that some versions of DuckDB take for constant."""

_PLAIN: dict[str, Any] = {"modifiers": [], "group_expressions": [], "having": None, "sample": None, "qualify": None}
"""What the parse of `SELECT key FROM pairs WHERE (...)` has, if the parentheses hold one expression."""


class Where:
    """An expression, checked before any row is asked."""

    def __init__(self, expression: str) -> None:
        """Check the expression.

        Raises:
            UsageError: DuckDB is not installed, or does not take it, or it looks beyond its row.
        """
        if not expression.replace("\n", " ").replace("\t", " ").isprintable():
            raise UsageError(f"--where {expression!r}: it has a character that is none to write")
        if not expression.strip():
            raise UsageError("--where is empty: true wants everything")
        self.expression = expression
        self._duckdb = _duckdb()
        self._connection = self._duckdb.connect(config=_SETTINGS)
        # The line break ends a comment. What else than an expression may stand there is refused below.
        self._query = f"SELECT key FROM {_NAME} WHERE ({expression}\n)"  # noqa: S608
        self._check()

    def keys(self, table: pa.Table) -> set[str]:
        """Return the keys of the rows that are wanted.

        Raises:
            UsageError: DuckDB cannot answer: no such column, or a value that is not what it is used as.
        """
        self._connection.register(_NAME, table)
        try:
            return {str(key) for (key,) in self._connection.execute(self._query).fetchall()}
        except self._duckdb.Error as error:
            raise self._refusal(str(error)) from error
        finally:
            self._connection.unregister(_NAME)

    def _check(self) -> None:
        (answer,) = self._connection.execute("SELECT json_serialize_sql($1)", [self._query]).fetchone()
        parsed = json.loads(answer)
        if parsed["error"]:
            raise self._refusal(f"{parsed.get('error_type', '')} error: {parsed.get('error_message')}")
        node = parsed["statements"][0]["node"] if len(parsed["statements"]) == 1 else {}
        if any(node.get(name, value) != value for name, value in _PLAIN.items()) or node.get("type") != "SELECT_NODE":
            raise self._refusal("it must be one expression")
        functions = set()
        for part in _parts(node["where_clause"]):
            if part.get("class") == "SUBQUERY":
                raise self._refusal("it must not hold a query of its own: rows are asked one by one")
            if "function_name" in part:
                functions.add(part["function_name"].lower())
            if part.get("class") == "COLUMN_REF":  # current_date is one, until it is looked for
                functions |= {name.lower() for name in part["column_names"]} - set(PAIRS_SCHEMA.names)
        found = self._connection.execute(_FICKLE, [sorted(functions)]).fetchall()
        if fickle := sorted({name for (name,) in found} | functions & _OF_THE_SESSION):
            raise self._refusal(f"{fickle[0]} has another answer each time: a subset must not")

    def _refusal(self, words: str) -> UsageError:
        said = " ".join(line.strip() for line in words.split("\nLINE")[0].splitlines() if line.strip())
        return UsageError(f"--where {self.expression!r}: {said}")


def _parts(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every part of a parsed expression."""
    if isinstance(node, dict):
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _parts(child)


def _duckdb() -> Any:
    """Return the module.

    Raises:
        UsageError: it is not installed.
    """
    try:
        return importlib.import_module("duckdb")
    except ImportError as error:
        raise UsageError("--where needs DuckDB: pip install 'pmc15m[subset]'; --keys FILE does without") from error
