from project import registry
from tests.conftest import run_sentiment


def addon(root, name: str, content: str) -> None:
    folder = root / "addons" / name
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(content)


def test_a_tree_without_rooms_registers_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "ROOT", tmp_path)
    assert registry.registered("COMMANDS") == {}


def test_what_a_room_brings_is_found_by_looking(tmp_path, monkeypatch):
    root = tmp_path / "house"
    addon(root, "first", 'COMMANDS = {"hello": "house.addons.first.command:hello"}')
    addon(root, "second", 'NETWORKS = {"Forest": "house.addons.second.trees:Forest"}')
    (root / "addons" / "notes").mkdir()  # no package
    monkeypatch.setattr(registry, "ROOT", root)
    monkeypatch.syspath_prepend(tmp_path)
    assert registry.registered("COMMANDS") == {"hello": "house.addons.first.command:hello"}
    assert registry.registered("NETWORKS") == {"Forest": "house.addons.second.trees:Forest"}


def test_a_place_is_imported_on_use():
    assert registry.load("project.registry:load") is registry.load


def test_nothing_runs_without_the_default_configuration(tmp_path, monkeypatch, capsys):
    missing = tmp_path / "configs" / "default.yaml"
    monkeypatch.setattr(registry, "DEFAULT_CONFIG", missing)
    assert run_sentiment("fit") == 2
    assert capsys.readouterr().err == (
        f"error: {missing} is missing, without which another job would run: restore it\n"
    )
