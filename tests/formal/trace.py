# SPDX-License-Identifier: Apache-2.0
"""Shows a path that Maude found: rule by rule, which sessions changed and what the intruder learned."""
import re

LINE = 150


def parse(text):
    """A term as (operator, [arguments]); a set or a list of terms as (';', ...), (' ', ...), ('>', ...)."""
    tokens = re.findall(r"[A-Za-z0-9_?.-]+|[(),;{}|>/]", text)
    at = 0

    def primary():
        nonlocal at
        token = tokens[at]
        at += 1
        if token in "({":
            inner = [several()]
            while tokens[at] in ",|":
                at += 1
                inner.append(several())
            at += 1
            return ("{}", inner) if token == "{" else inner[0]
        if at < len(tokens) and tokens[at] == "(":
            at += 1
            arguments = [several()]
            while tokens[at] == ",":
                at += 1
                arguments.append(several())
            at += 1
            return (token, arguments)
        return (token, [])

    def several():
        nonlocal at
        found = [primary()]
        glue = " "
        while at < len(tokens) and tokens[at] not in ",)}|":
            if tokens[at] in ";>/":
                glue = tokens[at] if tokens[at] != "/" or glue == " " else glue
                if tokens[at] == "/":
                    at += 1
                    found[-1] = (found[-1][0] + "/" + primary()[0], [])
                    continue
                at += 1
            found.append(primary())
        return found[0] if len(found) == 1 else (glue if glue != "/" else " ", found)

    return several()


class Names:
    """Short names for what would fill the page: CAPs, answers and the hashes of them."""

    def __init__(self):
        self.names, self.said = {}, []

    def show(self, term):
        operator, arguments = term
        inner = [self.show(a) for a in arguments]
        if operator in (";", " ", ">"):
            return (" > " if operator == ">" else "; ").join(inner)
        text = f"{operator}({', '.join(inner)})" if inner else operator
        if operator == "msg" or operator == "der":
            kind = {"msg": arguments[0][0].upper(), "der": "KEY"}[operator]
            if text not in self.names:
                self.names[text] = f"{kind}#{sum(n.startswith(kind + '#') for n in self.names.values()) + 1}"
                self.said.append(f"    {self.names[text]} = {text}")
            return self.names[text]
        return text


def elements(term, glue):
    return term[1] if term[0] == glue else [term]


def show(out, row):
    """Prints the path in Maude's `show path` output."""
    path = out[out.rfind("state 0, State:"):]
    states = re.findall(r"^state \d+, State: (.*)$", path, re.M)
    labels = re.findall(r"\[label ([a-z-]+)", path)
    names, before = Names(), None
    print(f"  {row.name}, switched off: {row.off or 'nothing'}; breaks {row.expected}")
    for step, text in enumerate(states):
        knows, sessions, facts = parse(text)[1]
        now = [[names.show(e) for e in elements(t, g)] for t, g in ((knows, ";"), (sessions, " "), (facts, ";"))]
        print(f"  {step}. {labels[step - 1] if step else 'begin'}")
        for said in names.said:
            print(said)
        names.said.clear()
        for title, old, new in zip(("learns", "session", "fact"), before or [[], [], []], now):
            if before is None and title != "session":
                continue
            for e in new:
                if e not in old:
                    print(f"    {title}: {e}")
        before = now
