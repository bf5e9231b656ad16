"""Lines that need nothing but the standard library, for errors of any kind."""

import json


def error_line(text: str, code: int) -> str:
    """The JSON line about an error of the command itself, as wrong usage (docs/folders.md)."""
    return json.dumps({"type": "error", "error": text, "exit_code": code})
