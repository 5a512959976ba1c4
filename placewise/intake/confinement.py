"""Locking a reader in: this process may read one file and Python itself, and nothing else.

Landlock takes the file system and TCP away, seccomp the system calls that make sockets, processes
and debuggers, resource limits the rest. It needs no privilege and cannot be undone. A kernel
without Landlock (before 5.13, or switched off) raises, and then no file is read.
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import struct
import sys
import sysconfig
from pathlib import Path

import pyseccomp

from placewise.core.errors import SandboxUnavailable

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS, _SIGKILL = 1, 4, 38, 9
# System call numbers from asm-generic/unistd.h: the same on every architecture.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_PATH_BENEATH = 1
_EXECUTE, _READ_FILE, _READ_DIR = 1, 4, 8
# Rights the kernel knows, by Landlock ABI: 13 from the start, then REFER, TRUNCATE, IOCTL_DEV.
_RIGHTS = {1: 0x1FFF, 2: 0x3FFF, 3: 0x7FFF, 4: 0x7FFF, 5: 0xFFFF}
_BIND_AND_CONNECT_TCP = 3
_SIGNALS_AND_ABSTRACT_SOCKETS = 3

_FORBIDDEN_CALLS = (
    *("socket", "socketpair", "connect", "bind", "listen", "accept", "accept4", "sendto", "sendmsg"),
    *("execve", "execveat", "fork", "vfork", "clone", "clone3", "kill", "tkill", "tgkill", "pidfd_open"),
    *("ptrace", "process_vm_readv", "process_vm_writev", "mount", "umount2", "unshare", "setns", "chroot"),
    *("io_uring_setup", "keyctl", "add_key", "bpf", "userfaultfd", "perf_event_open", "memfd_create"),
    *("shmget", "msgget", "semget", "mq_open", "inotify_init1", "fanotify_init", "open_by_handle_at"),
)


def confine(file: int, *, memory_bytes: int, cpu_s: int) -> None:
    """Give up every right but reading the open descriptor ``file`` and Python's own modules.

    Parameters
    ----------
    file : int
        Descriptor of the one file to be read.
    memory_bytes, cpu_s : int
        Address space and processor time after which the kernel stops this process.

    Raises
    ------
    SandboxUnavailable
        The kernel cannot do it; the message says what is missing.
    """
    _limit_resources(memory_bytes, cpu_s)
    _LIBC.prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)
    _LIBC.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    if _LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise SandboxUnavailable("This kernel cannot give up privileges for good (no_new_privs).")
    _restrict_files(file)
    _forbid_calls()


def landlock_abi() -> int:
    """Version of Landlock this kernel offers; 0 when there is none."""
    return max(0, int(_LIBC.syscall(_CREATE_RULESET, None, 0, 1)))


def _limit_resources(memory_bytes: int, cpu_s: int) -> None:
    for what, soft, hard in (
        (resource.RLIMIT_AS, memory_bytes, memory_bytes),
        (resource.RLIMIT_CPU, cpu_s, cpu_s + 2),
        (resource.RLIMIT_FSIZE, 0, 0),
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_NOFILE, 32, 32),
    ):
        resource.setrlimit(what, (soft, hard))


def _restrict_files(file: int) -> None:
    abi = landlock_abi()
    if not abi:
        raise SandboxUnavailable(
            "This kernel has no Landlock (Linux 5.13 or newer with lsm=landlock), so files from outside "
            "cannot be read safely here. Use a newer kernel; nothing was read."
        )
    rights = _RIGHTS[min(abi, 5)]
    attributes = struct.pack("QQQ", rights, _BIND_AND_CONNECT_TCP, _SIGNALS_AND_ABSTRACT_SOCKETS)
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    ruleset = _checked(_LIBC.syscall(_CREATE_RULESET, attributes[:size], size, 0), "create")
    _allow(ruleset, file, _READ_FILE)
    for folder in _python_folders():
        descriptor = os.open(folder, os.O_PATH | os.O_CLOEXEC)
        _allow(ruleset, descriptor, _READ_FILE | _READ_DIR | _EXECUTE)
        os.close(descriptor)
    _checked(_LIBC.syscall(_RESTRICT_SELF, ruleset, 0), "restrict")
    os.close(ruleset)


def _python_folders() -> list[Path]:
    """Folders that importing may read: standard library, installed packages, Placewise, shared libraries."""
    names = {sysconfig.get_path(key) for key in ("stdlib", "platstdlib", "purelib", "platlib")}
    folders = {Path(name) for name in names} | {Path(__file__).parents[1]}
    folders |= {Path(name) for name in ("/lib", "/lib64", "/usr/lib")} | {Path(sys.base_prefix) / "lib"}
    return sorted(folder for folder in folders if folder.is_dir())


def _allow(ruleset: int, descriptor: int, rights: int) -> None:
    rule = struct.pack("=Qi", rights, descriptor)
    _checked(_LIBC.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, rule, 0), "add a rule")


def _checked(result: int, step: str) -> int:
    if result < 0:
        reason = os.strerror(ctypes.get_errno())
        raise SandboxUnavailable(f"Landlock could not {step} its rule set: {reason}. Nothing was read.")
    return result


def _forbid_calls() -> None:
    calls = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    for name in _FORBIDDEN_CALLS:
        calls.add_rule(pyseccomp.ERRNO(errno.EPERM), name)
    calls.load()
