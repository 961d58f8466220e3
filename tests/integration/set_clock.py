# SPDX-License-Identifier: Apache-2.0
"""The wall clock of one program, which a test sets while it runs; its steady clocks and its timers are
the machine's."""

import os
import pathlib

from harness import BIN

FAKETIME = next((path for path in (
    f"/usr/lib/{machine}-linux-gnu/faketime/libfaketimeMT.so.1" for machine in ("x86_64", "aarch64"))
    if os.path.exists(path)), None)
TIMERS = BIN / "steady_timers.so"


class SetClock:
    def __init__(self, folder):
        assert FAKETIME, "Debian's package libfaketime is not installed"
        assert TIMERS.exists(), f"{TIMERS} is not built: without it timers follow the clock that is set"
        self.offset = pathlib.Path(folder, "offset")
        self.set(0)

    def set(self, seconds):
        """Against the clock of the machine. The program reads the file at each look: it must never see half
        of it."""
        draft = pathlib.Path(f"{self.offset}.new")
        draft.write_text(f"{seconds:+}\n")
        os.replace(draft, self.offset)

    @property
    def under(self):
        """For Site.start_server."""
        options = f"{os.environ.get('ASAN_OPTIONS', '')}:verify_asan_link_order=0"
        return ["env", f"LD_PRELOAD={TIMERS} {FAKETIME}",
                f"FAKETIME_TIMESTAMP_FILE={self.offset}", "FAKETIME_NO_CACHE=1",
                "FAKETIME_DONT_FAKE_MONOTONIC=1", f"ASAN_OPTIONS={options}"]
