# SPDX-License-Identifier: Apache-2.0
"""A token of SoftHSM in the folder of a site."""

import json
import os
import random
import subprocess

MODULE = "/usr/lib/softhsm/libsofthsm2.so"
LETTERS = bytes(set(range(256)) - set(b"\0\n"))


class SoftToken:
    def __init__(self, test, root, pin):
        self.root, self.pin = root, pin
        (root / "tokens").mkdir()
        (root / "softhsm.conf").write_text(
            f"directories.tokendir = {root}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
        os.environ["SOFTHSM2_CONF"] = f"{root}/softhsm.conf"
        test.addCleanup(os.environ.pop, "SOFTHSM2_CONF")
        self.run("--init-token", "--free", "--label", "keys", "--so-pin", "5678")
        self.write_pin(pin)

    def run(self, *words):
        argv = ["softhsm2-util", *map(str, words), "--pin", self.pin]
        done = subprocess.run(argv, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    def write_pin(self, pin):
        path = self.root / "pin.key"
        path.touch(mode=0o600)
        path.write_text(pin + "\n")

    def take(self, file, key_id):
        """A new key, which others have in `file`. The tool reads that as one line of text."""
        file.touch(mode=0o600)
        file.write_bytes(bytes(random.SystemRandom().choice(LETTERS) for _ in range(32)))
        self.run("--import", file, "--aes", "--token", "keys", "--label", "master", "--id", key_id)

    def table(self, name):
        """Of keymastd.toml."""
        return (f'[{name}]\npkcs11_module = "{MODULE}"\npkcs11_token = "keys"\npkcs11_key = "master"\n'
                f'pin_file = {json.dumps(str(self.root / "pin.key"))}\n')
