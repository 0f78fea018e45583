"""A file that a process may have open is replaced, not changed, and is never missing in between."""

import ctypes
import os
import struct
import subprocess

import pytest
from conftest import ROOT

# inotify(7), for which Python has no module.
MODIFY, MOVED_TO, CREATE, DELETE = 0x2, 0x80, 0x100, 0x200
LIBC = ctypes.CDLL(None, use_errno=True)


class Watch:
    """What happens to the entries of folders from now on."""

    def __init__(self, folders):
        self.descriptor = LIBC.inotify_init1(os.O_NONBLOCK)
        self.folders = {}
        for folder in folders:
            path, mask = os.fsencode(folder), MODIFY | MOVED_TO | CREATE | DELETE
            watch = LIBC.inotify_add_watch(self.descriptor, path, mask)
            assert watch >= 0, os.strerror(ctypes.get_errno())
            self.folders[watch] = folder

    def events(self):
        """Path -> what happened to it."""
        found = {}
        try:
            while data := os.read(self.descriptor, 65536):
                while data:
                    watch, mask, _, length = struct.unpack("iIII", data[:16])
                    path = self.folders[watch] / os.fsdecode(data[16 : 16 + length].rstrip(b"\0"))
                    found.setdefault(path, []).append(mask)
                    data = data[16 + length :]
        except BlockingIOError:
            os.close(self.descriptor)
        return found


def files(*folders):
    paths = [path for folder in folders for path in folder.rglob("*")]
    return [path for path in paths if path.is_file() and not path.is_symlink()]


def test_what_is_installed_twice_is_never_missing_and_never_changes(checkout, tmp_path):
    """Every file that make installs, and those that it makes on the way there."""
    root = tmp_path / "root"
    checkout.make("plugins", "install", f"DESTDIR={root}")
    built = [checkout.folder / "target" / name for name in ("lua", "capi", "cli")]
    # No process loads the others.
    built = [path for path in files(*built) if path.suffix in (".so", ".0", ".a", "")]
    built = [path for path in built if path.name not in ("native-static-libs", "_xtoken")]
    before = files(root) + built + [checkout.folder / "lua/xtoken.so"]
    assert len(before) > 50
    opened = {path: path.open("rb") for path in before}
    contents = {path: path.read_bytes() for path in before}

    checkout.write_source("two")
    watch = Watch({path.parent for path in before})
    checkout.make("plugins", "install", f"DESTDIR={root}")

    events = watch.events()
    assert {path: events.get(path) for path in before} == {path: [MOVED_TO] for path in before}
    for path, file in opened.items():
        assert file.read() == contents[path], path
        file.close()
    changed = {path.name for path in before if path.read_bytes() != contents[path]}
    c = {"compiled.a", "libxtoken.a", "libxtoken.so.0", "libxtoken.so.7.8.9"}
    assert changed == {"xtoken.so", "xtoken", *c}
    assert not [path for path in files(root) if path.name.startswith(".")], "nothing is left over"


def place(*arguments):
    return subprocess.run([ROOT / "scripts/place", *arguments], stderr=subprocess.PIPE, text=True)


def test_the_folder_is_made_and_the_mode_is_the_one_asked_for(tmp_path):
    (tmp_path / "one").write_text("1")
    (tmp_path / "two").write_text("2")
    os.chmod(tmp_path / "one", 0o600)
    assert place("644", tmp_path / "one", tmp_path / "two", f"{tmp_path}/a/b/").returncode == 0
    assert place("755", tmp_path / "one", tmp_path / "c/three").returncode == 0
    placed = [tmp_path / name for name in ("a/b/one", "a/b/two", "c/three")]
    assert [path.read_text() for path in placed] == ["1", "2", "1"]
    assert [path.stat().st_mode & 0o777 for path in placed] == [0o644, 0o644, 0o755]


@pytest.mark.parametrize("target", ["there", "folder"])
def test_what_cannot_be_placed_leaves_everything_as_it_was(tmp_path, target):
    (tmp_path / "there").write_text("old")
    (tmp_path / "folder").mkdir()
    source = tmp_path / "missing"
    if target == "folder":
        source = tmp_path / "there"
    failed = place("644", source, tmp_path / target)
    assert failed.returncode != 0 and failed.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "there"]
    assert (tmp_path / "there").read_text() == "old"
