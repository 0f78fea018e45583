"""make install puts every plugin in place, and make uninstall leaves nothing of it."""

LIBRARIES = ["xtoken/keys.lib.lua", "xtoken/prosodyctl/mint.lib.lua"]


def files(folder):
    paths = folder.rglob("*")
    return {str(path.relative_to(folder)) for path in paths if not path.is_dir()}


def test_plugins_are_installed_with_their_folders(checkout, tmp_path):
    for name in LIBRARIES:
        checkout.write(f"lua/{name}", "return {};\n")
    checkout.make("install-plugins", f"PROSODYDIR={tmp_path}/plugins")
    assert files(tmp_path / "plugins") == files(checkout.folder / "lua")


def test_uninstalling_leaves_what_others_put_there(checkout, tmp_path):
    root = tmp_path / "root"
    where = [f"DESTDIR={root}", "PREFIX=/usr"]
    for name in LIBRARIES:
        checkout.write(f"lua/{name}", "return {};\n")
    checkout.make("install", *where)
    assert len(files(root)) > 50
    checkout.make("uninstall", *where)
    assert not files(root)
    plugins = root / "usr/lib/prosody/modules"
    assert not list(plugins.iterdir())

    checkout.make("install-plugins", *where)
    (plugins / "xtoken/theirs.lua").write_text("")
    checkout.make("uninstall", *where)
    assert files(plugins) == {"xtoken/theirs.lua"}
    checkout.make("uninstall", *where)


def test_uninstalling_removes_what_earlier_versions_installed(checkout, tmp_path):
    plugins = tmp_path / "plugins"
    (plugins / "xtoken").mkdir(parents=True)
    former = ["token_watch.lib.lua", "token_check_host.lib.lua", "xtoken/mint.lib.lua"]
    for name in [*former, "token_theirs.lib.lua"]:
        (plugins / name).write_text("")
    checkout.make("uninstall-plugins", f"PROSODYDIR={plugins}")
    assert [path.name for path in plugins.iterdir()] == ["token_theirs.lib.lua"]
