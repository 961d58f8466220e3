# SPDX-License-Identifier: Apache-2.0
"""What the interop tests add to the integration harness: an encoder, players, and frames told apart.

Pictures carry their number (demo/frame_code.h), so that a test knows which frames a player showed.
"""

import collections
import pathlib
import socket
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "integration"))

from harness import BIN, Process, wait_for  # noqa: E402

RATE = 25  # frames a second
TAIL = 25  # uncounted frames that push the last counted ones out of a decoder

Figures = collections.namedtuple("Figures", "first last decoded lost longest_hole unreadable")


def figures(lines):
    """Of a player's JSON lines. Lost are the numbers between the first and the last one shown."""
    lines = list(lines)
    numbers = sorted({line["frame"] for line in lines if line.get("tail") is False})
    unreadable = sum(1 for line in lines if line.get("unreadable"))
    if not numbers:
        return Figures(None, None, 0, 0, 0, unreadable)
    holes = [b - a - 1 for a, b in zip(numbers, numbers[1:])]
    return Figures(numbers[0], numbers[-1], len(numbers), sum(holes), max(holes, default=0),
                   unreadable)


def shown(lines, frame):
    return any(line.get("frame") == frame for line in list(lines))


def free_pair():
    """An even port that is free with the next one: RTP and RTCP."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as rtp, \
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as rtcp:
            rtp.bind(("127.0.0.1", 0))
            port = rtp.getsockname()[1]
            try:
                rtcp.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            if port % 2 == 0:
                return port


def wait_bound(port, what):
    """Until some process has bound this UDP port."""
    def is_bound():
        table = pathlib.Path("/proc/net/udp").read_text().splitlines()[1:]
        return any(line.split()[1].endswith(f":{port:04X}") for line in table)
    wait_for(is_bound, 20, f"{what} listens on {port}")


class Pipe:
    """`first | second`; JSON lines of the second one are kept in `lines`."""

    def __init__(self, site, name, first, second):
        with open(site.root / f"{name}.log", "ab") as log:
            self.first = subprocess.Popen([str(a) for a in first], stdin=subprocess.DEVNULL,
                                          stdout=subprocess.PIPE, stderr=log)
        self.second = Process(name, second, site.root / f"{name}-pipe.log", stdin=self.first.stdout)
        self.first.stdout.close()
        self.lines = self.second.lines

    def wait(self, seconds):
        """Until both ended by themselves."""
        assert self.first.wait(seconds) == 0
        assert self.second.popen.wait(seconds) == 0, self.second.log()

    def kill(self):
        if self.first.poll() is None:
            self.first.kill()
        self.first.wait()
        self.second.kill()


def on_air(site, first_sequence, profile="AES_CM_128_HMAC_SHA1_80"):
    """A channel with a key a second and an MSK every 6 s; its headend waits for the encoder."""
    site.up()
    definition = site.channel_definition(
        "one", "239.255.42.1", mtkPeriod="1s", mtkLead="0.500s", mtkRepetition="0.100s",
        mskPeriod="6s", mskLead="3s", mskGiveUp="1s")
    definition["srtpProfile"] = profile
    definition["streams"][0]["fmtp"] = "packetization-mode=1"
    for stream in definition["streams"]:
        stream["initialSequence"] = first_sequence
    site.create_channel(definition=definition)
    site.enrol_headend("one")
    site.start_headend()
    wait_for(lambda: site.headend.last.get("connected"), 20, "the headend is connected")


def member(site, name, *argv):
    """Subscriber, member and its program, which listens before the MSK is pushed."""
    site.create_subscriber(name)
    endpoint = site.add_member("one", name, join=False)
    program = site.start_process(name, *argv, "--sdp", site.root / "one.sdp", "--key-file",
                                 site.credentials[name], "--identity", f"{name}@example.org",
                                 "--listen", endpoint, "--interface", "127.0.0.1")
    wait_for(lambda: program.lines, 20, f"{name} runs")
    site.ctl.call("members", "join", "one", name)
    return program


def encoder(site, frames):
    """Numbered pictures as H.264, a tone as Opus, to the headend's inputs; ends by itself."""
    ports = site.inputs
    return Pipe(
        site, "encoder",
        [BIN / "keymast-demo-generator", "--frames", frames, "--tail", TAIL],
        ["ffmpeg", "-nostdin", "-loglevel", "error", "-threads", "1", "-f", "rawvideo", "-pix_fmt",
         "yuv420p", "-s", "320x180", "-r", RATE, "-i", "pipe:0", "-re", "-f", "lavfi", "-i",
         "sine=frequency=440:sample_rate=48000", "-map", "0:v", "-c:v", "libx264", "-preset",
         "ultrafast", "-tune", "zerolatency", "-g", RATE, "-keyint_min", RATE, "-sc_threshold", "0",
         "-b:v", "400k", "-x264-params", "repeat-headers=1:sliced-threads=0", "-payload_type", "96",
         "-f", "rtp", f"rtp://127.0.0.1:{ports['video']}?rtcpport={free_pair()}&pkt_size=1200",
         "-map", "1:a", "-c:a", "libopus", "-b:a", "48k", "-payload_type", "97", "-t",
         (frames + TAIL) / RATE, "-f", "rtp",
         f"rtp://127.0.0.1:{ports['audio']}?rtcpport={free_pair()}"])
