# SPDX-License-Identifier: Apache-2.0
"""An operator's days: calendars, plans, requests that are repeated, the audit log, backups that are
restored, and another master key, on real programs."""

import base64
import json
import re
import shutil
import time
import unittest

from harness import BIN, PATIENCE, Ctl, Site, wait_for

ONE_ID = "00112233-4455-4677-8899-aabbccddeeff"


class Operate(unittest.TestCase):
    def setUp(self):
        self.site = Site("operate")
        self.addCleanup(self.site.close)
        self.site.up()
        self.auditor = Ctl(f"unix:{self.site.root}/auditor.sock")
        self.site.create_channel()

    def ctl(self, *words):
        return self.site.ctl.call(*words)

    def restart(self, *options):
        self.site.keymastd.stop()
        self.site.start_server(*options)
        self.site.wait_ready()

    def records_of(self, method):
        records = self.auditor.call("audit", "list")["auditRecords"]
        return [one for one in records if one["method"] == method]

    def test_calendars_and_plans(self):
        member = self.site.member_with_receiver("one", "member")
        wait_for(lambda: member.last.get("mtk_id"), 20, "the receiver holds an MTK")
        plan = self.ctl("rekeys", "plan", "one", "--level", "msk")
        self.assertEqual(plan["recipients"], "1")
        self.assertGreater(int(plan["unicastOctets"]), 100)
        self.ctl("schedules", "create", "one", "night", "--cron", "0 4 * * *", "--jitter", "10m")
        self.ctl("schedules", "create", "one", "final", "--cron", "0 18 * * sun", "--blackout", "3h")
        upcoming = self.ctl("schedules", "upcoming", "one")["upcomingRekeys"]
        self.assertTrue(upcoming)
        self.assertIn("nextTime", self.ctl("schedules", "get", "one", "night"))
        told = self.site.run(BIN / "keymastctl", "--server", f"unix:{self.site.root}/operator.sock",
                             "explain", "one")
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertIn("next switch", told.stdout.lower())

    def test_a_suggested_jitter_spreads_channels_of_one_calendar(self):
        self.ctl("channels", "delete", "one")  # its period meets the calendar now and then
        names = [f"c{number}" for number in range(4)]
        hour = (time.gmtime().tm_hour + 12) % 24  # the next day's is not near
        self.site.create_subscriber("everywhere")
        for number, name in enumerate(names):
            definition = self.site.channel_definition(name, f"239.255.43.{number}", mtkPeriod="3600s",
                                                      mskPeriod="2000000s", mskLead="60s")
            definition["keyGroup"] = 10 + number
            self.site.create_channel(name, definition=definition)
            self.site.add_member(name, "everywhere")
            self.ctl("schedules", "create", name, "night", "--cron", f"0 {hour} * * *")

        def conflicts():
            found = self.ctl("schedules", "conflicts", "--horizon", "48h").get("rekeyConflicts", [])
            return [one for one in found if set(one["channels"]) & {f"channels/{name}" for name in names}]

        def most():
            """Messages a second at the worst instant."""
            return max((int(one["messagesPerSecond"]) for one in conflicts()), default=0)
        before = conflicts()
        self.assertTrue(before)
        for one in before:
            self.assertEqual(one["channels"], [f"channels/{name}" for name in names])
            self.assertEqual((one["recipients"], one["messagesPerSecond"]), ("4", "4"))
            self.assertEqual(one["suggestedJitter"], "60s", "the lead that they all have")
        planned = {self.ctl("schedules", "get", name, "night")["nextTime"] for name in names}
        self.assertEqual(len(planned), 1)
        for name in names:
            self.ctl("schedules", "update", name, "night", "--jitter", before[0]["suggestedJitter"])
        self.assertLess(most(), 4)
        planned = {self.ctl("schedules", "get", name, "night")["nextTime"] for name in names}
        self.assertGreater(len(planned), 1)

    def test_what_cannot_wait_pierces_a_blackout_and_is_counted(self):
        for name in ("away", "leaver"):
            self.site.create_subscriber(name)
            self.site.add_member("one", name)
        self.ctl("channels", "update", "one", "--leave-policy", "immediate")
        pierced = "keymast_blackouts_pierced_total{"

        def of(reason):
            return self.site.metric(f'{pierced}reason="{reason}"}} ')
        self.ctl("members", "leave", "one", "leaver")
        self.ctl("members", "join", "one", "leaver")
        self.assertEqual(self.site.metric(pierced), 0)
        self.ctl("schedules", "create", "one", "final", "--cron", "* * * * *", "--blackout", "3h")
        for reason, words in (("exclusion", ("members", "expel", "one", "away")),
                              ("leave", ("members", "leave", "one", "leaver")),
                              ("operator", ("rekeys", "now", "one", "--level", "msk"))):
            self.assertEqual(of(reason), 0)
            # A change that is asked for joins one under way.
            wait_for(lambda: not self.ctl("channels", "get", "one")["keyState"].get("nextMskId"), 60,
                     "no MSK is on its way")
            self.ctl(*words)
            wait_for(lambda: of(reason) == 1, 60, lambda: f"{reason} counts: {of(reason)}")
        self.assertEqual([of(reason) for reason in ("exclusion", "leave", "operator")], [1, 1, 1])

    def test_a_request_is_carried_out_once_also_across_a_kill(self):
        words = ("rekeys", "now", "one", "--level", "msk", "--request-id", ONE_ID)
        first = self.ctl(*words)
        self.assertEqual(self.ctl(*words), first)
        self.site.keymastd.kill()
        self.site.start_server()
        self.site.wait_ready()
        again = self.ctl(*words)
        self.assertEqual((again["name"], again["mskId"]), (first["name"], first["mskId"]))
        other = self.site.ctl.run("rekeys", "now", "one", "--level", "mtk", "--request-id", ONE_ID)
        self.assertEqual(other.returncode, 1)
        self.assertIn("request_id", other.stderr)

    def test_a_user_key_is_replaced_and_its_subscriber_goes_on(self):
        old = self.site.member_with_receiver("one", "member")
        wait_for(lambda: old.last.get("mtk_id"), PATIENCE, "the receiver holds an MTK")
        old.stop()
        self.site.credentials["member"] = self.site.new_key("other")
        new = self.site.start_receiver("one", "member", old.endpoint, suffix="-new")
        wait_for(lambda: new.lines, PATIENCE, "the receiver of the new key runs")
        before = self.ctl("subscribers", "get", "member")["etag"]
        self.ctl("subscribers", "update", "member", "--credential-file",
                 self.site.credentials["member"])
        wait_for(lambda: new.last.get("mtk_id"), PATIENCE, "the new key brings an MTK")
        msk = new.last["msk_id"]
        self.ctl("rekeys", "now", "one", "--level", "msk")
        wait_for(lambda: new.last["msk_id"] != msk, PATIENCE, "and the next MSK")
        self.assertNotEqual(self.ctl("subscribers", "get", "member")["etag"], before)
        again = self.site.ctl.run("subscribers", "update", "member", "--etag", before,
                                  "--credential-file", self.site.new_key("third"))
        self.assertIn("etag_mismatch", again.stderr)

    def test_the_audit_log_is_exported_and_holds(self):
        for name in ("two", "three"):
            self.site.create_subscriber(name)
        self.ctl("rekeys", "now", "one", "--level", "msk")
        self.restart()
        file = self.site.root / "audit.jsonl"
        self.auditor.call("audit", "export", str(file))
        records = [json.loads(line) for line in file.read_text().splitlines()]
        self.assertEqual([int(one["sequence"]) for one in records],
                         list(range(1, len(records) + 1)))
        methods = [one["method"] for one in records]
        for method in ("Channels.CreateChannel", "Subscribers.CreateSubscriber", "Rekeys.RekeyNow",
                       "start", "checkpoint"):
            self.assertIn(method, methods)
        end = self.ctl("status")["audit"]
        expect = f"{end['sequence']}:{base64.b64decode(end['hash']).hex()}"
        held = self.auditor.run("audit", "verify", str(file), "--status", "--expect", expect)
        self.assertEqual(held.returncode, 0, held.stderr)
        lines = file.read_text().splitlines(keepends=True)
        forged = [line.replace('"operator"', '"viewer"') if "RekeyNow" in line else line
                  for line in lines]
        for name, altered in (("forged", forged), ("cut", lines[:-1]), ("gap", lines[:2] + lines[3:])):
            other = self.site.root / f"{name}.jsonl"
            other.write_text("".join(altered))
            refused = self.auditor.run("audit", "verify", str(other), "--status", "--expect",
                                       expect)
            self.assertNotEqual(refused.returncode, 0, name)

    def test_each_channel_of_a_spread_rekey_is_on_record(self):
        definition = self.site.channel_definition("two", "239.255.43.2")
        definition["keyGroup"] = 10
        self.site.create_channel("two", definition=definition)
        done = self.ctl("rekeys", "run", "--level", "msk", "--spread", "2s", "--wait")
        begun, step = self.records_of("Rekeys.RekeyChannels")
        self.assertEqual(begun["items"], ["level=msk", "one", "two"])
        self.assertEqual(step["items"], ["two"])
        self.assertEqual(step["principal"], begun["principal"])
        self.assertEqual({begun["resource"], step["resource"]}, {done["name"]})
        self.assertEqual([len(one["keyIds"]) for one in (begun, step)], [1, 1])
        self.assertNotEqual(begun["keyIds"], step["keyIds"])

    def test_a_backup_is_a_store_to_start_from(self):
        self.site.create_subscriber("kept")
        done = self.ctl("backups", "create", "first", "--wait")
        self.assertTrue(done["done"])
        self.assertNotIn("error", done)
        self.assertEqual(self.records_of("Server.CreateBackup")[0]["items"], ["backups/first"])
        self.site.create_subscriber("later")
        backups = self.ctl("backups", "list")["backups"]
        self.assertEqual(self.ctl("backups", "get", "first"), backups[0])
        self.assertEqual([one["name"] for one in backups], ["backups/first"])
        twice = self.site.ctl.run("backups", "create", "first")
        self.assertEqual(twice.returncode, 1)
        self.site.keymastd.stop()
        shutil.move(self.site.root / "data", self.site.root / "lost")
        shutil.copytree(self.site.root / "backups/first", self.site.root / "data")
        refused = self.site.run(BIN / "keymastd", "run", "--config",
                                self.site.root / "keymastd.toml")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("--accept-rollback", refused.stderr)
        self.site.start_server("--accept-rollback")
        self.site.wait_ready()
        names = [one["name"] for one in self.ctl("subscribers", "list")["subscribers"]]
        self.assertEqual(names, ["subscribers/kept"])
        self.ctl("backups", "delete", "first")
        self.assertFalse(self.ctl("backups", "list").get("backups"))
        self.assertFalse((self.site.root / "backups/first").exists())

    def test_the_master_key_changes_while_it_is_in_use(self):
        root = self.site.root
        for number in range(3):
            self.site.create_subscriber(f"s{number}")
        old = self.ctl("status")["masterKeyId"]
        key = self.site.new_key("next", 32)
        text = (root / "keymastd.toml").read_text()
        # A table behind all keys of the top.
        (root / "keymastd.toml").write_text(
            text + f'\n[next_master_key]\nfile = {json.dumps(str(key))}\n')
        refused = self.site.ctl.run("master-key", "rotate", "--old", old, "--new", "0" * 16, "--wait")
        self.assertNotEqual(refused.returncode, 0)
        found = re.search(r"configured is ([0-9a-f]{16})", refused.stdout + refused.stderr)
        self.assertIsNotNone(found, refused.stdout + refused.stderr)
        new = found[1]
        done = self.ctl("master-key", "rotate", "--old", old, "--new", new, "--wait")
        self.assertTrue(done["done"])
        self.assertEqual(self.ctl("status")["masterKeyId"], new)
        self.assertEqual(self.records_of("Server.RotateMasterKey")[-1]["items"], [old, new])
        self.restart()
        self.assertEqual(len(self.ctl("subscribers", "list")["subscribers"]), 3)
        self.assertGreater(len(self.auditor.call("audit", "list")["auditRecords"]), 4)
        # The old key alone opens nothing any more.
        self.site.keymastd.stop()
        (root / "keymastd.toml").write_text(text)
        refused = self.site.run(BIN / "keymastd", "run", "--config", root / "keymastd.toml")
        self.assertEqual(refused.returncode, 1)
        self.assertIn(new, refused.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
