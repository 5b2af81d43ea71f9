# SPDX-License-Identifier: Apache-2.0
"""The proxies that are set side by side, each configured for the same work. Viaduct first, the floor last."""

from .caddy import Caddy
from .floor import Floor
from .h2o import H2o
from .haproxy import Haproxy
from .lighttpd import Lighttpd
from .nghttpx import Nghttpx
from .nginx import Nginx
from .viaduct import Viaduct

FLOOR = Floor()
PEERS = {peer.name: peer for peer in (Viaduct(), Nginx(), Haproxy(), H2o(), Nghttpx(), Lighttpd(), Caddy(), FLOOR)}


def add_other_build(binary):
    """Makes another binary of Viaduct a peer, the last one; returns it."""
    other = Viaduct("other build", binary)
    PEERS[other.name] = other
    return other
