"""Checksums of files."""

import hashlib


def sha256(data: bytes | memoryview) -> bytes:
    """The SHA-256 digest; raises MemoryError, as hashlib does not where OpenSSL has no memory."""
    try:
        return hashlib.sha256(data).digest()
    except ValueError as error:
        raise MemoryError from error
