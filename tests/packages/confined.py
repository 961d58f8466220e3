# SPDX-License-Identifier: Apache-2.0
"""confined.py UNIT [INSTANCE]: runs the ExecStart= of a unit under what the unit asks for, as far as
that goes without systemd as process 1: user and groups, folders, a file system that is read-only but
for these, no capability, the system calls and address families of its filters, limits.
Not applied are cgroups (MemoryMax=, DeviceAllow=) and namespaces of devices and users. To be called as
root in a mount namespace of its own.
"""

import ctypes
import errno
import grp
import os
import pathlib
import pwd
import resource
import shlex
import socket
import subprocess
import sys

from unit_file import UnitFile

LIBC = ctypes.CDLL(None, use_errno=True)
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_SET_MDWE = 24, 38, 65
SCMP_ACT_ALLOW, SCMP_CMP_EQ = 0x7fff0000, 4
LAST_CAPABILITY = 63


class Comparison(ctypes.Structure):
    """struct scmp_arg_cmp"""
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64),
                ("b", ctypes.c_uint64)]


def mount(*words):
    subprocess.run(["mount", *words], check=True)


def make_folders(unit, user):
    """State and runtime folders as systemd makes them; returns their paths."""
    made = []
    for kind, base in (("State", "/var/lib"), ("Runtime", "/run")):
        for name in unit.words(f"{kind}Directory"):
            path = pathlib.Path(base, name)
            path.mkdir(parents=True, exist_ok=True)
            path.chmod(int(unit.one(f"{kind}DirectoryMode", "0755"), 8))
            os.chown(path, user.pw_uid, user.pw_gid)
            made.append(str(path))
    return made


def protect(unit, writable):
    """ProtectSystem=strict, ProtectHome=, PrivateTmp=, InaccessiblePaths=, ReadWritePaths=: a second
    view of the root, in which the program is shut."""
    assert unit.one("ProtectSystem") == "strict"
    view = f"/mnt/view-of-{os.getpid()}"
    os.mkdir(view)
    mount("--rbind", "/", view)
    for path in writable + unit.words("ReadWritePaths"):
        mount("--bind", path, view + path)
    for path in ("", "/run", "/mnt"):
        mount("-o", "remount,ro,bind", view + path)
    hidden = unit.words("InaccessiblePaths")
    hidden += ["/home", "/root"] if unit.is_on("ProtectHome") else []
    for path in hidden:
        if pathlib.Path(path.removeprefix("-")).exists():
            mount("-t", "tmpfs", "-o", "ro,mode=0000", "tmpfs", view + path.removeprefix("-"))
    if unit.is_on("PrivateTmp"):
        mount("-t", "tmpfs", "tmpfs", view + "/tmp")
    os.chroot(view)
    os.chdir("/")


def limit(unit):
    for name, kind in (("CORE", resource.RLIMIT_CORE), ("NOFILE", resource.RLIMIT_NOFILE),
                       ("MEMLOCK", resource.RLIMIT_MEMLOCK)):
        value = unit.one(f"Limit{name}")
        if value:
            number = resource.RLIM_INFINITY if value == "infinity" else int(value)
            try:
                resource.setrlimit(kind, (number, number))
            except ValueError:  # this machine does not let even root have it
                resource.setrlimit(kind, (resource.getrlimit(kind)[1],) * 2)


def filter_calls(unit):
    """A real filter: what is not allowed fails with EPERM."""
    seccomp = ctypes.CDLL("libseccomp.so.2")
    seccomp.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(seccomp.seccomp_init(0x00050000 | errno.EPERM))
    for name in sorted(unit.system_calls()):
        number = seccomp.seccomp_syscall_resolve_name(name.encode())
        if number >= 0 and name != "socket":
            assert seccomp.seccomp_rule_add(context, SCMP_ACT_ALLOW, number, 0) == 0, name
    number = seccomp.seccomp_syscall_resolve_name(b"socket")
    for name in unit.words("RestrictAddressFamilies"):
        family = Comparison(0, SCMP_CMP_EQ, int(getattr(socket, name)), 0)
        assert seccomp.seccomp_rule_add_array(context, SCMP_ACT_ALLOW, number, 1,
                                              ctypes.byref(family)) == 0, name
    assert seccomp.seccomp_load(context) == 0


def drop(unit, user):
    """No capability, no way to new ones, and the user with the groups of the unit."""
    assert unit.one("CapabilityBoundingSet", "all") == "" and unit.is_on("NoNewPrivileges")
    for capability in range(LAST_CAPABILITY + 1):
        LIBC.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    groups = [user.pw_gid] + [grp.getgrnam(name).gr_gid
                              for name in unit.words("SupplementaryGroups")]
    os.setgroups(groups)
    os.setresgid(user.pw_gid, user.pw_gid, user.pw_gid)
    os.setresuid(user.pw_uid, user.pw_uid, user.pw_uid)
    assert LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    if unit.is_on("MemoryDenyWriteExecute"):
        LIBC.prctl(PR_SET_MDWE, 1, 0, 0, 0)  # Linux 6.3


def main():
    unit = UnitFile(sys.argv[1], *sys.argv[2:3])
    user = pwd.getpwnam(unit.one("User"))
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": user.pw_dir, "USER": user.pw_name,
                   "LANG": "C.UTF-8"}
    if "NOTIFY_SOCKET" in os.environ:
        environment["NOTIFY_SOCKET"] = os.environ["NOTIFY_SOCKET"]
    watchdog = unit.one("WatchdogSec")
    if watchdog:
        environment["WATCHDOG_USEC"] = str(int(watchdog.removesuffix("s")) * 1_000_000)
    unit.system_calls()  # asks systemd-analyze, which may not be run any more later
    protect(unit, make_folders(unit, user))
    os.umask(int(unit.one("UMask", "0022"), 8))
    limit(unit)
    drop(unit, user)
    filter_calls(unit)
    command = shlex.split(unit.one("ExecStart"))
    os.execve(command[0], command, environment)


if __name__ == "__main__":
    main()
