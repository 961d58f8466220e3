# SPDX-License-Identifier: Apache-2.0
"""Disk, key, lock and interface faults: each a clear message and a defined state; keys on air keep
being repeated. Each that leaves a server ends with the checker of invariants."""

import os
import shutil
import subprocess
import time
import unittest

from acknowledged import Acknowledged
from harness import BIN, Site, wait_for
from invariants import prove
from ongoing import Proofs


class Faults(unittest.TestCase):
    def setUp(self):
        self.site = Site("faults")
        self.addCleanup(self.site.close)
        self.site.ctl = Acknowledged(self.site.ctl)
        self.proofs = Proofs(self.site)
        self.addCleanup(self.proofs.close)

    def refused(self, *options):
        """Runs keymastd, which must refuse to start; returns what it says."""
        done = self.site.run(BIN / "keymastd", "run", "--config",
                             self.site.root / "keymastd.toml", *options)
        self.assertNotEqual(done.returncode, 0)
        return done.stderr

    @staticmethod
    def fill(disk, piece):
        with open(disk / "filler", "wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(bytes(piece))
            except OSError:
                pass

    def prove(self):
        """Behind several faults, or several states of one."""
        self.proofs.tell()
        prove(self.site, self.site.ctl, forgers=self.proofs.forgers)

    def test_wrong_and_missing_master_key(self):
        site = self.site.up()
        site.create_channel()
        site.create_subscriber("member")
        site.keymastd.stop()
        key = site.root / "master.key"
        good = key.read_bytes()
        for fault, make, said in (
                ("another key", lambda: key.write_bytes(os.urandom(len(good))), "master key"),
                ("no key", key.unlink, "master"),
                ("a key that others may read", lambda: key.chmod(0o644), "0600")):
            key.chmod(0o600)
            make()
            self.assertIn(said, self.refused())
            key.touch(0o600)
            key.chmod(0o600)
            key.write_bytes(good)
            site.start_server()
            site.wait_ready()
            self.proofs.after(fault)
            site.keymastd.stop()
        self.prove()

    def test_two_daemons_on_one_directory(self):
        site = self.site.up()
        site.create_channel()
        site.member_with_receiver("one", "member")
        self.assertIn("in use", self.refused().replace("in_use", "in use"))
        site.ctl.call("status")
        prove(site, site.ctl, steady=True)

    def test_data_behind_its_witness_is_refused(self):
        site = self.site.up()
        before = int(site.ctl.call("status")["incarnation"])
        site.keymastd.stop()
        shutil.copytree(site.root / "data", site.root / "backup")
        site.start_server()
        site.wait_ready()
        site.create_channel()
        site.keymastd.stop()
        shutil.rmtree(site.root / "data")
        shutil.move(site.root / "backup", site.root / "data")
        self.assertIn("witness", self.refused())
        site.start_server("--accept-rollback")
        site.wait_ready()
        status = site.ctl.call("status")
        self.assertGreater(int(status["incarnation"]), before)
        # What was acknowledged was given up, in so many words.
        prove(site)

    def test_no_multicast_interface(self):
        site = self.site.up()
        definition = site.channel_definition("one", "239.255.42.1")
        definition["multicast"]["interfaceAddress"] = "192.0.2.77"
        site.create_channel(definition=definition)
        wait_for(lambda: "no_interface" in site.keymastd.log(), 10, "the log names the fault")
        prove(site, site.ctl)

    @unittest.skipUnless(os.geteuid() == 0, "mounting a small disk needs root")
    def test_disk_full(self):
        site = self.site
        disk = site.root / "disk"
        disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(disk)], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", str(disk)], check=True)
        site.write_configuration(data=str(disk / "data"))
        site.up()
        site.create_channel()
        member = site.member_with_receiver("one", "member")
        wait_for(lambda: member.last.get("mtk_id"), 20, "the receiver holds an MTK")
        self.fill(disk, 1 << 16)
        def full():
            number = full.count = getattr(full, "count", 0) + 1
            done = site.ctl.run("channels", "update", "one", "--display-name", "n" * 50 + str(number))
            return done.returncode != 0 and "space" in done.stderr
        wait_for(full, 60, "a change is refused for lack of space")
        self.assertTrue(site.keymastd.running())
        heard = member.last.get("discards", {}).get("already_held", 0)
        wait_for(lambda: member.last.get("discards", {}).get("already_held", 0) > heard, 10,
                 "keys on air keep being repeated")
        self.proofs.after("a full disk")
        (disk / "filler").unlink()
        wait_for(lambda: site.ctl.run("channels", "update", "one", "--display-name",
                                      "after").returncode == 0, 30, "changes are taken again")
        self.prove()

    @unittest.skipUnless(os.geteuid() == 0, "mounting a small disk needs root")
    def test_record_on_a_full_disk(self):
        site = self.site
        disk = site.root / "disk"
        disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", str(disk)], check=True)
        site.write_configuration(record=str(disk / "record.pcapng"))
        site.up()
        site.create_channel(mtkRepetition="0.1s")
        # Its own recording, on another disk, is whole.
        site.member_with_receiver("one", "member")
        self.fill(disk, 1 << 10)
        def lost():
            return site.metric("keymast_record_lost_total ")
        wait_for(lost, 60, "datagrams are missing from the recording")
        before = lost()
        wait_for(lambda: lost() > before, 60, "and more of them")
        self.assertEqual(site.keymastd.log().count('"record_incomplete"'), 1)
        prove(site, site.ctl)

    def test_failing_sync_closes_the_store(self):
        site = self.site.init()
        site.start_server(under=["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e",
                                 "trace=fdatasync,fsync,sync_file_range", "-e",
                                 "inject=fdatasync:error=EIO:when=40+"])
        site.start_api()
        site.wait_ready()
        site.create_channel()
        member = site.member_with_receiver("one", "member")
        def closed():
            site.ctl.run("channels", "update", "one", "--display-name", str(time.time()))
            return site.ctl.call("status").get("storeState") == "CLOSED"
        wait_for(closed, 60, "the store is closed for writing")
        heard = member.last.get("discards", {}).get("already_held", 0)
        wait_for(lambda: member.last.get("discards", {}).get("already_held", 0) > heard, 10,
                 "keys on air keep being repeated")
        prove(site, site.ctl)

    def test_no_room_in_the_queue_of_the_interface(self):
        site = self.site.init()
        refused = 30
        site.start_server(under=[
            "strace", "-D", "-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-e", "trace=sendmmsg", "-e",
            f"inject=sendmmsg:error=ENOBUFS:when=20..{20 + refused - 1}"])
        site.start_api()
        site.wait_ready()
        site.create_channel(mtkRepetition="0.1s")
        member = site.member_with_receiver("one", "member")
        def lost():
            return site.metric('keymast_send_errors_total{reason="no_buffer_space"} ')
        wait_for(lambda: lost() >= refused, 60, "each datagram that was refused is counted")
        wait_for(lambda: '"sending_again"' in site.keymastd.log(), 20, "it is over")
        heard = member.last.get("discards", {}).get("already_held", 0)
        wait_for(lambda: member.last.get("discards", {}).get("already_held", 0) > heard + 5, 10,
                 "keys on air keep being repeated")
        self.assertEqual(lost(), refused)
        self.assertEqual(site.keymastd.log().count('"send_failed"'), 1)
        prove(site, site.ctl, steady=True)


if __name__ == "__main__":
    unittest.main(verbosity=2)
