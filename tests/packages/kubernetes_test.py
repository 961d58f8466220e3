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
SITE, SITE_INIT = "overlays/example", "overlays/example/init"
PLACES = ("base", "init", SITE, SITE_INIT)


def render(place):
    text = subprocess.run(["kubectl", "kustomize", FOLDER / place], capture_output=True, text=True,
                          check=True).stdout
    return list(yaml.safe_load_all(text))


def of_kind(objects, *kinds):
    return next(each for each in objects if each["kind"] in kinds)


def pod_of(objects):
    return of_kind(objects, "StatefulSet", "Job")["spec"]["template"]["spec"]


def named(parts, name):
    return next(each for each in parts if each["name"] == name)


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

    def test_the_server_finds_what_its_job_made(self):
        server, job = self.rendered[SITE], self.rendered[SITE_INIT]
        for objects in (server, job):
            self.assertEqual({each["metadata"].get("namespace") for each in objects}, {"broadcast"})
        claims = [of_kind(objects, "PersistentVolumeClaim") for objects in (server, job)]
        self.assertEqual(*[(claim["metadata"]["name"], claim["spec"]) for claim in claims])
        pods = [pod_of(objects) for objects in (server, job)]
        keymastd = [named(pods[0]["containers"], "keymastd"), named(pods[1]["containers"], "init")]
        for name in ("image", "env", "securityContext"):
            self.assertEqual(*[container[name] for container in keymastd], name)
        self.assertNotEqual(keymastd[1]["image"], "keymastd")
        for name in ("nodeSelector", "securityContext"):
            self.assertEqual(*[pod[name] for pod in pods], name)
        for name in ("master-key", "state"):
            self.assertEqual(*[named(container["volumeMounts"], name) for container in keymastd])
        secrets = [named(pod["volumes"], "master-key")["secret"]["secretName"] for pod in pods]
        self.assertEqual(*secrets)
        states = [named(pod["volumes"], "state")["persistentVolumeClaim"]["claimName"] for pod in pods]
        self.assertEqual(states, [claim["metadata"]["name"] for claim in claims])

    def test_the_commands_of_the_page_work_together(self):
        """In the namespace of what they apply: each Secret that a pod mounts is made before it."""
        page = (SOURCE / "docs/packages.md").read_text()
        lines = [line.split("#")[0].split() for line in re.findall(r"^    (kubectl .*)$", page, re.M)]
        namespace = lines[0][lines[0].index("namespace") + 1]
        secrets, applied = {}, []
        for words in lines[1:]:
            if "-k" in words:
                applied.append(words[-1].removeprefix("deploy/kubernetes/"))
                objects = self.rendered[applied[-1]]
                self.assertEqual({each["metadata"].get("namespace") for each in objects}, {namespace})
                for volume in pod_of(objects)["volumes"]:
                    if "secret" in volume:
                        self.assertIn(volume["secret"]["secretName"], secrets)
                        for item in volume["secret"].get("items", []):
                            self.assertIn(item["key"], secrets[volume["secret"]["secretName"]])
                continue
            self.assertEqual(words[1:3], ["-n", namespace])
            if "secret" in words:
                secrets[words[words.index("generic") + 1]] = [
                    word.partition("=")[2] for word in words if word.startswith("--from-file=")]
            elif words[3] in ("wait", "delete"):
                job = of_kind(self.rendered[applied[-1]], "Job")["metadata"]["name"]
                self.assertEqual(words[-1].removeprefix("job/"), job)
        self.assertEqual(applied, [SITE_INIT, SITE])

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
        sysusers = (SOURCE / "deploy/sysusers/keymast-server.conf").read_text()
        groups = set(re.findall(r"(?m)^[ug] (\S+)", sysusers))
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
