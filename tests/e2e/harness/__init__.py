# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests share: certificates, the daemon under test, clients and upstreams."""
