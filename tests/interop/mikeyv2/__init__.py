# SPDX-License-Identifier: Apache-2.0
"""A second MIKEYv2, written from docs/mikeyv2.md alone: what it and the C++ one disagree on is a fault of either or of the page."""
