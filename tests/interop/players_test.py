# SPDX-License-Identifier: Apache-2.0
"""Unmodified players show every frame that keymast-receiver hands on, over key changes and a wrap.

Their lines are those of docs/receiver.md, with a frame reader where the screen would be.
"""

import unittest

import media
from harness import BIN, Site, wait_for

FRAMES = 10 * media.RATE
TO_RGB = "videoconvert ! video/x-raw,format=RGB ! fdsink"


def ffmpeg(sdp, _):
    return ["ffmpeg", "-nostdin", "-loglevel", "error", "-protocol_whitelist", "file,udp,rtp", "-i",
            sdp, "-map", "0:v", "-fps_mode", "passthrough", "-pix_fmt", "rgb24", "-f", "rawvideo",
            "pipe:1"]


def playbin(sdp, _):
    return ["gst-launch-1.0", "-q", "playbin", f"uri=sdp://{sdp}", f"video-sink={TO_RGB}",
            "audio-sink=fakesink"]


def udpsrc(_, port):
    caps = "application/x-rtp,media=video,clock-rate=90000,encoding-name=H264"
    return ["gst-launch-1.0", "-q", "udpsrc", f"port={port}", "buffer-size=1048576", f"caps={caps}",
            "!", "rtpjitterbuffer", "!", "rtph264depay", "!", "avdec_h264", "!", *TO_RGB.split()]


class Players(unittest.TestCase):
    def setUp(self):
        self.site = Site("players")
        self.addCleanup(self.site.close)

    def start(self, line):
        """A member's receiver and behind it the player; both are ready for the first packet."""
        site, name = self.site, line.__name__
        video, audio = media.free_pair(), media.free_pair()
        sdp = site.root / f"{name}.sdp"
        receiver = media.member(site, f"receiver-{name}", BIN / "keymast-receiver", "--forward",
                                f"video=127.0.0.1:{video},audio=127.0.0.1:{audio}", "--write-sdp",
                                sdp)
        wait_for(lambda: receiver.last.get("mtk_id"), 20, f"{name}'s receiver holds an MTK")
        player = media.Pipe(site, name, line(sdp, video), [BIN / "keymast-demo-reader"])
        self.addCleanup(player.kill)
        media.wait_bound(video, name)
        return name, receiver, player

    def test_show_every_frame(self):
        site = self.site
        media.on_air(site, first_sequence=65400, profile="AEAD_AES_128_GCM")
        started = [self.start(line) for line in (ffmpeg, playbin, udpsrc)]
        encoder = media.encoder(site, FRAMES)
        self.addCleanup(encoder.kill)
        encoder.wait(60)
        for name, _, player in started:
            wait_for(lambda: media.shown(player.lines, FRAMES - 1), 20, f"{name}: last frame")
        for name, receiver, player in started:
            self.assertEqual(receiver.stop(), 0, receiver.log())
            changes, seen = receiver.last["mtk_changes"], media.figures(player.lines)
            print(f"{name}: {changes} key changes, frames {seen.first}..{seen.last}, "
                  f"{seen.lost} lost, {seen.unreadable} unreadable", flush=True)
            self.assertGreaterEqual(changes, 5)
            self.assertEqual((seen.first, seen.last, seen.lost, seen.unreadable),
                             (0, FRAMES - 1, 0, 0))
            self.assertGreaterEqual(receiver.last["packets"]["video"]["index"], 1 << 16)


if __name__ == "__main__":
    unittest.main(verbosity=2)
