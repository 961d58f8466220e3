# SPDX-License-Identifier: Apache-2.0
"""keymastctl with a memory: what of a run was acknowledged, what was refused, what is not known, and
so what must be there afterwards, and what must not."""

import subprocess
import threading
import uuid

from harness import PATIENCE, Ctl

METHODS = {
    ("channels", "create"): "Channels.CreateChannel",
    ("channels", "update"): "Channels.UpdateChannel",
    ("channels", "delete"): "Channels.DeleteChannel",
    ("subscribers", "create"): "Subscribers.CreateSubscriber",
    ("subscribers", "update"): "Subscribers.UpdateSubscriber",
    ("subscribers", "delete"): "Subscribers.DeleteSubscriber",
    ("members", "add"): "Members.CreateMember",
    ("members", "update"): "Members.UpdateMember",
    ("members", "join"): "Members.JoinChannel",
    ("members", "leave"): "Members.LeaveChannel",
    ("members", "expel"): "Members.ExpelMembers",
    ("members", "delete"): "Members.DeleteMember",
    ("headends", "create"): "Headends.CreateHeadend",
    ("headends", "update"): "Headends.UpdateHeadend",
    ("headends", "delete"): "Headends.DeleteHeadend",
    ("rekeys", "now"): "Rekeys.RekeyNow",
    ("backups", "create"): "Server.CreateBackup",
    ("backups", "delete"): "Server.DeleteBackup",
    ("master-key", "rotate"): "Server.RotateMasterKey",
}
# Of a resource, what nobody but an operator changes.
FIELDS = ("displayName", "multicast", "streams", "policy", "identity", "mskEndpoint", "joined",
          "publicKey", "channels")
REFUSED = (1, 2, 3, 5)  # exit statuses that say that nothing was done
UNSURE = "unsure"


def resources(words):
    """Names of what a command is about, of those that FIELDS tell."""
    group, verb, *rest = [str(word) for word in words]
    if group in ("rekeys", "backups", "master-key"):
        return []
    if group != "members":
        return [f"{group}/{rest[0]}"]
    parts = rest[1:] if verb == "expel" else rest[1:2]
    return [f"channels/{rest[0]}/members/{name}" for name in parts]


def kept(resource):
    return {field: resource[field] for field in FIELDS if field in resource}


class Acknowledged(Ctl):
    """Stands in for the Ctl of a site, from the start of a run on. It may be used by several threads,
    of which only one changes a resource."""

    def __init__(self, ctl):
        super().__init__(ctl.server)
        self.expected = {}   # resource -> its fields, None: gone, UNSURE: whoever knows
        self.requests = {}   # id of each request that was acknowledged -> method
        self.unsure = set()  # ids
        self.refused = set()
        self.expelled = {}   # member -> ID of the first MSK without it
        self._lock = threading.Lock()

    def run(self, *words, timeout=PATIENCE):
        method = METHODS.get(tuple(str(word) for word in words[:2]))
        if method is None or "--validate-only" in words:
            return super().run(*words, timeout=timeout)
        request = str(uuid.uuid4())
        try:
            done = super().run(*words, "--request-id", request, timeout=timeout)
        except subprocess.TimeoutExpired:
            self._forget(request, words)
            raise
        if done.returncode == 0:
            self._keep(request, method, words, self.parsed(done))
        elif done.returncode in REFUSED:
            self.refused.add(request)
        else:
            self._forget(request, words)
        return done

    def _forget(self, request, words):
        with self._lock:
            self.unsure.add(request)
            self.expected.update((name, UNSURE) for name in resources(words))

    def _keep(self, request, method, words, answer):
        with self._lock:
            self.requests[request] = method
            for name in resources(words):
                is_gone = words[1] in ("delete", "expel")
                self.expected[name] = None if is_gone else kept(answer)
                if words[1] == "expel":
                    self.expelled[name] = answer["mskId"]
                elif not is_gone:
                    self.expelled.pop(name, None)
                if is_gone:  # with all below it
                    self.expected.update((below, None) for below in self.expected
                                         if below.startswith(name + "/"))

    def of_a_backup(self, ctl):
        """What a copy must have that was made now. Its own making may be on record in it."""
        other = Acknowledged(ctl)
        other.expected, other.expelled = dict(self.expected), dict(self.expelled)
        other.requests = {request: method for request, method in self.requests.items()
                          if method != METHODS["backups", "create"]}
        other.unsure = self.unsure | self.requests.keys()
        other.refused = set(self.refused)
        return other

    def wrong(self, listed):
        """What of `listed`, all resources by name, is not as it was acknowledged; empty when all is."""
        problems = []
        for name, fields in sorted(self.expected.items()):
            if fields is UNSURE:
                continue
            if fields is None:
                if name in listed:
                    problems.append(f"{name} was removed and is back")
            elif name not in listed:
                problems.append(f"{name} was acknowledged and is not there")
            elif {field: listed[name].get(field) for field in fields} != fields:
                problems.append(f"{name} was {fields} and is {kept(listed[name])}")
        problems += [f"{name} is there and nobody asked for it"
                     for name in sorted(listed) if name not in self.expected]
        return problems

    def count(self):
        return sum(fields is not UNSURE for fields in self.expected.values())
