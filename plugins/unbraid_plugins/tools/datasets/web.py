"""Web addresses: http and https alone, also after a redirect, and what can be wrong with an answer."""

from __future__ import annotations

import urllib.error
import urllib.request
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from unbraid_registry import UnbraidError

A_PAGE = ("it sends a web page instead of the file, as hosts do where one must log in, agree to something, or where a "
          "quota is used up")


class DownloadError(UnbraidError):
    """Raised for a file that no address gives as it should be."""


class Refused(Exception):
    """Raised where an address won't give the file, and asking again would not help."""


class Gone(Exception):
    """Raised where the part of a file that is here is of no use, and was removed."""


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows at most ten redirects, none to another scheme than the web's, none from https to http."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        before, after = urlsplit(req.full_url).scheme, urlsplit(newurl).scheme
        if after not in ("http", "https") or (before == "https" and after == "http"):
            raise Refused(f"it leads to {newurl[:80]}, which is not followed from {before}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)

    def http_error_302(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        try:
            return super().http_error_302(req, fp, code, msg, headers)
        except urllib.error.HTTPError as error:
            if self.inf_msg[:20] in str(error.reason):
                raise Refused("it redirects in a circle, or too often") from None
            if error.code // 100 == 3:             # urllib's own refusal of file: and the like
                raise Refused(f"it leads to {headers.get('Location', '')[:80]}, which is not followed") from None
            raise

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


@cache
def opener() -> urllib.request.OpenerDirector:
    """Return what opens web addresses, by the proxies of the environment; no file:, ftp: or data: addresses."""
    found = urllib.request.OpenerDirector()
    for handler in (urllib.request.ProxyHandler(), urllib.request.HTTPHandler(), urllib.request.HTTPSHandler(),
                    _Redirects(), urllib.request.HTTPDefaultErrorHandler(), urllib.request.HTTPErrorProcessor()):
        found.add_handler(handler)
    return found
