# SPDX-License-Identifier: Apache-2.0
"""docs/attacks.md and docs/attacks-groups.md, made of what was seen."""
from mikeyv2.tables import MODE_NAMES

from . import suite

HEAD = """# Attacks on MIKEYv2

What another party or the network may try against the exchanges of [mikeyv2.md](mikeyv2.md), and what our Offerer and our Answerer do then;
[attacks-groups.md](attacks-groups.md) has what is tried outside of them. Each row is played by `tests/interop/attacks_test.py` over UDP on
loopback against `mikeyv2_target`, our machines in a process of their own: the independent Python peer misbehaves, everything else of it is
right, proofs too, so that the rule of the clause alone stands in the way. Where a row says "dropped", nothing was sent, no state changed, no
key was taken, and an honest message of the same kind was taken afterwards; the word behind it is the reason that is counted.
`tests/interop/mutants_test.py` removes the checks one by one and must see these rows fail.

This page is made by `tests/interop/attacks_test.py --write`, and the test compares it. "Modes" are numbers of mikeyv2.md §1; where several
stand in brackets they were offered together.

"""
HEAD_OF_GROUPS = """# Attacks on groups of MIKEYv2

What is tried outside of a single exchange, in the words of [attacks.md](attacks.md): against what of ours takes the messages of a group, our
whole controller, and a whole member.

"""
COLUMNS = "| attack | clause | who misbehaves | modes | what ours does |\n|---|---|---|---|---|\n"
COLUMNS_OF_GROUPS = "| attack | clause | who misbehaves | what ours does |\n|---|---|---|---|\n"


def _modes(mode):
    return str(mode[0]) if len(mode) == 1 else "(" + ", ".join(map(str, mode)) + ")"


def _outcome(by_mode):
    """One word when all modes agree."""
    outcomes = {}
    for mode, outcome in by_mode:
        outcomes.setdefault(outcome, []).append(_modes(mode))
    if len(outcomes) == 1:
        return next(iter(outcomes))
    return "; ".join(f"{outcome} ({', '.join(modes)})" for outcome, modes in outcomes.items())


def _rows_of(results):
    rows = {}
    for attack, outcome, _ in results:
        if outcome is not None:
            rows.setdefault((attack.name, attack.clause, attack.by), []).append((attack.mode, outcome))
    return rows


def texts(results, spoken):
    """Each page by its name."""
    rows = _rows_of(results)
    of_groups = {of: seen for of, seen in rows.items() if not seen[0][0]}
    exchanges = {of: seen for of, seen in rows.items() if seen[0][0]}
    return {"attacks.md": _of_exchanges(exchanges, spoken), "attacks-groups.md": _of_groups(of_groups)}


def _of_groups(rows):
    lines = [f"| {name} | {clause} | {by} | {seen[0][1]} |" for (name, clause, by), seen in rows.items()]
    return HEAD_OF_GROUPS + COLUMNS_OF_GROUPS + "\n".join(lines) + f"\n\n{len(rows)} attacks.\n"


def _of_exchanges(rows, spoken):
    lines = [f"| {name} | {clause} | {by} | {', '.join(_modes(m) for m, _ in seen)} | {_outcome(seen)} |"
             for (name, clause, by), seen in rows.items()]
    unspoken = [f"{n} ({MODE_NAMES[n]})" for n in sorted(MODE_NAMES) if n not in spoken]
    played = {name for name, _, _ in rows}
    waiting = [m.name for m in suite.TABLE if m.name not in played]
    tail = f"\n{len(rows)} attacks, {sum(map(len, rows.values()))} with their modes."
    if waiting:
        tail += f" Not played yet, as our machines do not speak modes {', '.join(unspoken)}:\n\n" + _wrapped(waiting)
    return HEAD + COLUMNS + "\n".join(lines) + "\n" + tail + "\n"


def _wrapped(names):
    lines = [""]
    for name in names:
        piece = name + (" · " if name is not names[-1] else ".")
        if len(lines[-1]) + len(piece) > 150:
            lines.append("")
        lines[-1] += piece
    return "\n".join(line.rstrip() for line in lines)
