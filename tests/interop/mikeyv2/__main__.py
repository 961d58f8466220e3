# SPDX-License-Identifier: Apache-2.0
"""python3 -m mikeyv2 offer|answer"""
import sys

from .cli import main

sys.exit(main())
