# SPDX-License-Identifier: Apache-2.0
"""What the kernel of this machine may keep of a connection, whoever reads it or not."""
from pathlib import Path

MIB = 1024 * 1024


def buffer_max(direction):
    """The bytes to which the buffer of one socket may grow by itself; direction: "rmem" or "wmem"."""
    return int(Path(f"/proc/sys/net/ipv4/tcp_{direction}").read_text().split()[2])


# What may lie between two ends while one stands still: the buffers of the two connections that lead there, and what
# the daemon and the two programs at the ends hold.
IN_FLIGHT_MAX = 2 * (buffer_max("rmem") + buffer_max("wmem")) + 16 * MIB
