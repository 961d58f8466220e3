# SPDX-License-Identifier: Apache-2.0
"""A system of its own for tests of packages: this machine's files with what changes kept apart, in
namespaces of mounts, processes and networks. What a test does in it leaves nothing behind.
"""

import itertools
import os
import pathlib
import socket
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(os.environ["KEYMAST_SOURCE_DIR"])
PACKAGES = pathlib.Path(os.environ["KEYMAST_PACKAGES"])
HERE = pathlib.Path(__file__).resolve().parent
LEFT_OUT = 77  # what ctest takes for a test that was left out

sys.path.insert(0, str(HERE.parent / "integration"))


def enter():
    """Runs this program again in namespaces of its own; status 77 where that may not be."""
    if os.environ.get("KEYMAST_INSIDE") == "1":
        return
    namespaces = ["unshare", "--mount", "--pid", "--net", "--fork", "--kill-child"]
    probe = subprocess.run(
        [*namespaces, "sh", "-c", "mount -t tmpfs tmpfs /mnt && mkdir /mnt/u /mnt/w /mnt/r && mount "
         "-t overlay overlay -o lowerdir=/,upperdir=/mnt/u,workdir=/mnt/w /mnt/r && "
         "test -x /mnt/r/usr/bin/python3"], capture_output=True, text=True)
    if probe.returncode != 0:
        print("LEFT OUT: a system of its own needs root, namespaces and overlayfs:\n" + probe.stderr)
        sys.exit(LEFT_OUT)
    os.environ["KEYMAST_INSIDE"] = "1"
    os.execvp(namespaces[0], [*namespaces, sys.executable, *sys.argv])


class Notices:
    """Where a service says that it is ready."""

    _numbers = itertools.count(1)

    def __init__(self):
        self.name = f"@keymast-notices-{next(self._numbers)}"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + self.name[1:])
        self._socket.setblocking(False)
        self.texts = []

    def close(self):
        self._socket.close()

    def has(self, text):
        while True:
            try:
                self.texts += self._socket.recv(4096).decode().splitlines()
            except BlockingIOError:
                return text in self.texts


class System:
    """The root of a system; `packages` and `source` are at /mnt in it."""

    def __init__(self):
        self._folder = tempfile.mkdtemp(prefix="keymast-system-")
        top = pathlib.Path(self._folder)
        self.root = top / "root"
        self._mount("--make-rprivate", "/")
        self._mount("-t", "tmpfs", "tmpfs", top)
        for name in ("upper", "work", "root"):
            (top / name).mkdir()
        self._mount("-t", "overlay", "overlay", "-o",
                    f"lowerdir=/,upperdir={top}/upper,workdir={top}/work", self.root)
        for path, kind in (("proc", "proc"), ("run", "tmpfs"), ("tmp", "tmpfs"), ("mnt", "tmpfs")):
            self._mount("-t", kind, kind, self.root / path)
        self._mount("--rbind", "/dev", self.root / "dev")
        for path, name in ((SOURCE, "source"), (PACKAGES, "packages")):
            (self.root / "mnt" / name).mkdir()
            self._mount("--bind", path, self.root / "mnt" / name)
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        self.processes = []

    @staticmethod
    def _mount(*words):
        subprocess.run(["mount", *[str(word) for word in words]], check=True)

    def run(self, command, folder="/", check=True):
        """A line of shell as root, in `folder` of the system."""
        done = subprocess.run(
            ["chroot", self.root, "sh", "-c", f"cd {folder} && {command}"], capture_output=True,
            text=True, stdin=subprocess.DEVNULL, timeout=120,
            env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                 "HOME": "/root", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"})
        if check and done.returncode != 0:
            raise AssertionError(f"{command}\n{done.stdout}{done.stderr}")
        return done

    def start(self, name):
        """Starts an installed unit as confined.py does, and returns it when it says that it is ready."""
        from harness import Process, wait_for
        template, at, instance = name.partition("@")
        unit = f"/lib/systemd/system/{template}{'@' if at else ''}.service"
        notices = Notices()
        log = pathlib.Path(self._folder) / f"{name}.log"
        process = Process(name, ["env", f"NOTIFY_SOCKET={notices.name}", "unshare", "--mount", "chroot",
                                 self.root, "/usr/bin/python3",
                                 "/mnt/source/tests/packages/confined.py", unit, instance], log)
        process.notices = notices
        self.processes.append(process)

        def is_up():
            if not process.running():
                raise AssertionError(f"{name} ended: {process.log()}")
            return notices.has("READY=1")
        wait_for(is_up, 60, lambda: f"{name} is ready: {process.log()}")
        return process

    def close(self):
        for process in reversed(self.processes):
            if process.running():
                process.kill()
            process.notices.close()
        subprocess.run(["umount", "--lazy", self._folder], check=True)
        os.rmdir(self._folder)
