#!/usr/bin/python3
"""Runs a command under a unit's system call filter, without systemd as PID 1.

    under_filter.py --unit systemd/b24-tidyd.service [--uid 65534] -- COMMAND [ARG...]

Where systemd would answer a forbidden call with an error, the kernel here kills the process
(SIGSYS), so that a program cannot get by on luck. Translated from the unit: SystemCallFilter=,
MemoryDenyWriteExecute=, RestrictAddressFamilies=, NoNewPrivileges=. Needs Debian's
python3-seccomp, therefore Debian's own interpreter.
"""

import argparse
import ctypes
import errno
import os
import socket
import subprocess
import sys

import seccomp

PR_SET_NO_NEW_PRIVS = 38
PR_SET_MDWE = 65  # kernel 6.3 and later
PR_MDWE_REFUSE_EXEC_GAIN = 1
PROT_WRITE = 2
PROT_EXEC = 4
SHM_EXEC = 0o100000
LAST_ADDRESS_FAMILY = 45


def unit_values(path, key):
    """The values of a key, in the order of its lines."""
    with open(path, encoding="utf-8") as unit:
        lines = [line.strip().split("=", 1) for line in unit if "=" in line]
    return [value for name, value in lines if name == key]


def expand(name):
    """The system calls behind a name, which may be a group of groups."""
    if not name.startswith("@"):
        return {name}
    listing = subprocess.run(
        ["systemd-analyze", "--no-pager", "syscall-filter", name],
        check=True, capture_output=True, text=True,
    ).stdout
    members = [line.strip() for line in listing.splitlines()[1:]]
    return {call for member in members if member and not member.startswith("#")
            for call in expand(member)}


def allowed_calls(unit):
    """The calls that the unit's filter leaves, by systemd.exec(5): an allow-list starts from
    @default; a line that starts with ~ takes away."""
    allowed = expand("@default")
    for value in unit_values(unit, "SystemCallFilter"):
        takes_away = value.startswith("~")
        calls = set().union(*map(expand, value.lstrip("~").split()))
        allowed = allowed - calls if takes_away else allowed | calls
    return allowed


def known_here(call):
    """Whether this architecture has the call; the groups name those of all."""
    return seccomp.resolve_syscall(seccomp.Arch(), call) >= 0


def without_bits(position, bits):
    """Matches calls whose argument has none of the bits."""
    return seccomp.Arg(position, seccomp.MASKED_EQ, bits, 0)


def add_memory_rules(rules, calls):
    """MemoryDenyWriteExecute=, as systemd translates it."""
    rules.add_rule(seccomp.ALLOW, "mmap", without_bits(2, PROT_WRITE))
    rules.add_rule(seccomp.ALLOW, "mmap", without_bits(2, PROT_EXEC))
    rules.add_rule(seccomp.ALLOW, "mprotect", without_bits(2, PROT_EXEC))
    for call, position, bit in (("pkey_mprotect", 2, PROT_EXEC), ("shmat", 2, SHM_EXEC)):
        if call in calls:
            rules.add_rule(seccomp.ALLOW, call, without_bits(position, bit))


def add_family_rules(rules, families):
    """RestrictAddressFamilies=. A refused family is an error as under systemd, because glibc asks
    for netlink and goes on without it."""
    wanted = {int(getattr(socket, name)) for name in families}
    refused = seccomp.ERRNO(errno.EAFNOSUPPORT)
    for family in range(LAST_ADDRESS_FAMILY + 1):
        action = seccomp.ALLOW if family in wanted else refused
        rules.add_rule(action, "socket", seccomp.Arg(0, seccomp.EQ, family))
    rules.add_rule(refused, "socket", seccomp.Arg(0, seccomp.GT, LAST_ADDRESS_FAMILY))


def build_filter(unit):
    """The unit's filter, with death for everything else."""
    rules = seccomp.SyscallFilter(defaction=seccomp.KILL_PROCESS)
    calls = {call for call in allowed_calls(unit) if known_here(call)}
    special = set()
    if unit_values(unit, "MemoryDenyWriteExecute") == ["yes"]:
        special |= {"mmap", "mprotect", "pkey_mprotect", "shmat"}
        add_memory_rules(rules, calls)
    families = " ".join(unit_values(unit, "RestrictAddressFamilies")).split()
    if families:
        special.add("socket")
        add_family_rules(rules, families)
    for call in sorted(calls - special):
        rules.add_rule(seccomp.ALLOW, call)
    return rules


def prctl(option, value):
    """prctl(2) with one argument; the error number, or 0."""
    libc = ctypes.CDLL(None, use_errno=True)
    return 0 if libc.prctl(option, value, 0, 0, 0) == 0 else ctypes.get_errno()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--unit", required=True)
    parser.add_argument("--uid", type=int, default=65534, help="used where root starts this")
    parser.add_argument("command", nargs="+")
    arguments = parser.parse_args()

    rules = build_filter(arguments.unit)
    if os.getuid() == 0:
        os.setgroups([])
        os.setresgid(arguments.uid, arguments.uid, arguments.uid)
        os.setresuid(arguments.uid, arguments.uid, arguments.uid)
    if prctl(PR_SET_NO_NEW_PRIVS, 1):
        sys.exit("no_new_privs was refused")
    refused = prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN)
    if refused not in (0, errno.EINVAL):  # EINVAL: an older kernel; the rules above do it there
        sys.exit("PR_SET_MDWE: " + os.strerror(refused))
    rules.load()
    os.execvp(arguments.command[0], arguments.command)


if __name__ == "__main__":
    main()
