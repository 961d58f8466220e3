# SPDX-License-Identifier: Apache-2.0
"""Each named failpoint of the programs ends its process as kill -9 does, once, amid what passes it. What
was acknowledged is there after the restart, what was under way is there whole or not at all, and nothing
that was ever sent used a key, counter or index twice."""

import json
import os
import pathlib
import re
import shutil
import signal
import unittest

from acknowledged import Acknowledged
from harness import BIN, Site, wait_for
from invariants import prove

SOURCE = pathlib.Path(os.environ["KEYMAST_SOURCE_DIR"])
PASS = re.compile(r'PassFailpoint\("([a-z.]+)"\)')
LEAST = 45
PATIENCE = 60
# So many, of so long names, make one step that takes several records of the journal.
MANY, LONG_IDENTITY = 1000, 230


def names():
    """All failpoints in the sources, each in one place."""
    found = [name for file in sorted(SOURCE.glob("*/*.cc")) for name in PASS.findall(file.read_text())]
    assert len(found) == len(set(found)), "a name in two places"
    return found


class Armed:
    """What a program is started with, to die at a failpoint."""

    def __init__(self, name, passes=1):
        self.variable = f"KEYMAST_FAILPOINT={name}:{passes}"

    def argv(self, *argv):
        return ["env", self.variable, *argv]


class Failpoints(unittest.TestCase):
    """One site lives through all of them: each restart rests on what the one before left."""

    def setUp(self):
        self.hit = []
        self.site = Site("failpoints")
        self.addCleanup(self.site.close)
        self.sink = self.site.root / "audit.jsonl"
        self.site.write_configuration(audit_sink=str(self.sink))
        self.site.ctl = Acknowledged(self.site.ctl)
        self.acknowledged, self.unsure, self.number = set(), set(), 0

    # What is started, and dies.

    def server(self, armed=None, *options):
        argv = [BIN / "keymastd", "run", "--config", self.site.root / "keymastd.toml", *options]
        self.site.keymastd = self.site.start_process(
            "keymastd", *(armed.argv(*argv) if armed else argv))
        return self.site.keymastd

    def dies(self, process, name):
        wait_for(lambda: not process.running(), PATIENCE, lambda: f"{name} ends {process.name}:\n"
                 + process.log()[-2000:])
        self.assertEqual(process.kill(), -signal.SIGKILL, f"{name}: {process.log()[-2000:]}")
        self.hit.append(name)

    def recover(self):
        """An ordinary start behind a death, which finds what was acknowledged."""
        self.server()
        self.site.wait_ready()
        listed = set(self.subscribers())
        self.assertEqual(self.acknowledged - listed, set(), "acknowledged, and gone")
        self.assertEqual(listed - self.acknowledged - self.unsure, set(), "of nobody")

    def subscribers(self):
        token = None
        while token != "":
            page = self.site.ctl.call("subscribers", "list", "--page-size", "1000",
                                      *(["--page-token", token] if token else []))
            yield from (one["name"].split("/")[1] for one in page.get("subscribers", []))
            token = page.get("nextPageToken", "")

    # What is done meanwhile.

    def subscribe(self):
        """One change; its answer may not come."""
        name = f"s{self.number}"
        self.number += 1
        key = self.site.root / f"{name}.key"
        key.touch(mode=0o600)
        key.write_bytes(os.urandom(16))
        self.unsure.add(name)
        done = self.site.ctl.run("subscribers", "create", name, "--identity", f"{name}@example.org",
                                 "--credential-file", key, "--timeout", "2s")
        if done.returncode == 0:
            self.unsure.discard(name)
            self.acknowledged.add(name)
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
            argv = [BIN / "keymastd", "init", "--config", fresh.root / "keymastd.toml"]
            self.dies(fresh.start_process("init", *Armed(name).argv(*argv)), name)
            fresh.init()
            fresh.start_server()
            fresh.start_api()
            fresh.wait_ready()
            self.assertEqual(fresh.keymastd.stop(), 0)

    def amid_changes(self, name):
        self.site.keymastd.kill()
        process = self.server(Armed(name, passes=2 if name.startswith(("server.", "net.")) else 1))
        self.subscribe_until(process)
        self.dies(process, name)
        self.recover()

    def at_start(self, name):
        self.site.keymastd.kill()
        self.dies(self.server(Armed(name)), name)
        self.recover()

    def at_stop(self, name):
        self.assertEqual(self.site.keymastd.stop(), 0)
        process = self.server(Armed(name))
        self.site.wait_ready()
        self.assertEqual(self.subscribe().returncode, 0)
        process.popen.send_signal(signal.SIGTERM)
        self.dies(process, name)
        self.recover()

    def at_backup(self, name):
        """The backup is made whole by the next start."""
        self.site.keymastd.kill()
        process = self.server(Armed(name))
        self.site.wait_ready()
        backup = name.replace(".", "-")
        self.site.ctl.run("backups", "create", backup, "--timeout", "2s")
        self.dies(process, name)
        self.recover()
        wait_for(lambda: self.has_backup(backup), 30, f"{backup} is made")
        with Site("restored") as copy:
            shutil.copytree(self.site.root / "backups" / backup, copy.root / "data")
            shutil.copy(self.site.root / "master.key", copy.root / "master.key")
            # On a network of its own: it has the same members.
            copy.keymastd = copy.start_process(
                "keymastd", "unshare", "--net", *([] if os.geteuid() == 0 else ["--map-root-user"]),
                "sh", "-c", 'ip link set lo up && exec "$@"', "sh", BIN / "keymastd", "run", "--config",
                copy.root / "keymastd.toml", "--accept-rollback")
            copy.start_api()
            copy.wait_ready()

    def has_backup(self, name):
        under_way = [one for one in self.site.ctl.call("operations", "list").get("operations", [])
                     if not one.get("done")]
        made = self.site.ctl.call("backups", "list").get("backups", [])
        return not under_way and f"backups/{name}" in [one["name"] for one in made]

    def at_removal(self, name):
        backup = name.replace(".", "-")
        self.site.ctl.call("backups", "create", backup, "--wait")
        self.site.keymastd.kill()
        process = self.server(Armed(name))
        self.site.wait_ready()
        self.site.ctl.run("backups", "delete", backup, "--timeout", "2s")
        self.dies(process, name)
        self.recover()
        if name == "server.removal.done":
            self.assertFalse((self.site.root / "backups" / backup).exists())

    def at_rotation(self, name):
        """The rotation ends with the new key in use, or has not begun."""
        root = self.site.root
        old = self.site.ctl.call("status")["masterKeyId"]
        key = root / "next.key"
        key.touch(mode=0o600)
        key.write_bytes(os.urandom(32))
        text = (root / "keymastd.toml").read_text()
        (root / "keymastd.toml").write_text(
            text + f'\n[next_master_key]\nfile = {json.dumps(str(key))}\n')
        self.site.keymastd.kill()
        process = self.server(Armed(name))
        self.site.wait_ready()
        new = self.id_of(key)
        self.site.ctl.run("master-key", "rotate", "--old", old, "--new", new, "--timeout", "2s")
        self.dies(process, name)
        self.recover()
        wait_for(lambda: self.rotated(new), 30, "the rotation ends")
        self.assertEqual(self.site.keymastd.stop(), 0)
        (root / "keymastd.toml").write_text(text)
        key.replace(root / "master.key")
        self.recover()

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
            key = self.site.root / f"long{number}.key"
            key.touch(mode=0o600)
            key.write_bytes(os.urandom(16))
            rows.append(f"long{number},{number}{'x' * LONG_IDENTITY}@example.org,{key}\n")
        (self.site.root / "long.csv").write_text("".join(rows))
        self.assertEqual(self.site.keymastd.stop(), 0)
        process = self.server(Armed("records.step.between"))
        self.site.wait_ready()
        self.site.ctl.run("subscribers", "batch-create", "--csv", self.site.root / "long.csv")
        self.dies(process, "records.step.between")
        self.dies(self.server(Armed(name)), name)
        self.recover()

    def at_a_rollback(self, name):
        with Site("rolled") as old:
            old.up()
            old.keymastd.stop()
            shutil.copytree(old.root / "data", old.root / "kept")
            old.start_server()
            old.wait_ready()
            old.create_channel()
            old.keymastd.stop()
            shutil.rmtree(old.root / "data")
            shutil.move(old.root / "kept", old.root / "data")
            argv = [BIN / "keymastd", "run", "--config", old.root / "keymastd.toml", "--accept-rollback"]
            self.dies(old.start_process("rolled", *Armed(name).argv(*argv)), name)
            refused = old.run(*argv[:-1])
            self.assertNotEqual(refused.returncode, 0, "the old incarnation is over")
            old.start_server("--accept-rollback")
            old.wait_ready()

    def at_the_api(self, name):
        """The same request asked again has one outcome."""
        self.site.api.kill()
        argv = [BIN / "keymast-api", "--config", self.site.root / "keymast-api.toml"]
        self.site.api = self.site.start_process("keymast-api", *Armed(name, 2).argv(*argv))
        self.subscribe_until(self.site.api)
        self.dies(self.site.api, name)
        self.site.start_api()
        self.site.wait_ready()

    def at_the_headend(self, name):
        self.site.headend.kill()
        record = self.site.root / "headend.pcapng"
        argv = self.headend_argv(record)
        self.site.headend = self.site.start_process("headend", *Armed(name).argv(*argv))
        self.dies(self.site.headend, name)
        self.site.start_headend()
        self.picture_goes_on()

    def headend_argv(self, record):
        argv = [BIN / "keymast-headend", "run", "--server", f"unix:{self.site.root}/headend.sock",
                "--name", "headend", "--key-file", self.site.root / "headend.key", "--state",
                self.site.root / "headend.state", "--record", record]
        for media, port in self.site.inputs.items():
            argv += ["--input", f"{media}=127.0.0.1:{port}"]
        return argv

    def at_the_receiver(self, name):
        site = self.site
        self.member.kill()
        argv = [BIN / "keymast-receiver", "--sdp", site.root / "one.sdp", "--key-file",
                site.credentials["member"], "--identity", "member@example.org", "--listen",
                self.member.endpoint, "--interface", site.interface, "--state",
                site.root / "receiver-member.state", "--record", site.root / "receiver-member.pcapng"]
        process = site.start_process("receiver-member", *Armed(name).argv(*argv))
        wait_for(lambda: process.lines or not process.running(), 20, "the receiver runs")
        site.ctl.call("rekeys", "now", "one", "--level", "msk")
        self.dies(process, name)
        endpoint, self.member = self.member.endpoint, None
        self.member = site.start_receiver("one", "member", endpoint)
        self.member.endpoint = endpoint
        self.picture_goes_on()

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
        self.acknowledged.add("member")
        wait_for(lambda: self.member.last.get("mtk_id"), 20, "the receiver holds an MTK")
        site.start_sources()
        for name in names():
            if name == "records.step.between":
                continue  # with what removes it
            with self.subTest(name):
                self.scene_of(name)(self, name)
        self.picture_goes_on()
        verified = site.ctl.run("audit", "verify", self.sink, "--status")
        self.assertEqual(verified.returncode, 0, verified.stderr)
        prove(site, site.ctl)
        print(f"{len(self.hit)} failpoints hit: {' '.join(sorted(self.hit))}")
        self.assertEqual(sorted(self.hit), sorted(names()))
        self.assertGreaterEqual(len(self.hit), LEAST)


if __name__ == "__main__":
    unittest.main(verbosity=2)
