#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""No example is dead: in a system of its own every file of deploy/examples is put where it says, under
the unit that reads it, and does what it is for. The host has the example's address, and certificates are
made with the names that stand in the files.
"""

import json
import pathlib
import unittest

import system

system.enter()

from harness import RtpSource, wait_for  # noqa: E402

EXAMPLES = system.SOURCE / "deploy/examples"
ADDRESS = "192.0.2.10"
NAMES = ("keys.example.org", "operator.example.org", "monitoring.example.org")


class Examples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.system = system.System()
        cls.addClassCleanup(cls.system.close)
        run = cls.system.run
        run("apt install ./keymast-server_*.deb ./keymast-tools_*.deb ./keymast-headend_*.deb "
            "./keymast-receiver_*.deb", "/mnt/packages")
        run(f"ip address add {ADDRESS}/32 dev lo")
        run(f"echo {ADDRESS} keys.example.org >> /etc/hosts")
        cls.make_certificates()
        cls.install("server")
        run("runuser -u keymast -- keymastd init --config /etc/keymast/keymastd.toml")

    @classmethod
    def install(cls, role):
        cls.system.run(f"cp /mnt/source/deploy/examples/{role}/*.toml /etc/keymast/")

    @classmethod
    def make_certificates(cls):
        """One authority for clients and members; each file as operator.md wants its owner and mode."""
        run, folder = cls.system.run, "/etc/keymast/tls"
        run(f"mkdir -p {folder}")
        run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=authority "
            "-keyout /tmp/ca.key -out clients-ca.pem -days 30", folder)
        run("cp clients-ca.pem members-ca.pem", folder)
        for name, file in (("keys.example.org", "api"), ("keys.example.org", "controller"),
                           ("operator.example.org", "operator"), ("monitoring.example.org", "viewer")):
            run("openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
                f"-subj /CN={name} -keyout {file}.key -out /tmp/{file}.csr", folder)
            run(f"printf 'subjectAltName=DNS:{name}\\nkeyUsage=digitalSignature\\n"
                f"extendedKeyUsage=serverAuth,clientAuth\\n' > /tmp/{file}.ext", folder)
            run(f"openssl x509 -req -in /tmp/{file}.csr -CA clients-ca.pem -CAkey /tmp/ca.key -days 30 "
                f"-CAcreateserial -CAserial /tmp/serial -extfile /tmp/{file}.ext -out {file}.pem", folder)
        run("chown root:keymast-api api.key && chmod 0640 api.key && "
            "chown keymast controller.key && chmod 0600 controller.key", folder)

    def start_server(self):
        for name in ("keymastd", "keymast-api"):
            self.system.start(name)
        wait_for(lambda: self.system.run("keymastctl status", check=False).returncode == 0, 30,
                 "the server answers")

    def stop_server(self):
        for process in reversed(self.system.processes):
            self.assertEqual(process.stop(), 0, process.log())
            process.notices.close()
        self.system.processes.clear()

    def test_every_folder_is_tried_here(self):
        self.assertEqual(sorted(path.name for path in EXAMPLES.iterdir()),
                         ["channel.json", "headend", "monitoring", "receiver", "server", "server-tls"])

    def test_a_server_on_one_host_with_headend_and_receiver(self):
        self.install("server")
        self.start_server()
        run = self.system.run
        run("keymastctl channels create one --file /mnt/source/deploy/examples/channel.json")
        for role, program in (("headend", "north"), ("receiver", "one")):
            run(f"cp /mnt/source/deploy/examples/{role}/{program}.toml /etc/keymast/{role}/")
        public = run("runuser -u keymast-headend -- keymast-headend init --key-file "
                     "/var/lib/keymast-headend/north.key").stdout.split()
        public = next(word for word in public if len(word) == 64)
        run(f"keymastctl headends create north --channel one --public-key {public}")
        self.system.start("keymast-headend@north")
        run("keymastctl channels sdp one > /etc/keymast/receiver/one.sdp")
        run("runuser -u keymast-receiver -- keymast-receiver init --key-file "
            "/var/lib/keymast-receiver/alice.key")
        run("keymastctl subscribers create alice --identity alice@example.org --credential-file "
            "/var/lib/keymast-receiver/alice.key && "
            f"keymastctl members add one alice --msk-endpoint 127.0.0.1:2271")
        # A receiver that joins at an address of this host does so from one of its own.
        receiver = self.system.start("keymast-receiver@one")
        sources = [RtpSource(6000, 96).start(), RtpSource(6002, 97, ssrc=7).start()]
        self.addCleanup(lambda: [source.stop() for source in sources])
        wait_for(lambda: receiver.last.get("opened", 0) >= 50, 60,
                 lambda: f"packets open: {receiver.last} {receiver.log()}")
        self.stop_server()

    def test_a_server_with_tls_is_called_from_elsewhere(self):
        self.install("server-tls")
        # Where nobody takes them spans are lost, and nothing else is.
        self.system.run("printf '\\n[trace]\\notlp_endpoint = \"http://127.0.0.1:4318/v1/traces\"\\n' "
                        ">> /etc/keymast/keymast-api.toml")
        self.start_server()
        tls = "--tls-ca {0}/clients-ca.pem --tls-cert {0}/{1}.pem --tls-key {0}/{1}.key"
        folder = "/etc/keymast/tls"
        operator = (f"keymastctl --server keys.example.org:7443 {tls.format(folder, 'operator')} "
                    "--output json")
        # Monitoring: a host that reads, by its file of the environment.
        viewer = (f"set -a; . /mnt/source/deploy/examples/monitoring/keymastctl.env; keymastctl "
                  f"{tls.format(folder, 'viewer')} --output json")
        self.assertIn("version", json.loads(self.system.run(f"{operator} status").stdout))
        self.assertIn("version", json.loads(self.system.run(f"{viewer} status").stdout))
        refused = self.system.run(f"{viewer} headends delete north", check=False)
        self.assertEqual(refused.returncode, 5, refused.stderr)
        self.stop_server()

    def test_monitoring_scrapes_what_the_server_serves(self):
        import yaml
        text = (EXAMPLES / "monitoring/prometheus.yml").read_text()
        wanted = yaml.safe_load(text)
        targets = wanted["scrape_configs"][0]["static_configs"][0]["targets"]
        api = pathlib.Path(EXAMPLES / "server/keymast-api.toml").read_text()
        self.assertIn(f'http_listen = "{targets[0]}"', api)
        for file in wanted["rule_files"]:
            self.assertEqual(self.system.run(f"cat {file}").stdout,
                             (system.SOURCE / "deploy/prometheus/keymast.rules.yml").read_text())


if __name__ == "__main__":
    unittest.main(verbosity=2)
