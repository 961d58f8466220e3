# SPDX-License-Identifier: Apache-2.0
"""A GStreamer receiver (gst_player) follows key changes, MSK changes and a wrap of the ROC.

It loses at most one frame a change, counted by the numbers in the pictures.
"""

import unittest

import media
from harness import BIN, Site, wait_for

FRAMES = 24 * media.RATE


def counters(player):
    return next(line for line in reversed(list(player.lines)) if "packets" in line)


class GStreamer(unittest.TestCase):
    def setUp(self):
        self.site = Site("gstreamer")
        self.addCleanup(self.site.close)

    def start_player(self, name):
        player = media.member(self.site, name, BIN / "gst_player")
        wait_for(lambda: counters(player)["keys_held"] > 0, 20, f"{name} holds an MTK")
        return player

    def check(self, player, first):
        """`first`: the frame that it must begin with, or None."""
        self.assertEqual(player.stop(), 0, player.log())
        end, seen = counters(player), media.figures(player.lines)
        print(f"{player.name}: {end['key_changes']} key changes, frames {seen.first}..{seen.last}, "
              f"{seen.lost} lost, {seen.unreadable} unreadable, {end['packets']} packets, "
              f"{end['opened']} opened, index {end['index']}, "
              f"remove-key {end['keys_removed']} times", flush=True)
        self.assertEqual(seen.last, FRAMES - 1)
        self.assertLessEqual(seen.lost, end["key_changes"])
        self.assertLessEqual(seen.longest_hole, 1)
        self.assertGreaterEqual(end["index"], 1 << 16, "the ROC wrapped")
        if first is not None:
            self.assertEqual(seen.first, first)
        return end["key_changes"]

    def test_follows_twenty_key_changes_and_a_wrap(self):
        site = self.site
        media.on_air(site, first_sequence=65250)
        player = self.start_player("player")
        encoder = media.encoder(site, FRAMES)
        self.addCleanup(encoder.kill)
        wait_for(lambda: counters(player).get("index", 0) > 1 << 16, 60, "the ROC wrapped")
        late = self.start_player("late")
        encoder.wait(60)
        for each in (player, late):
            wait_for(lambda: media.shown(each.lines, FRAMES - 1), 20, f"{each.name}: last frame")
        self.assertGreaterEqual(self.check(player, first=0), 20)
        self.check(late, first=None)


if __name__ == "__main__":
    unittest.main(verbosity=2)
