#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What runs in a cluster: each kustomization renders, and what it renders keeps the rules of
docs/packages.md. Without kubectl the test says so and is left out.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import yaml

SOURCE = pathlib.Path(os.environ["KEYMAST_SOURCE_DIR"])
BIN = pathlib.Path(os.environ["KEYMAST_BIN"])
FOLDER = SOURCE / "deploy/kubernetes"
PLACES = ("base", "init", "overlays/example")


def render(place):
    text = subprocess.run(["kubectl", "kustomize", FOLDER / place], capture_output=True, text=True,
                          check=True).stdout
    return list(yaml.safe_load_all(text))


def pod_of(objects):
    return next(each["spec"]["template"]["spec"] for each in objects
                if each["kind"] in ("StatefulSet", "Job"))


def containers_of(pod):
    return pod.get("initContainers", []) + pod["containers"]


class Kubernetes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rendered = {place: render(place) for place in PLACES}

    def test_what_is_there(self):
        kinds = sorted(each["kind"] for each in self.rendered["base"])
        self.assertEqual(kinds, ["ConfigMap", "NetworkPolicy", "PersistentVolumeClaim",
                                 "PodDisruptionBudget", "Service", "Service", "StatefulSet"])
        self.assertEqual({each["metadata"]["namespace"] for each in self.rendered["overlays/example"]},
                         {"broadcast"})

    def test_every_container_is_shut_in(self):
        for place in PLACES:
            pod = pod_of(self.rendered[place])
            self.assertTrue(pod["securityContext"]["runAsNonRoot"])
            self.assertEqual(pod["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
            self.assertFalse(pod["automountServiceAccountToken"])
            for container in containers_of(pod):
                context = container["securityContext"]
                self.assertTrue(context["readOnlyRootFilesystem"], container["name"])
                self.assertFalse(context["allowPrivilegeEscalation"])
                self.assertEqual(context["capabilities"], {"drop": ["ALL"]})
                self.assertGreaterEqual(context["runAsUser"], 1000)

    def test_the_front_has_neither_keys_nor_state(self):
        pod = pod_of(self.rendered["base"])
        mounted = {container["name"]: {mount["name"]: mount for mount in container["volumeMounts"]}
                   for container in containers_of(pod)}
        self.assertLessEqual({"master-key", "state"}, set(mounted["keymastd"]))
        self.assertFalse({"master-key", "state"} & set(mounted["keymast-api"]))
        # Or it could put a socket of its own in the place of keymastd's.
        self.assertTrue(mounted["keymast-api"]["core-socket"]["readOnly"])
        users = {container["securityContext"]["runAsUser"] for container in pod["containers"]}
        self.assertEqual(len(users), len(pod["containers"]))

    def test_no_secret_is_in_it(self):
        for place, objects in self.rendered.items():
            self.assertNotIn("Secret", [each["kind"] for each in objects], place)

    def test_one_server_writes(self):
        server = next(each for each in self.rendered["base"] if each["kind"] == "StatefulSet")
        self.assertEqual(server["spec"]["replicas"], 1)

    def test_what_is_selected_is_there(self):
        for objects in self.rendered.values():
            labels = [each["spec"]["template"]["metadata"]["labels"] for each in objects
                      if each["kind"] == "StatefulSet"]
            for each in objects:
                selector = each.get("spec", {}).get("selector") or each.get("spec", {}).get("podSelector")
                if each["kind"] in ("Service", "NetworkPolicy", "PodDisruptionBudget"):
                    wanted = selector.get("matchLabels", selector)
                    self.assertTrue(wanted and wanted.items() <= labels[0].items(), each["metadata"])

    def test_ports_of_services_and_probes_have_names_in_the_pod(self):
        objects = self.rendered["base"]
        names = {port["name"]: port["containerPort"] for container in pod_of(objects)["containers"]
                 for port in container["ports"]}
        for each in objects:
            if each["kind"] == "Service":
                for port in each["spec"]["ports"]:
                    self.assertEqual(names[port["targetPort"]], port["port"])
            if each["kind"] == "NetworkPolicy":
                allowed = {port["port"] for rule in each["spec"]["ingress"] for port in rule["ports"]}
                self.assertEqual(allowed, set(names.values()))

    def test_users_are_those_of_the_images(self):
        text = (SOURCE / "deploy/container/Containerfile").read_text()
        made = {name: number for number, name in
                re.findall(r"groupadd --gid (\d+) (\S+)", text)}
        pod = pod_of(self.rendered["base"])
        for container in pod["containers"]:
            number = made[container["image"].rpartition("/")[2]] if container["image"] in made else \
                made[{"keymastd": "keymast"}[container["image"]]]
            self.assertEqual(container["securityContext"]["runAsUser"], int(number))
            self.assertEqual(container["securityContext"]["runAsGroup"], int(number))
        self.assertEqual(pod["securityContext"]["fsGroup"], int(made["keymast-core"]))
        groups = set(re.findall(r"(?m)^[ug] (\S+)", (SOURCE / "deploy/sysusers/keymast-server.conf").read_text()))
        self.assertEqual(groups, set(made), "as on a host")

    def test_the_programs_take_the_configurations(self):
        for place in PLACES:
            data = next(each["data"] for each in self.rendered[place] if each["kind"] == "ConfigMap")
            for name, text in data.items():
                with tempfile.TemporaryDirectory(prefix="keymast-kustomize-") as folder:
                    # Paths of the pod, below a folder of ours; addresses of this host.
                    text = re.sub(r'"(/[^"]*)"', rf'"{folder}\1"', text)
                    text = re.sub(r'"(?:0\.0\.0\.0|192\.0\.2\.10):\d+"', '"127.0.0.1"', text)
                    file = pathlib.Path(folder, name)
                    file.write_text(text)
                    done = subprocess.run([BIN / name.removesuffix(".toml"), "--config", file],
                                          capture_output=True, text=True, timeout=30)
                    # It was read whole: what fails then is that nothing is there.
                    self.assertNotRegex(done.stderr, rf"{name}:\d+:\d+", place)


if __name__ == "__main__":
    if shutil.which("kubectl") is None:
        print("LEFT OUT: kubectl, which renders the kustomizations, is not on this machine")
        sys.exit(77)
    unittest.main(verbosity=2)
