"""Describes the machine on which something was measured."""

import os
import pathlib
import platform
import subprocess


def first_line(*command):
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return output.splitlines()[0]


def version_of(package):
    return first_line("dpkg-query", "-W", "-f", "${Version}", package)


def processor():
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    fields = dict(map(str.strip, line.split(":", 1)) for line in lines if ":" in line)
    name = fields.get("model name", platform.machine())
    has_sha = "sha_ni" in fields.get("flags", "").split()
    return f"{name}, {os.cpu_count()} cores, {'with' if has_sha else 'without'} SHA instructions"


def is_virtual():
    flags = pathlib.Path("/proc/cpuinfo").read_text()
    return "hypervisor" in flags


def system():
    release = platform.freedesktop_os_release()["PRETTY_NAME"]
    machine = ", in a virtual machine" if is_virtual() else ""
    return f"{release}, Linux {platform.release()}{machine}"


def describe():
    """Returns what it is made of, by name."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "Processor": processor(),
        "Memory": f"{memory:.0f} GiB",
        "System": system(),
        "Compilers": f"{first_line('rustc', '--version')}; {first_line('gcc', '--version')}",
        "Lua": first_line("lua5.4", "-v"),
        "Libraries": f"OpenSSL {version_of('libssl-dev')}, liboath {version_of('liboath-dev')}, "
        f"Redis {version_of('redis-server')}",
    }
