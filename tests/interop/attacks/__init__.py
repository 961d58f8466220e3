# SPDX-License-Identifier: Apache-2.0
"""The Python peer and the network misbehave, our step machines are the honest side, over UDP on loopback."""
