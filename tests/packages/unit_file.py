# SPDX-License-Identifier: Apache-2.0
"""A systemd unit as its text says it: settings by name, and the system calls that it leaves."""

import functools
import pathlib
import subprocess


class UnitFile:
    def __init__(self, path, instance=""):
        self.path = pathlib.Path(path)
        self._settings = {}
        self._read(self.path, instance)
        for folder in ("/etc/systemd/system", "/run/systemd/system"):
            for more in sorted(pathlib.Path(folder, f"{self.path.name}.d").glob("*.conf")):
                self._read(more, instance)

    def _read(self, path, instance):
        for line in path.read_text().splitlines():
            if not line or line[0] in "#[":
                continue
            name, _, value = line.partition("=")
            if not value.strip():
                self._settings[name] = [""]  # what came before counts no more
                continue
            self._settings.setdefault(name, []).append(value.strip().replace("%i", instance))

    def all(self, name):
        return self._settings.get(name, [])

    def one(self, name, fallback=""):
        return self.all(name)[-1] if self.all(name) else fallback

    def words(self, name):
        return [word for value in self.all(name) for word in value.split()]

    def is_on(self, name):
        return self.one(name) == "yes"

    def system_calls(self):
        """Names of the calls that SystemCallFilter= allows: an allow list, less what follows a ~."""
        allowed = set()
        for value in self.all("SystemCallFilter"):
            names = set()
            for word in value.removeprefix("~").split():
                names |= calls_of(word)
            allowed = allowed - names if value.startswith("~") else allowed | names
        return allowed


@functools.lru_cache(maxsize=None)
def calls_of(name):
    """The calls of a set, as this systemd has it, or the call itself."""
    if not name.startswith("@"):
        return frozenset([name])
    text = subprocess.run(["systemd-analyze", "--no-pager", "syscall-filter", name], check=True,
                          capture_output=True, text=True).stdout
    names = [line.strip() for line in text.splitlines()[1:] if line.strip()]
    return frozenset().union(*(calls_of(each) for each in names if not each.startswith("#")))
