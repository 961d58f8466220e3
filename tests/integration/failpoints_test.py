# SPDX-License-Identifier: Apache-2.0
"""Each named failpoint of the programs ends its process as kill -9 does, once, amid what passes it. What
was acknowledged is there after the restart, what was under way is there whole or not at all, and nothing
that was ever sent used a key, counter or index twice: the checker of invariants is asked after each death."""

import json
import os
import pathlib
import re
import shutil
import signal
import unittest

from acknowledged import Acknowledged
from harness import BIN, PATIENCE, Ctl, Site, wait_for
from invariants import prove
from ongoing import Proofs

SOURCE = pathlib.Path(os.environ["KEYMAST_SOURCE_DIR"])
PASS = re.compile(r'PassFailpoint\("([a-z.]+)"\)')
NO_SOURCES = (".git", "build", "tests")
# So many, of so long names, make one step that takes several records of the journal.
MANY, LONG_IDENTITY = 1000, 230


def names():
    """All failpoints in the sources, each in one place."""
    texts = [file.read_text() for folder in sorted(SOURCE.iterdir()) if folder.name not in NO_SOURCES
             for file in sorted(folder.rglob("*.[ch]*")) if file != SOURCE / "base/failpoint.h"]
    found = [name for text in texts for name in PASS.findall(text)]
    assert len(found) == len(set(found)), "a name in two places"
    assert len(found) == sum(text.count("PassFailpoint(") for text in texts), "a name is no name"
    return found


def armed(name, passes=1):
    """What a program is started under to die at a failpoint."""
    return ["env", f"KEYMAST_FAILPOINT={name}:{passes}"]


class Apart(Site):
    """On a network of its own: it has the members of another one."""

    is_apart = True

    def start_server(self, *options):
        alone = ["unshare", "--net", *([] if os.geteuid() == 0 else ["--map-root-user"])]
        return super().start_server(
            *options, under=[*alone, "sh", "-c", 'ip link set lo up && exec "$@"', "sh"])


class Failpoints(unittest.TestCase):
    """One site lives through all of them: each restart rests on what the one before left."""

    def setUp(self):
        self.hit, self.unproven, self.proven = [], [], []
        self.site = Site("failpoints")
        self.addCleanup(self.site.close)
        self.sink = self.site.root / "sink.jsonl"
        self.site.write_configuration(audit_sink=str(self.sink))
        self.site.ctl = Acknowledged(self.site.ctl)
        self.proofs = Proofs(self.site)
        self.addCleanup(self.proofs.close)
        self.number = 0  # of subscribers

    def dies(self, process, name):
        wait_for(lambda: not process.running(), PATIENCE, lambda: f"{name} ends {process.name}:\n"
                 + process.log()[-2000:])
        self.assertEqual(process.kill(), -signal.SIGKILL, f"{name}: {process.log()[-2000:]}")
        self.hit.append(name)
        self.unproven.append(name)

    def prove_now(self):
        """Behind a death, with all programs there again."""
        self.proofs.after(*self.unproven)
        self.has_proof()

    def has_proof(self):
        self.proven += self.unproven
        self.unproven = []

    def prove_alone(self, site):
        """Of a site that lives for one failpoint."""
        print(f"{' '.join(self.hit[-1:])}, {site.root.name.split('-')[1]}:")
        prove(site, site.ctl)

    def recover(self):
        """An ordinary start behind a death, which finds what was acknowledged."""
        self.site.start_server()
        self.site.wait_ready()
        self.prove_now()

    def serves(self, process):
        """Whether it comes to that."""
        wait_for(lambda: not process.running() or self.site.ctl.run("status").returncode == 0, PATIENCE,
                 "it serves, or ends")
        return process.running()

    # What is done meanwhile.

    def subscribe(self):
        """One change; its answer may not come."""
        name = f"s{self.number}"
        self.number += 1
        key = self.site.new_key(name)
        done = self.site.ctl.run("subscribers", "create", name, "--identity", f"{name}@example.org",
                                 "--credential-file", key, "--timeout", "2s")
        if done.returncode == 0:
            self.site.credentials[name] = key
        return done

    def subscribe_until(self, process):
        def dead():
            self.subscribe()
            return not process.running()
        wait_for(dead, PATIENCE, f"{process.name} ends: {process.log()[-500:]}")

    def picture_goes_on(self):
        before = self.member.last.get("opened", 0)
        wait_for(lambda: self.member.last.get("opened", 0) > before + 20, 30, lambda:
                 f"the picture goes on: {self.member.last}, {self.site.headend.last}")

    # The scenes: each takes the failpoint that it is for.

    def at_init(self, name):
        with Site("init") as fresh:
            fresh.ctl = Acknowledged(fresh.ctl)
            argv = [BIN / "keymastd", "init", "--config", fresh.root / "keymastd.toml"]
            self.dies(fresh.start_process("init", *armed(name), *argv), name)
            fresh.init()
            fresh.start_server()
            fresh.start_api()
            fresh.wait_ready()
            self.prove_alone(fresh)
            self.has_proof()

    def amid_changes(self, name):
        self.site.keymastd.kill()
        process = self.site.start_server(under=armed(name, 2 if name.startswith(("server.", "net.")) else 1))
        self.subscribe_until(process)
        self.dies(process, name)
        self.recover()

    def at_start(self, name):
        self.site.keymastd.kill()
        self.dies(self.site.start_server(under=armed(name)), name)
        self.recover()

    def at_stop(self, name):
        self.assertEqual(self.site.keymastd.stop(), 0)
        process = self.site.start_server(under=armed(name))
        self.site.wait_ready()
        wait_for(lambda: self.subscribe().returncode == 0, PATIENCE, "a change is acknowledged")
        process.popen.send_signal(signal.SIGTERM)
        self.dies(process, name)
        self.recover()

    def at_backup(self, name):
        """The backup is made whole by the next start."""
        self.site.keymastd.kill()
        process = self.site.start_server(under=armed(name))
        self.site.wait_ready()
        backup = name.replace(".", "-")
        self.site.ctl.run("backups", "create", backup, "--timeout", "10s")
        self.dies(process, name)
        self.recover()
        wait_for(lambda: self.has_backup(backup), 30, f"{backup} is made")
        with Apart("restored") as copy:
            shutil.copytree(self.site.root / "backups" / backup, copy.root / "data")
            (copy.root / "data").chmod(0o700)
            shutil.copy(self.site.root / "master.key", copy.root / "master.key")
            copy.credentials = self.site.credentials
            copy.ctl = self.site.ctl.of_a_backup(copy.ctl)
            copy.start_server("--accept-rollback")
            copy.start_api()
            copy.wait_ready()
            self.prove_alone(copy)

    def has_backup(self, name):
        under_way = [one for one in self.site.ctl.call("operations", "list").get("operations", [])
                     if not one.get("done")]
        made = self.site.ctl.call("backups", "list").get("backups", [])
        return not under_way and f"backups/{name}" in [one["name"] for one in made]

    def at_removal(self, name):
        backup = name.replace(".", "-")
        self.site.ctl.call("backups", "create", backup, "--wait")
        self.site.keymastd.kill()
        process = self.site.start_server(under=armed(name))
        self.site.wait_ready()
        self.site.ctl.run("backups", "delete", backup, "--timeout", "10s")
        self.dies(process, name)
        self.recover()
        # It was not answered, and may be there: asked for again, it is gone with the answer.
        self.site.ctl.call("backups", "delete", backup, "--allow-missing")
        self.assertFalse((self.site.root / "backups" / backup).exists())

    def at_rotation(self, name):
        """The rotation ends with the new key in use, or has not begun."""
        root = self.site.root
        old = self.site.ctl.call("status")["masterKeyId"]
        key = self.site.new_key("next", 32)
        text = (root / "keymastd.toml").read_text()
        (root / "keymastd.toml").write_text(
            text + f'\n[next_master_key]\nfile = {json.dumps(str(key))}\n')
        self.site.keymastd.kill()
        process = self.site.start_server(under=armed(name))
        self.site.wait_ready()
        new = self.id_of(key)
        self.site.ctl.run("master-key", "rotate", "--old", old, "--new", new, "--timeout", "10s")
        self.dies(process, name)
        self.recover()
        wait_for(lambda: self.rotated(new), 30, "the rotation ends")
        self.assertEqual(self.site.keymastd.stop(), 0)
        (root / "keymastd.toml").write_text(text)
        key.replace(root / "master.key")
        self.site.start_server()
        self.site.wait_ready()

    def id_of(self, key):
        """Of a master key, as `keymastd init` says it."""
        with Site("key") as other:
            shutil.copy(key, other.root / "master.key")
            done = other.run(BIN / "keymastd", "init", "--config", other.root / "keymastd.toml")
            return re.search(r"^master key id: ([0-9a-f]{16})$", done.stdout, re.MULTILINE)[1]

    def rotated(self, new):
        operations = self.site.ctl.call("operations", "list").get("operations", [])
        return (self.site.ctl.call("status")["masterKeyId"] == new
                and all(one.get("done") for one in operations))

    def amid_a_long_step(self, name):
        """All that it makes is there, or nothing; what is left of it is removed in two goes."""
        rows = []
        for number in range(MANY):
            key = self.site.new_key(f"long{number}")
            rows.append(f"long{number},{number}{'x' * LONG_IDENTITY}@example.org,{key}\n")
        (self.site.root / "long.csv").write_text("".join(rows))
        self.assertEqual(self.site.keymastd.stop(), 0)
        process = self.site.start_server(under=armed("records.step.between"))
        # A start that changes the MSK and makes the next one takes several records, too.
        for _ in range(5):
            if self.serves(process):
                break
            self.site.start_server()
            self.site.wait_ready()
            self.assertEqual(self.site.keymastd.stop(), 0)
            process = self.site.start_server(under=armed("records.step.between"))
        self.site.ctl.run("subscribers", "batch-create", "--csv", self.site.root / "long.csv")
        self.dies(process, "records.step.between")
        self.dies(self.site.start_server(under=armed(name)), name)
        self.recover()

    def at_a_rollback(self, name):
        with Site("rolled") as old:
            lost, old.ctl = old.ctl, Acknowledged(old.ctl)
            old.up()
            old.create_channel()
            old.create_subscriber("member")
            old.add_member("one", "member")
            old.keymastd.stop()
            shutil.copytree(old.root / "data", old.root / "kept")
            old.start_server()
            old.wait_ready()
            for level in ("msk", "mtk"):
                lost.call("rekeys", "now", "one", "--level", level)
            old.keymastd.stop()
            shutil.rmtree(old.root / "data")
            shutil.move(old.root / "kept", old.root / "data")
            self.dies(old.start_server("--accept-rollback", under=armed(name)), name)
            refused = old.run(BIN / "keymastd", "run", "--config", old.root / "keymastd.toml")
            self.assertNotEqual(refused.returncode, 0, "the old incarnation is over")
            self.assertIn("--accept-rollback", refused.stderr)
            again = old.start_server("--accept-rollback", under=armed("server.start.before"))
            wait_for(lambda: not again.running(), PATIENCE, "it ends before its first step")
            # Begun, and nothing done in it: that is the next start's.
            old.start_server()
            old.wait_ready()
            auditor = Ctl(f"unix:{old.root}/auditor.sock")
            listed = auditor.call("audit", "list")["auditRecords"]
            self.assertIn("rollback", [record["method"] for record in listed])
            self.prove_alone(old)
            self.has_proof()

    def at_the_api(self, name):
        """The same request asked again has one outcome."""
        self.site.api.kill()
        self.site.start_api(under=armed(name, 2))
        self.subscribe_until(self.site.api)
        self.dies(self.site.api, name)
        self.site.start_api()
        self.site.wait_ready()
        self.prove_now()

    def at_the_headend(self, name):
        self.site.headend.kill()
        self.site.start_headend(under=armed(name))
        self.dies(self.site.headend, name)
        self.site.start_headend()
        self.picture_goes_on()
        self.prove_now()

    def at_the_receiver(self, name):
        site = self.site
        self.member.kill()
        endpoint = self.member.endpoint
        process = site.start_receiver("one", "member", endpoint, under=armed(name))
        wait_for(lambda: process.lines or not process.running(), 20, "the receiver runs")
        site.ctl.call("rekeys", "now", "one", "--level", "msk")
        self.dies(process, name)
        self.member = site.start_receiver("one", "member", endpoint)
        self.member.endpoint = endpoint
        self.picture_goes_on()
        self.prove_now()

    # Which scene a failpoint is for; by default changes pass it.
    SCENES = (
        (r"init\.|records\.format\.|witness\.create\.", at_init),
        (r"store\.open\.|records\.start\.|server\.start\.|server\.listening", at_start),
        (r"server\.drain\.|records\.close\.|records\.fold\.", at_stop),
        (r"store\.backup\.|server\.(backup|operation)\.", at_backup),
        (r"server\.removal\.", at_removal),
        (r"records\.rotation\.|records\.meta\.", at_rotation),
        (r"records\.tail\.", amid_a_long_step),
        (r"records\.incarnation\.", at_a_rollback),
        (r"api\.", at_the_api),
        (r"headend\.|state\.", at_the_headend),
        (r"receiver\.", at_the_receiver),
        (r"", amid_changes),
    )

    def scene_of(self, name):
        return next(scene for pattern, scene in self.SCENES if re.match(pattern, name))

    def test_each_of_them(self):
        site = self.site.up()
        site.create_channel(mtkPeriod="1s", mtkLead="0.500s", mtkRepetition="0.100s",
                            mskPeriod="10s", mskLead="4s", mskGiveUp="2s")
        site.enrol_headend("one")
        site.start_headend()
        self.member = site.member_with_receiver("one", "member")
        wait_for(lambda: self.member.last.get("mtk_id"), 20, "the receiver holds an MTK")
        site.start_sources()
        for name in names():
            if name == "records.step.between":
                continue  # with what removes it
            with self.subTest(name):
                self.scene_of(name)(self, name)
        self.picture_goes_on()
        auditor = Ctl(f"unix:{site.root}/auditor.sock")
        verified = auditor.run("audit", "verify", self.sink, "--sink", "--status")
        self.assertEqual(verified.returncode, 0, verified.stderr)
        self.proofs.tell()
        prove(site, site.ctl, forgers=self.proofs.forgers)
        print(f"{len(self.hit)} failpoints hit: {' '.join(sorted(self.hit))}")
        self.assertEqual(sorted(self.proven), sorted(self.hit))
        self.assertEqual(sorted(self.hit), sorted(names()))
        self.assertGreaterEqual(len(self.hit), 45)


if __name__ == "__main__":
    unittest.main(verbosity=2)
