"""The signature of a push: a keyed hash of the very bytes of its body, in a header."""

import hmac

from werkzeug.datastructures import Headers

_HEADERS = (("x-hub-signature-256", "sha256"), ("x-hub-signature", "sha1"))
"""The stronger first: where a push has both, it decides."""


def is_signed(headers: Headers, body: bytes, secret: bytes) -> bool:
    """Tell whether a body was signed with a secret; hexadecimal digits and the name of the hash in either case."""
    for header, hash_name in _HEADERS:
        given = headers.get(header)
        if given is not None:
            expected = f"{hash_name}={hmac.new(secret, body, hash_name).hexdigest()}"
            return hmac.compare_digest(expected.encode(), given.strip().lower().encode("utf-8", "replace"))
    return False
