"""Hashes of text that are the same on every machine: FarmHash and SipHash, as TensorFlow's.

Both are here in plain Python over integers of 64 bits, so that a model's buckets are those that it
was trained with, wherever it was trained.

Sources: Pike, Alakuijala (2014), FarmHash (``Fingerprint64``); Aumasson, Bernstein (2012), SipHash:
a fast short-input PRF; TensorFlow, ``core/platform/fingerprint.h`` (``FingerprintCat64``).
"""

from __future__ import annotations

import struct

__all__ = ["concatenated", "fingerprint", "keyed_hash"]

MASK = 2**64 - 1
K0, K1, K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F
KMUL = 0xC6A4A7935BD1E995


def _rotated(x: int, by: int) -> int:
    """The bits of x, rotated to the right."""
    return ((x >> by) | (x << (64 - by))) & MASK if by else x


def _mixed(x: int) -> int:
    return x ^ (x >> 47)


def _word(s: bytes, at: int) -> int:
    return int.from_bytes(s[at : at + 8], "little")


def _half(s: bytes, at: int) -> int:
    return int.from_bytes(s[at : at + 4], "little")


def _joined(u: int, v: int, mul: int) -> int:
    """Two words as one."""
    a = _mixed(((u ^ v) * mul) & MASK)
    b = _mixed(((v ^ a) * mul) & MASK)
    return (b * mul) & MASK


def fingerprint(s: bytes) -> int:
    """FarmHash's fingerprint of 64 bits.

    >>> fingerprint(b"")
    11160318154034397263
    """
    if len(s) <= 16:
        return _up_to_16(s)
    if len(s) <= 32:
        return _up_to_32(s)
    return _up_to_64(s) if len(s) <= 64 else _longer(s)


def _up_to_16(s: bytes) -> int:
    n = len(s)
    mul = (K2 + 2 * n) & MASK
    if n >= 8:
        a, b = (_word(s, 0) + K2) & MASK, _word(s, n - 8)
        c = (_rotated(b, 37) * mul + a) & MASK
        d = ((_rotated(a, 25) + b) * mul) & MASK
        return _joined(c, d, mul)
    if n >= 4:
        return _joined((n + (_half(s, 0) << 3)) & MASK, _half(s, n - 4), mul)
    if n > 0:
        y, z = s[0] + (s[n >> 1] << 8), n + (s[n - 1] << 2)
        return (_mixed(((y * K2) ^ (z * K0)) & MASK) * K2) & MASK
    return K2


def _up_to_32(s: bytes) -> int:
    n = len(s)
    mul = (K2 + 2 * n) & MASK
    a, b = (_word(s, 0) * K1) & MASK, _word(s, 8)
    c, d = (_word(s, n - 8) * mul) & MASK, (_word(s, n - 16) * K2) & MASK
    first = (_rotated((a + b) & MASK, 43) + _rotated(c, 30) + d) & MASK
    return _joined(first, (a + _rotated((b + K2) & MASK, 18) + c) & MASK, mul)


def _up_to_64(s: bytes) -> int:
    n = len(s)
    mul = (K2 + 2 * n) & MASK
    a, b = (_word(s, 0) * K2) & MASK, _word(s, 8)
    c, d = (_word(s, n - 8) * mul) & MASK, (_word(s, n - 16) * K2) & MASK
    y = (_rotated((a + b) & MASK, 43) + _rotated(c, 30) + d) & MASK
    z = _joined(y, (a + _rotated((b + K2) & MASK, 18) + c) & MASK, mul)
    e, f = (_word(s, 16) * mul) & MASK, _word(s, 24)
    g, h = ((y + _word(s, n - 32)) * mul) & MASK, ((z + _word(s, n - 24)) * mul) & MASK
    first = (_rotated((e + f) & MASK, 43) + _rotated(g, 30) + h) & MASK
    return _joined(first, (e + _rotated((f + a) & MASK, 18) + g) & MASK, mul)


def _weak(s: bytes, at: int, a: int, b: int) -> tuple[int, int]:
    """32 bytes and two seeds as two words."""
    w, x, y, z = (_word(s, at + i) for i in (0, 8, 16, 24))
    a = (a + w) & MASK
    b = _rotated((b + a + z) & MASK, 21)
    c = a
    a = (a + x + y) & MASK
    return (a + z) & MASK, (b + _rotated(a, 44) + c) & MASK


def _longer(s: bytes) -> int:
    """Block after block of 64 bytes; the last 64 bytes are a block in any case."""
    seed = 81
    y = (seed * K1 + 113) & MASK
    z = (_mixed((y * K2 + 113) & MASK) * K2) & MASK
    x = (seed * K2 + _word(s, 0)) & MASK
    v, w = (0, 0), (0, 0)
    rest = (len(s) - 1) & 63
    for at in range(0, (len(s) - 1) // 64 * 64, 64):
        x, y, z, v, w = _block(s, at, x, y, z, v, w, K1, 1)
    mul = (K1 + ((z & 0xFF) << 1)) & MASK
    w = ((w[0] + rest) & MASK, w[1])
    v = ((v[0] + w[0]) & MASK, v[1])
    w = ((w[0] + v[0]) & MASK, w[1])
    x, y, z, v, w = _block(s, len(s) - 64, x, y, z, v, w, mul, 9)
    first = (_joined(v[0], w[0], mul) + _mixed(y) * K0 + z) & MASK
    return _joined(first, (_joined(v[1], w[1], mul) + x) & MASK, mul)


Pair = tuple[int, int]


def _block(
    s: bytes, at: int, x: int, y: int, z: int, v: Pair, w: Pair, mul: int, weight: int
) -> tuple[int, int, int, Pair, Pair]:
    """One round over 64 bytes; the last round weighs the carried words 9 times."""
    x = (_rotated((x + y + v[0] + _word(s, at + 8)) & MASK, 37) * mul) & MASK
    y = (_rotated((y + v[1] + _word(s, at + 48)) & MASK, 42) * mul) & MASK
    x ^= (w[1] * weight) & MASK
    y = (y + v[0] * weight + _word(s, at + 40)) & MASK
    z = (_rotated((z + w[0]) & MASK, 33) * mul) & MASK
    v = _weak(s, at, (v[1] * mul) & MASK, (x + w[0]) & MASK)
    w = _weak(s, at + 32, (z + w[1]) & MASK, (y + _word(s, at + 16)) & MASK)
    return z, y, x, v, w


def concatenated(first: int, second: int) -> int:
    """Two fingerprints as one, in which their order counts.

    >>> concatenated(1, 2) == concatenated(2, 1)
    False
    """
    found = first ^ KMUL
    found ^= (_mixed((second * KMUL) & MASK) * KMUL) & MASK
    found = (found * KMUL) & MASK
    found = (_mixed(found) * KMUL) & MASK
    return _mixed(found)


def keyed_hash(s: bytes, key: tuple[int, int]) -> int:
    """SipHash-2-4 under a key of two words.

    >>> key = (0x0706050403020100, 0x0F0E0D0C0B0A0908)
    >>> hex(keyed_hash(bytes(range(15)), key))  # the example of the paper
    '0xa129ca6149be45e5'
    """
    k0, k1 = key[0] & MASK, key[1] & MASK
    v = [
        k0 ^ 0x736F6D6570736575,
        k1 ^ 0x646F72616E646F6D,
        k0 ^ 0x6C7967656E657261,
        k1 ^ 0x7465646279746573,
    ]
    whole = len(s) // 8 * 8
    last = int.from_bytes(s[whole:].ljust(7, b"\0") + bytes([len(s) & 0xFF]), "little")
    for (word,) in [*struct.iter_unpack("<Q", s[:whole]), (last,)]:
        v[3] ^= word
        _sip_rounds(v, 2)
        v[0] ^= word
    v[2] ^= 0xFF
    _sip_rounds(v, 4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def _sip_rounds(v: list[int], count: int) -> None:
    for _ in range(count):
        v[0] = (v[0] + v[1]) & MASK
        v[1] = _rotated(v[1], 64 - 13) ^ v[0]
        v[0] = _rotated(v[0], 32)
        v[2] = (v[2] + v[3]) & MASK
        v[3] = _rotated(v[3], 64 - 16) ^ v[2]
        v[0] = (v[0] + v[3]) & MASK
        v[3] = _rotated(v[3], 64 - 21) ^ v[0]
        v[2] = (v[2] + v[1]) & MASK
        v[1] = _rotated(v[1], 64 - 17) ^ v[2]
        v[2] = _rotated(v[2], 32)
