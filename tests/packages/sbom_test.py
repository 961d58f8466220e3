#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each package says what it is made of: its SBOM has the form of SPDX 2.3, names what the loader loads,
and its sums are those of the programs beside it.
"""

import functools
import hashlib
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

PACKAGES = pathlib.Path(os.environ["KEYMAST_PACKAGES"])
# Members that SPDX 2.3 demands (clauses 6 to 11).
OF_DOCUMENT = {"spdxVersion", "dataLicense", "SPDXID", "name", "documentNamespace", "creationInfo"}
OF_PACKAGE = {"name", "SPDXID", "downloadLocation"}
RELATIONS = {"DESCRIBES", "DYNAMIC_LINK", "STATIC_LINK"}
LICENCE = re.compile(r"NOASSERTION|[A-Za-z0-9.+-]+( (AND|OR) [A-Za-z0-9.+-]+)*")


@functools.lru_cache(maxsize=None)
def owner_of(library):
    """Package and version; what is in /usr/lib may be known to dpkg as in /lib."""
    for path in (library, library.removeprefix("/usr")):
        done = subprocess.run(["dpkg-query", "-S", path], capture_output=True, text=True)
        if done.returncode == 0:
            owner = done.stdout.split(":")[0]
            shown = subprocess.run(["dpkg-query", "-W", "-f", "${Version}\n", owner], check=True,
                                   capture_output=True, text=True).stdout
            return owner, shown.split("\n")[0]
    raise AssertionError(f"{library} is of no package")


class Sbom(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.documents = {}
        for deb in sorted(PACKAGES.glob("*.deb")):
            name = deb.name.split("_")[0]
            if name.endswith("-dbgsym"):
                continue
            folder = tempfile.TemporaryDirectory(prefix="keymast-sbom-")
            cls.addClassCleanup(folder.cleanup)
            subprocess.run(["dpkg-deb", "--extract", deb, folder.name], check=True)
            root = pathlib.Path(folder.name)
            text = (root / f"usr/share/doc/{name}/sbom.spdx.json").read_text()
            cls.documents[name] = (root, json.loads(text))

    def test_there_is_one_a_package(self):
        self.assertEqual(len(self.documents), 5)

    def test_it_has_the_form_of_spdx(self):
        for name, (_, document) in self.documents.items():
            self.assertLessEqual(OF_DOCUMENT, set(document))
            self.assertEqual((document["spdxVersion"], document["dataLicense"], document["SPDXID"]),
                             ("SPDX-2.3", "CC0-1.0", "SPDXRef-DOCUMENT"))
            self.assertRegex(document["creationInfo"]["created"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
            self.assertRegex(document["documentNamespace"], r"^https://[^#]+$")
            ids = {document["SPDXID"]}
            for element in document["packages"] + document["files"]:
                self.assertRegex(element["SPDXID"], r"^SPDXRef-[A-Za-z0-9.-]+$")
                self.assertNotIn(element["SPDXID"], ids)
                ids.add(element["SPDXID"])
            for package in document["packages"]:
                self.assertLessEqual(OF_PACKAGE, set(package))
                self.assertTrue(LICENCE.fullmatch(package["licenseDeclared"]), package)
                self.assertTrue(package["versionInfo"])
                self.assertRegex(package["supplier"], r"^Organization: .+")
            for relation in document["relationships"]:
                self.assertIn(relation["relationshipType"], RELATIONS)
                self.assertLessEqual({relation["spdxElementId"], relation["relatedSpdxElement"]}, ids)
            self.assertEqual(document["packages"][0]["name"], name)

    def test_sums_are_those_of_the_programs(self):
        for root, document in self.documents.values():
            self.assertTrue(document["files"])
            for file in document["files"]:
                octets = (root / file["fileName"]).read_bytes()
                for sum_ in file["checksums"]:
                    kind = sum_["algorithm"].lower()
                    self.assertEqual(hashlib.new(kind, octets).hexdigest(), sum_["checksumValue"])

    def test_what_the_loader_loads_is_named_with_its_version(self):
        for name, (root, document) in self.documents.items():
            named = {package["name"]: package["versionInfo"] for package in document["packages"]}
            for file in document["files"]:
                if file["fileName"].endswith(".a"):
                    continue
                loaded = subprocess.run(["ldd", root / file["fileName"]], check=True,
                                        capture_output=True, text=True).stdout
                for library in re.findall(r"=> (/\S+)", loaded):
                    owner, version = owner_of(os.path.realpath(library))
                    self.assertEqual(named.get(owner), version, f"{name}: {library}")

    def test_the_key_server_has_no_grpc_and_no_tls_of_it(self):
        """keymastd is in one package with keymast-api; alone it loads none of what faces the network."""
        root, _ = self.documents["keymast-server"]
        loaded = subprocess.run(["ldd", root / "usr/sbin/keymastd"], check=True, capture_output=True,
                                text=True).stdout
        self.assertNotRegex(loaded, r"libgrpc|libssl|libcpp-httplib")

    def test_code_of_headers_is_named(self):
        for name in ("keymast-server", "keymast-tools", "keymast-headend", "keymast-receiver"):
            linked = [relation["relatedSpdxElement"] for relation in self.documents[name][1]["relationships"]
                      if relation["relationshipType"] == "STATIC_LINK"]
            self.assertEqual(linked, ["SPDXRef-libcli11-dev", "SPDXRef-libexpected-dev",
                                      "SPDXRef-nlohmann-json3-dev"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
