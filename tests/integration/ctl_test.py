#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""keymastctl in the shells and with man, and by reflection against the real keymast-api."""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True

from harness import BIN, Site  # noqa: E402 (no byte code in the tree)

GROUPS = ["channels", "subscribers", "members", "headends", "schedules", "rekeys", "operations", "audit",
          "backups", "master-key"]


def output(*argv, **more):
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=60, **more)
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
        cls.site.up()
        cls.site.create_channel("one")

    def ctl(self, *words, **more):
        return output(BIN / "keymastctl", "--server", self.site.ctl.server, *words, **more)

    def test_services_and_methods_are_listed(self):
        self.assertIn("keymast.v1.Channels\n", self.ctl("list"))
        self.assertIn("keymast.v1.Channels.GetChannel", self.ctl("list", "Channels"))
        self.assertIn("stream grpc.reflection.v1alpha.ServerReflectionRequest",
                      self.ctl("list", "grpc.reflection.v1alpha.ServerReflection"))

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


if __name__ == "__main__":
    unittest.main()
