#!/usr/bin/python3
"""The daemon's life under its unit: import, start, a drain, reload, stop.

    B24_TIDYD_BINARY=target/debug/b24-tidyd B24_TIDYD_PORTAL=target/debug/examples/portal \
        tests/service/daemon_run.py

Serves the test portal on loopback, gives its folder to an unprivileged user, and plays systemd:
the unit's system call filter (as death, see under_filter.py), a credentials directory, a state
directory, a notify socket, a watchdog. Prints each step; the exit code is 0 where all were right.
"""

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
UNIT = ROOT / "systemd" / "b24-tidyd.service"
SERVICE_USER = 65534
READY_WITHIN = 20  # seconds, the contract's
DRAIN_WITHIN = 60
STOP_WITHIN = 20  # TimeoutStopSec=
WATCHDOG_MICROSECONDS = 2_000_000


def say(text):
    print(text, flush=True)


def give_away(path):
    """Hands a tree to the service's user; only root can, and only for root is it needed."""
    if os.getuid() == 0:
        for each in [path, *path.rglob("*")]:
            os.chown(each, SERVICE_USER, SERVICE_USER)


def serve_portal(folder):
    """Starts the portal and returns once it has written what a client needs."""
    portal = subprocess.Popen(
        [os.environ["B24_TIDYD_PORTAL"], "--dir", str(folder)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
    )
    wanted = [folder / name for name in ("config.toml", "client_secret", "tokens.json")]
    while not all(path.exists() for path in wanted):
        if not portal.stdout.readline():
            sys.exit(f"the portal ended with {portal.wait()} and wrote no {wanted}")
    return portal


class Service:
    """What systemd would set up around the daemon."""

    def __init__(self, scratch, folder):
        self.folder = folder
        self.binary = scratch / "bin" / "b24-tidyd"
        self.binary.parent.mkdir()
        shutil.copy(os.environ["B24_TIDYD_BINARY"], self.binary)
        credentials = scratch / "credentials"
        credentials.mkdir()
        shutil.copy(folder / "client_secret", credentials)
        (credentials / "client_secret").chmod(0o440)  # as systemd shows it
        state = scratch / "state"
        state.mkdir(mode=0o700)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(scratch / "notify"))
        self.environment = {
            "PATH": os.environ["PATH"],
            "CREDENTIALS_DIRECTORY": str(credentials),
            "STATE_DIRECTORY": str(state),
        }
        self.daemon_environment = self.environment | {
            "NOTIFY_SOCKET": str(scratch / "notify"),
            "WATCHDOG_USEC": str(WATCHDOG_MICROSECONDS),
        }
        give_away(scratch)

    def command(self, *arguments):
        """A command of the program, under the unit's filter."""
        return [
            "/usr/bin/python3", str(ROOT / "tests/service/under_filter.py"),
            "--unit", str(UNIT), "--uid", str(SERVICE_USER), "--",
            str(self.binary), "--config", str(self.folder / "config.toml"), *arguments,
        ]

    def run(self, *arguments):
        """Runs a command to its end and returns its standard output."""
        done = subprocess.run(
            self.command(*arguments), env=self.environment, cwd="/",
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False,
        )
        explain(done.returncode, " ".join(arguments))
        return done.stdout

    def start(self):
        """Starts the daemon as the unit does."""
        return subprocess.Popen(
            self.command("--log-format", "journal", "run"),
            env=self.daemon_environment, cwd="/", stdin=subprocess.DEVNULL,
        )

    def await_line(self, daemon, prefix, seconds):
        """Reads notifications up to the first line that starts so; the daemon's end ends it."""
        end = os.pidfd_open(daemon.pid)
        seen = []
        while True:
            ready, _, _ = select.select([self.socket, end], [], [], seconds)
            if self.socket not in ready:
                explain(daemon.poll() or 0, "run")
                sys.exit(f"no {prefix}; came: {seen}")
            lines = self.socket.recv(65536).decode().splitlines()
            seen += lines
            for line in lines:
                if line.startswith(prefix):
                    say(f"  {line}")
                    os.close(end)
                    return


def explain(code, what):
    """Ends the run where a process did not end well."""
    if code == -signal.SIGSYS:
        sys.exit(f"{what}: killed for a forbidden system call; `strace -f` names it")
    if code != 0:
        sys.exit(f"{what}: ended with {code}")


def live(service):
    """One life of the daemon."""
    say("auth import")
    service.run("auth", "import", str(service.folder / "tokens.json"))
    say("start")
    daemon = service.start()
    try:
        service.await_line(daemon, "READY=1", READY_WITHIN)
        service.await_line(daemon, "STATUS=", DRAIN_WITHIN)
        service.await_line(daemon, "WATCHDOG=1", DRAIN_WITHIN)
        say("reload")
        daemon.send_signal(signal.SIGHUP)
        service.await_line(daemon, "RELOADING=1", READY_WITHIN)
        service.await_line(daemon, "READY=1", READY_WITHIN)
        service.await_line(daemon, "WATCHDOG=1", DRAIN_WITHIN)
        say("stop")
        daemon.send_signal(signal.SIGTERM)
        service.await_line(daemon, "STOPPING=1", STOP_WITHIN)
        explain(daemon.wait(STOP_WITHIN), "run")
    finally:
        daemon.kill()
    portals = json.loads(service.run("status", "--json"))["portals"]
    drained = [portal["last_drain"]["outcome"] for portal in portals]
    if not drained or any(outcome != "done" for outcome in drained):
        sys.exit(f"last drains: {drained}")
    say(f"last drains: {drained}")


def main():
    with tempfile.TemporaryDirectory(prefix="b24-tidyd-") as scratch:
        folder = Path(scratch) / "portal"
        folder.mkdir()
        portal = serve_portal(folder)
        try:
            live(Service(Path(scratch), folder))
        finally:
            portal.kill()
    say("the daemon lives under its unit")


if __name__ == "__main__":
    main()
