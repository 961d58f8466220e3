# SPDX-License-Identifier: Apache-2.0
"""docs/operator.md as a test reads it: the commands that stand under a heading."""

import re
import textwrap

import system


def blocks(heading):
    """Blocks of code below a heading, up to the next one; those in a list without their indent."""
    text = (system.SOURCE / "docs/operator.md").read_text()
    part = re.search(rf"^#+ {re.escape(heading)}$(.*?)^#+ ", text, re.M | re.S)[1]
    found = re.findall(r"^( *)```\n(.*?)^\1```$", part, re.M | re.S)
    return [textwrap.dedent(block) for _, block in found]


def commands(heading):
    """The lines of these blocks."""
    return [line for block in blocks(heading) for line in block.splitlines()]
