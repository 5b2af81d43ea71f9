#!/usr/bin/env python3
"""The direction of includes: one floor number a folder, one home a library, no exceptions.

A folder of src/ includes itself and strictly lower floors; never the same floor, never up. A test of a folder includes
what the folder may include, and tests/support. In src/, a third-party header is included in its library's homes alone.
No header is included twice.
"""

import re

from sources import cpp_files, main, read_text

FLOORS = {
    "cli": 8,
    "daemon": 7,
    "filter": 6, "action": 6,
    "exchange": 5,
    "upstream": 4,
    "tls": 3, "codec": 3, "route": 3,
    "net": 2, "config": 2, "observe": 2,
    "os": 1, "http": 1,
    "base": 0,
}

# First part of the header's path (or the whole of it) -> library, folders that may include it.
LIBRARIES = {
    "event2": ("libevent", {"net"}),
    "ares.h": ("c-ares", {"net"}),
    "openssl": ("OpenSSL", {"tls", "base"}),
    "crypt.h": ("libcrypt", {"os"}),
    "seccomp.h": ("libseccomp", {"os"}),
    "nghttp2": ("nghttp2", {"codec"}),
    "llhttp.h": ("llhttp", {"codec"}),
    "yaml-cpp": ("yaml-cpp", {"config"}),
    "spdlog": ("spdlog", {"base"}),
    "fmt": ("fmt", {"base"}),
    "systemd": ("libsystemd", {"os"}),
    "CLI": ("CLI11", {"cli"}),
    "re2": ("RE2", {"route"}),
    "prometheus": ("prometheus-cpp", {"observe"}),
    "nlohmann": ("nlohmann-json", {"config", "daemon", "cli"}),
}

# The C library and the kernel; C++ headers have no dot in their name.
SYSTEM_FOLDERS = {"sys", "net", "netinet", "arpa", "linux"}
SYSTEM_HEADERS = {
    "dirent.h", "dlfcn.h", "errno.h", "fcntl.h", "fnmatch.h", "getopt.h", "glob.h", "grp.h", "ifaddrs.h", "limits.h",
    "malloc.h", "netdb.h", "poll.h", "pthread.h", "pwd.h", "sched.h", "signal.h", "spawn.h", "stdio.h", "stdlib.h",
    "string.h", "strings.h", "syslog.h", "termios.h", "time.h", "unistd.h", "endian.h", "byteswap.h", "cxxabi.h",
    "execinfo.h", "emmintrin.h", "immintrin.h", "nmmintrin.h", "x86intrin.h",
}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(<|")([^">]+)[">]', re.MULTILINE)


def library_problem(header, folder):
    """Why `folder` may not include <header>, or None."""
    first = header.split("/")[0]
    library = LIBRARIES.get(first)
    if library is not None:
        name, homes = library
        if folder in homes:
            return None
        return f"{name} is at home in {', '.join(sorted(homes))}; call what that folder offers"
    if "." not in header or first in SYSTEM_FOLDERS or header in SYSTEM_HEADERS:
        return None
    return f"<{header}> has no home yet; give its library one in scripts/checks/includes.py"


def project_problem(header, folder, is_test):
    """Why `folder` may not include "header", or None."""
    first = header.split("/")[0]
    if is_test and first == "support":
        return None
    if "/" not in header or first not in FLOORS:
        return f'"{header}": name project headers by their path from src/, for example "base/error.h"'
    if folder is None or first == folder or FLOORS[first] < FLOORS[folder]:
        return None
    return (f"{folder} (floor {FLOORS[folder]}) includes {first} (floor {FLOORS[first]}): "
            "a folder includes itself and lower floors only")


def check(root):
    """All problems of the includes below `root`, one line each."""
    problems = []
    for path in cpp_files(root, "src", "tests"):
        parts = path.parts
        is_test = parts[0] == "tests"
        # Shared fakes and fuzz targets may use any folder of src/.
        folder = parts[1] if not is_test else parts[2] if parts[1] == "unit" and len(parts) > 3 else None
        if folder is not None and folder not in FLOORS:
            problems.append(f"{path}:1: folder {folder} has no floor; give it one in scripts/checks/includes.py")
            continue
        text = read_text(root, path)
        seen = set()
        for found in INCLUDE.finditer(text):
            line = text.count("\n", 0, found.start(1)) + 1
            problem = None
            if found.group(1) == '"':
                problem = project_problem(found.group(2), folder, is_test)
            elif not is_test:
                problem = library_problem(found.group(2), folder)
            if problem is None and found.group(2) in seen:
                problem = f"{found.group(2)} is included twice"
            seen.add(found.group(2))
            if problem is not None:
                problems.append(f"{path}:{line}: {problem}")
    return problems


if __name__ == "__main__":
    main(check)
