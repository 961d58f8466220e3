#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""keymastctl in the shells and with man, and by reflection against the real keymast-api."""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True

from harness import BIN, PATIENCE, Ctl, Site, wait_for  # noqa: E402 (no byte code in the tree)

GROUPS = ["channels", "subscribers", "members", "headends", "schedules", "rekeys", "operations", "audit",
          "backups", "master-key"]
# A socket file whose callers may call everything but what is for headends.
EVERYTHING = """
log_level = "debug"
[[sockets]]
name = "all"
[[grants]]
socket = "all"
role = "operator"
[[grants]]
socket = "all"
role = "auditor"
"""
# What is no command: a headend proves its key, and these are asked by whoever lists and by watchdogs.
WITHOUT_COMMAND = {"Headends.TrafficKeys"}
ANSWER_EVERYBODY = ("grpc.reflection.", "grpc.health.")
# Commands that call no method of their own: files alone, views of several, and whatever is asked for.
WITHOUT_METHOD = {("audit", "verify"), ("top",), ("explain",), ("call",), ("list",), ("describe",),
                  ("completion",), ("man",)}
# What commands need beyond words and files that are there.
MORE = {
    ("channels", "create"): ["--file", "{root}/channel.json"],
    ("channels", "update"): ["--display-name", "new"],
    ("members", "update"): ["--from", "none"],
    ("headends", "update"): ["--channel", "absent"],
    ("schedules", "create"): ["--cron", "0 3 * * *"],
    ("schedules", "update"): ["--pause"],
    ("watch",): ["--limit", "1"],
}
# What a command looks up before it makes the call of its own.
THERE = {("subscribers", "update"): "member"}
FILLED = {"NAI": "absent@example.org", "ADDRESS:PORT": "127.0.0.1:9", "HEX": "09" + 31 * "00", "ID": 16 * "0",
          "REKEY": "1", "OPERATION": "1", "BACKUP": "absent"}


def output(*argv, **more):
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=PATIENCE, **more)
    assert done.returncode == 0, f"{argv}: {done.stderr}"
    assert not done.stderr, f"{argv}: {done.stderr}"
    return done.stdout


class Pages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="keymast-ctl-")
        cls.root = pathlib.Path(cls.temporary.name)
        output(BIN / "keymastctl", "man", "--directory", cls.root)
        output(BIN / "keymastctl", "completion", "--directory", cls.root)

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def test_manual_pages_are_whole_and_without_a_warning(self):
        pages = sorted(self.root.glob("*.1"))
        self.assertEqual([page.name for page in pages],
                         sorted(["keymastctl.1"] + [f"keymastctl-{group}.1" for group in GROUPS]))
        for page in pages:
            output("groff", "-ww", "-man", "-z", page)
        text = output("groff", "-man", "-Tascii", "-P-cbou", self.root / "keymastctl-channels.1")
        self.assertIn("channels create CHANNEL", text)
        self.assertIn("--mtk-period DURATION", text)
        self.assertEqual(output(BIN / "keymastctl", "man", "channels"),
                         (self.root / "keymastctl-channels.1").read_text())

    def bash(self, *words):
        script = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _keymastctl; '
                  'printf "%s\\n" "${COMPREPLY[@]}"')
        return output("bash", "-c", script, "bash", self.root / "keymastctl", "keymastctl",
                      *words).split()

    def test_bash_completes_commands_options_and_values(self):
        self.assertEqual(self.bash("chan"), ["channels"])
        self.assertEqual(self.bash("channels", "cr"), ["create"])
        self.assertEqual(self.bash("-o", "json", "members", "batch-"), ["batch-add", "batch-get"])
        self.assertIn("--mtk-period", self.bash("channels", "create", "news", "--"))
        self.assertIn("--server", self.bash("channels", "create", "news", "--"))
        self.assertNotIn("--mtk-period", self.bash("channels", "list", "--"))
        self.assertEqual(self.bash("rekeys", "now", "news", "--level", ""), ["mtk", "msk"])
        self.assertEqual(self.bash("status", "--output", "y"), ["yaml"])
        self.assertEqual(self.bash("completion", "z"), ["zsh"])
        (self.root / "channel.json").touch()
        self.assertEqual(self.bash("channels", "create", "news", "--file", f"{self.root}/chan"),
                         [f"{self.root}/channel.json"])

    @unittest.skipUnless(shutil.which("fish"), "no fish")
    def test_fish_completes_the_same(self):
        path = self.root / "keymastctl.fish"
        output("fish", "--no-execute", path)

        def ask(line):
            found = output("fish", "--no-config", "-c", f"source {path}; complete -C '{line}'")
            return [row.split("\t")[0] for row in found.splitlines()]
        self.assertEqual(ask("keymastctl chan"), ["channels"])
        self.assertEqual(ask("keymastctl channels cr"), ["create"])
        self.assertEqual(sorted(ask("keymastctl rekeys now news --level ")), ["msk", "mtk"])
        self.assertIn("--mtk-period", ask("keymastctl channels create news --mtk-p"))
        self.assertEqual(ask("keymastctl completion z"), ["zsh"])

    @unittest.skipUnless(shutil.which("zsh"), "no zsh")
    def test_zsh_completes_the_same(self):
        path = self.root / "_keymastctl"
        output("zsh", "-n", path)
        # The functions of zsh's own that it is called by, in place of a terminal.
        script = ("compdef() { }; source $1; shift; compadd() { print -l -- ${@:#--}; }; "
                  "_files() { print files; }; "
                  "_describe() { print -l -- ${(P)@[-1]}; }; "
                  "words=($@); CURRENT=$#; _keymastctl")

        def ask(*words):
            return output("zsh", "-f", "-c", script, "zsh", path, "keymastctl", *words).splitlines()
        self.assertIn("channels:Broadcast channels", ask("chan"))
        self.assertIn("create:Create a channel and its first keys", ask("channels", ""))
        self.assertEqual(ask("rekeys", "now", "news", "--level", ""), ["mtk", "msk"])
        self.assertIn("--mtk-period:MTK life, as 10s", ask("channels", "create", "news", "-"))
        self.assertEqual(ask("channels", "create", "news", "--file", ""), ["files"])


class Reflection(unittest.TestCase):
    """What the server says of itself, and what is called by it."""

    @classmethod
    def setUpClass(cls):
        cls.site = Site("ctl")
        cls.addClassCleanup(cls.site.close)
        with open(cls.site.root / "keymast-api.toml", "a") as file:
            file.write(EVERYTHING)
        cls.site.up()
        cls.site.create_channel("one")

    def ctl(self, *words, **more):
        return output(BIN / "keymastctl", "--server", self.site.ctl.server, *words, **more)

    def test_services_and_methods_are_listed(self):
        self.assertIn("keymast.v1.Channels\n", self.ctl("list"))
        self.assertIn("keymast.v1.Channels.GetChannel", self.ctl("list", "Channels"))
        self.assertIn("stream grpc.reflection.v1alpha.ServerReflectionRequest",
                      self.ctl("list", "grpc.reflection.v1alpha.ServerReflection"))
        self.assertEqual(json.loads(self.ctl("call", "grpc.health.v1.Health.Check")),
                         {"status": "SERVING"})

    def test_declarations_have_numbers(self):
        self.assertIn("  string name = 1;", self.ctl("describe", "Channel"))
        self.assertIn("rpc Watch(.keymast.v1.WatchRequest) returns (stream .keymast.v1.Event)",
                      self.ctl("describe", "Rekeys.Watch").replace("( .", "(."))

    def test_methods_are_called(self):
        channel = json.loads(self.ctl("call", "Channels.GetChannel", '{"name": "channels/one"}'))
        for field in ("name", "multicast", "streams", "policy", "createTime"):
            self.assertEqual(channel[field], self.site.ctl.call("channels", "get", "one")[field])

    def test_a_stream_of_requests_is_a_line_each(self):
        answers = self.ctl("call", "grpc.reflection.v1alpha.ServerReflection.ServerReflectionInfo",
                           input='{"listServices": "*"}\n{"fileByFilename": "absent"}\n').splitlines()
        self.assertEqual(len(answers), 2)
        self.assertIn("keymast.v1.Channels", answers[0])
        self.assertEqual(json.loads(answers[1])["errorResponse"]["errorCode"], 5)

    def test_a_refusal_is_told_as_by_any_command(self):
        status, text = self.site.ctl.fails("call", "Channels.GetChannel", '{"name": "channels/two"}')
        self.assertEqual(status, 3)
        self.assertIn("[not_found]", text)

    def test_what_is_not_there_is_not_found(self):
        self.assertEqual(self.site.ctl.fails("call", "Channels.Forget")[0], 3)
        self.assertEqual(self.site.ctl.fails("describe", "Nothing")[0], 3)

    def test_a_view_has_its_rounds(self):
        self.assertEqual(self.ctl("top", "--limit", "2").count("CHANNEL"), 2)

    def test_explain_tells_of_a_real_channel(self):
        self.assertIn("on air            MSK ", self.ctl("explain", "one"))
        # It joins a change that is on its way, as the end of the period may have begun one.
        wait_for(lambda: self.site.ctl.call("rekeys", "now", "one", "--level", "msk")["reason"] == "OPERATOR",
                 90, "no other change is under way")
        # Of MTKs many follow.
        told = re.compile("^last rekey +MTK .*: the period of the policy ended\n"
                          "last MSK change +MSK .*: an operator asked for it$", re.MULTILINE)
        wait_for(lambda: told.search(self.ctl("explain", "one")), 20, "both are told")

    def methods(self):
        """By reflection of the live server, without those that answer everybody."""
        services = [name for name in self.ctl("list").split() if not name.startswith(ANSWER_EVERYBODY)]
        rows = [row for service in services for row in self.ctl("list", service).splitlines()]
        return {row.split()[0].removeprefix("keymast.v1.") for row in rows if not row.startswith("METHOD ")}

    def leaves(self, *path):
        """(words of a command, all that it must be given): (NAME, '') or (--option, PLACEHOLDER)."""
        text = output(BIN / "keymastctl", *path, "--help")
        below = re.search(r"^Subcommands:\n((?:  .*\n?)+)", text, re.MULTILINE)
        if not below:
            yield path, re.findall(r"^  ([A-Z]+|--\S+(?= [A-Z]))(?: \.\.\.)? ?(\S*) REQUIRED", text, re.MULTILINE)
            return
        for name in re.findall(r"^  (\S+) ", below[1], re.MULTILINE):
            yield from self.leaves(*path, name)

    def words_of(self, path, required):
        """Of a command that asks for what is not there, and harms nothing where it is."""
        root = self.site.root
        csv = {("subscribers", "batch-create"): f"absent,absent@example.org,{root}/absent.key",
               ("members", "batch-add"): "absent,127.0.0.1:9"}
        (root / "absent.csv").write_text(csv.get(path, "absent") + "\n")
        words = list(path)
        for name, placeholder in required:
            file = {"--csv": "absent.csv", "--credential-file": "absent.key", "FILE": "out"}.get(name)
            value = f"{root}/{file}" if file else FILLED.get(placeholder or name, THERE.get(path, "absent"))
            words += [name, value] if name.startswith("--") else [value]
        return words + [word.format(root=root) for word in MORE.get(path, ())]

    def test_each_method_of_the_live_server_has_a_command(self):
        site = self.site
        site.new_key("absent")
        site.create_subscriber("member")
        (site.root / "channel.json").write_text(json.dumps(site.channel_definition("absent", "239.255.42.9")))
        everything = Ctl(f"unix:{site.root}/all.sock")
        methods, leaves = self.methods(), dict(self.leaves())
        self.assertGreater(len(methods), 50)
        self.assertLessEqual(WITHOUT_METHOD, leaves.keys())

        def called():
            """Calls by all.sock that ended so far."""
            return [json.loads(line)["method"] for line in site.api.log().splitlines(keepends=True)
                    if line.endswith("\n") and '"event":"call"' in line and "unix:all" in line]
        for path in sorted(leaves.keys() - WITHOUT_METHOD):
            before = len(called())
            done = everything.run(*self.words_of(path, leaves[path]))
            wait_for(lambda: len(called()) > before, 60, lambda: f"{path} calls something: {done.stderr}")
            self.assertNotIn("unimplemented", done.stderr.lower(), path)
        self.assertEqual(set(called()), methods - WITHOUT_COMMAND)


if __name__ == "__main__":
    unittest.main()
