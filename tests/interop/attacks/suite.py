# SPDX-License-Identifier: Apache-2.0
"""All attacks: the rows of the peer's table, those beside it, and the scenes."""
from dataclasses import dataclass

from mikeyv2 import misbehave
from . import more_rows, offerer_scenes, rows, scenes
from . import both_scenes, certificate_scenes, fragment_scenes, fresh_scenes, mtk_scenes, rekey_scenes, report_scenes  # noqa: F401
from . import member_scenes, sdp_scenes, server_scenes, server_ticket_scenes, ticket_scenes, without_v_scenes  # noqa: F401
from .labs import OurLab

TABLE = misbehave.TABLE + more_rows.TABLE
SIDES = {"O": "Offerer", "A": "Answerer", "wire": "network"}


@dataclass(frozen=True)
class Attack:
    name: str
    clause: str
    by: str
    mode: tuple  # what is offered
    run: object  # gives what our machine did; raises rows.Accepted, rows.NotDone


def attacks(spoken, names=None, every_mode=True):
    """In the modes that both our machines speak."""
    table = [m for m in TABLE if names is None or m.name in names]
    for m in rows.cases(table, spoken, every_mode):
        yield Attack(m.name, m.clause, SIDES[m.by], m.modes, lambda m=m: rows.run(m))
    for s in scenes.SCENES:
        if names is None or s.name in names:
            if not s.modes:
                yield Attack(s.name, s.clause, s.by, (), lambda s=s: s.play(None))
            for mode in sorted(s.modes & spoken)[: None if every_mode else 1]:
                yield Attack(s.name, s.clause, s.by, (mode,), lambda s=s, mode=mode: s.play(mode))


def names():
    return [m.name for m in TABLE] + [s.name for s in scenes.SCENES]


def concerns(name):
    """Our Offerer (O), our Answerer (A), or what takes the messages of a group (G)."""
    for m in TABLE:
        if m.name == name:
            return "O" if m.by == "A" else "A"
    scene = next(s for s in scenes.SCENES if s.name == name)
    if not scene.modes:
        return "G"
    of_o = scene.play.__module__ == offerer_scenes.__name__ or scene.by == "Answerer"
    return "O" if of_o else "A"


def run(target, wanted=None, every_mode=True):
    """[(attack, what our machine did or None, what was wrong or None)]; a machine that dies ends it."""
    OurLab.target = target
    results = []
    for attack in attacks(target.modes, wanted, every_mode):
        try:
            results.append((attack, attack.run(), None))
        except rows.NotDone:
            results.append((attack, None, None))
        except rows.Accepted as wrong:
            results.append((attack, None, str(wrong)))
        except (LookupError, AttributeError, TypeError, ValueError) as odd:  # ours said something that cannot be gone on with
            results.append((attack, None, repr(odd)))
    return results
