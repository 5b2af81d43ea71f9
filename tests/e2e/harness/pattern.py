# SPDX-License-Identifier: Apache-2.0
"""Binary test bodies of any size, the same in every process, made piece by piece."""
import hashlib
from functools import lru_cache

PIECE = 1 << 16


@lru_cache(maxsize=1)
def base_piece():
    """64 KiB in which every byte value occurs and which does not compress."""
    return hashlib.shake_256(b"viaduct").digest(PIECE)


def pattern_pieces(size):
    """Yields `size` bytes; each 64 KiB begins with its number, so that lost or swapped pieces show."""
    number = 0
    while size > 0:
        piece = (b"%015d\n" % number + base_piece()[16:])[:size]
        yield piece
        size -= len(piece)
        number += 1


def pattern(size):
    return b"".join(pattern_pieces(size))


@lru_cache(maxsize=64)
def pattern_sha256(size):
    digest = hashlib.sha256()
    for piece in pattern_pieces(size):
        digest.update(piece)
    return digest.hexdigest()
