# SPDX-License-Identifier: Apache-2.0
"""Runs libFuzzer programs, and keeps count of what they did."""

import concurrent.futures
import dataclasses
import datetime
import os
import re
import signal
import subprocess
import threading

from . import log
from .targets import TOP

BUILD = TOP / "build/fuzz"
STOPS = (signal.SIGINT, signal.SIGTERM)


@dataclasses.dataclass
class Ran:
    seconds: float  # of a processor, user and system
    executions: int
    edges: int
    status: int


def build(targets):
    subprocess.run(["cmake", "--preset", "fuzz"], cwd=TOP, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", "--preset", "fuzz", "--target",
                    *(f"fuzz_{target.name}" for target in targets)], cwd=TOP, check=True)


def program(target):
    return BUILD / "bin" / f"fuzz_{target.name}"


def grown(target):
    """Where what the fuzzer finds is kept from run to run."""
    folder = BUILD / "corpus" / target.name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def said_of(target):
    return BUILD / f"{target.name}.log"


class Runs:
    """Runs at most `jobs` targets at a time. stop() ends them as their time would: nothing of what
    they found or counted is lost."""

    def __init__(self, jobs):
        self.jobs = jobs
        self.stopped = False
        self.running = set()
        self.guard = threading.Lock()

    def stop(self, *_):
        self.stopped = True
        with self.guard:
            for pid in self.running:
                os.kill(pid, signal.SIGINT)

    def all(self, targets, one):
        """Calls one(target) for each; gives the names of those for which it was False."""
        before = [signal.signal(stop, self.stop) for stop in STOPS]
        try:
            with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
                good = list(pool.map(lambda target: self.stopped or one(target), targets))
        finally:
            for stop, handler in zip(STOPS, before):
                signal.signal(stop, handler)
        return [target.name for target, is_good in zip(targets, good) if not is_good]

    def execute(self, command, said):
        """Status and resources of a program that can be stopped."""
        with said.open("wb") as out:
            # A group of its own: Ctrl-C reaches it through stop() alone, once.
            process = subprocess.Popen(command, cwd=TOP, stdin=subprocess.DEVNULL, stdout=out,
                                       stderr=out, start_new_session=True)
            with self.guard:
                self.running.add(process.pid)
                if self.stopped:
                    os.kill(process.pid, signal.SIGINT)
            # Seen, but not yet reaped: until it is out of the set its number stays its own.
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
            with self.guard:
                self.running.remove(process.pid)
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        return process.returncode, used

    def fuzz(self, target, seconds):
        command = [program(target), f"-max_total_time={seconds}", "-rss_limit_mb=2048",
                   "-timeout=25", "-print_final_stats=1", f"-artifact_prefix={BUILD}/"]
        if target.dictionary:
            command.append(f"-dict={TOP}/tests/fuzz/{target.dictionary}.dict")
        target.corpus.mkdir(exist_ok=True)
        said = said_of(target)
        status, used = self.execute([*command, grown(target), target.corpus], said)
        return ran_of(said.read_text(errors="replace"), status, used)


def ran_of(text, status, used):
    """What a run says of itself at its end; of several, the last word holds."""
    executions = re.findall(r"^stat::number_of_executed_units: *(\d+)", text, re.M)
    edges = re.findall(r"^#\d+\s.*\bcov: (\d+)", text, re.M)
    interrupted = "libFuzzer: run interrupted; exiting" in text
    return Ran(used.ru_utime + used.ru_stime, int(executions[-1]) if executions else 0,
               int(edges[-1]) if edges else 0, 0 if interrupted else status)


def note(target, ran):
    if not ran.executions:
        return
    with log.row_of(target.name) as row:
        row["seconds"] = round(row.get("seconds", 0) + ran.seconds)
        row["executions"] = row.get("executions", 0) + ran.executions
        row["edges"] = ran.edges or row.get("edges", 0)
        row["date"] = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
        row["inputs"] = len(target.inputs())
        row.setdefault("lines_percent", 0)


def seconds_of(target):
    return log.read().get(target.name, {}).get("seconds", 0)


def run(targets, seconds, jobs, until=0):
    """Runs each target once for `seconds`, or as often as it takes until it has had `until` seconds
    of a processor in all. Gives the names of those that crashed."""
    runs = Runs(jobs)

    def one(target):
        while not runs.stopped and (not until or seconds_of(target) < until):
            ran = runs.fuzz(target, seconds)
            note(target, ran)
            print(f"{target.name}: {ran.seconds:.0f} s, {ran.executions} executions, "
                  f"{ran.edges} edges" + (f", status {ran.status}" if ran.status else ""),
                  flush=True)
            if ran.status:
                print(said_of(target).read_text(errors="replace")[-4000:], flush=True)
                return False
            if not until:
                break
        return True

    return runs.all(targets, one)
