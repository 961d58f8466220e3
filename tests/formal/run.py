#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Explores the models of the MIKEYv2 exchange and holds what is found against models.txt.

run.py                     the short rows; with KEYMAST_LONG=1 all of them
run.py PATTERN...          rows whose name has one of these words
run.py --trace PATTERN...  also how each broken row breaks, step by step
"""
import os
import re
import resource
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
LONG = bool(os.environ.get("KEYMAST_LONG"))
SECONDS = 400 if LONG else 60  # of a processor, for each row
MEMORY = 8 << 30
MODULES = ["rules", "terms", "keys", "modes", "intruder", "state", "offerer", "answerer", "environment", "report", "cookie", "properties", "scenarios"]


class Row:
    """One search: what it is called, where it begins, which rules are off, what must come out."""

    def __init__(self, name, start, off, expected, is_short):
        self.name, self.start, self.off, self.expected, self.is_short = name, start, off, expected, is_short

    def condition(self):
        if self.expected == "reached":
            return "done(S:State)"
        if self.expected == "holds":
            return "P:T ; REST:TSet := broken(S:State)"
        return f"{self.expected} in broken(S:State)"

    def is_right(self, found):
        return found == (self.expected != "holds")


def rows(path):
    """The searches that a table of models asks for (models.txt explains its lines)."""
    found, starts = [], {}
    for line in open(path):
        fields = [f.strip() for f in line.split("|")]
        kind, _, first = fields[0].partition(" ")
        if kind == "model":
            starts[first] = (fields[2], fields[1] == "short")
            if "only relayed" in fields:
                found.append(Row(first, fields[2], "", "relayed", fields[1] == "short"))
                continue
            if "no end" not in fields:
                found.append(Row(first + " ends", fields[2], "", "reached", fields[1] == "short"))
            found.append(Row(first, fields[2], "", "holds", fields[1] == "short"))
        elif kind == "without":
            found.append(Row(f"{fields[1]} without {first}", starts[fields[1]][0], first, fields[2], starts[fields[1]][1]))
        elif kind == "fence":
            found.append(Row(f"{fields[1]} fence {first}", starts[fields[1]][0], first, "holds", False))
        elif kind and not kind.startswith("#"):
            sys.exit(f"models.txt: what is {line}")
    return found


def module(row):
    return f"mod RUN is inc SCENARIOS . eq OFF = {row.off or 'none'} . endm\n"


def spent():
    """Processor seconds of all searches so far."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime


def limits():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    os.nice(10)


def maude(commands):
    """Runs the modules and the commands; the output, or None when time or memory ran out."""
    with tempfile.NamedTemporaryFile("w", suffix=".maude") as script:
        script.write("".join(f"load {HERE}/{m}.maude\n" for m in MODULES) + commands + "quit\n")
        script.flush()
        done = subprocess.run(["maude", "-no-banner", "-batch", "-no-wrap", script.name], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, preexec_fn=limits)
        return done.stdout + done.stderr if done.returncode == 0 else None


def explore(row, more=""):
    """(outcome, number of states, number of the state found or None, all output)"""
    out = maude(module(row) + f"search [1] {row.start} =>* S:State such that {row.condition()} .\n" + more)
    if out is None:
        return "gave up: time or memory", 0, None, ""
    if "Warning" in out or "states:" not in out:
        return "error: " + out[:2000], 0, None, out
    states = int(re.search(r"states: (\d+)", out).group(1))
    found = re.search(r"Solution 1 \(state (\d+)\)", out)
    return ("found" if found else "explored"), states, found and int(found.group(1)), out


def main():
    words = [a for a in sys.argv[1:] if not a.startswith("-")]
    wrong = 0
    for row in rows(os.environ.get("MODELS", os.path.join(HERE, "models.txt"))):
        if not any(w in row.name for w in words) if words else not (row.is_short or LONG):
            continue
        begin = spent()
        outcome, states, state, out = explore(row)
        seconds = spent() - begin
        if outcome == "explored":
            said = "holds" if row.expected == "holds" else f"NOT {row.expected}"
        elif outcome == "found":
            said = row.expected if row.expected != "holds" else "BROKEN: " + re.search(r"^P:T --> (.*)$", out, re.M).group(1)
        else:
            said = outcome
        right = outcome in ("explored", "found") and row.is_right(state is not None)
        wrong += not right
        print(f"{'ok  ' if right else 'FAIL'} {row.name:58} {states:8} states {seconds:6.1f} s  {said}", flush=True)
        if state is not None and "--trace" in sys.argv:
            from trace import show
            show(explore(row, f"show path {state} .\n")[3], row)
    print(f"{wrong} expectations failed, {spent():.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
