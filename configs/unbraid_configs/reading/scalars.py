"""Reader and writer of YAML 1.2 scalars, without YAML's surprises."""

from __future__ import annotations

import re
from decimal import Decimal
from math import isfinite

_INT = re.compile(r"[-+]?[0-9]+(_[0-9]+)*")
_HEX = re.compile(r"0x[0-9a-fA-F]+|0o[0-7]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(_[0-9]+)*(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_DATE = re.compile(r"\d{4}-\d\d?-\d\d?([Tt ].*)?")
_FIXED = {"": None, "~": None, "null": None, "Null": None, "NULL": None,
          "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
LONGEST_NUMBER = 400                                # digits; Python refuses integers of more than 4300


def read_scalar(text: str) -> str | int | float | bool | None:
    """Return the value of plain text, as YAML 1.2.  Raises ValueError with the remedy where it would surprise."""
    if text in _FIXED:
        return _FIXED[text]
    if _SPECIAL.fullmatch(text):
        raise ValueError(f"{text} is not a finite number; put it in quotes where text is meant")
    if _DATE.fullmatch(text):
        raise ValueError(f"{text} is a date to YAML; put it in quotes where text is meant")
    if len(text) > LONGEST_NUMBER:
        return text
    if _INT.fullmatch(text):
        digits = text.lstrip("+-").replace("_", "")
        if len(digits) > 1 and digits[0] == "0":
            raise ValueError(f"{text} begins with a zero, which some readers take for an octal number; "
                             f"write {digits.lstrip('0') or '0'}, or put it in quotes where text is meant")
        return int(text.replace("_", ""))
    if _HEX.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        number = float(text.replace("_", ""))
        if not isfinite(number):
            raise ValueError(f"{text} is too large for a number")
        return number
    return text


def write_number(number: float) -> str:
    """Write a number that every YAML reader reads as the same number: `1.0e-4`, `30000`, `0.5`."""
    if isinstance(number, int):
        return str(number)
    text = repr(number)
    if "e" not in text and (number == 0 or abs(number) >= 0.01):
        return text
    sign, digits, _ = Decimal(text).as_tuple()
    first, others = str(digits[0]), "".join(map(str, digits[1:])).rstrip("0")
    return f"{'-' * sign}{first}.{others or '0'}e{Decimal(text).adjusted():+d}"


def write_scalar(value: str | int | float | bool | None, *, inside_list: bool = False) -> str:
    """Write a scalar as YAML that reads back as the same value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return write_number(value)
    try:
        reads_as_text = read_scalar(value) == value and isinstance(read_scalar(value), str)
    except ValueError:
        reads_as_text = False
    return value if reads_as_text and is_plain(value, inside_list) else quote(value)


def write_expression(text: str) -> str:
    """Write an expression's text as YAML that reads back as the same text; numbers have no quotes."""
    try:
        value = read_scalar(text)
    except ValueError:
        value = None
    if isinstance(value, (str, int, float)) and not isinstance(value, bool) and is_plain(text):
        return text
    return quote(text)


_OLD_WORDS = re.compile(r"(?i)(yes|no|on|off)")
_PLAIN_START = re.compile(r"""[^-?:,\[\]{}#&*!|>'"%@`=<\s]|-[^\s-]""")


def is_plain(text: str, inside_list: bool = False) -> bool:
    """Whether text can stand without quotes, for readers of YAML 1.1 too."""
    return bool(_PLAIN_START.match(text)
                and text.isprintable() and text == text.strip()
                and ": " not in text and " #" not in text and not text.endswith(":")
                and not text.startswith("...")
                and not (inside_list and re.search(r"[,\[\]{}():]", text))
                and not _OLD_WORDS.fullmatch(text) and len(text) < 1000)


_ESCAPES = {"\n": "\\n", "\t": "\\t", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


def quote(text: str) -> str:
    """Put text in quotes, without escapes where that is possible."""
    if text.isprintable():
        if '"' not in text and "\\" not in text:
            return f'"{text}"'
        if "'" not in text:
            return f"'{text}'"
    return '"' + "".join(_escape(c) for c in text) + '"'


def _escape(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
