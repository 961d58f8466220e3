#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The demo's frame numbers through real x264: every one comes back, none is misread, and the contact
sheet of them is a PNG that another program can read."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

BIN = pathlib.Path(os.environ["KEYMAST_BIN"])
FRAMES, TAIL = 260, 10
RAW = "-f rawvideo -s 320x180".split()


def x264(bit_rate):
    return ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "25", "-b:v",
            bit_rate, "-f", "h264", "pipe:1"]


class Codec(unittest.TestCase):
    def setUp(self):
        if not shutil.which("ffmpeg"):
            if os.environ.get("CI"):
                self.fail("ffmpeg is missing: scripts/install media")
            self.skipTest("ffmpeg is missing: the round trip through x264 is left out")
        self.folder = tempfile.TemporaryDirectory(prefix="keymast-codec-")
        self.addCleanup(self.folder.cleanup)
        self.thumbs = pathlib.Path(self.folder.name, "thumbs")

    def read_back(self, bit_rate):
        ffmpeg = ["ffmpeg", "-nostdin", "-loglevel", "error"]
        stages = [
            [BIN / "keymast-demo-generator", "--frames", str(FRAMES), "--tail", str(TAIL), "--fast"],
            [*ffmpeg, "-pix_fmt", "yuv420p", *RAW, "-r", "25", "-i", "pipe:0", *x264(bit_rate)],
            [*ffmpeg, "-f", "h264", "-i", "pipe:0", "-fps_mode", "passthrough", "-pix_fmt", "rgb24",
             *RAW, "pipe:1"],
            [BIN / "keymast-demo-reader", "--thumbs", self.thumbs],
        ]
        feed, running = subprocess.DEVNULL, []
        for stage in stages:
            process = subprocess.Popen([str(word) for word in stage], stdin=feed,
                                       stdout=subprocess.PIPE)
            if running:
                feed.close()
            feed = process.stdout
            running.append(process)
        text, _ = running[-1].communicate(timeout=120)
        self.assertEqual([process.wait() for process in running], [0, 0, 0, 0])
        return [json.loads(line) for line in text.splitlines()]

    def test_every_frame_comes_back(self):
        for bit_rate in ("400k", "150k"):
            with self.subTest(bit_rate):
                lines = self.read_back(bit_rate)
                self.assertEqual([line.get("frame") for line in lines], list(range(FRAMES + TAIL)))
                self.assertEqual([line["tail"] for line in lines], [False] * FRAMES + [True] * TAIL)

    def test_contact_sheet_is_a_png(self):
        self.read_back("400k")
        sheet = pathlib.Path(self.folder.name, "sheet.png")
        done = subprocess.run([BIN / "keymast-demo-sheet", "--out", sheet, "--seconds", "10",
                               "--step", "2", "--row", f"member-1={self.thumbs}", "--row",
                               "expelled=/nonexistent"], check=False)
        self.assertEqual(done.returncode, 0)
        decoded = subprocess.run(["ffmpeg", "-nostdin", "-loglevel", "error", "-i", sheet, "-f",
                                  "rawvideo", "-pix_fmt", "rgb24", "pipe:1"], capture_output=True,
                                 check=True).stdout
        width, height = 130 + 5 * 83, 20 + 2 * 48
        self.assertEqual(len(decoded), width * height * 3)
        cell = [sum(decoded[((20 + row * 48 + 22) * width + 130 + 4 * 83 + 40) * 3:][:3])
                for row in (0, 1)]
        self.assertGreater(cell[0], 100)
        self.assertEqual(cell[1], 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
