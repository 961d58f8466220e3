# SPDX-License-Identifier: Apache-2.0
"""An independent reader of what keymast sends. It shares no code with the programs it reads after:
protocols are written here from RFC 3830, RFC 4563, RFC 3711 and RFC 7714."""
