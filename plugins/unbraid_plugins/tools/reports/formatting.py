"""Formatting of numbers and names for readers."""

from __future__ import annotations

import math
from typing import Any

WORDS = {"map": "mAP", "mig": "MIG", "dci": "DCI", "sap": "SAP", "irs": "IRS", "vae": "VAE", "kl": "KL", "psnr": "PSNR",
         "ssim": "SSIM", "fid": "FID", "kid": "KID", "nmi": "NMI", "udr": "UDR", "iou": "IoU", "mse": "MSE"}
NONE = "–"


def is_number(v: Any) -> bool:
    """Whether the value is a finite number."""
    return isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v)


def number(v: Any) -> str:
    """Format a number with three or four significant digits; a dash for anything else than a finite number.

    >>> number(0.63421), number(27.652), number(1234.5), number(0.00304), number(8.0), number(1), number(None)
    ('0.634', '27.65', '1,234', '0.0030', '8', '1', '–')
    """
    if not is_number(v):
        return NONE
    size = abs(v)
    if v == 0 or isinstance(v, int) or (size >= 2 and float(v).is_integer() and size < 1e6):
        return f"{v:,.0f}"
    if size >= 1e6 or size < 1e-3:
        return f"{v:.1e}"
    return f"{v:,.{4 if size < 0.01 else 3 if size < 10 else 2 if size < 100 else 1 if size < 1000 else 0}f}"


def words(name: str) -> str:
    """Turn a name in the code into words.

    >>> words("retrieval_map"), words("beta_vae_score")
    ('retrieval mAP', 'beta VAE score')
    """
    return " ".join(WORDS.get(word, word) for word in name.split("_")) if name.strip("_") else name
