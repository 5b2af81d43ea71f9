# SPDX-License-Identifier: Apache-2.0
"""Header blocks by hand (RFC 7541), right and wrong: what hpack.Encoder would never write."""
from hpack.huffman import HuffmanEncoder
from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH

STATIC_ENTRIES = 61
FIRST_DYNAMIC = STATIC_ENTRIES + 1
# (pattern of the first byte, bits of its prefix) of the three kinds of literals, RFC 7541 §6.2.
KINDS = {"incremental": (0x40, 6), "plain": (0x00, 4), "never": (0x10, 4)}
EOS = 256


def integer(value, bits, pattern=0):
    """RFC 7541 §5.1: `value` in a prefix of `bits` bits below `pattern`, and the bytes that follow."""
    limit = (1 << bits) - 1
    if value < limit:
        return bytes([pattern | value])
    out, value = bytearray([pattern | limit]), value - limit
    while value >= 128:
        out.append(value % 128 + 128)
        value //= 128
    out.append(value)
    return bytes(out)


def huffman(data):
    return HuffmanEncoder(REQUEST_CODES, REQUEST_CODES_LENGTH).encode(data)


def huffman_bits(data, tail):
    """The codes of `data` and then the bits of the text `tail`: for padding that is wrong."""
    bits = "".join(format(REQUEST_CODES[byte], f"0{REQUEST_CODES_LENGTH[byte]}b") for byte in data) + tail
    assert len(bits) % 8 == 0, f"{len(bits)} bits are no whole bytes"
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def missing_bits(data):
    """How many bits padding takes behind the codes of `data`."""
    return -sum(REQUEST_CODES_LENGTH[byte] for byte in data) % 8


def eos_bits():
    return format(REQUEST_CODES[EOS], f"0{REQUEST_CODES_LENGTH[EOS]}b")


def string(data, coded=False):
    """RFC 7541 §5.2."""
    data = huffman(data) if coded else data
    return integer(len(data), 7, 0x80 if coded else 0) + data


def coded_string(raw):
    """A string literal that says to be Huffman-coded, of the given bytes."""
    return integer(len(raw), 7, 0x80) + raw


def indexed(index):
    return integer(index, 7, 0x80)


def literal(name, value, kind="plain", coded=False):
    """`name` is bytes, or the index of an entry whose name is meant."""
    pattern, bits = KINDS[kind]
    if isinstance(name, int):
        return integer(name, bits, pattern) + string(value, coded)
    return integer(0, bits, pattern) + string(name, coded) + string(value, coded)


def size_update(size):
    return integer(size, 5, 0x20)


def plain_block(fields):
    """All fields as literals that touch no table: the state of the encoder stays as it was."""
    return b"".join(literal(as_bytes(name), as_bytes(value)) for name, value in fields)


def as_bytes(text):
    return text if isinstance(text, bytes) else text.encode("latin-1")
